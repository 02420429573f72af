"""What may be uploaded, and how it becomes chunks of bytes.

Read these in order:
    __init__.py   `FileSource`, which kind of source gets which reader, and the rules of size
    _names.py     file names and content types
    _pieces.py    what a reader is, and what all of them share
    _memory.py    bytes and lists of bytes
    _blocking.py  paths, file objects and iterables, as blocking code
    _threads.py   that code in worker threads, safe against cancellation
    _awaited.py   async files and async iterables
    _spool.py     a one-shot source kept for a retry
"""

from __future__ import annotations

import asyncio
import inspect
import io
import os
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from collections.abc import (
    Set as AbstractSet,
)
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, cast

from .._base.checks import kind
from ..errors import InvalidRequestError
from .awaited import AwaitedFile, AwaitedIterable, AwaitedSource, AwaitingReader
from .blocking import BlockingFile, BlockingIterable, open_regular_file, quoted_name
from .memory import MemoryReader, is_buffer
from .names import given_content_type, given_filename, guess_content_type, own_filename
from .pieces import CHUNK_SIZE, Facts, Reader, split
from .spool import SpooledReader, SpooledSource
from .threads import BlockingSource, ThreadReader

__all__ = [
    "CHUNK_SIZE",
    "MAX_FILE_SIZE",
    "AsyncReadable",
    "BytesLike",
    "FileSource",
    "OnProgress",
    "Readable",
    "Source",
    "check_upload",
    "open_source",
]

MAX_FILE_SIZE: Final = 10 * 1024 * 1024
"""Bytes that the server takes at most."""

BytesLike: TypeAlias = bytes | bytearray | memoryview


class Readable(Protocol):
    """A binary file object. Where it has `tell` and `seek` too, its size is known and it can be sent again."""

    def read(self, size: int, /) -> BytesLike:
        """Return up to `size` bytes, none at the end; called in a worker thread."""
        ...


class AsyncReadable(Protocol):
    """An async file, such as `anyio.AsyncFile`; `tell` and `seek` may be async or not."""

    async def read(self, size: int, /) -> BytesLike:
        """Return up to `size` bytes, none at the end."""
        ...


FileSource: TypeAlias = (
    os.PathLike[str]
    | os.PathLike[bytes]
    | BytesLike
    | Readable
    | AsyncReadable
    | AsyncIterable[BytesLike]
    | Iterable[BytesLike]
)
"""What can be uploaded.

A path of a regular file, bytes, a binary file object (read from where it stands and left open; put back if the upload
fails), an object with an async `read`, or an iterable of bytes, async or not. File objects and iterables are read in
worker threads. A plain `str` is refused: a user's text must not become a local file.
"""

OnProgress: TypeAlias = Callable[[int, int | None], object]
"""Called with the file's bytes sent and its size (`None` while unknown); may be async. See `MultipartBody`."""


def check_upload(
    file: object, filename: object = None, content_type: object = None, on_progress: object = None
) -> None:
    """Refuse arguments of an upload that can be known to be wrong without touching the file.

    Raises:
        InvalidRequestError: names the parameter.
    """
    _reader_for(file, keep=False)
    if filename is not None:
        given_filename(filename)
    if content_type is not None:
        given_content_type(content_type)
    if on_progress is not None and not callable(on_progress):
        raise InvalidRequestError(
            f"expected a function of (sent, total), got {kind(on_progress)}", parameter="on_progress"
        )


class Source:
    """One open source of one upload.

    Attributes:
        filename: what the part is called.
        content_type: the part's content type.
        size: exact size in bytes; `None` where it is not known.
        why_one_shot: why a second pass is not possible, as a sentence; `None` where it is.
    """

    def __init__(
        self, reader: Reader, facts: Facts, filename: str, content_type: str, release: Callable[[], object]
    ) -> None:
        self._reader = reader
        self._release = release
        self._first: bytes | None = None
        self._begun = False
        self._closed = False
        self.filename = filename
        self.content_type = content_type
        self.size = facts.size
        self.why_one_shot = facts.why_one_shot

    @property
    def replayable(self) -> bool:
        """Whether `chunks` can begin from where the source stood: nothing was taken yet, or it can be read again."""
        return not self._begun or self.why_one_shot is None

    async def look(self) -> None:
        """Read a first piece ahead, which shows whether the source gives bytes at all."""
        self._first = await self._next()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the file's bytes in chunks of at most `CHUNK_SIZE`, from where it stood; one pass at a time.

        The last chunk is given only when it is certain that the file ends with it: so what goes out whole is whole.

        Raises:
            InvalidRequestError: it cannot be read (again), grew, shrank, or is larger than the limit.
        """
        await self._begin()
        sent = 0
        while piece := await self._next():
            sent += len(piece)
            self._refuse_excess(sent)
            if sent == self.size and (more := await self._next()):
                self._refuse_excess(sent + len(more))
            for chunk in split(piece):
                yield chunk
        if self.size is not None and sent < self.size:
            message = f"it shrank while it was sent: it held {self.size} bytes, and ended after {sent}"
            raise InvalidRequestError(message, parameter="file")

    async def aclose(self, *, succeeded: bool) -> None:
        """Close what was opened here. A caller's file stays open, and is put back if the upload did not succeed.

        Safe when cancelled and when called again. It waits a moment at most for a read that is still running in a
        thread; if that hangs, the file is closed when it ends.
        """
        if self._closed:
            return
        self._closed = True
        self._first = None
        try:
            await self._reader.aclose(succeeded=succeeded)
        finally:
            self._release()

    async def _begin(self) -> None:
        self._refuse_if_closed()
        if self._begun:
            if self.why_one_shot is not None:
                raise InvalidRequestError(f"it cannot be sent again: {self.why_one_shot}", parameter="file")
            self._first = None
            with _faults_of_the_source("going back to its start"):
                await self._reader.rewind()
        self._begun = True

    async def _next(self) -> bytes:
        self._refuse_if_closed()  # a transport may send on for a while after its call was cancelled
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        with _faults_of_the_source("reading it"):
            return await self._reader.read()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise InvalidRequestError("its upload has ended", parameter="file")

    def _refuse_excess(self, sent: int) -> None:
        if self.size is None and sent > MAX_FILE_SIZE:
            raise InvalidRequestError(f"it holds more than {MAX_FILE_SIZE} bytes, the limit", parameter="file")
        if self.size is not None and sent > self.size:
            message = f"it grew while it was sent: it held {self.size} bytes, and there are more now"
            raise InvalidRequestError(message, parameter="file")


async def open_source(
    file: FileSource, *, filename: str | None = None, content_type: str | None = None, keep: bool
) -> Source:
    """Open a source; the caller closes it with `aclose`.

    A source of an unknown kind is asked for its first piece here, so that a wrong one is refused before anything is
    sent. Do this in the task that will read it: a generator may hold cancel scopes, which belong to one task.

    Args:
        file: what to upload.
        filename: name of the part; `None` for the source's own, or "file". Only its last path part is used.
        content_type: the part's; `None` to guess it from the name.
        keep: whether to keep what is read of a one-shot source, so that it can be sent again.

    Raises:
        InvalidRequestError: it cannot be read, or is known to be larger than `MAX_FILE_SIZE`.
    """
    check_upload(file, filename, content_type)
    with _faults_of_the_source("finding its name"):
        name = own_filename(file) if filename is None else given_filename(filename)
    reader = _reader_for(file, keep=keep)
    release = _claim(file)
    try:
        with _faults_of_the_source("opening it"):
            facts = await reader.open()
        _refuse_too_large(facts, file)
        source = Source(reader, facts, name, content_type or await guess_content_type(name), release)
        if not facts.proven:
            await source.look()
    except BaseException:
        try:
            await reader.aclose(succeeded=False)
        finally:
            release()
        raise
    return source


_claimed: dict[int, object] = {}


def _claim(file: Any) -> Callable[[], object]:
    """Take a caller's own file or iterator for one upload, and return what gives it free again.

    Two uploads of it at once would each read a part, and move the place of the other.
    """
    if isinstance(file, os.PathLike) or not (hasattr(file, "read") or isinstance(file, Iterator | AsyncIterator)):
        return lambda: None
    key = id(cast("object", file))
    if _claimed.setdefault(key, claim := object()) is not claim:
        message = "another call is uploading this very object, and only one can read it: open it once for each"
        raise InvalidRequestError(message, parameter="file")
    return lambda: _claimed.pop(key, None)


def _refuse_too_large(facts: Facts, file: FileSource) -> None:
    if facts.size is not None and facts.size > MAX_FILE_SIZE:
        name = quoted_name(file) if isinstance(file, os.PathLike) else "it"
        message = f"{name} holds {facts.size} bytes, and the limit is {MAX_FILE_SIZE}"
        raise InvalidRequestError(message, parameter="file")


def _reader_for(file: object, *, keep: bool) -> Reader:
    if isinstance(file, str):
        raise InvalidRequestError(
            "a str is neither taken for a path nor for content: pass pathlib.Path(…) to send a file, or "
            "….encode() to send the text",
            parameter="file",
        )
    if isinstance(file, os.PathLike):
        return ThreadReader(BlockingFile(partial(open_regular_file, file), ours=True))
    if isinstance(file, bytes | bytearray | memoryview):
        return MemoryReader((cast("bytes", file),))
    if callable(getattr(file, "read", None)):
        return _file_reader(file, keep=keep)
    return _items_reader(file, keep=keep)


def _file_reader(file: Any, *, keep: bool) -> Reader:
    if getattr(file, "closed", False) is True:
        raise InvalidRequestError("the file is closed", parameter="file")
    # Wrappers of text files (temporary files, async files) are no TextIOBase, but have the encoding of one.
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "encoding", None), str):
        raise InvalidRequestError('the file is open in text mode: open it with mode "rb"', parameter="file")
    if inspect.iscoroutinefunction(file.read):
        return _awaiting(AwaitedFile(file), keep=keep)
    return _threaded(BlockingFile(lambda: file, ours=False), keep=keep)


def _items_reader(file: object, *, keep: bool) -> Reader:
    got = kind(file)
    if is_buffer(file):
        return MemoryReader((file,))
    if isinstance(file, list | tuple | deque):
        return MemoryReader(cast("Iterable[object]", file))
    if isinstance(file, AsyncIterable):
        return _awaiting(AwaitedIterable(cast("AsyncIterable[object]", file)), keep=keep)
    if isinstance(file, Iterable) and not isinstance(file, Mapping | AbstractSet):
        return _threaded(BlockingIterable(cast("Iterable[object]", file)), keep=keep)
    raise InvalidRequestError(
        f"expected a path, bytes, a file open in binary mode or an iterable of bytes, got {got}", parameter="file"
    )


def _threaded(source: BlockingSource, *, keep: bool) -> Reader:
    return ThreadReader(SpooledSource(source) if keep else source)


def _awaiting(source: AwaitedSource, *, keep: bool) -> Reader:
    return SpooledReader(AwaitingReader(source)) if keep else AwaitingReader(source)


@contextmanager
def _faults_of_the_source(doing: str) -> Generator[None, None, None]:
    """Raise what a source raises as an `InvalidRequestError`, with the cause."""
    try:
        yield
    except InvalidRequestError:
        raise
    except asyncio.CancelledError as error:
        # A source may wait for a task that somebody else cancelled. That does not cancel the upload's own task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise InvalidRequestError(f"{doing} was cancelled from within", parameter="file") from error
    except Exception as error:
        name = type(error).__name__
        reason = f"{name} ({error.strerror})" if isinstance(error, OSError) and error.strerror else name
        raise InvalidRequestError(f"{doing} failed: {reason}", parameter="file") from error


class Upload:
    def __init__(
        self,
        file: FileSource,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        check_upload(file, filename, content_type, on_progress)
        self.on_progress = on_progress
        self._open = partial(open_source, file, filename=filename, content_type=content_type)

    async def open(self, *, keep: bool) -> Source:
        return await self._open(keep=keep)
