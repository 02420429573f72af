"""The server of all benchmarks, with as little work per request as asyncio allows, in its own process and core.

It listens on one port for each kind of answer, so that it has nothing to decide per request. `Server` starts it;
`python -m benchmarks.server` is what that runs. It ends when its standard input does.
"""

import asyncio
import contextlib
import hashlib
import json
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import trustme

from benchmarks.bodies import BODIES
from benchmarks.harness import pin

LATENCIES = (0, 20)
_READ_SIZE = 512 * 1024
_HEAD_END = b"\r\n\r\n"


def response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def content_length(head: bytes) -> int | None:
    """Return the declared length of a request, or `None` if it is chunked."""
    low = head.lower()
    at = low.find(b"\r\ncontent-length:")
    if at < 0:
        return None if b"\r\ntransfer-encoding:" in low else 0
    return int(low[at + 17 : (low + b"\r\n").find(b"\r\n", at + 17)])


class Answering(asyncio.Protocol):
    """Reads requests and sends a fixed response after a delay."""

    def __init__(self, answer: bytes, latency: float) -> None:
        self.answer = answer
        self.latency = latency
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        while (end := data.find(_HEAD_END)) >= 0:
            whole = end + 4 + (content_length(data[:end]) or 0)
            if len(data) < whole:
                break
            data = data[whole:]
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.respond)
            else:
                self.transport.write(self.answer)
        self.buffer = data

    def respond(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.answer)


class Sink(asyncio.BufferedProtocol):
    """Receives uploads into one reused buffer and responds with a URL that ends in the size of the body.

    Where it verifies, it keeps the body, and the URL ends in the SHA-256 of the largest part.
    """

    def __init__(self, *, verify: bool) -> None:
        self.verify = verify
        self.buffer = memoryview(bytearray(_READ_SIZE))
        self.reset()

    def reset(self) -> None:
        self.head = b""
        self.left: int | None = 0
        self.count = 0
        self.tail = b""
        self.kept = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, _hint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        data = self.buffer[:count]
        if not self.head.endswith(_HEAD_END):
            window = self.head + bytes(data)
            end = window.find(_HEAD_END)
            if end < 0:
                self.head = window
                return
            data = memoryview(window)[end + 4 :]
            self.head = window[: end + 4]
            self.left = content_length(self.head[:-4])
        self.take(data)

    def take(self, data: memoryview) -> None:
        self.count += len(data)
        if self.verify:
            self.kept += data
        if self.left is None:  # chunked: the last chunk is empty
            self.tail = (self.tail + bytes(data[-8:]))[-8:]
            complete = self.tail.endswith(b"\r\n0\r\n\r\n")
        else:
            complete = self.count >= self.left
        if complete:
            said = self.digest() if self.verify else str(self.count)
            self.transport.write(response(json.dumps({"url": f"https://files.invalid/{said}"}).encode()))
            self.reset()

    def digest(self) -> str:
        body = bytes(self.kept) if self.left is not None else dechunked(bytes(self.kept))
        boundary = body[: body.index(b"\r\n")]
        parts = [part.partition(_HEAD_END)[2].removesuffix(b"\r\n") for part in body.split(boundary)]
        return hashlib.sha256(max(parts, key=len)).hexdigest()


def dechunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[line + 2 : line + 2 + size])
        at = line + 4 + size


async def serve(ca_file: str) -> None:
    loop = asyncio.get_running_loop()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.set_alpn_protocols(["http/1.1"])
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(tls)
    ports: dict[str, int] = {}

    async def listen(name: str, factory: Callable[[], asyncio.BaseProtocol], context: ssl.SSLContext | None) -> None:
        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context, backlog=4096)
        ports[name] = server.sockets[0].getsockname()[1]

    for scheme, context in (("http", None), ("https", tls)):
        for size, make in BODIES.items():
            answer = response(make())
            for ms in LATENCIES:
                await listen(f"{scheme} {size} {ms}", lambda a=answer, ms=ms: Answering(a, ms / 1000), context)
        await listen(f"{scheme} sink", lambda: Sink(verify=False), context)
        await listen(f"{scheme} verify", lambda: Sink(verify=True), context)
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@dataclass
class Server:
    """The running server, as a context manager.

    Attributes:
        ca_file: the certificate that clients must trust.
    """

    ca_file: str = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", self.ca_file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._ports: dict[str, int] = json.loads(self._process.stdout.readline())
        return self

    def url(self, scheme: str, kind: str) -> str:
        """Base URL of a port: `kind` is "SIZE LATENCY", "sink" or "verify"."""
        return f"{scheme}://127.0.0.1:{self._ports[f'{scheme} {kind}']}"

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


if __name__ == "__main__":
    pin(0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1]))
