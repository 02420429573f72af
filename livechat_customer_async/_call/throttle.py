"""Who is slowed down by a refusal: the customer it was for, or the whole pool."""

from __future__ import annotations

import math
from collections.abc import Hashable

from .pace import Meter, Pace

# Refusals of two customers within so many seconds mean that the pool is limited and not one customer of it.
_TOGETHER = 1.0
_STANDS_OUT = 3
_MOST_CUSTOMERS = 1000


class Throttle:
    """The paces of a pool: one of its own, and one for each customer that was refused lately.

    One misbehaving customer must not stop the others, and a license's limit must stop all of them.

    Attributes:
        limited: whether anyone must wait for a pace. Where it is false, every attempt may start.
        refusals: how many were recorded so far.
    """

    def __init__(self, pause: float = 0.25) -> None:
        self.limited = False
        self.refusals = 0
        self._pause = pause
        self._pool: Pace | None = None
        self._customers: dict[Hashable, Pace] = {}
        self._served = Meter()
        self._last_refused: tuple[Hashable, float] = None, -math.inf
        self._in_a_row = 0

    def rate(self, customer: Hashable) -> float | None:
        """Return how many attempts of a customer may start per second; `None`: any number."""
        return min((pace.rate for pace in self._paces(customer)), default=None)

    def ready_at(self, customer: Hashable) -> float:
        """Return when the next attempt of a customer may start: a time that may have passed."""
        pool = 0.0 if self._pool is None else self._pool.ready_at
        own = self._customers.get(customer)
        return pool if own is None else max(pool, own.ready_at)

    def wait(self, customer: Hashable, now: float) -> float:
        """Return for how many seconds no attempt of a customer may start."""
        return max(0.0, self.ready_at(customer) - now)

    def holds_back(self, customer: Hashable, now: float) -> bool:
        """Tell whether a customer must wait for its own pace, whatever the pool's is."""
        own = self._customers.get(customer)
        return own is not None and own.ready_at > now

    def is_paused(self, customer: Hashable, now: float) -> bool:
        """Tell whether an attempt of a customer must not start now, although its turn had come."""
        return any(pace.paused_until > now for pace in self._paces(customer))

    def started(self, customer: Hashable, now: float) -> None:
        """Record that an attempt starts."""
        for pace in self._paces(customer):
            pace.started(now)

    def served(self, customer: Hashable, began: float, now: float) -> None:
        """Record an answer that is no refusal."""
        if self._served.is_idle(now):
            self._served.restart(now)
        self._served.add(now)
        if not self.limited:
            return
        for pace in self._paces(customer):
            pace.served(began, now)
        self._forget(customer, now)

    def refused(self, customer: Hashable, began: float, now: float, retry_after: float | None) -> None:
        """Record a refusal, of an attempt that began at `began`."""
        self.limited = True
        self.refusals += 1
        if self._is_of_pool(customer, now):
            if self._pool is None:
                self._pool = self._new(now, retry_after)
            else:
                self._pool.refused(began, now, retry_after)
            return
        own = self._customers.pop(customer, None)
        if own is None:
            own = self._new(now, retry_after)
        else:
            own.refused(began, now, retry_after)
        self._customers[customer] = own  # the last: those refused longest ago stand first
        if len(self._customers) > _MOST_CUSTOMERS:
            del self._customers[next(iter(self._customers))]

    def _is_of_pool(self, customer: Hashable, now: float) -> bool:
        """Tell whether a refusal is about the pool, rather than about this customer alone."""
        last, at = self._last_refused
        self._last_refused = customer, now
        if customer != last:
            self._in_a_row = 1
            if now - at <= _TOGETHER:
                return True
        else:
            self._in_a_row += 1
        # Once the pool is limited, every refusal is taken to be about it, until one customer stands out.
        return self._pool is not None and customer not in self._customers and self._in_a_row < _STANDS_OUT

    def _new(self, now: float, retry_after: float | None) -> Pace:
        return Pace(now, self._served.copy(), pause=self._pause, retry_after=retry_after)

    def _paces(self, customer: Hashable) -> list[Pace]:
        own = self._customers.get(customer)
        return [pace for pace in (self._pool, own) if pace is not None]

    def _forget(self, customer: Hashable, now: float) -> None:
        own = self._customers.get(customer)
        if own is not None and own.free:
            del self._customers[customer]
        oldest = next(iter(self._customers), None)
        if oldest is not None and self._customers[oldest].is_stale(now):  # it came no more
            del self._customers[oldest]
        if self._pool is not None and self._pool.free:
            self._pool = None
        self.limited = bool(self._customers) or self._pool is not None
