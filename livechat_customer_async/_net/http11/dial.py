"""From a host name to a connected, tuned socket, with or without TLS on top.

`loop.create_connection` can race addresses as well, but drops a socket that connects in the very turn in which the
call is cancelled. Here each attempt owns its socket until it is handed over, and a loser's is closed.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

_P = TypeVar("_P", bound=asyncio.Protocol)
_Address: TypeAlias = tuple[int, Any]
_KEEP_IDLE = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", -1))  # Linux, Windows; macOS
_TCP = socket.IPPROTO_TCP
_OPTIONS = ((_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (_TCP, _KEEP_IDLE, 60))


async def dial(factory: Callable[[], _P], host: str, port: int, tls: ssl.SSLContext | None) -> _P:
    """Connect and return the protocol; cancelled, leave nothing open."""
    loop = asyncio.get_running_loop()
    sock = await _race(loop, await _addresses(loop, host, port))
    name = None if tls is None else host
    return (await loop.create_connection(factory, sock=sock, ssl=tls, server_hostname=name))[1]


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[_Address]:
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).version == 4:  # spares a trip to the resolver's thread
            return [(socket.AF_INET, (host, port))]
    key = (loop, host, port)
    lookup = _lookups.get(key)
    if lookup is None:
        lookup = _lookups[key] = _Lookup(loop.create_task(_look_up(*key)))
    lookup.waiters += 1
    try:
        return await asyncio.shield(lookup.task)
    finally:
        lookup.waiters -= 1
        if not lookup.waiters:
            lookup.task.cancel()
            if _lookups.get(key) is lookup:
                del _lookups[key]


@dataclass
class _Lookup:
    """A lookup that all who ask for the same name meanwhile share; it ends when the last of them leaves."""

    task: asyncio.Task[list[_Address]]
    waiters: int = 0


_lookups: dict[tuple[asyncio.AbstractEventLoop, str, int], _Lookup] = {}


async def _look_up(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[_Address]:
    found = [(info[0], info[4]) for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    families = [[address for address in found if address[0] == family] for family in dict(found)]
    return [address for turn in itertools.zip_longest(*families) for address in turn if address is not None]


async def _race(loop: asyncio.AbstractEventLoop, addresses: list[_Address]) -> socket.socket:
    """Happy Eyeballs: start one more attempt after each 250 ms and each failure; the first to connect wins."""
    racing: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    try:
        for address in (*addresses, None):
            if address is not None:
                racing.add(loop.create_task(_attempt(loop, *address)))
            while racing:
                timeout = None if address is None else 0.25
                done, _ = await asyncio.wait(racing, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    racing.discard(task)
                    if (error := task.exception()) is None:
                        return task.result()
                    errors.append(error)
                if address is not None:
                    break
        raise errors[0] if errors else OSError("the host has no address")
    finally:
        for task in racing:
            task.cancel()
            task.add_done_callback(_discard)


def _discard(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _attempt(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003
        for option in _OPTIONS:
            with contextlib.suppress(OSError):  # no option is needed, and not every system has each
                sock.setsockopt(*option)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
