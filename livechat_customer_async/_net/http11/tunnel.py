"""The way to the server: directly, through a forwarding proxy, or through a tunnel that a proxy makes on `CONNECT`."""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import httpx

from .connection import Connection
from .dial import dial

Tls: TypeAlias = Callable[[], ssl.SSLContext]
_LONGEST_HEAD = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-9]\d\d)[ \r]")


@dataclass(frozen=True)
class Hop:
    """A server or a proxy; with `tls`, the context is asked for at each connect."""

    host: str
    port: int
    tls: Tls | None

    @property
    def authority(self) -> bytes:
        """Host and port, as in a URL."""
        return (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}").encode("ascii")


@dataclass(frozen=True)
class Route:
    """How to reach the server.

    Attributes:
        proxy_fields: encoded header fields for the proxy, such as `Proxy-Authorization`.
    """

    server: Hop
    proxy: Hop | None = None
    proxy_fields: bytes = field(default=b"", repr=False)

    @property
    def forwarded(self) -> bool:
        """Whether a proxy gets each request itself, in place of a tunnel."""
        return self.proxy is not None and self.server.tls is None


async def connect(factory: Callable[[], Connection], route: Route) -> Connection:
    """Return a connection that requests can be written to; cancelled, leave nothing open."""
    first = route.proxy or route.server
    tls = _context(first)
    if route.proxy is None or route.forwarded:
        return await dial(factory, first.host, first.port, tls)
    tunnel = await dial(_Tunnel, first.host, first.port, tls)
    try:
        await tunnel.ask(route)
        return await _start_tls(tunnel.transport, factory(), route.server)
    except BaseException:
        tunnel.transport.abort()
        raise


async def _start_tls(transport: asyncio.WriteTransport, connection: Connection, server: Hop) -> Connection:
    loop, context = asyncio.get_running_loop(), cast("ssl.SSLContext", _context(server))
    secured = await loop.start_tls(transport, connection, context, server_hostname=server.host)
    if secured is None:
        raise ConnectionResetError("the connection was lost during the TLS handshake")
    connection.connection_made(secured)
    return connection


def _context(hop: Hop) -> ssl.SSLContext | None:
    if hop.tls is None:
        return None
    context = hop.tls()
    context.set_alpn_protocols(["http/1.1"])  # each time: others who share the context may offer h2 on it
    return context


class _Tunnel(asyncio.Protocol):
    """A connection to a proxy until its tunnel is made."""

    def __init__(self) -> None:
        self.transport: asyncio.WriteTransport
        self._head = b""
        self._answered = asyncio.get_running_loop().create_future()

    async def ask(self, route: Route) -> None:
        target = route.server.authority
        self.transport.write(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, route.proxy_fields))
        await self._answered
        status = _STATUS.match(self._head)
        if status is None:
            raise httpx.ProxyError("no HTTP response")
        if not status[1].startswith(b"2"):
            raise httpx.ProxyError(status[1].decode())
        if not self._head.endswith(b"\r\n\r\n") or self._head.count(b"\r\n\r\n") > 1:
            raise httpx.ProxyError("data before the tunnel was in use")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head or len(self._head) > _LONGEST_HEAD:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended makes no difference
        self._end()

    def _end(self) -> None:
        if not self._answered.done():
            self._answered.set_result(None)
