"""Slots for calls in flight, handed out oldest first, as fast as the paces of a throttle allow.

It stands in front of every connection pool, so that waiting is ours: in order, cancellable, counted. Uploads may hold
half of the slots at most: long ones then never keep small calls waiting, and in one queue with them get their turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Iterator

from .._base.clock import Clock
from ..errors import TransportError
from .throttle import Throttle

# Seconds: a timer that wakes a moment too early must not spin.
_SHORTEST_SLEEP = 0.001


class _Waiter:
    """A call that waits; one with a ticket below 0 goes in front. `queue` is `None` once its turn has come."""

    __slots__ = ("customer", "queue", "ticket", "turn", "upload")

    def __init__(self, ticket: int, customer: Hashable, *, upload: bool) -> None:
        self.ticket = ticket
        self.customer = customer
        self.upload = upload
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue: OrderedDict[int, _Waiter] | None = None

    def join(self, queue: OrderedDict[int, _Waiter]) -> None:
        queue[self.ticket] = self
        if self.ticket < 0:
            queue.move_to_end(self.ticket, last=False)
        self.queue = queue

    def leave(self) -> None:
        if self.queue is not None:
            del self.queue[self.ticket]
            self.queue = None


_Queue = OrderedDict[int, _Waiter]


class Limiter:
    """A number of slots, and two queues in front of them: for uploads and for all other calls.

    A customer that must wait for its own pace is moved to a queue of its own when its turn comes, so that it stops
    nobody behind it.
    """

    def __init__(self, slots: int, *, queue: int | None, throttle: Throttle, clock: Clock) -> None:
        self._free = slots
        self._free_for_uploads = max(1, slots // 2)
        self._longest_queue = queue
        self._throttle = throttle
        self._clock = clock
        # By ticket: a call that is cancelled leaves at once, wherever it stands.
        self._calls: _Queue = OrderedDict()
        self._uploads: _Queue = OrderedDict()
        self._paced: dict[tuple[Hashable, bool], _Queue] = {}
        self._ticket = 0
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        self.in_flight = 0
        self.queued = 0

    def try_acquire(self, customer: Hashable, *, upload: bool) -> bool:
        """Take a slot if one is free for this kind of call, nobody of its kind waits, and no pace is in the way."""
        if not self._free or (self._uploads or not self._free_for_uploads if upload else self._calls):
            return False
        if self._throttle.limited:
            now = self._clock.now()
            if (customer, upload) in self._paced or self._throttle.ready_at(customer) > now:
                return False
            self._throttle.started(customer, now)
        self._take(upload=upload)
        return True

    def check_queue(self) -> None:
        """Refuse another waiter where the queue is full.

        Raises:
            TransportError: `Limits.queue` calls are already waiting.
        """
        if self._longest_queue is not None and self.queued >= self._longest_queue:
            raise TransportError(f"{self.queued} calls are already waiting, the limit is {self._longest_queue}")

    async def acquire(self, customer: Hashable, *, upload: bool, again: bool = False) -> None:
        """Wait for a slot and for the pace: behind all others, or in front of them where a call waits `again`."""
        await self._turn(customer, upload=upload, again=again)
        while self._throttle.limited and self._throttle.is_paused(customer, self._clock.now()):
            # A refusal came between its turn and now, when its task runs.
            self.release(upload=upload)
            await self._turn(customer, upload=upload, again=True)

    async def _turn(self, customer: Hashable, *, upload: bool, again: bool) -> None:
        self._ticket += 1
        ticket = -self._ticket if again else self._ticket
        waiter = _Waiter(ticket, customer, upload=upload)
        waiter.join(self._uploads if upload else self._calls)
        self.queued += 1
        if self._throttle.limited:  # whoever waits for no slot waits for the alarm
            self._hand_out()
        try:
            await waiter.turn
        except BaseException:
            # Cancelled. A turn that came in the same moment is handed on, or its slot would be lost.
            if waiter.queue is None:
                self.release(upload=upload)
            else:
                self._remove(waiter)
                self._set_alarm()
            raise

    def release(self, *, upload: bool) -> None:
        """Give a slot back, to the one who has waited longest and may have it."""
        self.in_flight -= 1
        self._free += 1
        if upload:
            self._free_for_uploads += 1
        if self.queued:
            self._hand_out()

    def _take(self, *, upload: bool) -> None:
        self.in_flight += 1
        self._free -= 1
        if upload:
            self._free_for_uploads -= 1

    def _remove(self, waiter: _Waiter) -> None:
        waiter.leave()
        self.queued -= 1
        if self._paced:
            key = waiter.customer, waiter.upload
            if key in self._paced and not self._paced[key]:
                del self._paced[key]

    def _hand_out(self) -> None:
        while self._free and (waiter := self._next()) is not None:
            self._remove(waiter)
            self._take(upload=waiter.upload)
            if self._throttle.limited:
                self._throttle.started(waiter.customer, self._clock.now())
            if not waiter.turn.done():  # cancelled, and about to find that its turn came: it hands the slot on
                waiter.turn.set_result(None)
        self._set_alarm()

    def _next(self) -> _Waiter | None:
        """Return the oldest that may start now."""
        if self._throttle.limited:
            now = self._clock.now()
            self._move_paced(self._calls, now)
            self._move_paced(self._uploads, now)
            heads = [head for head in self._heads() if self._throttle.ready_at(head.customer) <= now]
            return min(heads, key=_ticket_of, default=None)
        if not self._uploads and not self._paced:  # as nearly always
            return next(iter(self._calls.values()), None)
        return min(self._heads(), key=_ticket_of, default=None)

    def _heads(self) -> Iterator[_Waiter]:
        """Give the first of each queue that a slot is free for."""
        for queue in (self._calls, self._uploads, *self._paced.values()):
            if queue:
                head = next(iter(queue.values()))
                if self._free_for_uploads or not head.upload:
                    yield head

    def _move_paced(self, queue: _Queue, now: float) -> None:
        """Move those in front who must wait for their own pace to a queue of their customer's."""
        while queue:
            head = next(iter(queue.values()))
            key = head.customer, head.upload
            if key not in self._paced and not self._throttle.holds_back(head.customer, now):
                return
            head.leave()
            head.join(self._paced.setdefault(key, OrderedDict()))

    # ---- the alarm: when a pace allows the next start

    def _set_alarm(self) -> None:
        at = self._wakes_at()
        if self._alarm is not None:
            if at is not None and self._alarm[0] <= at:
                return
            self._alarm[1].cancel()
            self._alarm = None
        if at is not None:
            self._alarm = at, asyncio.create_task(self._sleep(at))

    def _wakes_at(self) -> float | None:
        if not self.queued or not self._free or not self._throttle.limited:
            return None
        return min((self._throttle.ready_at(head.customer) for head in self._heads()), default=None)

    async def _sleep(self, at: float) -> None:
        await self._clock.sleep(max(_SHORTEST_SLEEP, at - self._clock.now()))
        self._alarm = None
        self._hand_out()


def _ticket_of(waiter: _Waiter) -> int:
    return waiter.ticket
