"""What httpcore tells of one send, and what keeps it there from losing a connection of its pool.

Its `trace` extension is public, and so are the streams that it shows. Version 1.0.9 forgets a connection, whose slot
is then lost for good, in the ways that `_guard` names and in two more:

- TLS fails inside a proxy's tunnel. So there a handshake that fails is taken for one that succeeded and gave a stream
  whose first write raises the failure: from then on httpcore cleans up.
- A send is cancelled while a SOCKS proxy is asked. So it counts as still waiting until that is over. And since
  httpcore sets those questions no limit, the limit for connecting becomes the stream's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import httpx

from .guard import Guard, close, leave_if_cancelled


class Outgoing(Protocol):
    """A request on its way, which takes down what is told of it."""

    begun: bool

    def mark_told(self) -> None:
        """Httpcore is at work."""

    def mark_begun(self) -> None:
        """It has a connection."""

    def mark_sent(self) -> None:
        """It is about to leave."""


class Trace:
    """Hears of each step of one request."""

    def __init__(self, request: httpx.Request, outgoing: Outgoing, guard: Guard) -> None:
        """Make a trace of a request that nobody but us has touched yet."""
        self._body = request.stream
        self._extensions = request.extensions
        self._outgoing = outgoing
        self._guard = guard
        self._stream: Any = None
        self._broken = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear of a step such as `connection.connect_tcp.started`."""
        self._guard.traces = self._guard.traces is not False
        self._outgoing.mark_told()
        part, _, step = event.partition(".")
        if part == "connection":
            await self._connecting(step, info)
        elif part == "proxy":
            if step == "start_tls.started" and self._stream is not None:
                self._override(start_tls=partial(self._start_tls, self._stream.start_tls))
        elif part == "socks":
            await self._asking_socks(step, info)
        else:
            await self._sending(step, info)

    async def _connecting(self, step: str, info: Mapping[str, Any]) -> None:
        self._outgoing.mark_begun()
        if step.endswith(".complete"):
            self._stream = info["return_value"]
            await leave_if_cancelled(self._stream)
        elif step.endswith(".failed"):
            await close(self._stream)  # httpcore leaves it open where a handshake is cancelled

    async def _asking_socks(self, step: str, info: Mapping[str, Any]) -> None:
        if step.endswith(".complete"):
            self._stream = info["return_value"]
        elif step == "setup_socks5_connection.started":
            limit = self._extensions.get("timeout", {}).get("connect")
            self._override(
                read=partial(self._stream.read, timeout=limit), write=partial(self._stream.write, timeout=limit)
            )
        elif step.endswith(".failed"):
            await close(self._stream)  # httpcore leaves it open
            error = info["exception"]
            if isinstance(error, Exception) and not type(error).__module__.startswith("httpcore"):
                raise httpx.ProxyError("it does not speak SOCKS 5") from error

    async def _sending(self, step: str, info: Mapping[str, Any]) -> None:
        if step == "receive_response_headers.complete":
            # Of the request for a tunnel: other ones are not traced any more. Cancelled while it makes TLS inside the
            # tunnel, which comes next, httpcore would forget the connection: so it is as if still waiting for one.
            await leave_if_cancelled(None)
            self._outgoing.begun = False
            return
        self._outgoing.mark_begun()
        sending = info.get("request")
        if sending is not None and sending.method != b"CONNECT":
            if sending.stream is not self._body and not self._broken:  # a hook's or a wrapper's, which tells nothing
                self._outgoing.mark_sent()
            self._extensions.pop("trace", None)  # nothing more to learn: ten calls less for each request

    async def _start_tls(self, start_tls: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        try:
            return await start_tls(*given)
        except Exception as error:  # noqa: BLE001 - raised by the first write
            self._broken = True
            return _BrokenStream(self._stream, error)

    def _override(self, **methods: Callable[..., Awaitable[Any]]) -> None:
        for name, method in methods.items():
            with contextlib.suppress(AttributeError):  # another network backend's stream, which may not allow it
                setattr(self._stream, name, method)


class _BrokenStream:
    """As much of a stream as httpcore uses of one whose first write fails."""

    def __init__(self, below: Any, error: Exception) -> None:
        self._below = below
        self._error = error

    async def write(self, _: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - as httpcore calls it
        """Fail."""
        raise self._error

    async def aclose(self) -> None:
        """Close what TLS was to be made over."""
        await self._below.aclose()

    def get_extra_info(self, _: str) -> None:
        """Nothing."""
