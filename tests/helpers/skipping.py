"""A clock for sessions over real sockets: its sleeps return at once and trigger what was due meanwhile."""

from __future__ import annotations

import asyncio
import time

from livechat_customer_async import Clock
from livechat_customer_async.sandbox import ArmedFault


class SkippingClock(Clock):
    """The event loop's time at the start plus the time skipped so far; what passes meanwhile does not count."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self._start: float | None = None
        self._late: list[tuple[float, ArmedFault]] = []

    def now(self) -> float:
        if self._start is None:
            self._start = asyncio.get_running_loop().time()
        return self._start + self.skipped

    def wall(self) -> float:
        return time.time() + self.skipped

    def release_after(self, seconds: float, armed: ArmedFault) -> None:
        """Release a fault once `seconds` have been skipped."""
        self._late.append((self.skipped + seconds, armed))

    async def sleep(self, seconds: float) -> None:
        """Skip `seconds`, and release the faults that are due."""
        self.skipped += seconds
        for moment, armed in self._late:
            if moment <= self.skipped and not armed.released.is_set():
                armed.release()
                await armed.finished.wait()
