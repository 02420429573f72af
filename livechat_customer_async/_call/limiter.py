"""Slots for calls in flight, handed out oldest first.

It stands in front of every connection pool, so that waiting is ours: in order, cancellable, counted. Uploads may hold
half of the slots at most: long ones then never keep small calls waiting, and in one queue with them get their turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ..errors import TransportError


class Limiter:
    """A number of slots, and two queues in front of them: for uploads and for all other calls."""

    def __init__(self, slots: int, *, queue: int | None) -> None:
        self._free = slots
        self._free_for_uploads = max(1, slots // 2)
        self._longest_queue = queue
        # By ticket: who is cancelled leaves at once, wherever he stands.
        self._calls: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        self._uploads: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        self._ticket = 0
        self.in_flight = 0

    @property
    def queued(self) -> int:
        """How many calls wait."""
        return len(self._calls) + len(self._uploads)

    def try_acquire(self, *, upload: bool) -> bool:
        """Take a slot if one is free for this kind of call and nobody of its kind waits for one."""
        if not self._free or (self._uploads or not self._free_for_uploads if upload else self._calls):
            return False
        self._take(upload=upload)
        return True

    def check_queue(self) -> None:
        """Refuse another waiter where as many wait already as may.

        Raises:
            TransportError: so it is.
        """
        if self._longest_queue is not None and self.queued >= self._longest_queue:
            raise TransportError(
                f"all connections are busy and {self.queued} calls wait already, the limit is {self._longest_queue}"
            )

    async def acquire(self, *, upload: bool) -> None:
        """Wait for a slot."""
        self._ticket += 1
        ticket, queue = self._ticket, self._uploads if upload else self._calls
        turn = queue[ticket] = asyncio.get_running_loop().create_future()
        try:
            await turn
        except BaseException:
            # Cancelled. A turn that came in the same moment is handed on, or its slot would be lost.
            if queue.pop(ticket, None) is None:
                self.release(upload=upload)
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
            upload = self._next_is_upload()
            queue = self._uploads if upload else self._calls
            if not queue:
                return
            _, turn = queue.popitem(last=False)
            self._take(upload=upload)
            if not turn.done():  # cancelled, and about to find that its turn came: it hands the slot on
                turn.set_result(None)

    def _next_is_upload(self) -> bool:
        if not self._uploads or not self._free_for_uploads:
            return False
        return not self._calls or next(iter(self._uploads)) < next(iter(self._calls))
