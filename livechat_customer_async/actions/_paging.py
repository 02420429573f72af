"""Walking over the pages of a list that changes while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_WithId)
Fetch = Callable[[int, int], Awaitable[tuple[Sequence[Row], int]]]
"""From an offset and a limit to the rows of a page and how many rows there are in all."""

# Rows that moved to the front while a pass ran are found by another one. A pass without a new row is the last.
_MOST_PASSES = 3


class Walk:
    """One walk over a list: each row once, by its id, however the pages shift.

    Attributes:
        reached: how many rows were yielded.
        total: how many there are, by the newest page.
    """

    def __init__(self, *, page_size: int, last_offset: int | None = None, last_page_size: int = 0) -> None:
        """Set the bounds: beyond `last_offset`, where there is one, the server shows no page."""
        self._page_size = page_size
        self._last_offset = last_offset
        self._last_page_size = last_page_size
        self._seen: set[str] = set()
        self.total = 0

    @property
    def reached(self) -> int:
        return len(self._seen)

    async def rows(self, fetch: Fetch[Row]) -> AsyncIterator[Row]:
        """Yield the rows."""
        for _ in range(_MOST_PASSES):
            known = self.reached
            async for row in self._one_pass(fetch):
                yield row
            if self.reached >= self._reachable() or self.reached == known:
                return

    async def _one_pass(self, fetch: Fetch[Row]) -> AsyncIterator[Row]:
        offset = 0
        while True:
            at_the_end = self._last_offset is not None and offset >= self._last_offset
            if self._last_offset is not None and at_the_end:
                offset = self._last_offset
            rows, self.total = await fetch(offset, self._last_page_size if at_the_end else self._page_size)
            for row in rows:
                if row.id not in self._seen:
                    self._seen.add(row.id)
                    yield row
            offset += len(rows)
            if not rows or at_the_end or offset >= self.total:
                return

    def _reachable(self) -> int:
        if self._last_offset is None:
            return self.total
        return min(self.total, self._last_offset + self._last_page_size)
