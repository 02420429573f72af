"""One connection: a socket that carries one exchange at a time.

Between exchanges any byte and any end of file closes the connection. `close` takes effect before it returns.
"""

import asyncio
import math
import select
import sys
from collections.abc import Callable
from typing import cast

import httpx

from .alerts import refuses_certificate
from .response import Response


class Connection(asyncio.Protocol):
    """A connection to the server, or to a proxy on the way there.

    Attributes:
        response: of the exchange under way; `None` between exchanges.
        sending: whether the request has not been written whole yet.
        reused: whether it has carried an exchange before.
        silent: whether it was closed because the server sent nothing on an exchange after the first.
        taken: when it was last taken from the idle ones.
        lost: done when the socket is closed.
    """

    def __init__(self, max_framing: int, max_body: int) -> None:
        self.response: Response | None = None
        self.closed = self.sending = self.write_paused = self.reused = self.silent = False
        self.idle_since = self.taken = 0.0
        self.expires = math.inf
        self.on_close: Callable[[Connection], None] | None = None
        self._limits = max_framing, max_body
        self._loop = asyncio.get_running_loop()
        self.lost = self._loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline, self._patience = math.inf, 0.0
        self._timeout_error: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._error: httpx.HTTPError | None = None

    def begin(self, *, bodyless: bool = False) -> Response:
        """Start an exchange."""
        if self.closed:
            raise httpx.ConnectError("the connection was closed before it was used")
        self.sending = True
        self.response = response = Response(*self._limits, bodyless=bodyless)
        response.reused = self.reused
        return response

    def end(self) -> bool:
        """End the exchange; return whether the connection can carry another."""
        response, self.response = self.response, None
        if response is None:
            return False
        response.release()
        self.reused = True
        return response.complete and response.keep_alive and not self.sending and not self.closed

    def close(self, error: httpx.HTTPError | None = None) -> None:
        """Close at once; further calls do nothing."""
        if self.closed:
            return
        self.closed = True
        self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.transport is not None:
            self.transport.abort()
        self._wake()
        if self.on_close is not None:
            self.on_close(self)

    def stirs(self) -> bool:
        """Return whether the socket has something to read, such as its end, that the loop has not come to yet."""
        if sys.platform == "win32":
            return bool(select.select([self._fd], [], [], 0)[0])
        return bool(self._poll.poll(0))

    # ---- writing

    def write(self, data: bytes) -> None:
        """Write, unless the connection is closed."""
        if self.transport is not None and not self.closed:
            self.transport.write(data)

    @property
    def wants_more(self) -> bool:
        """Whether sending more of the request still has a point: the server neither left nor refused it."""
        return not self.closed and self.response is not None and self.response.status < 300

    async def drain(self, timeout: float | None) -> None:
        """Wait until more may be written, or sending has lost its point."""
        while self.write_paused and self.wants_more:
            await self._wait(timeout, httpx.WriteTimeout)

    async def notice(self) -> None:
        """Let the loop read what is already there: a write might meet a reset, which discards it."""
        while self.wants_more and self.stirs():  # noqa: ASYNC110 - nothing tells when it was read
            await asyncio.sleep(0)

    # ---- waiting

    async def answered(self, timeout: float | None) -> None:
        """Wait for the whole response; `timeout` bounds each wait for more of it."""
        while self.response is not None and not self.response.complete:
            await self._wait(timeout, httpx.ReadTimeout)

    async def _wait(self, timeout: float | None, error: type[httpx.TimeoutException]) -> None:
        if self.closed:  # the error is handed out once: kept here, it would keep the frames of its traceback alive
            reason, self._error = self._error, None
            raise reason or httpx.ReadError("the connection was closed")
        self._waiter = self._loop.create_future()
        self._timeout_error = error
        if timeout is not None:
            self._patience = timeout
            self._arm(self._loop.time() + timeout)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = math.inf

    def _arm(self, deadline: float) -> None:
        """Set the deadline; the timer outlives the wait, so that most waits need none of their own."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._loop.time() >= self._deadline:
            self.silent = self.reused and self.response is not None and not self.response.begun
            self.close(self._timeout_error(f"no progress for {self._patience} s"))
        elif self._deadline < math.inf:
            self._arm(self._deadline)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ---- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self.closed:  # inside a tunnel, data or the end may come first
            self.transport.abort()
        self._fd = transport.get_extra_info("socket").fileno()
        if sys.platform != "win32":  # where `select` takes any number
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.eof_received()
        else:
            self.close(self._lost_by(exc))
        self.lost.set_result(None)

    def _lost_by(self, exc: Exception) -> httpx.HTTPError:
        kind: type[httpx.HTTPError] = httpx.WriteError if self.sending else httpx.ReadError
        if not self.reused and refuses_certificate(exc):
            kind = httpx.ConnectError  # the handshake failed on the server's side, before it read any request
        error = kind(str(exc) or type(exc).__name__)
        error.__cause__ = exc
        return error

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        self._wake()

    def eof_received(self) -> None:
        response = self.response
        error = None
        if response is not None and not self.closed and not response.complete:
            if response.ends_with_connection:
                response.complete = True
            else:
                how = "in the middle of its response" if response.begun else "without sending a response."
                error = httpx.RemoteProtocolError(f"Server disconnected {how}")
        self.close(error)

    def data_received(self, data: bytes) -> None:
        response = self.response
        if self.closed or response is None or response.complete:
            self.close()
            return
        response.feed(data)
        if self.sending:  # what comes before the request is whole may be an answer to something else
            response.keep_alive = False
        if response.fault:
            self.close(httpx.RemoteProtocolError(response.fault))
        elif response.complete or response.status >= 300:
            self._wake()
        if self._deadline < math.inf and self._timeout_error is httpx.ReadTimeout:
            self._deadline = self._loop.time() + self._patience
