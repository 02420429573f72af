"""What httpcore reports of one send, and how it is kept from losing a connection of its pool meanwhile.

The `trace` extension of httpcore is public, and so are the streams that it shows. Over a proxy, version 1.0.9 forgets a
connection in two more ways than `guard` names:

- TLS fails inside a tunnel. So the failure is kept back until the first request inside the tunnel is about to be sent:
  from there on httpcore cleans up.
- A send is cancelled while a SOCKS proxy is asked. So it counts as still waiting until that is over. Since httpcore
  sets no limit for those questions, the limit for connecting becomes the stream's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx

from .delivery import Witness
from .guard import Progress
from .outgoing import Outgoing


class Trace:
    """Hears of each step of one request."""

    def __init__(self, outgoing: Outgoing, progress: Progress, witness: Witness, request: httpx.Request) -> None:
        self._outgoing, self._progress, self._witness = outgoing, progress, witness
        self._extensions = request.extensions
        self._stream: Any = None
        self._failed: Exception | None = None  # TLS inside a tunnel

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear of a step such as `connection.connect_tcp.started`."""
        self._witness.heard(self._outgoing)
        part, _, step = event.partition(".")
        if part == "connection":
            await self._connecting(step, info)
        elif part == "socks":
            await self._asking_socks(step, info)
        elif part != "proxy":
            await self._sending(step, info)
        elif step == "start_tls.started" and self._stream is not None:
            self._stream.start_tls = partial(self._start_tls, self._stream.start_tls)

    async def _connecting(self, step: str, info: Mapping[str, Any]) -> None:
        self._progress.begin()
        self._progress.fresh = True
        if step.endswith(".complete"):
            self._stream = info["return_value"]
            await _raise_if_cancelled(self._stream)
        elif step.endswith(".failed"):
            await _close(self._stream)  # httpcore leaves it open where a handshake is cancelled

    async def _asking_socks(self, step: str, info: Mapping[str, Any]) -> None:
        stream = self._stream
        self._progress.fresh = True
        if step.endswith(".complete"):
            self._stream = info["return_value"]
        elif step == "setup_socks5_connection.started":
            limit = self._extensions.get("timeout", {}).get("connect")
            stream.read, stream.write = partial(stream.read, timeout=limit), partial(stream.write, timeout=limit)
        elif step.endswith(".failed"):
            await _close(stream)  # httpcore leaves it open
            error = info["exception"]
            if isinstance(error, Exception) and not type(error).__module__.startswith("httpcore"):
                raise httpx.ProxyError("the proxy does not speak SOCKS 5") from error

    async def _sending(self, step: str, info: Mapping[str, Any]) -> None:
        if step == "receive_response_headers.complete":
            # Of the request for a tunnel: other requests are not traced that far. Cancelled while it makes TLS inside
            # the tunnel, which comes next, httpcore would forget the connection: so the send counts as waiting again.
            await _raise_if_cancelled(None)
            self._progress.begun = False
            return
        self._progress.begin()
        if step == "send_request_headers.started" and self._failed is not None:
            raise self._failed
        if step == "send_request_body.started" and info["request"].method != b"CONNECT":
            self._witness.sending(self._outgoing)
            self._progress.reused = not self._progress.fresh
            self._extensions.pop("trace", None)  # nothing more to learn: ten calls less for each request

    async def _start_tls(self, start_tls: Callable[..., Awaitable[Any]], *given: Any, **options: Any) -> Any:
        try:
            return await start_tls(*given, **options)
        except Exception as error:  # noqa: BLE001 - raised later
            self._failed = error
            return self._stream


async def _raise_if_cancelled(stream: Any) -> None:
    """Raise a pending cancellation, and close a stream that httpcore does not know yet."""
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
    except BaseException:
        await _close(stream)
        raise


async def _close(stream: Any) -> None:
    if stream is not None:
        with anyio.CancelScope(shield=True):
            await stream.aclose()
