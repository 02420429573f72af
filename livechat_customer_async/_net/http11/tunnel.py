"""The way to the server: directly, through a forwarding proxy, or through a tunnel that a proxy makes on `CONNECT`."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import httpx

from .connection import Connection
from .dial import dial

Tls: TypeAlias = Callable[[], ssl.SSLContext]


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
    tunnel = await dial(factory, first.host, first.port, tls)
    try:
        await _ask(tunnel, route)
        return await _start_tls(tunnel, factory(), route.server)
    except BaseException:
        tunnel.close()
        raise


async def _ask(tunnel: Connection, route: Route) -> None:
    target = route.server.authority
    response = tunnel.begin(bodyless=True)
    tunnel.write(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, route.proxy_fields))
    try:
        await tunnel.answered(None)
    except httpx.HTTPError as error:
        if not response.status:
            raise httpx.ProxyError("no HTTP response") from error
    finally:
        tunnel.end()
    if not 200 <= response.status < 300:
        raise httpx.ProxyError(str(response.status))
    if response.fault:
        raise httpx.ProxyError("data before the tunnel was in use")


async def _start_tls(tunnel: Connection, connection: Connection, server: Hop) -> Connection:
    loop, context = asyncio.get_running_loop(), cast("ssl.SSLContext", _context(server))
    below = cast("asyncio.Transport", tunnel.transport)
    secured = await loop.start_tls(below, connection, context, server_hostname=server.host)
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
