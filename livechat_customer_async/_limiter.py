"""Slots for calls in flight, handed out oldest first.

It stands in front of every connection pool, so that waiting is ours: in order, cancellable, counted. Uploads may hold
half of the slots at most: long ones then never keep small calls waiting, and in one queue with them get their turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from .errors import TransportError


class _Waiter(NamedTuple):
    ticket: int
    turn: asyncio.Future[None]


class Limiter:
    """A number of slots, and two queues in front of them: for uploads and for all other calls."""

    def __init__(self, slots: int, *, queue: int | None) -> None:
        self._free = slots
        self._free_for_uploads = max(1, slots // 2)
        self._longest_queue = queue
        self._calls: deque[_Waiter] = deque()
        self._uploads: deque[_Waiter] = deque()
        self._ticket = 0
        self.in_flight = 0
        self.queued = 0

    def try_acquire(self, *, upload: bool) -> bool:
        """Take a slot if one is free for this kind of call and nobody of its kind waits for one."""
        if not self._free or (self._uploads or not self._free_for_uploads if upload else self._calls):
            return False
        self._take(upload=upload)
        return True

    async def acquire(self, *, upload: bool) -> None:
        """Wait for a slot.

        Raises:
            TransportError: as many calls wait already as may.
        """
        if self._longest_queue is not None and self.queued >= self._longest_queue:
            raise TransportError(
                f"all connections are busy and {self.queued} calls wait already, the limit is {self._longest_queue}"
            )
        self._ticket += 1
        waiter = _Waiter(self._ticket, asyncio.get_running_loop().create_future())
        (self._uploads if upload else self._calls).append(waiter)
        self.queued += 1
        try:
            await waiter.turn
        except BaseException:
            # Cancelled. A turn that came in the same moment is handed on, or its slot would be lost.
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.release(upload=upload)
            else:
                waiter.turn.cancel()
                self.queued -= 1
            raise

    def release(self, *, upload: bool) -> None:
        """Give a slot back, to the one who has waited longest and may have it."""
        self.in_flight -= 1
        self._free += 1
        if upload:
            self._free_for_uploads += 1
        self._hand_out()

    def _take(self, *, upload: bool) -> None:
        self.in_flight += 1
        self._free -= 1
        if upload:
            self._free_for_uploads -= 1

    def _hand_out(self) -> None:
        while self._free:
            _drop_cancelled(self._calls)
            _drop_cancelled(self._uploads)
            upload = self._next_is_upload()
            queue = self._uploads if upload else self._calls
            if not queue:
                return
            self.queued -= 1
            self._take(upload=upload)
            queue.popleft().turn.set_result(None)

    def _next_is_upload(self) -> bool:
        if not self._uploads or not self._free_for_uploads:
            return False
        return not self._calls or self._uploads[0].ticket < self._calls[0].ticket


def _drop_cancelled(queue: deque[_Waiter]) -> None:
    while queue and queue[0].turn.done():
        queue.popleft()
