"""Every kind of source becomes the right bytes, once and again, and nothing is left behind when it ends."""

import array
import asyncio
import gzip
import io
import os
import random
import re
import socket
import stat
import tempfile
import threading
from pathlib import Path, PurePosixPath

import anyio
import pytest

from livechat_customer_async._uploads import files as _files
from livechat_customer_async._uploads import kinds as _kinds
from livechat_customer_async._uploads import runners as _runners
from livechat_customer_async._uploads.source import MAX_FILE_SIZE, Upload
from livechat_customer_async.errors import InvalidRequestError
from tests.helpers.sessions import until
from tests.helpers.uploads import (
    CHUNK,
    KINDS,
    LEAD,
    LIMIT,
    ONE_SHOT,
    SEEKABLE,
    OneShot,
    Seekable,
    content,
    descriptors,
    made,
    open_source,
    opened,
    read,
    recorded_spools,
    upload_threads,
)

pytestmark = pytest.mark.asyncio

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, LIMIT]
SECRET = b"what nobody may read"


async def refused(file, **options):
    """Open and read a source that must not be; return its error."""
    with pytest.raises(InvalidRequestError) as caught:
        async with opened(file, **options) as source:
            await read(source)
    assert SECRET.decode() not in str(caught.value)
    return caught.value


async def read_until_it_fails(source):
    """Return how many bytes it gave, and its error."""
    sent = 0
    try:
        async for chunk in source.chunks():
            sent += len(chunk)
    except InvalidRequestError as error:
        return sent, error
    raise AssertionError


# ---- the bytes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
async def test_all_bytes_arrive_in_chunks_of_at_most_256_kib(kind, size, tmp_path):
    data = content(size)
    async with made(kind, tmp_path, data) as file, opened(file) as source:
        chunks = [chunk async for chunk in source.chunks()]
        assert source.size == (None if kind in ONE_SHOT else size)
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
    assert all(type(chunk) is bytes for chunk in chunks)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_byte_more_than_the_limit_is_refused(kind, tmp_path):
    async with made(kind, tmp_path, content(LIMIT + 1)) as file:
        error = await refused(file)
    assert error.parameter == "file"
    assert str(MAX_FILE_SIZE) in str(error)


@pytest.mark.parametrize("kind", SEEKABLE)
async def test_a_known_size_is_refused_before_anything_is_read(kind, tmp_path):
    async with made(kind, tmp_path, content(LIMIT + 1)) as file:
        with pytest.raises(InvalidRequestError, match="the limit is 10485760"):
            await open_source(file, keep=False)


async def test_an_unknown_size_ends_before_the_bytes_over_the_limit():
    async with opened((bytes(CHUNK) for _ in range(100)), succeeded=False) as source:
        sent, error = await read_until_it_fails(source)
    assert sent == LIMIT
    assert "more than 10485760 bytes" in str(error)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_second_pass_is_the_same_bytes(kind, tmp_path):
    data = content(3 * CHUNK + 5)
    async with made(kind, tmp_path, data) as file, opened(file, keep=True) as source:
        assert source.replayable
        assert [await read(source) for _ in range(3)] == [data] * 3


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pass_after_one_that_stopped_anywhere_is_whole(kind, tmp_path):
    data = content(3 * CHUNK + 5)
    for stop in range(4):
        async with made(kind, tmp_path, data) as file, opened(file, keep=True) as source:
            stopped = source.chunks()
            for _ in range(stop):
                await anext(stopped)
            assert await read(source) == data
            await stopped.aclose()


async def test_a_large_one_shot_source_is_kept_in_a_temporary_file_that_goes_away():
    data = content(LIMIT)
    before = descriptors()
    async with opened(OneShot(data), keep=True) as source:
        assert await read(source) == data
        assert len(descriptors() - before) == 1
        assert await read(source) == data
    assert descriptors() == before


@pytest.mark.parametrize("kind", ONE_SHOT)
async def test_a_one_shot_source_that_is_not_kept_says_why_it_is_not_sent_again(kind, tmp_path):
    async with made(kind, tmp_path, SECRET) as file, opened(file) as source:
        assert source.replayable, "nothing was taken yet"
        assert await read(source) == SECRET
        assert not source.replayable
        assert "read only once" in source.why_one_shot
        with pytest.raises(InvalidRequestError, match=r"cannot be sent again: .* read only once") as caught:
            await read(source)
    assert caught.value.parameter == "file"


async def test_no_copy_can_be_kept(monkeypatch):
    class Full(tempfile.SpooledTemporaryFile):
        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    error = await refused(OneShot(SECRET), keep=True)
    assert "No space left on device" in str(error)


@pytest.mark.parametrize("kind", ["file", "raw file", "BytesIO", "own file type"])
async def test_a_file_is_left_open_and_put_back_only_after_a_failure(kind, tmp_path):
    async with made(kind, tmp_path, content(CHUNK + 1)) as file:
        async with opened(file, succeeded=False) as source:
            await read(source)
        assert file.tell() == len(LEAD)
        async with opened(file) as source:
            await read(source)
        assert file.tell() == len(LEAD) + CHUNK + 1
        assert not getattr(file, "closed", False)


async def test_an_async_file_is_put_back_after_a_failure(tmp_path):
    async with made("async file", tmp_path, content(CHUNK + 1)) as file:
        async with opened(file, succeeded=False) as source:
            await read(source)
        assert await file.tell() == len(LEAD)


@pytest.mark.parametrize("position", [3, 10])
@pytest.mark.parametrize("make", [io.BytesIO, Seekable], ids=["BytesIO", "own file type"])
async def test_a_file_at_its_end_was_read_already(make, position):
    file = make(b"abc")
    file.seek(position)
    error = await refused(file)
    assert error.message == "already read: its position is at its end (3 bytes); call seek(0) first to upload it whole"
    assert file.tell() == position


@pytest.mark.parametrize("position", [0, 10])
@pytest.mark.parametrize("make", [io.BytesIO, Seekable], ids=["BytesIO", "own file type"])
async def test_an_empty_file_is_sent_wherever_it_stands(make, position):
    file = make(b"")
    file.seek(position)
    async with opened(file) as source:
        assert (source.size, await read(source)) == (0, b"")


async def test_a_file_whose_size_cannot_be_known_is_sent_again_all_the_same():
    class NoEnd(Seekable):
        def __init__(self, data):
            super().__init__(data)
            self.seek = self.from_start

        def from_start(self, offset, whence=0):
            if whence:
                raise io.UnsupportedOperation
            return self._file.seek(offset)

    async with opened(NoEnd(SECRET)) as source:
        assert source.size is None
        assert [await read(source), await read(source)] == [SECRET] * 2


@pytest.mark.parametrize("turns", [0, 1])
async def test_a_file_that_blocks_cannot_have_a_position_to_wait_for(turns):
    class Mixed(Seekable):
        def __init__(self, data):
            super().__init__(data)
            self.tell = self.told

        async def told(self):
            for _ in range(turns):
                await asyncio.sleep(0)
            return self._file.tell()

    if turns:
        assert "`tell` and `seek` must not be" in str(await refused(Mixed(SECRET)))
    else:
        async with opened(Mixed(SECRET)) as source:
            assert (source.size, await read(source)) == (len(SECRET), SECRET)


async def test_a_file_that_changes_what_read_gives_is_believed(tmp_path):
    class Upper(io.BytesIO):
        def read(self, size=-1):
            return super().read(size).upper()

    async with opened(Upper(b"quiet")) as source:
        assert await read(source) == b"QUIET"
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(bytes(CHUNK))
    with gzip.open(tmp_path / "a.gz") as file:
        async with opened(file) as source:
            assert await read(source) == bytes(CHUNK)


async def test_a_pipe_is_read_to_its_end():
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as file, os.fdopen(theirs, "wb") as end:
        end.write(SECRET)
        end.close()
        async with opened(file) as source:
            assert source.size is None
            assert await read(source) == SECRET


async def test_a_resizable_buffer_is_not_locked():
    data = bytearray(content(CHUNK * 2))
    async with opened(data) as source:
        chunks = source.chunks()
        await anext(chunks)
        data += b"more"
        await chunks.aclose()
    data.clear()


async def test_other_buffers_are_bytes_too():
    view = memoryview(bytes(24)).cast("B", (2, 3, 4))
    for file in (array.array("I", range(3)), view, memoryview(b""), memoryview(b"").cast("B")):
        async with opened(file) as source:
            assert await read(source) == bytes(memoryview(file))


async def test_items_may_be_any_bytes_and_reused_by_their_source():
    def items():
        buffer = bytearray(3)
        for number in range(5):
            buffer[:] = bytes([number]) * 3
            yield memoryview(buffer)

    async with opened(items()) as source:
        assert await read(source) == b"".join(bytes([number]) * 3 for number in range(5))


async def test_single_bytes_are_joined():
    async with opened(bytes([number % 256]) for number in range(5000)) as source:
        chunks = [chunk async for chunk in source.chunks()]
    assert sum(map(len, chunks)) == 5000
    assert len(chunks) < 500


# ---- what is refused


@pytest.mark.parametrize(
    "file, hint",
    [
        ("receipt.pdf", "pathlib.Path"),
        (None, "got None"),
        (7, "got int"),
        (1.5, "got float"),
        ({b"a": b"b"}, "got dict"),
        ({b"a"}, "got set"),
        (object(), "got object"),
        (io.StringIO("text"), "text mode"),
        (memoryview(b"abcdef")[::2], "gaps"),
        (["text"], "item of type str"),
        ((b"a", 3), "item of type int"),
    ],
)
async def test_a_wrong_kind_is_refused_at_once(file, hint):
    with pytest.raises(InvalidRequestError, match=hint) as caught:
        Upload(file)
    assert caught.value.parameter == "file"
    assert "receipt" not in str(caught.value)


async def test_files_in_text_mode_are_refused_at_once(tmp_path):
    path = tmp_path / "text"
    path.write_text("text")
    with path.open() as file, tempfile.NamedTemporaryFile("w+") as temporary:
        for text in (file, temporary, await anyio.open_file(path)):
            with pytest.raises(InvalidRequestError, match='mode "rb"'):
                Upload(text)
    await text.aclose()


async def test_a_closed_file_and_one_for_writing_are_refused(tmp_path):
    with (tmp_path / "out").open("wb") as file:
        assert "not open for reading" in str(await refused(file))
    assert "closed" in str(await refused(file))


async def test_paths_that_name_no_file(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    cases = [
        ("folder", "directory"),
        ("missing", "no file at this path"),
        ("fifo", "not a regular file"),
        ("socket", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("nul\0", "ValueError"),
        ("n" * 300, "File name too long"),
    ]
    for name, hint in cases:
        error = await refused(tmp_path / name)
        assert hint in str(error)
        assert (error.parameter, str(tmp_path) in str(error)) == ("file", False)
    assert isinstance((await refused(tmp_path / "missing")).__cause__, FileNotFoundError)


async def test_an_error_names_the_file_by_the_last_part_of_its_path(tmp_path):
    path = tmp_path / "photo.png"
    missing = await refused(path)
    path.touch()
    os.truncate(path, LIMIT + 1)
    too_large = await refused(path)
    path.unlink()
    path.mkdir()
    folder = await refused(path)
    assert str(missing) == "file: there is no file at this path: 'photo.png'"
    assert str(too_large) == f"file: 'photo.png' has {LIMIT + 1} bytes; the limit is {LIMIT}"
    assert str(folder) == "file: 'photo.png' is a directory: pass the path of a file"


@pytest.mark.parametrize(
    "path, quoted",
    [
        ("folder/Zoë.png", "'Zoë.png'"),
        ("folder/two\nlines\x1b[2J.png", r"'two\nlines\x1b[2J.png'"),
        (f"folder/{'n' * 80}", f"'{'n' * 80}'"),
        (f"folder/{'n' * 81}", f"'{'n' * 80}…'"),
        ("folder/\udcff", r"'\udcff'"),
        ("/", "'/'"),
        (".", "'.'"),
        ("..", "'..'"),
    ],
)
async def test_a_name_in_a_message_is_one_short_line(path, quoted):
    assert _files.quoted_name(PurePosixPath(path)) == quoted


async def test_an_unreadable_path(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").touch()
    monkeypatch.setattr(_files, "_open_without_waiting", denied)
    assert "'file' cannot be opened for reading (Permission denied)" in str(await refused(tmp_path / "file"))


async def test_a_path_that_becomes_a_pipe_while_it_is_opened(tmp_path, monkeypatch):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    look = os.stat
    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path, **_: os.stat_result((stat.S_IFREG, *look(path)[1:])))
        error = await refused(fifo)
    assert "not a regular file" in str(error)
    assert descriptors() == before


def text_items():
    yield "what nobody may read"


async def async_text_items():
    yield "what nobody may read"


class Gives:
    """A file object whose read gives the same each time."""

    def __init__(self, answer):
        self._answer = answer

    def read(self, _):
        return self._answer() if callable(self._answer) else self._answer


class AsyncGives(Gives):
    async def read(self, _):
        return super().read(_)


async def something():
    """A coroutine that nobody awaits."""


@pytest.mark.parametrize(
    "make, hint",
    [
        (text_items, "returned str"),
        (async_text_items, "returned str"),
        (lambda: iter([3]), "returned int"),
        (lambda: Gives("what nobody may read"), "returned str"),
        (lambda: Gives(None), "non-blocking"),
        (lambda: Gives(something), "coroutine"),
        (lambda: AsyncGives("what nobody may read"), "returned str"),
        (lambda: AsyncGives(None), "non-blocking"),
    ],
)
async def test_a_source_that_gives_no_bytes_is_refused_before_anything_is_sent(make, hint):
    with pytest.raises(InvalidRequestError, match=hint) as caught:
        await open_source(make(), keep=True)
    assert caught.value.parameter == "file"
    assert SECRET.decode() not in str(caught.value)


async def test_a_file_in_non_blocking_mode_says_so():
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    with os.fdopen(ours, "rb", buffering=0) as file, os.fdopen(theirs, "wb"):
        assert "non-blocking" in str(await refused(file))


class TroubleError(Exception):
    """A failure of the source's own."""


async def test_what_a_source_raises_is_the_cause():
    def failing():
        yield SECRET
        raise TroubleError(SECRET)

    async def failing_async():
        yield SECRET
        raise TroubleError(SECRET)

    class Broken(Gives):
        def read(self, _):
            raise OSError(5, "Input/output error")

    class Stops(Gives):
        def read(self, _):
            raise StopIteration

    for file, cause, hint in [
        (failing(), TroubleError, "reading the file failed: TroubleError"),
        (failing_async(), TroubleError, "reading the file failed: TroubleError"),
        (Broken(b""), OSError, r"OSError \(Input/output error\)"),
        (Stops(b""), StopIteration, "the source raised StopIteration"),
    ]:
        error = await refused(file)
        assert isinstance(error.__cause__, cause)
        assert error.parameter == "file"
        assert re.search(hint, str(error))


async def test_a_source_that_was_cancelled_elsewhere_is_a_failure_not_a_cancellation():
    async def waits():
        other = asyncio.ensure_future(asyncio.sleep(60))
        other.cancel()
        yield await other

    error = await refused(waits())
    assert "the source raised CancelledError" in str(error)


async def test_a_file_that_cannot_go_back(monkeypatch):
    file = Seekable(SECRET)
    async with opened(file) as source:
        await read(source)
        file.seek = lambda *_: 1 / 0
        with pytest.raises(InvalidRequestError, match="rewinding the file failed: ZeroDivisionError"):
            await read(source)
        file.seek = lambda *_: None


# ---- a file that changes


async def test_a_file_that_grows_gives_no_last_chunk(tmp_path):
    path = tmp_path / "log"
    for size in (0, 1, CHUNK, CHUNK + 1, 3 * CHUNK):
        path.write_bytes(content(size))
        async with opened(path) as source:
            with path.open("ab") as log:
                log.write(b"x")
            sent, error = await read_until_it_fails(source)
            assert sent < max(1, size)
            assert f"the file grew during the upload: it had {size} bytes" in str(error)


async def test_a_file_that_shrinks(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(content(2 * CHUNK))
    async with opened(path) as source:
        chunks = source.chunks()
        await anext(chunks)
        os.truncate(path, CHUNK + 7)
        with pytest.raises(InvalidRequestError, match=f"the file shrank .* it had {2 * CHUNK} bytes, and"):
            [chunk async for chunk in chunks]


# ---- names


@pytest.mark.parametrize(
    "given, sent",
    [
        ("receipt.pdf", "receipt.pdf"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("C:\\a/b", "b"),
        ("naïve 🧾.txt", "naïve 🧾.txt"),
        ('a"b\r\nc', 'a"b\r\nc'),
    ],
)
async def test_the_last_part_of_a_given_name_is_sent(given, sent):
    async with opened(b"", filename=given) as source:
        assert source.filename == sent


@pytest.mark.parametrize("given", ["", "folder/", "\\", "..", "a/.", "\ud800", 7, b"name", Path("name")])
async def test_a_given_name_that_is_none(given):
    with pytest.raises(InvalidRequestError) as caught:
        Upload(b"", filename=given)
    assert caught.value.parameter == "filename"


async def test_a_source_names_itself(tmp_path):
    class Named(Seekable):
        name = None

    async def name_of(file):
        async with opened(file) as source:
            return source.filename

    path = tmp_path / "receipt.pdf"
    path.touch()
    assert await name_of(path) == "receipt.pdf"
    with path.open("rb") as file:
        assert await name_of(file) == "receipt.pdf"
    async with await anyio.open_file(path, "rb") as file:
        assert await name_of(file) == "receipt.pdf"
    undecodable = tmp_path / os.fsdecode(b"na\xffme")
    undecodable.touch()
    assert await name_of(undecodable) == "na\ufffdme"
    assert await name_of(b"") == "file"
    for name, sent in [(3, "file"), ("", "file"), ("a/..", "file"), (b"dir/bytes", "bytes"), (path, "receipt.pdf")]:
        file = Named(b"")
        file.name = name
        assert await name_of(file) == sent


async def test_a_path_that_fails_to_give_itself():
    class Troubled:
        def __fspath__(self):
            raise TroubleError

    assert "naming the file failed: TroubleError" in str(await refused(Troubled()))


async def test_a_source_whose_attributes_raise_has_none():
    class Troubled(Seekable):
        def fail(self):
            raise TroubleError

        filename = name = content_type = size = encoding = closed = property(fail)

    async with opened(Troubled(SECRET)) as source:
        assert (source.filename, source.content_type) == ("file", "application/octet-stream")


@pytest.mark.parametrize(
    "name, guess",
    [
        ("a.pdf", "application/pdf"),
        ("a.PNG", "image/png"),
        ("a.tar.gz", "application/gzip"),
        ("a.unknown-ending", "application/octet-stream"),
        ("data:text/html;x,y", "application/octet-stream"),
        ("data:a;\r\nb", "application/octet-stream"),
        ("file", "application/octet-stream"),
    ],
)
async def test_the_content_type_is_guessed_from_the_name(name, guess):
    async with opened(b"", filename=name) as source:
        assert source.content_type == guess


@pytest.mark.parametrize("given", ["text/plain", "text/plain; charset=utf-8", 'a/b;c="d \\" e"', "image/svg+xml"])
async def test_a_given_content_type_is_sent(given):
    async with opened(b"", content_type=given) as source:
        assert source.content_type == given


@pytest.mark.parametrize(
    "given", ["", "text", "text/", "text/plain\r\nX: y", "text/plain\n", "tëxt/plain", "a/b; c", " a/b", 'a/b; c="', 3]
)
async def test_a_content_type_that_is_none(given):
    with pytest.raises(InvalidRequestError) as caught:
        Upload(b"", content_type=given)
    assert caught.value.parameter == "content_type"


async def test_progress_goes_to_a_function():
    with pytest.raises(InvalidRequestError, match="got int") as caught:
        Upload(b"", on_progress=3)
    assert caught.value.parameter == "on_progress"


# ---- cancelled, or left


class Held:
    """A file object whose reads wait until the test lets them go, and that notices being closed under them."""

    def __init__(self, data=b""):
        self._file = io.BytesIO(data)
        self.reading = threading.Event()
        self.go = threading.Event()
        self.closed_under_a_read = False
        self.closed = self.busy = False
        self.done = threading.Event()

    def seekable(self):
        return False

    def read(self, size):
        self.busy = True
        self.reading.set()
        assert self.go.wait(10)
        self.busy = False
        return self._file.read(size)

    def close(self):
        self.closed_under_a_read = self.busy
        self.closed = True
        self.done.set()


def native(task, _):
    task.cancel()


def scoped(_, scope):
    scope.cancel()


async def started(coroutine_function, until):
    """Run a function in a task inside a scope until a thread sets an event; return both."""
    scope = anyio.CancelScope()

    async def inside():
        with scope:
            await coroutine_function()

    task = asyncio.create_task(inside())
    await asyncio.to_thread(until.wait, 10)
    return task, scope


@pytest.mark.parametrize("cancel", [native, scoped])
async def test_a_read_that_hangs_holds_up_neither_the_cancellation_nor_the_close(cancel, tmp_path, monkeypatch):
    held = Held()
    opened_files = iter([io.BytesIO(SECRET), held])
    monkeypatch.setattr(_kinds, "open_regular_file", lambda _: next(opened_files))

    async def run():
        async with opened(tmp_path / "any", succeeded=False) as source:
            await read(source)

    task, scope = await started(run, held.reading)
    cancel(task, scope)
    await asyncio.wait({task}, timeout=5)
    assert task.done()
    assert not held.closed, "not while the read is running"
    held.go.set()
    await asyncio.to_thread(held.done.wait, 10)
    assert (held.closed, held.closed_under_a_read) == (True, False)
    assert upload_threads() == []


@pytest.mark.parametrize("cancel", [native, scoped])
async def test_a_file_opened_behind_a_cancellation_is_closed(cancel, tmp_path, monkeypatch):
    opening, go = threading.Event(), threading.Event()
    path = tmp_path / "file"
    path.touch()

    def slowly(path):
        opening.set()
        assert go.wait(10)
        return _files.open_regular_file(path)

    monkeypatch.setattr(_kinds, "open_regular_file", slowly)
    before = descriptors()
    task, scope = await started(lambda: open_source(path, keep=False), opening)
    cancel(task, scope)
    go.set()
    await asyncio.wait({task})
    assert upload_threads() == []
    assert descriptors() == before


@pytest.mark.parametrize(
    "kind, keep",
    [
        ("file", False),
        ("own file type", False),
        ("own file type", True),
        ("unseekable file", True),
        ("generator", True),
    ],
)
async def test_a_read_that_was_cancelled_is_not_lost(kind, keep, tmp_path):
    """An engine may end a pass in the middle of a read, and begin another one."""
    data = content(2 * CHUNK + 3)
    for turns in range(30):
        async with made(kind, tmp_path, data) as file, opened(file, keep=keep) as source:
            task = asyncio.create_task(read(source))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert await read(source) == data


async def test_an_async_source_does_not_notice_that_a_read_was_cancelled():
    go = asyncio.Event()

    async def items():
        yield bytes(CHUNK)
        await go.wait()
        yield SECRET

    async with opened(items(), keep=True) as source:
        task = asyncio.create_task(read(source))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        go.set()
        assert await read(source) == bytes(CHUNK) + SECRET


async def test_generators_are_closed_when_the_upload_fails():
    closed = []

    def items():
        try:
            while True:
                yield SECRET
        finally:
            closed.append("sync")

    async def async_items():
        try:
            while True:
                yield SECRET
        finally:
            closed.append("async")

    for file in (items(), async_items()):
        async with opened(file, succeeded=False):
            pass
    assert closed == ["sync", "async"]


async def test_a_generator_that_fails_to_close_does_not_hide_why(monkeypatch):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

    def items():
        try:
            while True:
                yield SECRET
        finally:
            raise TroubleError

    async def async_items():
        try:
            while True:
                yield SECRET
        finally:
            raise TroubleError

    for file in (items(), async_items()):
        async with opened(file, succeeded=False):
            pass
    assert [type(error) for error in told] == [TroubleError, TroubleError]


class HeldAsync(Seekable):
    """An async file whose reads wait until the test lets them go, though it moved on already."""

    def __init__(self, data):
        super().__init__(data)
        self.reading, self.go = asyncio.Event(), asyncio.Event()

    async def read(self, size):
        data = super().read(size)
        self.reading.set()
        await self.go.wait()
        return data


@pytest.mark.parametrize("cancel", [native, scoped])
@pytest.mark.parametrize("hangs", [False, True], ids=["ends", "hangs"])
async def test_an_async_file_is_put_back_after_a_read_that_was_cancelled(hangs, cancel, monkeypatch):
    monkeypatch.setattr("livechat_customer_async._uploads.runners.GRACE", 0 if hangs else 10)
    tasks = asyncio.all_tasks()
    file = HeldAsync(content(2 * CHUNK))
    scope = anyio.CancelScope()

    async def run():
        with scope:
            async with opened(file, succeeded=False) as source:
                await read(source)

    task = asyncio.create_task(run())
    await file.reading.wait()
    cancel(task, scope)
    if not hangs:
        file.go.set()
    await asyncio.wait({task})
    await until(lambda: asyncio.all_tasks() == tasks)
    assert file.tell() == 0


async def test_an_async_generator_that_hangs_in_its_end_is_left(monkeypatch):
    async def items():
        try:
            while True:
                yield SECRET
        finally:
            await asyncio.Event().wait()

    monkeypatch.setattr("livechat_customer_async._uploads.runners.GRACE", 0)
    async with opened(items(), succeeded=False):
        pass


async def test_closing_twice_is_closing_once_and_nothing_is_read_after_it(tmp_path):
    (tmp_path / "file").touch()
    source = await open_source(tmp_path / "file", keep=False)
    await source.aclose(succeeded=True)
    await source.aclose(succeeded=False)
    with pytest.raises(InvalidRequestError, match="already finished"):
        await read(source)


async def test_a_source_that_is_not_read_has_no_thread():
    source = await open_source(io.BytesIO(SECRET), keep=False)
    assert await read(source) == SECRET
    assert upload_threads() == []
    assert await read(source) == SECRET
    await source.aclose(succeeded=True)


async def test_uploads_that_wait_hold_neither_files_nor_threads(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(SECRET)
    before = descriptors()
    sources = [await open_source(path, keep=True) for _ in range(20)]
    assert descriptors() == before
    assert upload_threads() == []
    assert [await read(source) for source in sources] == [SECRET] * 20
    for source in sources:
        await source.aclose(succeeded=True)
    assert descriptors() == before


async def test_a_path_that_goes_away_while_the_upload_waits(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(SECRET)
    async with opened(path) as source:
        path.unlink()
        with pytest.raises(InvalidRequestError, match="there is no file at this path"):
            await read(source)


async def test_no_more_threads(monkeypatch):
    def fail(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        for _ in range(20):
            with pytest.raises(InvalidRequestError, match="opening the file failed: RuntimeError"):
                await open_source(io.BytesIO(), keep=False)
    async with opened(io.BytesIO(SECRET)) as source:
        assert await read(source) == SECRET


async def test_sources_that_hang_hold_up_no_other():
    held = [Held() for _ in range(3 * _runners._AT_ONCE)]
    tasks = [asyncio.create_task(open_source(file, keep=False)) for file in held]
    async with opened(io.BytesIO(SECRET)) as source:
        assert await read(source) == SECRET
    for task in tasks:
        task.cancel()
    for file in held:
        file.go.set()
    await asyncio.wait(tasks)
    assert upload_threads() == []


async def test_200_cancelled_at_random_points_leave_nothing(tmp_path, monkeypatch):
    rng = random.Random(7)
    spools = recorded_spools(monkeypatch)
    data = content(4 * CHUNK)
    async with opened(b"") as source:
        await read(source)
    before = descriptors()
    kinds = [kind for kind in KINDS if kind != "async file"]

    async def one(kind, number):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with made(kind, folder, data) as file, opened(file, keep=rng.random() < 0.5, succeeded=False) as source:
            for _ in range(3 if source.why_one_shot is None else 1):
                async for _ in source.chunks():
                    await asyncio.sleep(0)

    for number in range(0, 200, 10):
        scopes = [anyio.CancelScope() for _ in range(10)]

        async def scoped_one(scope, index):
            with scope:
                await one(rng.choice(kinds), index)

        tasks = [asyncio.create_task(scoped_one(scope, number + i)) for i, scope in enumerate(scopes)]
        pending = list(zip(tasks, scopes, strict=True))
        while pending:
            for _ in range(rng.randrange(25)):
                await asyncio.sleep(0)
            task, scope = pending.pop(rng.randrange(len(pending)))
            rng.choice([native, scoped])(task, scope)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results), results
    assert upload_threads() == []
    assert spools
    assert all(spool.closed for spool in spools)
    assert descriptors() == before
