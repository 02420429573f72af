"""`httpx.Request` in, `httpx.Response` out.

Beside httpx's `timeout`, a request's extensions may hold a callable `sent`, called without arguments just before the
first byte is written: until then any failure or cancellation means that the server saw nothing of the request. A
response's extensions hold its `body` where that came with the head: httpx takes long to read a stream.

Unlike httpx's own transport: answers are decoded here (httpx inflates without limit) and then lack `Content-Encoding`
and `-Length`; codings other than gzip and deflate are refused; the first part of a streamed body is read before a
connection is taken, so that a failing source costs nothing; an answer that refuses the request ends its sending; the
server's own words for a status are dropped, since httpx logs them and they may repeat what the request held.
"""

import math
import re
import ssl
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from typing import NamedTuple, cast

import httpx

from .connection import Connection
from .pool import Origin, Pool

_PIECE = 256 * 1024
_PORTS = {"http": 80, "https": 443}
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(_TOKEN + rb" [!-~\x80-\xff]+ HTTP/1\.1\r\n(?:" + _TOKEN + rb": [\t -~\x80-\xff]*\r\n)*\r\n")


class Http11Transport(httpx.AsyncBaseTransport):
    """A connection pool over HTTP/1.1, for any number of origins and one event loop.

    `ssl_context` may be a callable, asked at each TLS connect. `max_keepalive=None` keeps every idle connection,
    `keepalive_expiry=None` (seconds) keeps them for ever. An answer whose head and framing exceed `max_header_bytes`,
    or whose body exceeds `max_body_bytes` as sent or as decoded, is refused. `clock` dates idle connections.
    Raises httpx's own errors; closed, or used on another event loop, `RuntimeError`.
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
        max_idle = max_connections if max_keepalive is None else max_keepalive
        expiry = math.inf if keepalive_expiry is None else keepalive_expiry
        self._pool = Pool(ssl_context, max_connections, max_idle, expiry, (max_header_bytes, max_body_bytes), clock)

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
        out = _encode(request)
        parts: AsyncIterator[bytes] | None = None
        try:
            if isinstance(request.stream, httpx.ByteStream):
                first = b"".join(request.stream)
            else:
                parts = aiter(cast("httpx.AsyncByteStream", request.stream))
                first = await anext(parts, b"")
            connection = self._pool.take(out.origin) or await self._pool.acquire(out.origin, out.timeout)
            try:
                connection.begin(out.sent, bodyless=out.bodyless)
                await _send(connection, out, first, parts)
                await connection.head(out.timeout.get("read"))
                return self._answer(connection, out)
            except BaseException:
                connection.close()  # and with it the slot is given on, in this very step
                raise
        except BaseException:
            await _end(parts)
            raise

    def _answer(self, connection: Connection, out: "_Outgoing") -> httpx.Response:
        status, headers, decoder = connection.status, connection.headers, None
        connection.keep_alive &= not out.close
        extensions = {"http_version": connection.version}
        coding = b", ".join([value for name, value in headers if name.lower() == b"content-encoding"]).strip().lower()
        if coding not in (b"", b"identity") and not out.bodyless:
            decoder = _Decoder(coding, self._pool.limits[1])
            headers = [item for item in headers if item[0].lower() not in (b"content-encoding", b"content-length")]
        if not connection.complete:
            stream = _Body(connection, self._pool, decoder, out.timeout.get("read"))
            return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)
        body = connection.take()
        if decoder is not None:
            body = b"".join(decoder.decode(body))
            decoder.finish()
        extensions["body"] = body
        response = httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), extensions=extensions)
        self._pool.release(connection)
        return response


class _Body(httpx.AsyncByteStream):
    """A body still under way; its connection goes back when all of it was read, and is closed otherwise."""

    def __init__(self, connection: Connection, pool: Pool, decoder: "_Decoder | None", timeout: float | None) -> None:
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
            self._connection = None
            self._pool.release(connection)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Decoder:
    """Inflates one gzip or deflate body, piece by piece; every fault is an `httpx.DecodingError`."""

    def __init__(self, coding: bytes, limit: int) -> None:
        if coding not in (b"gzip", b"x-gzip", b"deflate"):
            raise httpx.DecodingError(f"cannot decode Content-Encoding {coding.decode('latin-1')!r}")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._start: bytes | None = b"" if coding == b"deflate" else None
        self._left = limit
        self._fed = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._fed = self._fed or bool(data)
        if self._start is not None:  # two bytes tell the zlib format from the bare stream many servers send
            data = self._start + data
            self._start = data if len(data) < 2 else None
            if self._start is not None:
                return
            if data[0] & 15 != 8 or int.from_bytes(data[:2]) % 31:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        piece = bytes(_PIECE)
        while data or len(piece) == _PIECE:
            try:
                piece = self._inflate.decompress(data, _PIECE)
            except zlib.error as exc:
                raise httpx.DecodingError(str(exc)) from exc
            self._left -= len(piece)
            if self._left < 0:
                raise httpx.DecodingError("the answer inflates to more than the limit")
            if self._inflate.unused_data:
                raise httpx.DecodingError("there are bytes after the compressed body")
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Says that the body ended here; an empty one is whole."""
        if self._fed and not self._inflate.eof:
            raise httpx.DecodingError("the compressed body ends too early")


class _Outgoing(NamedTuple):
    """A request: the head as sent, and what it says of the rest; a body in chunks may be of any length."""

    origin: Origin
    head: bytes
    length: float
    close: bool
    bodyless: bool
    timeout: Mapping[str, float | None]
    sent: Callable[[], None] | None


async def _send(connection: Connection, out: _Outgoing, part: bytes | None, parts: AsyncIterator[bytes] | None) -> None:
    data, left = out.head, out.length
    while part is not None and not connection.closed and connection.status < 300:
        left -= len(part)
        if left < 0 or (parts is None and 0 < left < math.inf):
            raise httpx.LocalProtocolError(f"Too {'much' if left < 0 else 'little'} data for declared Content-Length")
        connection.write(data + (b"%x\r\n%b\r\n" % (len(part), part) if part and left == math.inf else part))
        data = b""
        await connection.drain(out.timeout.get("write"))
        part = None if parts is None else await anext(parts, None)
        if part is not None:
            await connection.notice()  # or a write may meet a reset, which discards an answer that is here already
    if part is not None:
        await _end(parts)  # the server left or refused; the reading side tells
        if 200 <= connection.status < 300:
            raise httpx.WriteError("the server answered and left before it had the whole request")
        return
    if 0 < left < math.inf:
        raise httpx.LocalProtocolError("Too little data for declared Content-Length")
    if left == math.inf:
        connection.write(b"0\r\n\r\n")
    connection.sending = connection.write_paused


async def _end(parts: AsyncIterator[bytes] | None) -> None:
    if isinstance(parts, AsyncGenerator):
        await parts.aclose()


def _encode(request: httpx.Request) -> _Outgoing:
    """Refuses a head that a server could read in two ways."""
    url, raw, scheme = request.url, request.headers.raw, request.url.scheme
    if scheme not in _PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol("the URL is not an absolute http:// or https:// one")
    head = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), url.raw_path)
    head += b"".join([b"%b: %b\r\n" % field for field in raw]) + b"\r\n"
    names = [name.lower() for name, _ in raw]
    fields = dict(zip(names, [value for _, value in raw], strict=True))
    if _HEAD.fullmatch(head) is None or head.count(b"\n") != len(raw) + 2 or b"host" not in fields:
        raise httpx.LocalProtocolError("a header is malformed, or Host is missing")
    coding, declared = fields.get(b"transfer-encoding", b"chunked").lower(), fields.get(b"content-length", b"0")
    length = math.inf if b"transfer-encoding" in fields else int(declared) if declared.isdigit() else math.nan
    framings = names.count(b"transfer-encoding") + names.count(b"content-length")
    if framings > 1 or names.count(b"host") > 1 or coding != b"chunked" or math.isnan(length):
        raise httpx.LocalProtocolError("the length of the body, or Host, is declared wrongly or twice")
    origin = (scheme, url.raw_host.decode("ascii"), url.port or _PORTS[scheme])
    close = b"close" in fields.get(b"connection", b"").lower()
    timeout: Mapping[str, float | None] = request.extensions.get("timeout") or {}
    return _Outgoing(origin, head, length, close, request.method == "HEAD", timeout, request.extensions.get("sent"))
