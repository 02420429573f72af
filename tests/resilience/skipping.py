"""A clock for a session over real sockets: its waits take no time, and what should happen meanwhile does."""

from __future__ import annotations

import asyncio
import time

from livechat_customer_async import Clock
from livechat_customer_async.sandbox import ArmedFault


class SkippingClock(Clock):
    """The loop's time, and what was skipped of it."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self._late: list[tuple[float, ArmedFault]] = []

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.skipped

    def wall(self) -> float:
        return time.time() + self.skipped

    def release_after(self, seconds: float, armed: ArmedFault) -> None:
        """Let a fault come to its end once so much time is skipped."""
        self._late.append((self.skipped + seconds, armed))

    async def sleep(self, seconds: float) -> None:
        """Skip some time; what is due in it happens."""
        self.skipped += seconds
        for moment, armed in self._late:
            if moment <= self.skipped and not armed.released.is_set():
                armed.release()
                await armed.finished.wait()
