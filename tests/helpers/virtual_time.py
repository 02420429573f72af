"""An event loop that never sleeps: when nothing is ready, its clock jumps to the next timer.

    @virtual_time
    async def test_waits() -> None:
        await asyncio.sleep(3600)  # returns at once, and the loop's clock says 3600

The decorator turns the test into a plain function, so it takes no asyncio mark. It goes below `parametrize`, `given`
and the like; fixtures work as usual. `run(coroutine)` does the same for a coroutine. `virtual_clock()` is a clock for
the package: its wall clock follows the loop's, and its random numbers are given.

Sockets and threads run in real time, so the clock would outrun them. `virtual_time(grace=0.05)` makes the loop wait
0.05 real seconds for them before each jump.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, overload

from livechat_customer_async import Clock

P = ParamSpec("P")
T = TypeVar("T")
Test = Callable[P, Coroutine[Any, Any, None]]

WALL_AT_START = 1_700_000_000.0
"""Unix time at the start of each virtual run."""
_PATIENCE = 5.0


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that advances a clock instead of waiting."""

    def __init__(self, grace: float) -> None:
        super().__init__()
        self.now = 0.0
        self._grace = grace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = super().select(_PATIENCE)
            if not ready:
                raise RuntimeError("deadlock: no timer is set, and nothing came from a socket or a thread")
            return ready
        ready = super().select(min(timeout, self._grace) if timeout > 0 else 0)
        if not ready and timeout > 0:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and is advanced by its own timers only."""

    def __init__(self, grace: float = 0.0) -> None:
        self._jumping = _JumpingSelector(grace)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(coroutine: Coroutine[Any, Any, T], *, grace: float = 0.0) -> T:
    """Run a coroutine to completion on its own virtual clock."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(grace)) as runner:
        return runner.run(coroutine)


@overload
def virtual_time(test: Test[P], /) -> Callable[P, None]: ...
@overload
def virtual_time(*, grace: float) -> Callable[[Test[P]], Callable[P, None]]: ...
def virtual_time(test: Any = None, /, *, grace: float = 0.0) -> Any:
    """Decorate an async test so that it runs on its own virtual clock."""
    if test is None:
        return functools.partial(_decorated, grace=grace)
    return _decorated(test, grace=grace)


def _decorated(test: Test[P], *, grace: float) -> Callable[P, None]:

    @functools.wraps(test)
    def run_test(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs), grace=grace)

    return run_test


class _VirtualClock(Clock):
    """The running loop's time, also as wall clock, and random numbers chosen by the test."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance

    def wall(self) -> float:
        return WALL_AT_START + asyncio.get_running_loop().time()

    def chance(self) -> float:
        return self._chance()


def virtual_clock(chance: float | Callable[[], float] = 0.5) -> Clock:
    """Return a clock that follows the running loop's time and draws the given random numbers."""
    return _VirtualClock(chance if callable(chance) else lambda: chance)
