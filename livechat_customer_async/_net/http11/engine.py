"""POST requests to one server over a pool of HTTP/1.1 connections.

Raises httpx's own errors. The first part of a streamed body is read before a connection is taken, so that a failing
source costs nothing; a response that refuses the request ends its sending. The server's own words for a status are
dropped: they may repeat what the request held.
"""

import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TypeAlias

import httpx

from .connection import Connection
from .decoding import decode
from .pool import Pool
from .response import Response
from .tunnel import Route

Timeout: TypeAlias = Mapping[str, float | None]
_URL_PART = re.compile(rb"[!-~\x80-\xff]+")
_MAX_URLS = 256


class Engine:
    """Sends requests over one route; for one event loop.

    Args:
        route: to the server.
        max_keepalive: idle connections to keep at most.
        keepalive_expiry: seconds after which an idle connection is closed.
        max_header_bytes: limit for the head and the framing of a response.
        max_body_bytes: limit for the body of a response, as sent and as decoded.
        clock: dates idle connections.
    """

    def __init__(
        self,
        route: Route,
        *,
        max_keepalive: int,
        keepalive_expiry: float = 30.0,
        max_header_bytes: int = 64 * 1024,
        max_body_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.route = route
        self._max_body = max_body_bytes
        limits = max_header_bytes, max_body_bytes
        self._pool = Pool(route, max_idle=max_keepalive, expiry=keepalive_expiry, limits=limits, clock=clock)
        self._starts: dict[httpx.URL, bytes] = {}

    @property
    def connections(self) -> int:
        """How many connections are open, idle ones included."""
        return len(self._pool.connections)

    async def aclose(self) -> None:
        """Close every connection at once; calls under way end with an error."""
        await self._pool.aclose()

    async def post(
        self, url: httpx.URL, fields: bytes, body: bytes, timeout: Timeout, sending: Callable[[], None]
    ) -> Response:
        """Send a request and wait for the whole response.

        Args:
            url: on the server of the route.
            fields: what `encode` returned.
            body: the content.
            timeout: seconds for "connect", "write" and "read"; `None` for no limit.
            sending: called right before the first byte is written.
        """
        data = b"%b%bContent-Length: %d\r\n\r\n%b" % (self._start(url), fields, len(body), body)
        connection = self._pool.take() or await self._pool.open(timeout["connect"])
        try:
            response = connection.begin()
            sending()
            connection.write(data)
            if connection.write_paused:
                await connection.drain(timeout["write"])
            connection.sending = connection.write_paused
            await connection.answered(timeout["read"])
        finally:
            self._pool.release(connection)
        return response

    async def upload(
        self,
        url: httpx.URL,
        fields: bytes,
        parts: AsyncGenerator[bytes, None],
        length: int | None,
        timeout: Timeout,
        sending: Callable[[], None],
    ) -> Response:
        """Do the same with a streamed body; it is sent in chunks where its length is `None`."""
        async with aclosing(parts):
            first = await anext(parts, b"")
            connection = self._pool.take() or await self._pool.open(timeout["connect"])
            try:
                response = connection.begin()
                framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
                sending()
                connection.write(b"%b%b%b\r\n\r\n" % (self._start(url), fields, framing))
                await _send(connection, first, parts, length, timeout["write"])
                await connection.answered(timeout["read"])
            finally:
                self._pool.release(connection)
        return response

    def content(self, response: Response) -> bytes:
        """Return the decoded body of a response."""
        coding = b", ".join(value for name, value in response.headers if name == b"content-encoding")
        body = response.body()
        return decode(body, coding.decode("latin-1").strip().lower(), self._max_body) if coding else body

    def _start(self, url: httpx.URL) -> bytes:
        """Return the request line and what else a URL says; checked once."""
        start = self._starts.get(url)
        if start is None:
            host, path = url.netloc, url.raw_path
            if not _URL_PART.fullmatch(host) or not _URL_PART.fullmatch(path):
                raise httpx.LocalProtocolError("invalid URL")
            forwarded = self.route.forwarded
            target = b"http://" + host + path if forwarded else path
            extra = self.route.proxy_fields if forwarded else b""
            start = b"POST %b HTTP/1.1\r\nHost: %b\r\n%b" % (target, host, extra)
            if len(self._starts) < _MAX_URLS:
                self._starts[url] = start
        return start


async def _send(
    connection: Connection,
    part: bytes | None,
    parts: AsyncGenerator[bytes, None],
    length: int | None,
    timeout: float | None,
) -> None:
    left = math.inf if length is None else length
    while part is not None and connection.wants_more:
        left -= len(part)
        if left < 0:
            raise httpx.LocalProtocolError("the body is longer than its declared length")
        if part:
            connection.write(b"%x\r\n%b\r\n" % (len(part), part) if length is None else part)
        await connection.drain(timeout)
        part = await anext(parts, None)
        if part is not None:
            await connection.notice()
    if part is not None:  # the server left or refused; the response tells which
        await parts.aclose()
        if connection.response is not None and 200 <= connection.response.status < 300:
            raise httpx.WriteError("the server answered and left before it had the whole request")
        return
    if length is None:
        connection.write(b"0\r\n\r\n")
    elif left > 0:
        raise httpx.LocalProtocolError("the body is shorter than its declared length")
    connection.sending = connection.write_paused
