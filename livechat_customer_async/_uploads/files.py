"""Files as sources: paths, file objects whose methods block, and file objects whose methods are awaited."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import stat
import time
from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from pathlib import PurePath
from typing import Any, Final, TypeVar

from .metadata import own_size
from .pieces import BATCH_SECONDS, CHUNK_SIZE, Facts, checked, gather, unusable
from .readers import Fetched

T = TypeVar("T")

_CANNOT_SEEK: Final = (AttributeError, NotImplementedError, OSError, TypeError, ValueError)
"""What files of all kinds raise if they cannot tell or change their position."""

# Only these are known to return the same from `readinto` as from `read`: a subclass or wrapper may change `read` alone.
_READ_INTO: Final = {io.BufferedRandom, io.BufferedReader, io.BytesIO, io.FileIO}
_LONGEST_NAME: Final = 80
_OPEN_FLAGS: Final = ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK")
_ONE_SHOT: Final = "the file cannot seek, so it can be read only once"


class BlockingFile:
    """Reads a binary file object from its current position."""

    def __init__(self, opener: Callable[[], Any], *, ours: bool, upload: Any = None) -> None:
        """Take what opens the file, whether to close it, and the upload object that may state its size."""
        self._opener = opener
        self._ours = ours
        self._upload = upload
        self._file: Any = None
        self._start: int | None = None
        self._size: int | None = None
        self._buffer: memoryview | None = None

    def open(self) -> Facts:
        file = self._file = self._opener()
        readable = getattr(file, "readable", None)
        if callable(readable) and not readable():
            raise unusable("the file is not open for reading")
        self._start, self._size = _without_waiting(_extent(file, self._upload))
        if self._ours:
            # It is opened again for the first read: a thousand queued uploads must not hold a thousand open files.
            self._file = None
            file.close()
        why = _ONE_SHOT if self._start is None else None
        return Facts(size=self._size, why_one_shot=why, proven=type(file) in _READ_INTO)

    def fetch(self) -> Fetched:
        if self._file is None:
            self._file = self._opener()
        if type(self._file) not in _READ_INTO:
            return gather(lambda: checked(self._file.read(CHUNK_SIZE)) or None)
        if self._buffer is None:
            # One byte more than the size: the end of the file, or that it grew, shows in the same call.
            length = CHUNK_SIZE if self._size is None else min(CHUNK_SIZE, self._size + 1)
            self._buffer = memoryview(bytearray(length))
        return self._fill(self._buffer)

    def rewind(self) -> None:
        if self._file is not None:
            self._file.seek(self._start)

    def close(self, *, succeeded: bool) -> None:
        self._buffer = None
        if self._file is None:
            return
        with contextlib.suppress(*_CANNOT_SEEK):
            if self._ours:
                self._file.close()
            elif not succeeded and self._start is not None:
                self._file.seek(self._start)

    def _fill(self, buffer: memoryview) -> Fetched:
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


class AwaitedFile:
    """Reads an object with an async `read` from its current position."""

    def __init__(self, file: Any, *, upload: Any) -> None:
        """Take the file, and the upload object that may state its size."""
        self._file = file
        self._upload = upload
        # The upload objects of Starlette and Litestar cannot tell their position; the file in them can.
        self._seekable = file if hasattr(file, "tell") else getattr(file, "file", file)
        self._start: int | None = None

    async def open(self) -> Facts:
        self._start, size = await _extent(self._seekable, self._upload)
        return Facts(size=size, why_one_shot=_ONE_SHOT if self._start is None else None)

    async def fetch(self) -> Fetched:
        piece = checked(await self._file.read(CHUNK_SIZE))
        return piece, not piece

    async def rewind(self) -> None:
        await _value_of(self._seekable.seek(self._start))

    async def close(self, *, succeeded: bool) -> None:
        if not succeeded and self._start is not None:
            with contextlib.suppress(*_CANNOT_SEEK):
                await self.rewind()

    async def cancelled(self, error: CancelledError) -> None:
        raise error


# ---- position and size


async def _extent(file: Any, upload: Any) -> tuple[int | None, int | None]:
    """Return the position of a file and how many bytes follow, each `None` if unknown; leave the position unchanged.

    Measured by seeking: the descriptor of a file may tell the size of something else.
    """
    seekable = getattr(file, "seekable", None)
    start: Any = None
    try:
        if not callable(seekable) or await _value_of(seekable()):
            start = await _value_of(file.tell())
            await _value_of(file.seek(start))
    except _CANNOT_SEEK:
        start = None
    if not isinstance(start, int):
        return None, own_size(upload)
    try:
        await _value_of(file.seek(0, os.SEEK_END))
        end = await _value_of(file.tell())
    except _CANNOT_SEEK:
        end = own_size(upload)
    await _value_of(file.seek(start))
    return start, _left(start, end) if isinstance(end, int) else None


def _left(start: int, end: int) -> int:
    if start >= end > 0:
        message = f"already read: its position is at its end ({end} bytes); call seek(0) first to upload it whole"
        raise unusable(message)
    return max(0, end - start)


async def _value_of(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _without_waiting(steps: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for."""
    try:
        steps.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    steps.close()
    raise unusable("its `read` is not async, so `tell` and `seek` must not be either")


# ---- paths


def open_regular_file(path: os.PathLike[Any]) -> io.FileIO:
    """Open a path of a regular file; refuse whatever could block or never end."""
    try:
        _require_regular(os.stat(path).st_mode, path)  # noqa: PTH116 - any PathLike
        file = io.FileIO(os.fspath(path), "rb", opener=_open_without_waiting)
    except OSError as error:
        raise unusable(_why_not_opened(error, path)) from error
    try:
        _require_regular(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def quoted_name(path: os.PathLike[Any]) -> str:
    """Return the last part of a path for a message: one line, without control characters, and not too long."""
    text = os.fsdecode(path)
    name = PurePath(text).name or text
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def _open_without_waiting(path: str, flags: int) -> int:
    # A path may become a named pipe after it was inspected, and opening one waits for its other end.
    for name in _OPEN_FLAGS:
        flags |= getattr(os, name, 0)
    return os.open(path, flags)


def _require_regular(mode: int, path: os.PathLike[Any]) -> None:
    if stat.S_ISREG(mode):
        return
    name = quoted_name(path)
    if stat.S_ISDIR(mode):
        raise unusable(f"{name} is a directory: pass the path of a file")
    message = f"{name} is a pipe, socket or device, not a regular file: open it yourself and pass the file object"
    raise unusable(message)


def _why_not_opened(error: OSError, path: os.PathLike[Any]) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file at this path: {quoted_name(path)}"
    return f"{quoted_name(path)} cannot be opened for reading ({error.strerror or type(error).__name__})"
