"""How many calls to have in flight, found from the latency of the answers."""

from __future__ import annotations

import math

# A window's size is reconsidered after so many answers, or as many as it holds, and so many seconds.
_ANSWERS = 16
_PERIOD = 0.1
# How much the latency may exceed what it is without a queue before the window shrinks.
_TOLERANCE = 1.5
_SMOOTHING = 0.3
_OVERLOAD_CUT = 0.7
# The latency without a queue is measured anew after so many seconds without a lower one.
_BASE_EXPIRY = 20.0


class Window:
    """The number of calls that may be in flight, between 1 and `most`.

    It doubles while the latency stays at its base (slow start), then follows its gradient: as large as it can be
    without calls queueing up at the server. Pure: times are arguments, in seconds.
    """

    def __init__(self, *, most: int, first: int = 8) -> None:
        self._most = most
        self._exact = float(min(first, most))
        self._slow_start = True
        self._latencies: list[float] = []
        self._period_began = 0.0
        self._peak = 0
        self._base: float | None = None
        self._base_at = 0.0
        # While the base is measured anew: the size to return to, and how many periods were seen so far.
        self._size_before: float | None = None
        self._periods = 0
        self._cut_at = -math.inf
        self._latency: float | None = None

    @property
    def size(self) -> int:
        """How many calls may be in flight now."""
        return int(self._exact)

    def limit(self, pace: float | None) -> int:
        """Return how many calls may be in flight at a pace in calls per second: no more than it needs."""
        if pace is None or self._latency is None:
            return self.size
        return min(self.size, int(2 * pace * self._latency + 2))

    def answered(self, now: float, latency: float, in_flight: int) -> None:
        """Record an answer; `in_flight` counts its own call."""
        self._latency = latency if self._latency is None else 0.9 * self._latency + 0.1 * latency
        self._peak = max(self._peak, in_flight)
        self._latencies.append(latency)
        if len(self._latencies) >= max(_ANSWERS, self._exact) and now - self._period_began >= _PERIOD:
            median = sorted(self._latencies)[len(self._latencies) // 2]
            full = self._peak >= self.size - 1
            self._latencies.clear()
            self._period_began, self._peak = now, 0
            self._reconsider(now, median, full=full)

    def overloaded(self, began: float, now: float) -> None:
        """Record a 503 to an attempt that began at `began`: a burst of them cuts the window once."""
        self._slow_start = False
        if began > self._cut_at:
            self._cut_at = now
            self._resize(self._exact * _OVERLOAD_CUT)

    def refused(self) -> None:
        """Record an answer of a rate limit: more calls in flight would not be served faster."""
        self._slow_start = False

    def _resize(self, size: float) -> None:
        self._exact = max(1.0, min(float(self._most), size))

    def _reconsider(self, now: float, median: float, *, full: bool) -> None:
        if self._size_before is not None:
            self._measure_base(now, median, self._size_before)
            return
        if self._base is None or median <= self._base:
            self._base, self._base_at = median, now
        gradient = max(0.5, min(1.0, _TOLERANCE * self._base / median)) if median > 0 else 1.0
        self._slow_start = self._slow_start and gradient == 1.0
        if self._slow_start:
            if full:
                self._resize(self._exact * 2)
        elif now - self._base_at > _BASE_EXPIRY and self._exact >= 4:
            self._size_before, self._periods = self._exact, 0
            self._resize(self._exact / 2)
        elif full or gradient < 1:
            target = self._exact * gradient + math.sqrt(self._exact)
            self._resize(self._exact + _SMOOTHING * (target - self._exact))

    def _measure_base(self, now: float, median: float, size_before: float) -> None:
        self._periods += 1
        if self._periods == 2:  # the first still holds answers that had queued
            self._base, self._base_at = median, now
            self._size_before = None
            self._resize(size_before)
