"""Sources that are awaited: async files and async iterables, read in the task of the upload itself."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, Protocol, cast

import anyio

from ..errors import InvalidRequestError
from .blocking import CANNOT_SEEK
from .pieces import CHUNK_SIZE, Batch, Facts, checked
from .threads import GRACE, report


class AwaitedSource(Protocol):
    """What `AwaitingReader` reads."""

    async def open(self) -> Facts:
        """Inspect the source."""
        ...

    async def pull(self) -> bytes | None:
        """Return the next piece; `None` at the end."""
        ...

    async def rewind(self) -> None:
        """Go back to where it stood."""
        ...

    async def close(self, *, succeeded: bool) -> None:
        """End it, or put it back."""
        ...


class AwaitingReader:
    """Reads an awaited source. A cancellation reaches into it, so that its place is lost until it is rewound."""

    def __init__(self, source: AwaitedSource) -> None:
        self._source = source
        self._interrupted = False
        self._ended = False

    async def open(self) -> Facts:
        """Inspect the source."""
        return await self._source.open()

    async def read(self) -> bytes:
        """Return about one chunk."""
        if self._ended:
            return b""
        if self._interrupted:
            raise InvalidRequestError("its reading was interrupted, and it cannot go on from there", parameter="file")
        await asyncio.sleep(0)  # a source that never waits must not keep other tasks from their turn
        self._interrupted = True
        batch = Batch()
        while (piece := await self._source.pull()) is not None:
            if not batch.add(piece):
                break
            if not piece:  # nor one that gives nothing
                await asyncio.sleep(0)
        self._ended = piece is None
        self._interrupted = False
        return batch.join()

    async def rewind(self) -> None:
        """Go back."""
        await self._source.rewind()
        self._interrupted = self._ended = False

    async def aclose(self, *, succeeded: bool) -> None:
        """End it, or put it back, within `GRACE` seconds."""
        with anyio.move_on_after(GRACE, shield=True):
            try:
                await self._source.close(succeeded=succeeded)
            except Exception as error:  # noqa: BLE001 - told to the loop: what ended the upload must not be hidden by it
                report(error)


class AwaitedFile:
    """Reads an object with an async `read` from where it stands."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start: int | None = None

    async def open(self) -> Facts:
        """Find its size by seeking."""
        self._start, size = await _extent(self._file)
        why = "the file cannot seek, so it can be read only once" if self._start is None else None
        return Facts(size=size, why_one_shot=why)

    async def pull(self) -> bytes | None:
        """Read up to one chunk."""
        return checked(await self._file.read(CHUNK_SIZE)) or None

    async def rewind(self) -> None:
        """Seek to where it stood."""
        await _settled(self._file.seek(self._start))

    async def close(self, *, succeeded: bool) -> None:
        """Put it back if the upload failed and it can be."""
        if not succeeded and self._start is not None:
            with contextlib.suppress(*CANNOT_SEEK):
                await self.rewind()


class AwaitedIterable:
    """Reads an async iterable of bytes, once."""

    def __init__(self, iterable: AsyncIterable[Any]) -> None:
        self._iterable = iterable
        self._iterator: Any = None

    async def open(self) -> Facts:
        """Begin to iterate."""
        self._iterator = aiter(self._iterable)
        return Facts(why_one_shot="an async iterable can be read only once")

    async def pull(self) -> bytes | None:
        """Take the next item."""
        try:
            return checked(await anext(self._iterator))
        except StopAsyncIteration:
            return None

    async def rewind(self) -> None:
        """Not possible."""
        raise NotImplementedError

    async def close(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        """End a generator that was left in the middle: a server may answer before it has taken all."""
        iterator = self._iterator
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[object]", iterator).aclose()


async def _extent(file: Any) -> tuple[int | None, int | None]:
    """Return where a file stands and how much follows, as far as it can be known, and leave it there."""
    seekable = getattr(file, "seekable", None)
    try:
        if callable(seekable) and not await _settled(seekable()):
            return None, None
        start = await _settled(file.tell())
        await _settled(file.seek(start))
    except CANNOT_SEEK:
        return None, None
    if not isinstance(start, int):
        return None, None
    try:
        await _settled(file.seek(0, os.SEEK_END))
        end = await _settled(file.tell())
    except CANNOT_SEEK:
        end = None
    await _settled(file.seek(start))
    return start, max(0, end - start) if isinstance(end, int) else None


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
