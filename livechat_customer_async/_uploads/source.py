"""What may be uploaded, how a caller's file is classified, and the rules of size."""

from __future__ import annotations

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

from .._base.checks import refuse
from ..errors import FileTooLargeError, InvalidRequestError
from .files import AwaitedFile, BlockingFile, open_regular_file, quoted_name
from .iterables import AwaitedIterable, BlockingIterable
from .metadata import (
    given_content_type,
    given_filename,
    guess_content_type,
    own,
    own_content_type,
    own_filename,
    own_size,
)
from .pieces import CHUNK_SIZE, OpeningReader, Reader, split
from .readers import BlockingSource, MemoryReader, SourceReader, SpooledReader, check_buffers, is_buffer
from .runners import Pump, Worker

__all__ = [
    "CHUNK_SIZE",
    "MAX_FILE_SIZE",
    "AsyncReadable",
    "BytesLike",
    "FileSource",
    "OnProgress",
    "Readable",
    "Source",
    "Upload",
    "WithFile",
]

MAX_FILE_SIZE: Final = 10 * 1024 * 1024
"""The server's limit in bytes."""

BytesLike: TypeAlias = bytes | bytearray | memoryview


class Readable(Protocol):
    """A binary file object. If it has `tell` and `seek` too, its size is known and it can be sent again."""

    def read(self, size: int, /) -> BytesLike:
        """Return up to `size` bytes, none at the end; called in a worker thread."""
        ...


class AsyncReadable(Protocol):
    """An async file, such as `anyio.AsyncFile`; `tell` and `seek` may be async or not."""

    async def read(self, size: int, /) -> BytesLike:
        """Return up to `size` bytes, none at the end."""
        ...


class WithFile(Protocol):
    """An upload object that cannot be read itself, such as aiohttp's `FileField`."""

    @property
    def file(self) -> Readable:
        """The file to read."""
        ...


FileSource: TypeAlias = (
    os.PathLike[str]
    | os.PathLike[bytes]
    | BytesLike
    | Readable
    | AsyncReadable
    | WithFile
    | AsyncIterable[BytesLike]
    | Iterable[BytesLike]
)
"""What can be uploaded.

A path of a regular file, bytes, a binary file object (read from its current position and left open; the position is
restored if the upload fails), an object with an async `read`, a web framework's upload object, or an iterable of bytes,
async or not. File objects and iterables are read in worker threads, what is async in a task of its own. A plain `str`
is refused: a user's text must not become a local file.
"""

OnProgress: TypeAlias = Callable[[int, int | None], object]
"""Called with the number of the file's bytes sent and its size (`None` while unknown); may be async."""


class Upload:
    """A file to be uploaded: checked and classified, but not opened yet.

    Attributes:
        on_progress: see `MultipartBody`.
    """

    def __init__(
        self,
        file: FileSource,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Check the arguments, without touching the file.

        Args:
            file: what to upload.
            filename: name of the part, of which only the last path part is used; `None` for the source's own.
            content_type: content type of the part; `None` for the source's own, or guessed from the name.
            on_progress: see `MultipartBody`.

        Raises:
            InvalidRequestError: an argument is invalid; `parameter` names it.
        """
        self._file = file
        self._new_reader = _classify(file)
        self._filename = None if filename is None else given_filename(filename)
        self._content_type = None if content_type is None else given_content_type(content_type)
        if on_progress is not None and not callable(on_progress):
            refuse("a function of (sent, total)", on_progress, "on_progress")
        self.on_progress = on_progress

    async def open(self, *, keep: bool) -> Source:
        """Open the file; the caller closes the source with `aclose`.

        A source of an unknown kind is asked for its first piece here, so that a wrong one is refused before anything
        is sent.

        Args:
            keep: whether to keep what is read from a one-shot source, so that it can be sent again.

        Raises:
            InvalidRequestError: the file cannot be read.
            FileTooLargeError: it is known to be larger than `MAX_FILE_SIZE`.
        """
        name = self._filename or own_filename(self._file)
        content_type = self._content_type or own_content_type(self._file) or await guess_content_type(name)
        label = quoted_name(self._file) if isinstance(self._file, os.PathLike) else "the file"
        source = Source(self._new_reader(), name, content_type, label, _claim(self._file))
        try:
            await source.open(keep=keep)
        except BaseException:
            await source.aclose(succeeded=False)
            raise
        return source


class Source:
    """One open source of one upload.

    Attributes:
        filename: name of the part.
        content_type: content type of the part.
        size: exact size in bytes; `None` if unknown.
        why_one_shot: why a second pass is not possible; `None` if it is.
    """

    def __init__(
        self, reader: OpeningReader, filename: str, content_type: str, label: str, release: Callable[[], object]
    ) -> None:
        self._opening = reader
        self._reader: Reader = reader
        self._label = label
        self._release = release
        self._first: bytes | None = None
        self._begun = False
        self._closed = False
        self.filename = filename
        self.content_type = content_type
        self.size: int | None = None
        self.why_one_shot: str | None = None

    @property
    def replayable(self) -> bool:
        """Whether `chunks` can begin at the initial position: nothing was read yet, or it can be read again."""
        return not self._begun or self.why_one_shot is None

    async def open(self, *, keep: bool) -> None:
        """Open it and check its size."""
        with _source_errors("opening"):
            facts = await self._opening.open()
        self.size, self.why_one_shot = facts.size, facts.why_one_shot
        if self.size is not None and self.size > MAX_FILE_SIZE:
            message = f"{self._label} has {self.size} bytes; the limit is {MAX_FILE_SIZE}"
            raise FileTooLargeError(message, parameter="file")
        if keep and self.why_one_shot is not None:
            self._reader, self.why_one_shot = SpooledReader(self._opening), None
        if not facts.proven:
            self._first = await self._next()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the file in chunks of at most `CHUNK_SIZE`, from its initial position; one pass at a time.

        The last chunk is yielded only when it is certain that the file ends with it: no incomplete file looks whole.

        Raises:
            InvalidRequestError: the file cannot be read (again), grew or shrank.
            FileTooLargeError: it is larger than `MAX_FILE_SIZE`.
        """
        await self._begin()
        sent = 0
        while piece := await self._next():
            sent += len(piece)
            self._check_sent(sent)
            if sent == self.size and (more := await self._next()):
                self._check_sent(sent + len(more))
            for chunk in split(piece):
                yield chunk
        if self.size is not None and sent < self.size:
            message = f"the file shrank during the upload: it had {self.size} bytes, and {sent} could be read"
            raise InvalidRequestError(message, parameter="file")

    async def aclose(self, *, succeeded: bool) -> None:
        """Close what was opened. A caller's file stays open; its position is restored if the upload failed.

        May be cancelled, and called again. It waits for a read that is still running, but only for a moment; if the
        read hangs, the file is closed when it ends.
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
        self._check_open()
        if self._begun:
            if self.why_one_shot is not None:
                raise InvalidRequestError(f"it cannot be sent again: {self.why_one_shot}", parameter="file")
            self._first = None
            with _source_errors("rewinding"):
                await self._reader.rewind()
        self._begun = True

    async def _next(self) -> bytes:
        self._check_open()  # a transport may go on sending for a while after its call was cancelled
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        with _source_errors("reading"):
            return await self._reader.read()

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidRequestError("the upload has already finished", parameter="file")

    def _check_sent(self, sent: int) -> None:
        if self.size is None and sent > MAX_FILE_SIZE:
            raise FileTooLargeError(f"the file has more than {MAX_FILE_SIZE} bytes, the limit", parameter="file")
        if self.size is not None and sent > self.size:
            message = f"the file grew during the upload: it had {self.size} bytes, and has more now"
            raise InvalidRequestError(message, parameter="file")


# ---- one upload of an object at a time

_claimed: dict[int, object] = {}


def _claim(file: Any) -> Callable[[], object]:
    """Reserve a caller's file or iterator for one upload, and return what releases it.

    Two uploads at once would each read a part of it, and move each other's position.
    """
    file = _inner_file(file) or file
    if isinstance(file, os.PathLike) or not (hasattr(file, "read") or isinstance(file, Iterator | AsyncIterator)):
        return lambda: None
    key = id(cast("object", file))
    if _claimed.setdefault(key, claim := object()) is not claim:
        message = "another call is uploading this very object; open the file once for each call"
        raise InvalidRequestError(message, parameter="file")
    return lambda: _claimed.pop(key, None)


# ---- which kind of source it is


def _classify(file: Any) -> Callable[[], OpeningReader]:
    """Return what makes the reader for a source."""
    if isinstance(file, str):
        message = "a str is neither a path nor content: pass pathlib.Path(...) for a file, or text.encode() for text"
        raise InvalidRequestError(message, parameter="file")
    if isinstance(file, os.PathLike):
        return _blocking(lambda: BlockingFile(partial(open_regular_file, file), ours=True))
    if isinstance(file, bytes | bytearray | memoryview):
        return partial(MemoryReader, check_buffers((file,)))
    if callable(getattr(file, "read", None)):
        return _classify_file(file, own_size(file))
    if (inner := _inner_file(file)) is not None:
        return _classify_file(inner, own_size(file))
    return _classify_items(file)


def _classify_file(file: Any, size: int | None) -> Callable[[], OpeningReader]:
    if own(file, "closed") is True:
        raise InvalidRequestError("the file is closed", parameter="file")
    # Wrappers of text files (temporary files, async files) are not TextIOBase, but have the encoding of one.
    if isinstance(file, io.TextIOBase) or isinstance(own(file, "encoding"), str):
        raise InvalidRequestError('the file is open in text mode: open it with mode "rb"', parameter="file")
    if inspect.iscoroutinefunction(file.read):
        return lambda: _awaited(AwaitedFile(file, size=size), interrupt=False)
    return _blocking(lambda: BlockingFile(lambda: file, ours=False, size=size))


def _classify_items(file: object) -> Callable[[], OpeningReader]:
    if is_buffer(file):
        return partial(MemoryReader, check_buffers((file,)))
    if isinstance(file, list | tuple | deque):
        return partial(MemoryReader, check_buffers(tuple(cast("Iterable[object]", file))))
    if isinstance(file, AsyncIterable):
        items = cast("AsyncIterable[object]", file)
        return lambda: _awaited(AwaitedIterable(items), interrupt=True)
    if isinstance(file, Iterable) and not isinstance(file, Mapping | AbstractSet):
        return _blocking(partial(BlockingIterable, cast("Iterable[object]", file)))
    return refuse("a path, bytes, a file open in binary mode or an iterable of bytes", file, "file")


def _inner_file(file: Any) -> Any:
    """Return the file of an upload object that has no `read` and no items of its own, or `None`."""
    if callable(getattr(file, "read", None)) or isinstance(file, Iterable | AsyncIterable | os.PathLike):
        return None
    inner = own(file, "file")
    return inner if callable(getattr(inner, "read", None)) else None


def _blocking(new_source: Callable[[], BlockingSource]) -> Callable[[], OpeningReader]:
    return lambda: SourceReader(new_source(), Worker())


def _awaited(source: AwaitedFile | AwaitedIterable, *, interrupt: bool) -> OpeningReader:
    return SourceReader(source, Pump(source.cancelled, interrupt=interrupt))


@contextmanager
def _source_errors(doing: str) -> Generator[None, None, None]:
    """Raise what a source raises as an `InvalidRequestError`, with the cause."""
    try:
        yield
    except InvalidRequestError:
        raise
    except Exception as error:
        name = type(error).__name__
        reason = f"{name} ({error.strerror})" if isinstance(error, OSError) and error.strerror else name
        raise InvalidRequestError(f"{doing} the file failed: {reason}", parameter="file") from error
