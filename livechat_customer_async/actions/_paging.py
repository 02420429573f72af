"""Iterating over the pages of a list that changes while it is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_WithId)
Fetch = Callable[[int, int], Awaitable[tuple[Sequence[Row], int]]]
"""Returns the rows of a page, given its offset and limit, and the total number of rows."""

# Rows of a list that changes during a pass can be missed; another pass finds them. A list that changes in every pass is
# not followed for ever.
_MOST_PASSES = 3


class Paginator:
    """One iteration over a list: each row once, by its id, however the pages shift.

    Attributes:
        total: number of rows, according to the newest page.
    """

    def __init__(self, *, page_size: int, last_offset: int | None = None, last_page_size: int = 0) -> None:
        """Set the page size, and the last offset that the server accepts; `None`: any."""
        self._page_size = page_size
        self._last_offset = last_offset
        self._last_page_size = last_page_size
        self._seen: set[str] = set()
        self._shifted = False
        self.total = 0

    @property
    def reached(self) -> int:
        """Number of rows that were yielded."""
        return len(self._seen)

    async def rows(self, fetch: Fetch[Row]) -> AsyncIterator[Row]:
        """Yield the rows."""
        for _ in range(_MOST_PASSES):
            known = self.reached
            async for row in self._one_pass(fetch):
                yield row
            if not self._shifted and (self.reached >= self._reachable() or self.reached == known):
                return

    async def _one_pass(self, fetch: Fetch[Row]) -> AsyncIterator[Row]:
        offset = 0
        met: set[str] = set()
        self._shifted = False
        while True:
            offset, limit = self._page_at(offset)
            rows, total = await fetch(offset, limit)
            # A row removed before this page moves another one out of it, and the total shrinks; a row inserted before
            # it moves one in that the last page showed.
            self._shifted |= bool(offset) and total != self.total
            self.total = total
            for row in rows:
                self._shifted |= row.id in met
                met.add(row.id)
                if row.id not in self._seen:
                    self._seen.add(row.id)
                    yield row
            is_last = offset == self._last_offset
            offset += len(rows)
            if not rows or is_last or offset >= self.total:
                return

    def _page_at(self, offset: int) -> tuple[int, int]:
        """Return offset and limit of the next page; the last one begins exactly at the last offset."""
        if self._last_offset is None:
            return offset, self._page_size
        if offset >= self._last_offset:
            return self._last_offset, self._last_page_size
        return offset, min(self._page_size, self._last_offset - offset)

    def _reachable(self) -> int:
        if self._last_offset is None:
            return self.total
        return min(self.total, self._last_offset + self._last_page_size)
