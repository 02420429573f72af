"""A server that responds after a random number of event loop turns, without sleeping."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self, cast

BODY = b'{"payload":{"groups_status":{"0":"online"},"url":"https://cdn.example/f","thread_id":"T","event":{"id":"E","type":"message","text":"x"}}}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class QuickServer:
    """Answers every action with one body. `rng` draws the turns before each half of a response, at most `slowest`."""

    def __init__(self, rng: Random, *, slowest: int, tls: ssl.SSLContext | None = None) -> None:
        self.rng = rng
        self.tls = tls
        self.slowest = slowest
        self.open: set[_Connection] = set()
        self.requests = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=self.tls)
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing the server leaks connections that asyncio has accepted but not yet given a transport.
        for listener in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()
        for connection in list(self.open):
            connection.transport.abort()
        await self._server.wait_closed()

    def soon(self, act: Callable[[], None]) -> None:
        """Wait some turns of the event loop, then act."""
        self._turn(self.rng.randrange(self.slowest), act)

    def _turn(self, left: int, act: Callable[[], None]) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._turn, left - 1, act)
        else:
            act()


class _Connection(asyncio.Protocol):
    def __init__(self, server: QuickServer) -> None:
        self._server = server
        self._arrived = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._server.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        head, end, body = self._arrived.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")):
            self._arrived = b""
            self._server.requests += 1
            self._server.soon(self._begin)

    def _begin(self) -> None:
        self._write(HEAD + BODY[:20])
        self._server.soon(lambda: self._write(BODY[20:]))

    def _write(self, data: bytes) -> None:
        with suppress(OSError):
            if not self.transport.is_closing():
                self.transport.write(data)
