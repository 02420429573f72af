"""`httpx.Request` in, `httpx.Response` out.

Beside httpx's `timeout`, a request may carry in its extensions a callable `sent`, called without arguments just before
the first byte is written: until then any failure or cancellation means that the server saw nothing of the request.

Differences from httpx's own transport: answers are decoded here, under a limit, and then lack `Content-Encoding` and
`Content-Length`; codings other than gzip and deflate are refused; the first part of a streamed body is read before a
connection is taken, so that a failing source costs nothing; an answer that refuses the request ends its sending.
"""

import math
import re
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import NamedTuple, cast

import httpx

from ._connection import Connection
from ._decoding import Decoder
from ._pool import Origin, Pool

_PORTS = {"http": 80, "https": 443}
_ONCE = {b"host": b"host", b"content-length": b"length", b"transfer-encoding": b"length"}
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(
    _TOKEN + rb" [\x21-\x7e\x80-\xff]+ HTTP/1\.1\r\n(?:" + _TOKEN + rb": [\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
)


class Http11Transport(httpx.AsyncBaseTransport):
    """A connection pool over HTTP/1.1, for any number of origins and one event loop.

    `ssl_context` may be a callable, asked at each TLS connect. `max_keepalive=None` keeps every idle connection,
    `keepalive_expiry=None` (seconds) keeps them for ever. An answer whose head and framing exceed `max_header_bytes`,
    or whose body exceeds `max_body_bytes` as sent or as decoded, is refused. `clock` dates idle
    connections. Raises httpx's own errors; closed, or used on another event loop, `RuntimeError`.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | Callable[[], ssl.SSLContext],
        max_connections: int = 100,
        max_keepalive: int | None = None,
        keepalive_expiry: float | None = 30.0,
        max_header_bytes: int = 64 * 1024,
        max_body_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_connections < 1:
            raise ValueError("max_connections must be at least 1")
        self._max_body = max_body_bytes
        max_idle = max_connections if max_keepalive is None else max_keepalive
        limits = (max_header_bytes, max_body_bytes)
        self._pool = Pool(ssl_context, max_connections, max_idle, keepalive_expiry, limits, clock)

    @property
    def connections(self) -> int:
        """How many connections are open, idle ones included."""
        return len(self._pool.connections)

    async def aclose(self) -> None:
        """Closes every connection at once; calls under way end with an error."""
        await self._pool.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request; returns when the answer's head is there."""
        self._pool.enter()
        head = _encode_head(request)
        parts: AsyncIterator[bytes] | None = None
        try:
            if isinstance(request.stream, httpx.ByteStream):
                first = b"".join(request.stream)
            else:
                parts = aiter(cast("httpx.AsyncByteStream", request.stream))
                first = await anext(parts, b"")
            connection = await self._exchange(request, head, first, parts)
        except BaseException:
            await _end(parts)
            raise
        connection.keep_alive &= not head.close
        return self._answer(connection, _timeout(request).get("read"))

    async def _exchange(
        self, request: httpx.Request, head: "_Head", first: bytes, parts: AsyncIterator[bytes] | None
    ) -> Connection:
        """Up to the answer's head; whatever interrupts it closes the connection in the same step."""
        timeout = _timeout(request)
        connection = self._pool.take(head.origin) or await self._pool.acquire(head.origin, timeout)
        try:
            connection.begin(request.extensions.get("sent"), bodyless=request.method == "HEAD")
            await _send(connection, head, first, parts, timeout.get("write"))
            await connection.head(timeout.get("read"))
        except BaseException:
            connection.close()
            raise
        return connection

    def _answer(self, connection: Connection, read_timeout: float | None) -> httpx.Response:
        status, headers, decoder = connection.status, connection.headers, None
        coding = b", ".join([value for name, value in headers if name.lower() == b"content-encoding"]).strip().lower()
        if coding not in (b"", b"identity") and not connection.bodyless:
            try:
                decoder = Decoder(coding, self._max_body)
            except httpx.DecodingError:
                connection.close()
                raise
            gone = (b"content-encoding", b"content-length")
            headers = [(name, value) for name, value in headers if name.lower() not in gone]
        stream: httpx.AsyncByteStream
        extensions = {"http_version": connection.version, "reason_phrase": connection.reason}
        if connection.complete:
            body = connection.take()
            self._pool.release(connection)
            if decoder is not None:
                body = b"".join(decoder.decode(body))
                decoder.finish()
            stream = httpx.ByteStream(body)
        else:
            stream = _Body(connection, self._pool, decoder, read_timeout)
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)


class _Body(httpx.AsyncByteStream):
    """A body still under way; its connection goes back when all of it was read, and is closed otherwise."""

    def __init__(self, connection: Connection, pool: Pool, decoder: Decoder | None, timeout: float | None) -> None:
        self._connection: Connection | None = connection
        self._pool, self._decoder, self._timeout = pool, decoder, timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        connection, decoder = self._connection, self._decoder
        if connection is None:
            raise httpx.StreamConsumed
        try:
            while data := await connection.read(self._timeout):
                for piece in (data,) if decoder is None else decoder.decode(data):
                    yield piece
            if decoder is not None:
                decoder.finish()
        except BaseException:
            await self.aclose()
            raise
        self._connection = None
        self._pool.release(connection)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Head(NamedTuple):
    """A request's head as sent, and what it says of the body; one in chunks may be of any length."""

    origin: Origin
    data: bytes
    length: float
    close: bool


async def _send(
    connection: Connection, head: _Head, part: bytes | None, parts: AsyncIterator[bytes] | None, timeout: float | None
) -> None:
    data, left = head.data, head.length
    while part is not None and not (connection.closed or connection.refused):
        left -= len(part)
        if left < 0 or (parts is None and 0 < left < math.inf):
            raise httpx.LocalProtocolError(f"Too {'much' if left < 0 else 'little'} data for declared Content-Length")
        connection.write(data + (b"%x\r\n%b\r\n" % (len(part), part) if part and left == math.inf else part))
        data = b""
        await connection.drain(timeout)
        part = None if parts is None else await anext(parts, None)
    if part is not None:
        await _end(parts)  # the reading side tells what the server said or did
        return
    if 0 < left < math.inf:
        raise httpx.LocalProtocolError("Too little data for declared Content-Length")
    if left == math.inf:
        connection.write(b"0\r\n\r\n")
    connection.sending = connection.write_paused


async def _end(parts: AsyncIterator[bytes] | None) -> None:
    if isinstance(parts, AsyncGenerator):
        await parts.aclose()


def _timeout(request: httpx.Request) -> Mapping[str, float | None]:
    return request.extensions.get("timeout") or {}


def _encode_head(request: httpx.Request) -> _Head:
    """Refuses a head that a server could read in two ways."""
    url, raw = request.url, request.headers.raw
    if url.scheme not in _PORTS or not url.host:
        raise httpx.UnsupportedProtocol("the URL is not an absolute http:// or https:// one")
    origin = (url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
    parts = [request.method.encode(), b" ", url.raw_path, b" HTTP/1.1\r\n"]
    length = 0.0
    close = False
    seen: list[bytes] = []
    for name, value in raw:
        parts += (name, b": ", value, b"\r\n")
        key = name.lower()
        if key == b"connection":
            close = b"close" in value.lower()
        elif key in _ONCE:
            seen.append(_ONCE[key])
            if key == b"transfer-encoding":
                length = math.inf if value.lower() == b"chunked" else math.nan
            elif key == b"content-length":
                length = int(value) if value.isdigit() else math.nan
    data = b"".join((*parts, b"\r\n"))
    if _HEAD.fullmatch(data) is None or data.count(b"\n") != len(raw) + 2 or b"host" not in seen:
        raise httpx.LocalProtocolError("a header is malformed, or Host is missing")
    if len(set(seen)) < len(seen) or math.isnan(length):
        raise httpx.LocalProtocolError("the length of the body, or Host, is declared wrongly or twice")
    return _Head(origin, data, length, close)
