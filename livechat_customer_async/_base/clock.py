"""Injectable clock and random source, and the deadline of a call."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import Protocol, runtime_checkable

import anyio
import anyio.lowlevel


@runtime_checkable
class Clock(Protocol):
    """Where the package reads time and random numbers; subclass it to replace single methods in a test.

    Every method has a default that uses the running event loop, the system's clock and `random`.
    """

    def now(self) -> float:
        """Return monotonic seconds; by default the running event loop's time."""
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def chance(self) -> float:
        """Return a random number from 0 up to, but not including, 1."""
        return random.random()  # noqa: S311 - jitter, no secret

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class SystemClock(Clock):
    """The clock of a session that was given none."""


class Deadline:
    """When an operation must have ended: by its own limit, and by a cancel scope around it.

    Attributes:
        began: when it began, on the clock.
    """

    __slots__ = ("_at", "_clock", "_own", "began")

    def __init__(self, clock: Clock, limit: float | None) -> None:
        """Start now; `limit` is in seconds, `None` for no limit of its own."""
        self._clock = clock
        self.began = now = clock.now()
        self._own = math.inf if limit is None else now + limit
        around = anyio.current_effective_deadline()
        # A scope's deadline is on the event loop's clock, which a test's clock need not share.
        self._at = self._own if around == math.inf else min(self._own, now + around - anyio.current_time())

    def left(self) -> float:
        """Return the seconds left; infinite for no limit."""
        return self._at - self._clock.now()

    def own_left(self) -> float:
        """Return the seconds left of its own limit, whatever scope is around it."""
        return self._own - self._clock.now()

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._at <= self._clock.now()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock.now() - self.began


async def let_scopes_notice() -> None:
    """Give a scope around the caller whose deadline has passed the turns of the event loop that it needs to cancel."""
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
