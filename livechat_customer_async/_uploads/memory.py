"""Sources that are in memory already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from .._base.checks import kind
from ..errors import InvalidRequestError
from .pieces import CHUNK_SIZE, Batch, Facts


class MemoryReader:
    """Reads objects with the buffer protocol, one after the other.

    Each chunk is a copy, and no view outlives it: a `bytearray` is never locked against resizing.
    """

    def __init__(self, buffers: Iterable[Any]) -> None:
        """Take a snapshot of `buffers`, though not of their bytes; refuse what is no buffer."""
        self._buffers = tuple(buffers)
        self._size = sum(_length(buffer) for buffer in self._buffers)
        self._chunks = _slices(self._buffers)

    async def open(self) -> Facts:
        """Return its exact size."""
        return Facts(size=self._size, proven=True)

    async def read(self) -> bytes:
        """Return about one chunk."""
        await asyncio.sleep(0)  # nothing else here gives other tasks their turn
        batch = Batch()
        for chunk in self._chunks:
            if not batch.add(chunk):
                break
        return batch.join()

    async def rewind(self) -> None:
        """Begin again."""
        self._chunks = _slices(self._buffers)

    async def aclose(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        """Let go of the objects."""
        self._buffers = ()
        self._chunks = iter(())


def _slices(buffers: tuple[Any, ...]) -> Iterator[bytes]:
    for buffer in buffers:
        for offset in range(0, _length(buffer), CHUNK_SIZE):
            yield bytes(memoryview(buffer).cast("B")[offset : offset + CHUNK_SIZE])


def is_buffer(value: Any) -> bool:
    """Return whether a value has the buffer protocol."""
    try:
        memoryview(value)
    except (BufferError, TypeError, ValueError):
        return False
    return True


def _length(buffer: Any) -> int:
    if not is_buffer(buffer):
        raise InvalidRequestError(f"it holds {kind(buffer)}, and only bytes can be sent", parameter="file")
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise InvalidRequestError("a memoryview with gaps cannot be sent: pass bytes(view)", parameter="file")
    return view.nbytes
