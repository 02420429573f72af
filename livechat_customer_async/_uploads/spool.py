"""One-shot sources that can be sent again, because what is read of them is kept."""

from __future__ import annotations

import asyncio
import os
import tempfile
from functools import partial
from typing import IO, Final

import attrs

from ..errors import InvalidRequestError
from .pieces import CHUNK_SIZE, Facts, Reader
from .threads import BlockingSource, Worker

IN_MEMORY: Final = 2 * 1024 * 1024
"""Bytes kept in memory; more goes to a temporary file."""


class Spool:
    """Pieces kept in the order they came. Its methods may block."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def keep(self, piece: bytes | memoryview) -> None:
        """Add a piece at the end."""
        try:
            if self._file is None:
                self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by drop
            self._file.seek(0, os.SEEK_END)
            self._file.write(piece)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = f"it can be read only once, and no copy for a retry could be kept ({reason})"
            raise InvalidRequestError(message, parameter="file") from error

    def recall(self, position: int) -> bytes:
        """Return about one chunk from a position that holds something."""
        assert self._file is not None
        self._file.seek(position)
        return self._file.read(CHUNK_SIZE)

    def drop(self) -> None:
        """Forget all of it."""
        if self._file is not None:
            self._file.close()


class SpooledSource:
    """Makes a blocking source replayable: what a one-shot one gives is kept, and comes first after a `rewind`."""

    def __init__(self, source: BlockingSource) -> None:
        self._source = source
        self._one_shot = False
        self._spool = Spool()
        self._length = self._position = 0
        self._ended = False

    def open(self) -> Facts:
        """Open the source, which is not one-shot any more."""
        facts = self._source.open()
        self._one_shot = facts.why_one_shot is not None
        return attrs.evolve(facts, why_one_shot=None)

    def fetch(self) -> tuple[bytes | memoryview, bool]:
        """Return the next piece, kept or new."""
        if not self._one_shot:
            return self._source.fetch()
        piece: bytes | memoryview
        if self._position < self._length:
            piece = self._spool.recall(self._position)
        else:
            piece, self._ended = self._source.fetch()
            self._spool.keep(piece)
            self._length += len(piece)
        self._position += len(piece)
        return piece, self._ended and self._position == self._length

    def rewind(self) -> None:
        """Begin again, with what was kept or with the source itself."""
        self._position = 0
        if not self._one_shot:
            self._source.rewind()

    def close(self, *, succeeded: bool) -> None:
        """Drop what was kept, and close the source."""
        try:
            self._spool.drop()
        finally:
            self._source.close(succeeded=succeeded)


class SpooledReader:
    """Makes an awaited reader replayable, likewise."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._one_shot = False
        self._spool = Spool()
        self._worker = Worker()
        self._unkept: bytes | None = None
        self._length = self._position = 0

    async def open(self) -> Facts:
        """Open the source, which is not one-shot any more."""
        facts = await self._reader.open()
        self._one_shot = facts.why_one_shot is not None
        return attrs.evolve(facts, why_one_shot=None)

    async def read(self) -> bytes:
        """Return the next piece, kept or new."""
        if not self._one_shot:
            return await self._reader.read()
        if self._position < self._length:
            piece = await self._worker.run(partial(self._spool.recall, self._position))
        else:
            piece = await self._read_and_keep()
        self._position += len(piece)
        return piece

    async def rewind(self) -> None:
        """Begin again, with what was kept or with the source itself."""
        self._position = 0
        if not self._one_shot:
            await self._reader.rewind()

    async def aclose(self, *, succeeded: bool) -> None:
        """Drop what was kept, and close the source."""
        try:
            await self._worker.finish(self._spool.drop)
        finally:
            await self._reader.aclose(succeeded=succeeded)

    async def _read_and_keep(self) -> bytes:
        # Cancelled at any `await` here, a piece that was read is not lost: it waits to be kept, or is on its way.
        if self._unkept is None:
            self._unkept = await self._reader.read()
        piece = self._unkept
        keeping = await self._worker.start(partial(self._spool.keep, piece))
        self._unkept = None
        self._length += len(piece)
        await asyncio.wait({keeping})
        keeping.result()
        return piece
