"""The tests' own clock."""

import asyncio
import time

import pytest

from tests.helpers import virtual_time as vt
from tests.helpers.virtual_time import WALL_AT_START, run, virtual_clock, virtual_time


@virtual_time
async def test_the_clock_jumps_to_each_timer_in_turn() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await virtual_clock().sleep(seconds)
        woken.append((name, virtual_clock().now()))

    began = time.monotonic()
    await asyncio.gather(sleeper("hour", 3600.0), sleeper("week", 604_800.0), sleeper("second", 1.0))
    assert woken == [("second", 1.0), ("hour", 3600.0), ("week", 604_800.0)]
    assert virtual_clock().wall() == WALL_AT_START + 604_800.0
    assert time.monotonic() - began < 5


@virtual_time
async def test_a_timeout_ends_what_would_wait_for_ever() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(20):
            await asyncio.get_running_loop().create_future()
    assert virtual_clock().now() == pytest.approx(20.0)


@pytest.mark.parametrize("seconds", [1.5, 2.5])
@virtual_time(grace=0.5)
async def test_with_a_grace_a_thread_is_waited_for(seconds: float) -> None:
    async with asyncio.timeout(seconds):
        assert await asyncio.to_thread(lambda: "done") == "done"
    assert virtual_clock().now() == 0.0


def test_a_deadlock_is_told_instead_of_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vt, "_PATIENCE", 0.01)

    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(wait_for_ever())


@virtual_time
async def test_chance_is_what_the_test_says() -> None:
    assert virtual_clock(0.25).chance() == 0.25
    assert virtual_clock(iter([0.1]).__next__).chance() == 0.1
