"""The upload objects of web frameworks, and what they say about themselves."""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pytest
from starlette.datastructures import Headers, UploadFile

from livechat_customer_async._uploads.source import Upload
from livechat_customer_async.errors import FileTooLargeError, InvalidRequestError
from tests.helpers.uploads import CHUNK, LIMIT, content, open_source, opened, read, upload_threads

pytestmark = pytest.mark.asyncio

DATA = content(CHUNK + 7)


def spooled(data: bytes, *, rolled: bool = False) -> Any:
    """What frameworks keep an upload in: in memory, or on disk."""
    file = tempfile.SpooledTemporaryFile(1 if rolled else LIMIT)  # noqa: SIM115 - closed by the test
    file.write(data)
    file.seek(0)
    return file


def of_starlette(data: bytes) -> UploadFile:
    return UploadFile(spooled(data), size=len(data), filename="cat.png", headers=Headers({"content-type": "image/png"}))


def of_starlette_on_disk(data: bytes) -> UploadFile:
    headers = Headers({"content-type": "image/png"})
    return UploadFile(spooled(data, rolled=True), size=len(data), filename="cat.png", headers=headers)


class LitestarFile:
    """Like Litestar's `UploadFile`: an async `read`, and a `seek` without a `tell`."""

    def __init__(self, data: bytes) -> None:
        self.filename, self.content_type = "cat.png", "image/png"
        self.file = spooled(data)

    async def read(self, size: int = -1) -> bytes:
        read: bytes = self.file.read(size)
        return read

    async def seek(self, offset: int) -> int:
        position: int = self.file.seek(offset)
        return position


class FileStorage:
    """Like that of Werkzeug and Quart: what it lacks, it takes from its stream; `name` is the form field's."""

    def __init__(self, data: bytes) -> None:
        self.name, self.filename, self.content_type = "attachment", "cat.png", "image/png"
        self.stream = spooled(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __bool__(self) -> bool:
        return bool(self.filename)


@dataclasses.dataclass(frozen=True)
class FileField:
    """Like aiohttp's, which has no `read`."""

    name: str
    filename: str
    file: BinaryIO
    content_type: str


def of_aiohttp(data: bytes) -> FileField:
    return FileField("attachment", "cat.png", io.BufferedReader(io.BytesIO(data)), "image/png")  # type: ignore[arg-type]


class DjangoFile:
    """Like Django's `UploadedFile`: `name` is the file's."""

    def __init__(self, data: bytes) -> None:
        self.file = spooled(data)
        self.name, self.size, self.content_type = "cat.png", len(data), "image/png"
        self.read, self.seek, self.tell = self.file.read, self.file.seek, self.file.tell

    @property
    def closed(self) -> bool:
        return not self.file or self.file.closed

    @property
    def encoding(self) -> str:
        encoding: str = self.file.encoding
        return encoding


Maker = Callable[[bytes], Any]
MAKERS: list[Maker] = [of_starlette, of_starlette_on_disk, LitestarFile, FileStorage, of_aiohttp, DjangoFile]
each_object = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def file_of(upload: Any) -> Any:
    return upload.stream if isinstance(upload, FileStorage) else upload.file


@each_object
async def test_it_gives_its_name_type_and_size(make: Maker) -> None:
    upload = make(DATA)
    async with opened(upload) as source:
        assert (source.filename, source.content_type, source.size) == ("cat.png", "image/png", len(DATA))
        assert source.replayable
        assert [await read(source), await read(source)] == [DATA, DATA]
    assert not file_of(upload).closed
    assert upload_threads() == []
    file_of(upload).close()


@each_object
async def test_arguments_come_first(make: Maker) -> None:
    upload = make(DATA)
    async with opened(upload, filename="dog.jpg", content_type="image/jpeg") as source:
        assert (source.filename, source.content_type) == ("dog.jpg", "image/jpeg")
    file_of(upload).close()


@each_object
async def test_one_that_was_read_already_is_refused(make: Maker) -> None:
    upload = make(DATA)
    file_of(upload).read()
    with pytest.raises(InvalidRequestError, match=r"already read: .* call seek\(0\) first"):
        await open_source(upload, keep=True)
    file_of(upload).seek(0)
    async with opened(upload) as source:
        assert await read(source) == DATA
    file_of(upload).close()


async def test_a_starlette_upload_that_was_awaited_is_refused() -> None:
    upload = of_starlette(DATA)
    assert await upload.read() == DATA
    with pytest.raises(InvalidRequestError, match="already read"):
        await open_source(upload, keep=False)
    await upload.close()


@each_object
async def test_an_empty_one_is_sent(make: Maker) -> None:
    upload = make(b"")
    async with opened(upload) as source:
        assert (source.size, await read(source)) == (0, b"")
    file_of(upload).close()


@each_object
async def test_one_that_is_too_large_is_refused_before_it_is_read(make: Maker) -> None:
    upload = make(bytes(LIMIT + 1))
    with pytest.raises(FileTooLargeError, match=f"{LIMIT + 1} bytes; the limit is {LIMIT}"):
        await open_source(upload, keep=True)
    assert file_of(upload).tell() == 0
    file_of(upload).close()


@each_object
async def test_its_position_is_restored_after_a_failure(make: Maker) -> None:
    upload = make(DATA)
    file_of(upload).seek(3)
    async with opened(upload, succeeded=False) as source:
        assert source.size == len(DATA) - 3
        assert await read(source) == DATA[3:]
    assert file_of(upload).tell() == 3
    file_of(upload).close()


@each_object
async def test_one_upload_of_it_at_a_time(make: Maker) -> None:
    upload = make(DATA)
    async with opened(upload):
        with pytest.raises(InvalidRequestError, match="this very object"):
            await open_source(upload, keep=False)
    file_of(upload).close()


# ---- what they say may be missing or wrong


class Described:
    """A file object that cannot seek, with attributes."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)
        self._file = io.BytesIO(b"content")

    def read(self, size: int) -> bytes:
        return self._file.read(size)


async def facts(**attributes: object) -> tuple[str, str, int | None]:
    async with opened(Described(**attributes)) as source:
        assert await read(source) == b"content"
        return source.filename, source.content_type, source.size


NOTHING = ("file", "application/octet-stream", None)


@pytest.mark.parametrize(
    "attributes",
    [
        {"filename": None, "content_type": None, "size": None},
        {"filename": 3, "content_type": 3, "size": "7"},
        {"filename": b"cat.png", "content_type": b"image/png", "size": 7.0},
        {"filename": "", "content_type": "", "size": -1},
        {"filename": "folder/", "content_type": "image/png\r\nX: y", "size": True},
        {"filename": "..", "content_type": "image", "size": object()},
    ],
    ids=["none", "of other types", "bytes", "empty", "invalid", "incomplete"],
)
async def test_what_is_invalid_is_ignored(attributes: dict[str, object]) -> None:
    assert await facts(**attributes) == NOTHING


async def test_the_name_stands_in_for_a_missing_filename() -> None:
    assert await facts(filename=None, name="cat.png") == ("cat.png", "image/png", None)
    assert await facts(filename="dog.jpg", name="cat.png") == ("dog.jpg", "image/jpeg", None)
    assert await facts(filename="C:\\pets\\dog\ud800.jpg") == ("dog\ufffd.jpg", "image/jpeg", None)


async def test_a_stated_size_counts_where_none_can_be_measured() -> None:
    assert (await facts(size=7))[2] == 7
    with pytest.raises(FileTooLargeError):
        await facts(size=LIMIT + 1)
    with pytest.raises(InvalidRequestError, match="the file grew"):
        await facts(size=6)
    with pytest.raises(InvalidRequestError, match="the file shrank"):
        await facts(size=8)


async def test_a_measured_size_comes_first() -> None:
    class Sized(io.BytesIO):
        size = 3

    async with opened(Sized(DATA)) as source:
        assert (source.size, await read(source)) == (len(DATA), DATA)


@pytest.mark.parametrize("inner", [None, b"bytes", io.StringIO("text")], ids=["none", "bytes", "text"])
async def test_an_object_without_a_binary_file_is_refused(inner: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"got FileField|text mode"):
        Upload(FileField("attachment", "cat.png", inner, "image/png"))
