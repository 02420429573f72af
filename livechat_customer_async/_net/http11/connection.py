"""One connection: a state machine around a parser that is fed as bytes arrive.

    open ──begin()──► sending, head, body ──end()──► open ──► …      close(), from anywhere ──► closed

The parser's callbacks only record; `data_received` judges once per read, so a fault anywhere in a read refuses the
answer. Ends of heads are found here too: only so is every byte after an answer noticed, also a stray line end. Between
exchanges any byte and any end of file closes the connection. `close()` gives the slot on before it returns.
"""

import asyncio
import math
import select
import sys
from collections.abc import Callable
from typing import cast

import httptools
import httpx

_HIGH_WATER = 256 * 1024
_MAX_INFORMATIONAL = 8
_HEAD_END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One socket, carrying one exchange at a time."""

    def __init__(self, origin: tuple[str, str, int], max_framing: int, max_body: int) -> None:
        self.origin = origin
        self.closed = self.write_paused = self._read_paused = False
        self.idle_since = 0.0
        self.on_close: Callable[[Connection], None] | None = None
        self._max_framing, self._max_body = max_framing, max_body
        self._loop = asyncio.get_running_loop()
        self.lost = self._loop.create_future()
        self._transport: asyncio.Transport  # from connection_made, which comes first
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline, self._patience = math.inf, 0.0
        self._timeout_error: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._error: httpx.HTTPError | None = None
        self._chunks: list[bytes] = []
        self.begin(None, bodyless=False)
        self._active = False

    def begin(self, sent: Callable[[], None] | None, *, bodyless: bool) -> None:
        """Starts an exchange. `sent` is called just before the first write; `bodyless`: no answer has a body."""
        if self.closed:
            raise httpx.ConnectError("the connection was closed before it was used")
        self.status = 0
        self.version = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_done = self.complete = self.keep_alive = self._chunked = False
        self.sending = self._active = True
        self.bodyless, self._sent = bodyless, sent
        self._left = math.inf  # of the body, where its length was declared
        self._tail, self._fault = b"", ""
        self._informational = self._buffered = self._body_size = 0
        self._framing = self._max_framing  # how many bytes that are no body may still come

    def end(self) -> bool:
        """Ends the exchange; whether the connection can carry another."""
        self._active = False
        if self.bodyless and not self.closed:  # the parser still waits for the body it believes in
            self._parser = httptools.HttpResponseParser(self)
        return self.complete and self.keep_alive and not self.sending and not self.closed

    def close(self, error: httpx.HTTPError | None = None) -> None:
        """Closes at once, without waiting; more calls do nothing."""
        if self.closed:
            return
        self.closed = True
        self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        self._wake()
        if self.on_close is not None:
            self.on_close(self)

    def stirs(self) -> bool:
        """Whether an idle connection has something to read, its end say, that the loop has not come to yet."""
        if sys.platform == "win32":
            return bool(select.select([self._fd], [], [], 0)[0])
        return bool(self._poll.poll(0))

    def write(self, data: bytes) -> None:
        if self.closed:
            return
        if self._sent is not None:
            sent, self._sent = self._sent, None
            sent()
        self._transport.write(data)

    async def drain(self, timeout: float | None) -> None:
        """Waits until more may be sent, or sending has lost its point."""
        while self.write_paused and not self.closed and self.status < 300:
            await self._wait(timeout, httpx.WriteTimeout)

    async def notice(self) -> None:
        while not self.closed and self.status < 300 and not self._read_paused and self.stirs():  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def head(self, timeout: float | None) -> None:
        while not self.head_done:
            await self._wait(timeout, httpx.ReadTimeout)

    async def read(self, timeout: float | None) -> bytes:
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait(timeout, httpx.ReadTimeout)
        return self.take()

    def take(self) -> bytes:
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._buffered = 0
        if self._read_paused:
            self._read_paused = False
            self._transport.resume_reading()
        return data

    async def _wait(self, timeout: float | None, error: type[httpx.TimeoutException]) -> None:
        if self.closed:  # the error is handed out once: kept here, it would keep its traceback's frames alive
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
        """Sets the deadline; the timer outlives the wait, so that most waits need none of their own."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._loop.time() >= self._deadline:
            self.close(self._timeout_error(f"nothing moved for {self._patience} s"))
        elif self._deadline < math.inf:
            self._arm(self._deadline)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._fd = transport.get_extra_info("socket").fileno()
        if sys.platform != "win32":  # where `select` takes any number
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._ended()
        else:
            error = httpx.WriteError if self.sending else httpx.ReadError
            self.close(error(str(exc) or type(exc).__name__))
        del self._parser  # it holds our methods: a cycle only the collector would end
        self.lost.set_result(None)

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        self._wake()

    def eof_received(self) -> None:
        self._ended()

    def _ended(self) -> None:
        if self.closed:
            return
        error = None
        if self._active and self.head_done and self._left == math.inf and not self._chunked:
            self.complete = True  # the end of the connection is the end of this body
        elif self._active and not self.complete:
            begun = self.head_done or self._framing < self._max_framing
            how = "in the middle of its answer" if begun else "without sending a response."
            error = httpx.RemoteProtocolError(f"Server disconnected {how}")
        self.close(error)

    def data_received(self, data: bytes) -> None:
        if self.closed or not self._active or self.complete:
            self.close()
            return
        self._framing -= len(data)
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self._fault = self._fault or str(exc)
        if self._framing < 0:
            self._fault = self._fault or f"more than {self._max_framing} bytes of head and framing"
        if self._fault:
            self.head_done = self.complete = False
            self._chunks.clear()
            self.close(httpx.RemoteProtocolError(self._fault))
        elif self.head_done:
            if self._buffered > _HIGH_WATER and not self.complete:
                self._read_paused = True
                self._transport.pause_reading()
            self._wake()
        elif self._deadline < math.inf and self._timeout_error is httpx.ReadTimeout:
            self._deadline = self._loop.time() + self._patience

    def _feed(self, data: bytes) -> None:
        while not self.head_done:
            if not self._tail and data[:1] not in (b"H", b""):  # the parser takes RTSP and ICE as well
                self._fault = "the answer is not HTTP"
            if not data or self._fault:
                return
            window = self._tail + data
            end = window.find(_HEAD_END)
            if end < 0:
                self._parser.feed_data(data)
                self._tail = window[-3:]
                return
            cut = end + 4 - len(self._tail)
            self._tail = b""
            self._parser.feed_data(data[:cut])
            data = data[cut:]
        if not data:
            return
        self._left -= len(data)
        if self._left >= 0:
            self._parser.feed_data(data)
        if self._left < 0 or (self._chunked and self.complete and data[-5:-4] in (b"\r", b"\n")):
            self._fault = "data after the end of the answer"
        elif self._body_size > self._max_body:
            self._fault = f"the answer's body is larger than {self._max_body} bytes"

    def on_message_begin(self) -> None:
        if self.head_done:
            self._fault = "data after the end of the answer"

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:  # trailers are dropped
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._informational += 1
            self.headers.clear()
            if status == 101 or self._informational > _MAX_INFORMATIONAL:
                self._fault = "the server switched protocols" if status == 101 else "too many informational answers"
            return
        self.status, self.head_done = status, True
        self.keep_alive = self._parser.should_keep_alive() and not self.sending
        self.version = b"HTTP/" + self._parser.get_http_version().encode()
        codings: list[bytes] = []
        for name, value in self.headers:
            key = name.lower()
            if key == b"content-length":
                self._left = int(value)  # conflicting lengths the parser has refused already
            elif key == b"transfer-encoding":
                codings.append(value.strip().lower())
        self._chunked = bool(codings)
        if status < 100 or self.version not in (b"HTTP/1.1", b"HTTP/1.0"):
            self._fault = "the answer is not HTTP/1.1"
        elif codings and (codings != [b"chunked"] or self.version != b"HTTP/1.1"):
            self._fault = "unsupported Transfer-Encoding"
        elif self.bodyless or status in (204, 304):
            self.complete, self._left = True, 0
        elif self._max_body < self._left < math.inf:
            self._fault = f"the answer's body is larger than {self._max_body} bytes"

    def on_chunk_header(self) -> None:
        self._framing += 32  # each chunk may be framed

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)
        self._framing += len(data)
        self._body_size += len(data)
        self._buffered += len(data)

    def on_message_complete(self) -> None:
        if self.head_done:
            self.complete = True
