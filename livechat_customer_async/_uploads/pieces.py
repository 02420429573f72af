"""What all sources have in common: a reader each, and checked pieces joined to about one chunk."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from typing import Final, Protocol, cast

import attrs

from .._base.checks import kind
from ..errors import InvalidRequestError

CHUNK_SIZE: Final = 256 * 1024
"""Bytes of one read and of one write: less costs speed, more stalls the event loop."""
BATCH_SECONDS: Final = 0.005
"""How long small pieces are gathered before they go on as they are."""


@attrs.frozen(eq=False, repr=False)
class Facts:
    """What is known of a source once it is open.

    Attributes:
        size: how many bytes it holds from where it stands; `None` where that cannot be known.
        why_one_shot: why it cannot be read a second time; `None` where it can.
        proven: whether it gives bytes for certain. If not, a first piece must be seen before anything is sent.
    """

    size: int | None = None
    why_one_shot: str | None = None
    proven: bool = False


class Reader(Protocol):
    """Reads one source for one upload; one task at a time uses it.

    A `read` that was cancelled may be made again: it goes on where it was, or raises because that place is lost.
    """

    async def open(self) -> Facts:
        """Open or inspect the source: once, before anything else."""
        ...

    async def read(self) -> bytes:
        """Return the next piece, of any length; `b""` at the end, and from then on."""
        ...

    async def rewind(self) -> None:
        """Go back to where the source stood when it was opened; only if it is not one-shot."""
        ...

    async def aclose(self, *, succeeded: bool) -> None:
        """Close what `open` opened; where the upload failed, put a caller's file back to where it stood."""
        ...


class Batch:
    """Joins pieces until they fill a chunk or a moment has passed: a source may give single bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._until = time.monotonic() + BATCH_SECONDS

    def add(self, piece: bytes) -> bool:
        """Add a piece, and return whether there is room and time for another one."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size < CHUNK_SIZE and (not self._size or time.monotonic() < self._until)

    def join(self) -> bytes:
        """Return all of it; a single piece is not copied."""
        return b"".join(self._pieces)


def checked(piece: object) -> bytes:
    """Pass what a source gave, as bytes that it cannot change any more."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(cast("bytearray", piece))
    raise InvalidRequestError(_why_no_bytes(piece), parameter="file")


def split(piece: bytes) -> Iterator[bytes]:
    """Cut a piece that is longer than a chunk."""
    if len(piece) <= CHUNK_SIZE:
        yield piece
        return
    for offset in range(0, len(piece), CHUNK_SIZE):
        yield piece[offset : offset + CHUNK_SIZE]


def _why_no_bytes(piece: object) -> str:
    if isinstance(piece, str):
        return 'it gives str, and only bytes can be sent: open it in binary mode ("rb"), or encode the text'
    if piece is None:
        return "it gave None for bytes: a file in non-blocking mode has to be made blocking first"
    if inspect.iscoroutine(piece):
        piece.close()  # else Python warns that nobody awaited it
        return "it gave a coroutine for bytes: its read has to be an `async def` itself, or give bytes"
    return f"it gives {kind(piece)}, and only bytes can be sent"
