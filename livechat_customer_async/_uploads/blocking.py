"""Sources whose reading blocks: paths, file objects, iterables. All of this runs in worker threads."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import PurePath
from typing import Any, Final, cast

from ..errors import InvalidRequestError
from .pieces import BATCH_SECONDS, CHUNK_SIZE, Batch, Facts, checked

CANNOT_SEEK: Final = (AttributeError, NotImplementedError, OSError, TypeError, ValueError)
"""What files of all kinds raise where they cannot say or change their position."""

# Only of these is it known that `readinto` gives what `read` gives: a subclass or a wrapper may change `read` alone.
_READ_INTO: Final = {io.BufferedRandom, io.BufferedReader, io.BytesIO, io.FileIO}
_LONGEST_NAME: Final = 80
_OPEN_FLAGS: Final = ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK")


class BlockingFile:
    """Reads a binary file object from where it stands."""

    def __init__(self, opener: Callable[[], Any], *, ours: bool) -> None:
        """Take what opens the file, and whether it is closed here rather than put back."""
        self._opener = opener
        self._ours = ours
        self._file: Any = None
        self._start: int | None = None
        self._size: int | None = None
        self._buffer: memoryview | None = None

    def open(self) -> Facts:
        """Find its size by seeking. A file's descriptor may tell the size of something else."""
        file = self._file = self._opener()
        readable = getattr(file, "readable", None)
        if callable(readable) and not readable():
            raise InvalidRequestError("the file is not open for reading", parameter="file")
        self._start, self._size = _extent(file)
        if self._ours:
            # It is opened again for the first read: a thousand uploads may queue, and not hold a thousand files.
            self._file = None
            file.close()
        why = "the file cannot seek, so it can be read only once" if self._start is None else None
        return Facts(size=self._size, why_one_shot=why, proven=type(file) in _READ_INTO)

    def fetch(self) -> tuple[bytes | memoryview, bool]:
        """Read about one chunk."""
        if self._file is None:
            self._file = self._opener()
        if type(self._file) not in _READ_INTO:
            return _gather(lambda: checked(self._file.read(CHUNK_SIZE)) or None)
        if self._buffer is None:
            # One byte more than it holds: so its end, or that it grew, shows in the same call.
            length = CHUNK_SIZE if self._size is None else min(CHUNK_SIZE, self._size + 1)
            self._buffer = memoryview(bytearray(length))
        return self._fill(self._buffer)

    def rewind(self) -> None:
        """Seek to where it stood."""
        if self._file is not None:
            self._file.seek(self._start)

    def close(self, *, succeeded: bool) -> None:
        """Close our own; put a caller's back if the upload failed and it can be."""
        self._buffer = None
        if self._file is None:
            return
        with contextlib.suppress(*CANNOT_SEEK):
            if self._ours:
                self._file.close()
            elif not succeeded and self._start is not None:
                self._file.seek(self._start)

    def _fill(self, buffer: memoryview) -> tuple[memoryview, bool]:
        until = time.monotonic() + BATCH_SECONDS
        filled = 0
        while filled < len(buffer):
            count = self._file.readinto(buffer[filled:])
            if not count:
                checked(b"" if count == 0 else None)
                return buffer[:filled], True
            filled += count
            if time.monotonic() >= until:
                break
        return buffer[:filled], False


class BlockingIterable:
    """Reads an iterable of bytes, once."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self._iterable = iterable
        self._iterator: Any = None

    def open(self) -> Facts:
        """Begin to iterate."""
        self._iterator = iter(self._iterable)
        return Facts(why_one_shot="an iterable can be read only once")

    def fetch(self) -> tuple[bytes, bool]:
        """Take items until there is about one chunk."""
        return _gather(self._next)

    def rewind(self) -> None:
        """Not possible."""
        raise NotImplementedError

    def close(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        """End a generator that was left in the middle: a server may answer before it has taken all."""
        iterator = self._iterator
        if isinstance(iterator, Generator):
            cast("Generator[object]", iterator).close()

    def _next(self) -> bytes | None:
        for item in self._iterator:
            return checked(item)
        return None


def open_regular_file(path: os.PathLike[Any]) -> io.FileIO:
    """Open a path that names a regular file, and nothing that could hang or never end."""
    try:
        _require_regular(os.stat(path).st_mode, path)  # noqa: PTH116 - any PathLike
        file = io.FileIO(os.fspath(path), "rb", opener=_open_without_waiting)
    except OSError as error:
        raise InvalidRequestError(_why_not_opened(error, path), parameter="file") from error
    try:
        _require_regular(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    # A path may become a named pipe after it was looked at, and opening one waits for its other end.
    for name in _OPEN_FLAGS:
        flags |= getattr(os, name, 0)
    return os.open(path, flags)


def quoted_name(path: os.PathLike[Any]) -> str:
    """Return a path's last part for a message: in one line, with nothing that a terminal obeys, and not too long."""
    text = os.fsdecode(path)
    name = PurePath(text).name or text
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def _require_regular(mode: int, path: os.PathLike[Any]) -> None:
    if stat.S_ISREG(mode):
        return
    name = quoted_name(path)
    if stat.S_ISDIR(mode):
        raise InvalidRequestError(f"{name} is a directory: pass the path of one file", parameter="file")
    raise InvalidRequestError(
        f"{name} is a pipe, socket or device, no regular file: open it yourself and pass the file object",
        parameter="file",
    )


def _why_not_opened(error: OSError, path: os.PathLike[Any]) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file at this path: {quoted_name(path)}"
    return f"{quoted_name(path)} cannot be opened for reading ({error.strerror or type(error).__name__})"


def _extent(file: Any) -> tuple[int | None, int | None]:
    """Return where a file stands and how much follows, as far as it can be known, and leave it there."""
    seekable = getattr(file, "seekable", None)
    try:
        if callable(seekable) and not seekable():
            return None, None
        start = file.tell()
        file.seek(start)
    except CANNOT_SEEK:
        return None, None
    if not isinstance(start, int):
        return None, None
    try:
        file.seek(0, os.SEEK_END)
        end = file.tell()
    except CANNOT_SEEK:
        end = None
    file.seek(start)
    return start, max(0, end - start) if isinstance(end, int) else None


def _gather(pull: Callable[[], bytes | None]) -> tuple[bytes, bool]:
    batch = Batch()
    while (piece := pull()) is not None:
        if not batch.add(piece):
            return batch.join(), False
    return batch.join(), True
