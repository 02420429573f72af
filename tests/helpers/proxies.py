"""Tunnelling proxies, CONNECT and SOCKS 5, whose destination a test chooses."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import ClassVar, Self

GREETING = b"\x05\x01\x00"


class TunnelProxy:
    """An HTTP proxy (CONNECT). Tunnels lead to the port `leads_to`; `None` means the port requested by the client."""

    scheme: ClassVar[str] = "http"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.heads: list[bytes] = []
        """What CONNECT requests said."""
        self.leads_to: int | None = None
        self.instead: bytes | None = None
        """Response sent instead of opening a tunnel. If empty, the connection is closed."""
        self.silent = False
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        scheme = "https" if self._tls else self.scheme
        self.url = f"{scheme}://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()
        self.hang_up()
        await asyncio.gather(*self._serving)

    @property
    def open(self) -> int:
        """The number of open connections."""
        return len(self._serving)

    def hang_up(self) -> None:
        """Close all open connections."""
        for task in list(self._serving):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with (
            contextlib.closing(writer),
            contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError),
        ):
            await self._tunnel(reader, writer)
        self._serving.discard(task)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = await self._asked(reader, writer)
        if self.silent:
            await reader.read()
            return
        if self.instead is not None:
            writer.write(self.instead)
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.leads_to or port)
        with contextlib.closing(far_writer):
            writer.write(self._granted())
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return int(head.split()[1].rpartition(b":")[2])

    def _granted(self) -> bytes:
        return b"HTTP/1.1 200 OK\r\n\r\n"


class SocksProxy(TunnelProxy):
    """A SOCKS 5 proxy, for IPv4 addresses."""

    scheme = "socks5"

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        assert await reader.readexactly(3) == GREETING
        writer.write(b"\x05\x00")
        return int.from_bytes((await reader.readexactly(10))[8:])

    def _granted(self) -> bytes:
        return b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
