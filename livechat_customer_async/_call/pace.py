"""How fast to start attempts at a server that refuses some, found from what it serves and refuses."""

from __future__ import annotations

from collections import deque

_SLOWEST = 0.2
"""Attempts per second. An even slower pace would hardly ever find out that it may be faster."""
_SLOWEST_FIRST = 4.0
_HEADROOM = 0.97
"""A new pace is this share of what was served."""
_LEAST_CUT, _DEEPEST_CUT = 0.95, 0.7
_SPAN = 0.5
"""Seconds over which the delivered rate is measured."""
_DOUBLING_STEP, _STEP = 0.25, 0.5
"""Seconds between two rises of the pace, at first and later."""
_HOLD, _LONGEST_HOLD = 3.0, 8.0
"""Seconds from a cut until the pace grows."""
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.25, 2.0
"""Seconds between the attempts while shut."""
_QUOTA = 2.0
"""From this `Retry-After` on, in seconds, the server counts calls per period: a short one says nothing of the kind."""
_SLACK = 0.01
"""Seconds by which a timer may be late without a loss of pace: what was missed starts at once."""
_FORGET = 60.0
"""Seconds without a refusal after which a pace has grown beyond any limit."""


class Meter:
    """Counts what is served: in the last moments, and in the cycle since it was restarted."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=4096)
        self._began = 0.0
        self._count = 0

    def add(self, now: float) -> None:
        """Count one."""
        times = self._times
        times.append(now)
        self._count += 1
        while times[0] < now - _SPAN:
            times.popleft()

    def is_idle(self, now: float) -> bool:
        """Tell whether nothing was served in the last moments."""
        return not self._times or self._times[-1] < now - _SPAN

    def restart(self, now: float) -> None:
        """Begin a new cycle."""
        self._began, self._count = now, 0

    def rate(self, now: float) -> float:
        """Return how many were served per second in the last moments."""
        return sum(1 for at in self._times if at >= now - _SPAN) / _SPAN

    def rate_of_cycle(self, end: float) -> float:
        """Return how many were served per second in this cycle, if it lasts until `end`."""
        return self._count / max(_SPAN, end - self._began)

    def copy(self) -> Meter:
        """Return a meter that has counted the same."""
        copied = Meter()
        copied._times, copied._began, copied._count = self._times.copy(), self._began, self._count
        return copied


class Pace:
    """The pace at which attempts may start, from the first refusal until no limit is felt.

    Pure: times are arguments, in seconds on one monotonic clock. An attempt is known by when it began.

    - The first refusal sets the pace to what was served until then. It doubles until the next refusal, which tells
      the limit from a burst that was allowed in the beginning.
    - Later refusals cut it towards the delivered rate; where most attempts are refused, it shuts and lets single
      ones through, each after a longer wait, until one is served.
    - It holds for some seconds after a cut, then grows faster and faster, until more is allowed than is asked for.

    Attributes:
        rate: attempts per second.
        ready_at: when the next attempt may start.
        paused_until: when the last pause after a refusal ends.
        free: whether the limit is no longer felt: the pace may be forgotten.
    """

    def __init__(self, now: float, served: Meter, *, pause: float, retry_after: float | None) -> None:
        wait = pause if retry_after is None else retry_after
        delivered = served.rate(now) if retry_after is None else served.rate_of_cycle(now + wait)
        self.rate = max(_SLOWEST_FIRST, _HEADROOM * delivered)
        self.ready_at = self.paused_until = now + wait
        self.free = False
        self._meter = served
        self._doubling_step: float | None = max(_DOUBLING_STEP, (retry_after or 0.0) / 4)
        self._backoff = 0.0  # seconds between attempts while shut; 0: open
        self._latency: float | None = None
        self._hold, self._rate_of_cut = _HOLD, 0.0
        self._mark_cut(now, retry_after)

    def started(self, now: float) -> None:
        """Record that an attempt starts."""
        self._started += 1
        self.ready_at = max(self.ready_at, now - _SLACK) + (self._backoff or 1 / self.rate)

    def served(self, began: float, now: float) -> None:
        """Record an attempt that was not refused."""
        latency = now - began
        self._latency = latency if self._latency is None else 0.9 * self._latency + 0.1 * latency
        self._meter.add(now)
        if began <= self._cut_at:
            return
        self._served += 1
        if self._backoff:
            self._open(now)
        else:
            self._grow(now)

    def refused(self, began: float, now: float, retry_after: float | None) -> None:
        """Record an attempt that was refused."""
        if retry_after is not None:
            self._pause(now + retry_after)
        if began <= self._cut_at:  # sent before the last cut: no news
            return
        self._refused += 1
        if self._doubling_step is not None and self._served and self._is_due(now):
            self._doubling_step = None
            self._set_rate(_HEADROOM * self._delivered(now, retry_after))
            self._mark_cut(now, retry_after)
        elif retry_after is None and self._should_shut(now):
            self._shut(now)
        elif self._is_due(now):
            self._cut(now, retry_after)

    def is_stale(self, now: float) -> bool:
        """Tell whether nothing was refused for so long that the limit must be gone."""
        return now > max(self._cut_at, self.paused_until) + _FORGET

    def _is_due(self, now: float) -> bool:
        """Tell whether the answers show the pace that was set by the last cut."""
        return now - self._cut_at >= max(0.25, 2 * (self._latency or 0.0))

    def _should_shut(self, now: float) -> bool:
        if self._backoff or (self._refused >= 5 and not self._served):
            return True
        return self._is_due(now) and self._refused > self._served

    def _shut(self, now: float) -> None:
        self._backoff = min(_LONGEST_BACKOFF, 2 * self._backoff or _FIRST_BACKOFF)
        self.ready_at = max(self.ready_at, now + self._backoff)
        self._mark_cut(now, None)

    def _open(self, now: float) -> None:
        """End being shut, at the rate of the whole cycle of serving and refusing."""
        self._set_rate(min(self.rate, self._meter.rate_of_cycle(now)))
        if self._backoff == _LONGEST_BACKOFF:  # a quota, and the cycle has measured it
            self._doubling_step = None
        self._backoff = 0.0
        self.ready_at = max(self.paused_until, now + 1 / self.rate)
        self._meter.restart(now)
        self._mark_cut(now, None)

    def _cut(self, now: float, retry_after: float | None) -> None:
        rate = _HEADROOM * self._delivered(now, retry_after)
        if retry_after is None or retry_after < _QUOTA:
            rate = max(rate, _DEEPEST_CUT * self.rate)
        self._set_rate(min(_LEAST_CUT * self.rate, rate))
        self._mark_cut(now, retry_after)

    def _delivered(self, now: float, retry_after: float | None) -> float:
        if retry_after is not None and retry_after >= _QUOTA:
            return self._meter.rate_of_cycle(now + retry_after)
        return self._meter.rate(now)

    def _pause(self, until: float) -> None:
        self.paused_until = max(self.paused_until, until)
        self.ready_at = max(self.ready_at, until)

    def _set_rate(self, rate: float) -> None:
        self.rate = max(_SLOWEST, rate)

    def _mark_cut(self, now: float, retry_after: float | None) -> None:
        if retry_after is not None:
            self._meter.restart(now + retry_after)
        # Where the limit is known, refusals are for growing too far: the dearer they are, the rarer.
        longest = max(_LONGEST_HOLD, min(30.0, 16 * (retry_after or 0.0)))
        known = abs(self.rate - self._rate_of_cut) < 0.15 * self._rate_of_cut
        self._hold = min(longest, 2 * self._hold) if known else _HOLD
        self._rate_of_cut = self.rate
        self._cut_at = now
        self._served = self._refused = 0  # of the attempts since the cut
        self._step_at, self._started = max(now, self.ready_at), 0

    def _grow(self, now: float) -> None:
        step = now - self._step_at
        quiet = now - self._cut_at - self._hold
        if self._doubling_step is not None:
            due, factor = step >= self._doubling_step, 2.0
        else:
            due, factor = quiet >= 0 and step >= _STEP, 1 + 0.005 * 2 ** min(5, int(quiet / 3))
        if due:
            # One less than the pace allows may be chance: that one starts just after the step.
            self.free = self.rate * step > 2 * (self._started + 1)
            self.rate *= factor
            self._step_at, self._started = now, 0
