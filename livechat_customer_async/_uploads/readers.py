"""The readers: over a source that blocks or is awaited, over bytes in memory, and one that keeps what it reads."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Any, Final, Protocol

from .._base.checks import kind
from .pieces import CHUNK_SIZE, Facts, Reader, gather, unusable
from .runners import Runner, Worker, result_of

_IN_MEMORY: Final = 2 * 1024 * 1024
"""Number of bytes that a copy keeps in memory; more goes to a temporary file."""

Fetched = tuple[bytes | memoryview, bool]
"""The next piece, and whether the end was reached. A view is valid until the next call."""


class RawSource(Protocol):
    """A source as its runner calls it, one method at a time: they block, or all of them are awaited."""

    def open(self) -> Any: ...
    def fetch(self) -> Any: ...
    def rewind(self) -> Any: ...
    def close(self, *, succeeded: bool) -> Any: ...


class SourceReader:
    """Reads a source by way of a runner. A read that is cancelled goes on, and the next one returns its piece."""

    def __init__(self, source: RawSource, runner: Runner) -> None:
        self._source = source
        self._runner = runner
        self._fetching: asyncio.Future[Fetched] | None = None
        self._ended = False

    async def open(self) -> Facts:
        facts: Facts = await result_of(await self._runner.start(self._source.open))
        return facts

    async def read(self) -> bytes:
        if self._ended:
            return b""
        if self._fetching is None:
            self._fetching = await self._runner.start(self._source.fetch)
        await asyncio.wait({self._fetching})
        fetched, self._fetching = self._fetching, None
        piece, self._ended = fetched.result()
        # A view of a reused buffer is copied here: transports keep what they cannot send at once, and
        # memory that worker threads allocate is spread over the arenas of all of them.
        return bytes(piece)

    async def rewind(self) -> None:
        self._fetching = None
        await result_of(await self._runner.start(self._source.rewind))
        self._ended = False

    async def aclose(self, *, succeeded: bool) -> None:
        await self._runner.finish(partial(self._source.close, succeeded=succeeded))


class MemoryReader:
    """Reads objects with the buffer protocol, one after the other.

    Each chunk is a copy, and no view outlives it: a `bytearray` is never locked against resizing.
    """

    def __init__(self, buffers: tuple[Any, ...]) -> None:
        self._buffers = buffers
        self._chunks = _slices(buffers)

    async def open(self) -> Facts:
        return Facts(size=sum(memoryview(buffer).nbytes for buffer in self._buffers), proven=True)

    async def read(self) -> bytes:
        await asyncio.sleep(0)  # nothing else here lets other tasks run
        return gather(lambda: next(self._chunks, None))[0]

    async def rewind(self) -> None:
        self._chunks = _slices(self._buffers)

    async def aclose(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        self._buffers = ()
        self._chunks = iter(())


class SpooledReader:
    """Makes a one-shot reader replayable: what it returns is kept, and returned first after a `rewind`."""

    def __init__(self, reader: Reader) -> None:
        """Wrap a reader that is already open."""
        self._reader = reader
        self._spool = _Spool()
        self._worker = Worker()
        self._unkept: bytes | None = None
        self._length = self._position = 0

    async def read(self) -> bytes:
        if self._position < self._length:
            piece = await result_of(await self._worker.start(partial(self._spool.recall, self._position)))
        else:
            piece = await self._read_and_keep()
        self._position += len(piece)
        return piece

    async def rewind(self) -> None:
        self._position = 0

    async def aclose(self, *, succeeded: bool) -> None:
        try:
            await self._worker.finish(self._spool.drop)
        finally:
            await self._reader.aclose(succeeded=succeeded)

    async def _read_and_keep(self) -> bytes:
        # Cancelled at any `await` here, a piece that was read is not lost: it is about to be kept, or being kept.
        if self._unkept is None:
            self._unkept = await self._reader.read()
        piece = self._unkept
        keeping = await self._worker.start(partial(self._spool.keep, piece))
        self._unkept = None
        self._length += len(piece)
        await result_of(keeping)
        return piece


class _Spool:
    """Pieces in the order in which they were read. Its methods may block."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def keep(self, piece: bytes) -> None:
        try:
            if self._file is None:
                self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by drop
            self._file.seek(0, os.SEEK_END)
            self._file.write(piece)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = f"it can be read only once, and no copy for a retry could be kept ({reason})"
            raise unusable(message) from error

    def recall(self, position: int) -> bytes:
        assert self._file is not None
        self._file.seek(position)
        piece = self._file.read(CHUNK_SIZE)
        if not piece:  # keeping it failed, and that call was cancelled
            raise unusable("the copy kept for a retry is incomplete")
        return piece

    def drop(self) -> None:
        if self._file is not None:
            self._file.close()


def check_buffers(buffers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return objects that have the buffer protocol, all of them."""
    for buffer in buffers:
        if not is_buffer(buffer):
            raise unusable(f"expected bytes, got an item of type {kind(buffer)}")
        if not memoryview(buffer).c_contiguous:
            raise unusable("a memoryview with gaps cannot be sent: pass bytes(view)")
    return buffers


def is_buffer(value: Any) -> bool:
    """Tell whether a value has the buffer protocol."""
    try:
        memoryview(value)
    except (BufferError, TypeError, ValueError):
        return False
    return True


def _slices(buffers: tuple[Any, ...]) -> Iterator[bytes]:
    for buffer in buffers:
        for offset in range(0, memoryview(buffer).nbytes, CHUNK_SIZE):
            yield bytes(memoryview(buffer).cast("B")[offset : offset + CHUNK_SIZE])
