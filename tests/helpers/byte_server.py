"""A server on 127.0.0.1 whose responses a test scripts byte by byte."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[["Peer"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Seen:
    line: bytes
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(eq=False)
class Peer:
    """The server's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    server: "Server"

    async def head(self) -> tuple[bytes, dict[bytes, bytes]]:
        """Return the next request line and headers; raise `IncompleteReadError` when the client has disconnected."""
        block = await self.reader.readuntil(b"\r\n\r\n")
        line, *fields = block[:-4].split(b"\r\n")
        return line, {name.lower(): value.strip() for name, _, value in (item.partition(b":") for item in fields)}

    async def request(self) -> Seen:
        line, headers = await self.head()
        if headers.get(b"transfer-encoding") == b"chunked":
            body = b""
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        else:
            body = await self.reader.readexactly(int(headers.get(b"content-length", b"0")))
        seen = Seen(line, headers, body)
        self.server.seen.append(seen)
        return seen

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Discard what the client still sends, until it closes the connection."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        self.writer.transport.abort()


@dataclass(eq=False)
class Server:
    port: int = 0
    scheme: str = "http"
    seen: list[Seen] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    errors: list[BaseException] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/"

    async def until_open(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.open == count)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run `script` for each connection. An exception in it fails the test, unless it is the client disconnecting."""
    server = Server(scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.accepted += 1
        server.open += 1
        try:
            await script(Peer(reader, writer, server.accepted, server))
        except (OSError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as exc:  # noqa: BLE001
            server.errors.append(exc)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            tasks.discard(task)
            server.open -= 1
            async with server.changed:
                server.changed.notify_all()

    # Without a limit of its own a TLS connection waits 30 s for the client's half of the closing handshake.
    options = {"ssl": tls, "ssl_shutdown_timeout": 0.2} if tls else {}
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20, backlog=2048, **options)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        for _ in range(10):  # otherwise a connection accepted just now would stay open
            await asyncio.sleep(0)
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
    assert not server.errors, server.errors


def answering(*answers: bytes, then: str = "wait") -> Script:
    """Send the next answer to each request, and after the last one `wait`, `close`, `reset` or `serve` it again."""

    async def script(peer: Peer) -> None:
        queue = list(answers)
        while True:
            await peer.request()
            await peer.send(queue.pop(0) if len(queue) > 1 else queue[0])
            if len(queue) == 1 and then != "serve":
                break
        if then == "wait":
            await peer.gone()
        elif then == "reset":
            peer.reset()

    return script


def serve(answer: bytes = OK) -> Script:
    return answering(answer, then="serve")
