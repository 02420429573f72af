"""Time and chance as arguments, so that tests hold both in their hands."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import anyio.lowlevel
import attrs


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


async def let_scopes_notice() -> None:
    """Give a scope around the caller whose time is over the turns of the loop that it needs to cancel."""
    for _ in range(3):
        await anyio.lowlevel.checkpoint()


@attrs.frozen(eq=False, repr=False)
class Clock:
    """Where the package reads time and chance.

    Attributes:
        now: seconds on the event loop's own clock, on which its timers run too.
        wall: Unix time in seconds.
        sleep: wait for so many seconds.
        chance: a number drawn from 0 up to, not including, 1.
    """

    now: Callable[[], float] = _loop_time
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
