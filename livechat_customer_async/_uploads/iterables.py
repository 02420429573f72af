"""Iterables of bytes as sources, async or not. They can be read only once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from typing import Any, cast

from .pieces import Batch, Facts, checked, gather
from .readers import Fetched


class BlockingIterable:
    """Reads an iterable."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self._iterable = iterable
        self._iterator: Any = None

    def open(self) -> Facts:
        self._iterator = iter(self._iterable)
        return Facts(why_one_shot="an iterable can be read only once")

    def fetch(self) -> Fetched:
        return gather(self._next)

    def rewind(self) -> None:
        raise NotImplementedError

    def close(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        """Close a generator that did not end: a server may answer before it has received everything."""
        iterator = self._iterator
        if isinstance(iterator, Generator):
            cast("Generator[object]", iterator).close()

    def _next(self) -> bytes | None:
        for item in self._iterator:
            return checked(item)
        return None


class AwaitedIterable:
    """Reads an async iterable."""

    def __init__(self, iterable: AsyncIterable[Any]) -> None:
        self._iterable = iterable
        self._iterator: Any = None
        self._ahead: asyncio.Future[bytes | None] | None = None

    async def open(self) -> Facts:
        self._iterator = aiter(self._iterable)
        return Facts(why_one_shot="an async iterable can be read only once")

    async def fetch(self) -> Fetched:
        batch = Batch()
        while (piece := await self._next()) is not None:
            if not batch.add(piece):
                return batch.join(), False
            if not piece:  # a generator that returns nothing and never waits must let other tasks run
                await asyncio.sleep(0)
        return batch.join(), True

    async def rewind(self) -> None:
        raise NotImplementedError

    async def close(self, *, succeeded: bool) -> None:  # noqa: ARG002 - the protocol's
        """Close a generator that did not end, without a cancel scope around it: it may hold some of its own."""
        iterator = self._iterator
        if isinstance(iterator, AsyncGenerator):
            await cast("AsyncGenerator[object]", iterator).aclose()

    async def cancelled(self, error: asyncio.CancelledError) -> None:
        """Raise a cancellation that arrived between two reads in the generator, at its `yield`.

        It comes from a scope, timeout or task group that the generator holds across that `yield`.
        """
        iterator = self._iterator
        if self._ahead is not None or not isinstance(iterator, AsyncGenerator):
            raise error
        self._ahead = asyncio.get_running_loop().create_future()
        try:
            self._ahead.set_result(await self._item(cast("AsyncGenerator[object]", iterator).athrow(error)))
        except asyncio.CancelledError:
            raise
        except BaseException as raised:  # noqa: BLE001 - raised by the next read
            self._ahead.set_exception(raised)
            self._ahead.exception()  # or asyncio might log that it was never retrieved

    async def _next(self) -> bytes | None:
        if self._ahead is None:
            return await self._item(anext(self._iterator))
        ahead, self._ahead = self._ahead, None
        return ahead.result()

    async def _item(self, item: Any) -> bytes | None:
        try:
            return checked(await item)
        except StopAsyncIteration:
            return None
