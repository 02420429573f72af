"""What may be uploaded, and the rules of size."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias

from .._base.checks import refuse
from ..errors import FileTooLargeError, InvalidRequestError
from .files import quoted_name
from .kinds import claim, new_reader, readable_part
from .metadata import given_content_type, given_filename, guess_content_type, own_content_type, own_filename
from .pieces import CHUNK_SIZE, OpeningReader, Reader, unusable
from .readers import SpooledReader
from .runners import FINISHED

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
        self._read_from = readable_part(file)
        self._new_reader = new_reader(self._read_from, file)
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
        with _source_errors("naming"):
            name = self._filename or own_filename(self._file)
            label = quoted_name(self._file) if isinstance(self._file, os.PathLike) else "the file"
        content_type = self._content_type or own_content_type(self._file) or await guess_content_type(name)
        source = Source(self._new_reader(), name, content_type, label, claim(self._read_from))
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
            for offset in range(0, len(piece), CHUNK_SIZE):
                yield piece[offset : offset + CHUNK_SIZE]
        if self.size is not None and sent < self.size:
            message = f"the file shrank during the upload: it had {self.size} bytes, and {sent} could be read"
            raise unusable(message)

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
                raise unusable(f"it cannot be sent again: {self.why_one_shot}")
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
            raise unusable(FINISHED)

    def _check_sent(self, sent: int) -> None:
        if self.size is None and sent > MAX_FILE_SIZE:
            raise FileTooLargeError(f"the file has more than {MAX_FILE_SIZE} bytes, the limit", parameter="file")
        if self.size is not None and sent > self.size:
            message = f"the file grew during the upload: it had {self.size} bytes, and has more now"
            raise unusable(message)


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
        raise unusable(f"{doing} the file failed: {reason}") from error
