"""What all readers share: the protocol, and pieces that are checked and joined to about one chunk."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Final, Protocol, cast

import attrs

from .._base.checks import kind
from ..errors import InvalidRequestError

CHUNK_SIZE: Final = 256 * 1024
"""Bytes of one read and of one write: smaller chunks are slower, larger ones stall the event loop."""
BATCH_SECONDS: Final = 0.005
"""How long small pieces are collected before they are sent."""


@attrs.frozen(eq=False, repr=False)
class Facts:
    """What is known about a source once it is open.

    Attributes:
        size: number of bytes from its current position; `None` if unknown.
        why_one_shot: why it cannot be read twice; `None` if it can.
        proven: whether it is certain to return bytes. If not, a first piece is read before anything is sent.
    """

    size: int | None = None
    why_one_shot: str | None = None
    proven: bool = False


class Reader(Protocol):
    """Reads one source for one upload; used by one task at a time.

    `read` returns the next piece, of any length, and `b""` at the end; if cancelled, it may be repeated. `rewind` goes
    back to the initial position, unless the source is one-shot. `aclose` closes what was opened here, and after a
    failure restores the position of a caller's file.
    """

    async def read(self) -> bytes: ...
    async def rewind(self) -> None: ...
    async def aclose(self, *, succeeded: bool) -> None: ...


class OpeningReader(Reader, Protocol):
    """A reader that is opened once, before anything else."""

    async def open(self) -> Facts: ...


class Batch:
    """Joins pieces until they fill a chunk or a moment has passed: a source may return single bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._until = time.monotonic() + BATCH_SECONDS

    def add(self, piece: bytes) -> bool:
        """Add a piece; return whether there is room and time for another one."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size < CHUNK_SIZE and (not self._size or time.monotonic() < self._until)

    def join(self) -> bytes:
        """Return all of it; a single piece is not copied."""
        return b"".join(self._pieces)


def gather(pull: Callable[[], bytes | None]) -> tuple[bytes, bool]:
    """Join what a function returns to about one chunk; return it, and whether the end was reached, which is `None`."""
    batch = Batch()
    while (piece := pull()) is not None:
        if not batch.add(piece):
            return batch.join(), False
    return batch.join(), True


def checked(piece: object) -> bytes:
    """Return what a source produced as immutable bytes."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(cast("bytearray", piece))
    raise unusable(_why_not_bytes(piece))


def unusable(message: str) -> InvalidRequestError:
    """Return the error of a file that cannot be uploaded."""
    return InvalidRequestError(message, parameter="file")


def _why_not_bytes(piece: object) -> str:
    if isinstance(piece, str):
        return 'it returned str in place of bytes: open it in binary mode ("rb"), or encode the text'
    if piece is None:
        return "it returned None in place of bytes: a non-blocking file must be made blocking first"
    if inspect.iscoroutine(piece):
        piece.close()  # or Python would warn that it was never awaited
        return "it returned a coroutine in place of bytes: define its read with `async def`"
    return f"it returned {kind(piece)} in place of bytes"
