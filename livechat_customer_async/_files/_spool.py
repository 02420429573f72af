"""A one-shot source that can be sent again, because what was read of it is kept."""

from __future__ import annotations

import asyncio
import os
import tempfile
from functools import partial
from typing import IO, Final

from ..errors import InvalidRequestError
from ._pieces import CHUNK_SIZE, Facts, Reader
from ._threads import Worker

IN_MEMORY: Final = 2 * 1024 * 1024
"""Bytes kept in memory; more goes to a temporary file."""


class SpoolingReader:
    """Reads another reader once and keeps what it gave; after a `rewind`, what was kept comes first."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._worker = Worker()
        self._kept: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it lives as long as this
        self._length = 0
        self._position = 0

    async def open(self) -> Facts:
        """Open the source, which is not one-shot any more."""
        facts = await self._reader.open()
        return Facts(size=facts.size, proven=facts.proven)

    async def read(self) -> bytes:
        """Return the next piece, kept or new."""
        if self._position < self._length:
            piece = await self._worker.run(partial(self._recall, self._position))
        else:
            piece = await self._reader.read()
            # It must not be lost when this is cancelled: it is on its way and counted before anything is waited for.
            kept = self._worker.start_now(partial(self._keep, piece))
            self._length += len(piece)
            await asyncio.wait({kept})
            kept.result()
        self._position += len(piece)
        return piece

    async def rewind(self) -> None:
        """Begin again with what was kept."""
        self._position = 0

    async def aclose(self, *, succeeded: bool) -> None:
        """Drop what was kept, and close the source."""
        try:
            await self._worker.finish(self._kept.close)
        finally:
            await self._reader.aclose(succeeded=succeeded)

    def _keep(self, piece: bytes) -> None:
        try:
            self._kept.seek(0, os.SEEK_END)
            self._kept.write(piece)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = f"it can be read only once, and no copy for a retry could be kept ({reason})"
            raise InvalidRequestError(message, parameter="file") from error

    def _recall(self, position: int) -> bytes:
        self._kept.seek(position)
        return self._kept.read(CHUNK_SIZE)
