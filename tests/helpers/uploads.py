"""Sources of every kind, a server that records uploads, and an independent multipart parser."""

import asyncio
import contextlib
import inspect
import io
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
import h11
import httpx
import pytest
from python_multipart.multipart import MultipartParser, parse_options_header

from livechat_customer_async._uploads.multipart import MultipartBody
from livechat_customer_async._uploads.source import Source, Upload

KIB = 1024
CHUNK = 256 * KIB
LIMIT = 10 * KIB * KIB
ANSWER = b'{"url": "https://cdn.example/file"}'
LEAD = b"before where it stands"


def content(size: int) -> bytes:
    """Return bytes in which a lost, doubled or swapped chunk shows. Shorter results are prefixes of longer ones."""
    return Random(0).randbytes(size + 4)[:size]


# ---- sources


class Seekable:
    """A file object of no known type, with a `read` alone of what is optional."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.tell = self._file.tell
        self.seek = self._file.seek

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class OneShot:
    """A file object that cannot seek and gives short reads."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 40_000))


class AsyncOneShot(OneShot):
    async def read(self, size: int = -1) -> bytes:
        await asyncio.sleep(0)
        return super().read(size)


def pieces(data: bytes) -> list[bytes]:
    """Pieces of uneven sizes, empty ones among them."""
    found, offset, size = [b""], 0, 1
    while offset < len(data):
        found += [data[offset : offset + size], b""]
        offset, size = offset + size, size * 3 % 100_003 + 1
    return found


async def awaited(items: list[bytes]) -> AsyncIterator[bytes]:
    for item in items:
        await asyncio.sleep(0)
        yield item


def _stored(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(data)
    return path


def _led(data: bytes) -> bytes:
    """Content before the data, where there is any data: a file that is not empty must not stand at its end."""
    return LEAD + data if data else b""


def _standing(file: Any) -> Any:
    file.seek(0, io.SEEK_END)
    file.seek(min(file.tell(), len(LEAD)))
    return file


async def _standing_async(path: Path) -> Any:
    file = await anyio.open_file(path, "rb")
    await file.seek(0, io.SEEK_END)
    await file.seek(min(await file.tell(), len(LEAD)))
    return file


Maker = Callable[[Path, bytes], Any]

SEEKABLE: dict[str, Maker] = {
    "path": _stored,
    "bytes": lambda _, data: data,
    "bytearray": lambda _, data: bytearray(data),
    "memoryview": lambda _, data: memoryview(data),
    "list": lambda _, data: pieces(data),
    "file": lambda tmp, data: _standing(_stored(tmp, _led(data)).open("rb")),
    "raw file": lambda tmp, data: _standing(_stored(tmp, _led(data)).open("rb", buffering=0)),
    "updated file": lambda tmp, data: _standing(_stored(tmp, _led(data)).open("r+b")),
    "BytesIO": lambda _, data: _standing(io.BytesIO(_led(data))),
    "own file type": lambda _, data: _standing(Seekable(_led(data))),
    "async file": lambda tmp, data: _standing_async(_stored(tmp, _led(data))),
}
ONE_SHOT: dict[str, Maker] = {
    "unseekable file": lambda _, data: OneShot(data),
    "unseekable async file": lambda _, data: AsyncOneShot(data),
    "generator": lambda _, data: (piece for piece in pieces(data)),
    "iterator": lambda _, data: iter(pieces(data)),
    "async generator": lambda _, data: awaited(pieces(data)),
}
KINDS = SEEKABLE | ONE_SHOT


@contextlib.asynccontextmanager
async def made(kind: str, tmp_path: Path, data: bytes) -> AsyncIterator[Any]:
    """A source of a kind over `data`, closed afterwards if it is a file."""
    file = KINDS[kind](tmp_path, data)
    if inspect.iscoroutine(file):
        file = await file
    try:
        yield file
    finally:
        if hasattr(file, "aclose") and hasattr(file, "wrapped"):
            await file.aclose()
        elif isinstance(file, io.IOBase):
            file.close()


async def open_source(file: Any, *, keep: bool, **options: Any) -> Source:
    return await Upload(file, **options).open(keep=keep)


@contextlib.asynccontextmanager
async def opened(file: Any, *, succeeded: bool = True, **options: Any) -> AsyncIterator[Any]:
    source = await open_source(file, keep=options.pop("keep", False), **options)
    try:
        yield source
    finally:
        await source.aclose(succeeded=succeeded)


async def read(source: Any) -> bytes:
    return b"".join([chunk async for chunk in source.chunks()])


# ---- what must not be left behind


def descriptors() -> set[str]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{descriptor.name} {descriptor.readlink()}")
    return found


def recorded_spools(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The files that one-shot sources are kept in, from here on: in memory, where no descriptor tells of them."""
    recorded: list[Any] = []

    class Recorded(tempfile.SpooledTemporaryFile[bytes]):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            recorded.append(self)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Recorded)
    return recorded


def upload_threads() -> list[threading.Thread]:
    """The uploads' threads that are left, once those that are ending have ended."""
    threads = [thread for thread in threading.enumerate() if thread.name == "livechat upload"]
    for thread in threads:
        thread.join(5)
    return [thread for thread in threads if thread.is_alive()]


# ---- the other side


@dataclass
class Part:
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)

    def option(self, name: str) -> bytes | None:
        disposition = dict(self.headers)["content-disposition"]
        return parse_options_header(disposition.encode("latin-1"))[1].get(name.encode())


def parse(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body, as python-multipart sees them. An incomplete body is a failure."""
    boundary = parse_options_header(content_type)[1][b"boundary"]
    parts: list[Part] = []
    header = [bytearray(), bytearray()]
    ended = []

    def end_header() -> None:
        name, value = (bytes(text).decode("latin-1") for text in header)
        parts[-1].headers.append((name.lower(), value))
        header[0].clear()
        header[1].clear()

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": lambda: parts.append(Part()),
            "on_part_data": lambda data, start, end: parts[-1].data.extend(data[start:end]),
            "on_header_field": lambda data, start, end: header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: header[1].extend(data[start:end]),
            "on_header_end": end_header,
            "on_end": lambda: ended.append(True),
        },
    )
    parser.write(body)
    parser.finalize()
    assert ended
    return parts


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes = b""
    complete: bool = False

    @property
    def parts(self) -> list[Part]:
        return parse(self.headers["content-type"], self.body)


class Server:
    """Answers each complete request with 200, and records what arrived."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.lost = asyncio.Condition()
        self.base_url = self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(OSError, h11.RemoteProtocolError):
                while await self._answer_one(reader, writer):
                    pass
        finally:
            self.connections -= 1
            writer.close()
            async with self.lost:
                self.lost.notify_all()

    async def all_closed(self) -> None:
        async with self.lost:
            await self.lost.wait_for(lambda: not self.connections)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        connection = h11.Connection(h11.SERVER)
        body: list[bytes] = []
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(CHUNK)
                connection.receive_data(data)
            elif isinstance(event, h11.Request):
                headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                self.requests.append(Received(headers))
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.requests[-1].body, self.requests[-1].complete = b"".join(body), True
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
                await writer.drain()
                return True
            else:
                return False


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    server.url = f"{server.base_url}/upload"
    try:
        yield server
    finally:
        listener.close()
        await server.all_closed()


class Stream(httpx.AsyncByteStream):
    def __init__(self, body: MultipartBody) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body.stream():
            yield chunk


async def post(client: httpx.AsyncClient, url: str, body: MultipartBody) -> None:
    headers = {"Content-Type": body.content_type}
    if body.content_length is not None:
        headers["Content-Length"] = str(body.content_length)
    request = client.build_request("POST", url, headers=headers, content=Stream(body))
    (await client.send(request)).raise_for_status()


async def upload(client: httpx.AsyncClient, url: str, file: Any, **options: Any) -> None:
    """One upload as the pipeline performs it."""
    on_progress = options.pop("on_progress", None)
    source = await open_source(file, keep=False, **options)
    succeeded = False
    try:
        await post(client, url, MultipartBody([], "payload.file", source, on_progress=on_progress))
        succeeded = True
    finally:
        await source.aclose(succeeded=succeeded)
