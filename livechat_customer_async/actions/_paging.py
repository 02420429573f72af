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

# A list that changes while it is read may hide rows from a pass; another one finds them. One that changes in every
# pass is not followed for ever.
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
        self._shifted = False
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
            if not self._shifted and (self.reached >= self._reachable() or self.reached == known):
                return

    async def _one_pass(self, fetch: Fetch[Row]) -> AsyncIterator[Row]:
        offset = 0
        met: set[str] = set()
        self._shifted = False
        while True:
            offset, limit = self._page_at(offset)
            rows, total = await fetch(offset, limit)
            # A row removed ahead pulls one behind it out of sight, and the total shrinks; one that comes in front
            # pushes a row onto this page that the last one showed.
            self._shifted |= bool(offset) and total != self.total
            self.total = total
            for row in rows:
                self._shifted |= row.id in met
                met.add(row.id)
                if row.id not in self._seen:
                    self._seen.add(row.id)
                    yield row
            at_the_end = offset == self._last_offset
            offset += len(rows)
            if not rows or at_the_end or offset >= self.total:
                return

    def _page_at(self, offset: int) -> tuple[int, int]:
        """Return offset and limit of the next page; the last one begins right at the last offset."""
        if self._last_offset is None:
            return offset, self._page_size
        if offset >= self._last_offset:
            return self._last_offset, self._last_page_size
        return offset, min(self._page_size, self._last_offset - offset)

    def _reachable(self) -> int:
        if self._last_offset is None:
            return self.total
        return min(self.total, self._last_offset + self._last_page_size)
