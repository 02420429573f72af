"""Calls that wait for a pace: oldest first, none before its time, cancellable, and nobody behind somebody else's."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async._base.clock import SystemClock
from livechat_customer_async._call.limiter import Limiter
from livechat_customer_async._call.throttle import Throttle
from tests.helpers.virtual_time import run, virtual_clock, virtual_time


class Calls:
    """Calls that take a slot of a limiter at some time, hold it for a while, and give it back."""

    def __init__(self, slots: int = 10) -> None:
        self.throttle = Throttle()
        self.limiter = Limiter(slots, queue=None, throttle=self.throttle, clock=virtual_clock())
        self.started: list[tuple[str, float]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, *names: str, upload: bool = False, again: bool = False, hold: float = 0.01) -> None:
        """Start calls; the first letter of a name is the customer."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._call(name, upload, again, hold))

    async def _call(self, name: str, upload: bool, again: bool, hold: float) -> None:
        if not self.limiter.try_acquire(name[0], upload=upload):
            await self.limiter.acquire(name[0], upload=upload, again=again)
        now = self.now()
        self.started.append((name, now))
        try:
            await asyncio.sleep(hold)
            self.throttle.served(name[0], now, self.now())
        finally:
            self.limiter.release(upload=upload)

    def refuse(self, customer: str, retry_after: float | None) -> None:
        self.throttle.refused(customer, self.now() - 0.01, self.now(), retry_after)

    def limit_pool(self, retry_after: float) -> None:
        for customer in "yz":
            self.refuse(customer, retry_after)

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.started]

    async def end(self) -> None:
        """Wait for all calls, and check that nothing is left of them."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await asyncio.sleep(0)
        assert (self.limiter.in_flight, self.limiter.queued) == (0, 0)
        assert not self.limiter._paced
        assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual_time
async def test_a_refused_customer_waits_and_others_do_not() -> None:
    calls = Calls()
    calls.refuse("a", 5.0)
    calls.start("a1", "b1", "a2", "b2")
    await asyncio.sleep(1)
    assert calls.names == ["b1", "b2"]
    assert (calls.limiter.queued, calls.limiter.in_flight) == (2, 0)
    await calls.end()
    assert calls.names == ["b1", "b2", "a1", "a2"]
    assert calls.started[2][1] == pytest.approx(5)
    assert calls.started[3][1] == pytest.approx(5.25)  # at the first pace: four a second


@virtual_time
async def test_the_whole_pool_waits() -> None:
    calls = Calls()
    calls.limit_pool(3.0)
    calls.start("a1", "b1", "c1", "a2")
    await asyncio.sleep(2.9)
    assert calls.names == []
    await calls.end()
    assert calls.names == ["a1", "b1", "c1", "a2"]
    assert calls.started[0][1] == pytest.approx(3)


@virtual_time
async def test_who_waits_for_a_slot_when_the_refusal_comes_waits_for_the_pace() -> None:
    calls = Calls(slots=1)
    calls.start("a0", hold=1)
    await asyncio.sleep(0)
    calls.start("a1", "a2", "b1", "b2")
    await asyncio.sleep(0.5)
    calls.refuse("a", 10.0)
    await calls.end()
    assert calls.names == ["a0", "b1", "b2", "a1", "a2"]
    assert calls.started[3][1] == pytest.approx(10.5)


@virtual_time
async def test_a_refusal_in_the_moment_of_its_turn_sends_a_call_back() -> None:
    calls = Calls(slots=1)
    calls.start("a0", hold=1)
    await asyncio.sleep(0)
    calls.start("a1", "b1")
    await asyncio.sleep(0.5)
    calls.limiter.release(upload=False)  # the turn of a1 has come, and its task has not run yet
    calls.refuse("a", 10.0)
    await asyncio.sleep(1)
    assert calls.names == ["a0", "b1"]
    assert calls.limiter.try_acquire("c", upload=False)  # for the slot that was given back above
    await calls.end()
    assert calls.started[2] == ("a1", pytest.approx(10.5))


@virtual_time
async def test_a_longer_retry_after_that_comes_while_waiting_holds() -> None:
    calls = Calls()
    calls.refuse("a", 5.0)
    calls.start("a1")
    await asyncio.sleep(4)
    calls.refuse("a", 20.0)
    await calls.end()
    assert calls.started == [("a1", pytest.approx(24))]


@virtual_time
async def test_a_refused_call_waits_in_front_of_those_that_came_later() -> None:
    calls = Calls()
    calls.refuse("a", 5.0)
    calls.start("a1", "a2", "a3")
    await asyncio.sleep(1)
    calls.start("a0", again=True)
    await calls.end()
    assert calls.names == ["a0", "a1", "a2", "a3"]


@virtual_time
async def test_a_newcomer_does_not_overtake_those_who_wait_for_the_pace() -> None:
    calls = Calls()
    calls.refuse("a", 5.0)
    calls.start("a1", "a2")
    await asyncio.sleep(5.01)
    assert calls.names == ["a1"]
    calls.start("a3")
    await calls.end()
    assert calls.names == ["a1", "a2", "a3"]


@virtual_time
async def test_uploads_wait_for_the_pace_and_keep_to_their_half() -> None:
    calls = Calls(slots=2)
    calls.refuse("a", 5.0)
    calls.start("a1", "a2", upload=True, hold=1)
    calls.start("a3")
    await calls.end()
    assert calls.names == ["a1", "a3", "a2"]
    assert calls.started[2][1] == pytest.approx(6)


@pytest.mark.parametrize("who", ["a1", "a2", "a3"])
@virtual_time
async def test_a_cancelled_waiter_leaves_the_others_their_order(who: str) -> None:
    calls = Calls()
    calls.refuse("a", 5.0)
    calls.start("a1", "a2", "a3")
    await asyncio.sleep(1)
    calls.tasks[who].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert calls.limiter.queued == 2
    await calls.end()
    assert calls.names == [name for name in ("a1", "a2", "a3") if name != who]
    assert calls.started[0][1] == pytest.approx(5)


@virtual_time
async def test_nothing_is_left_when_all_who_wait_are_cancelled() -> None:
    calls = Calls()
    calls.refuse("a", 3600.0)
    calls.limit_pool(3600.0)
    calls.start(*(f"{customer}{number}" for number in range(10) for customer in "abc"))
    await asyncio.sleep(1)
    assert calls.limiter.queued == 30
    for task in calls.tasks.values():
        task.cancel()
    await calls.end()
    assert calls.now() == 1


@virtual_time
async def test_all_start_as_soon_as_the_pace_is_forgotten() -> None:
    calls = Calls(slots=1000)
    calls.refuse("a", None)
    calls.start(*(f"a{number}" for number in range(500)))
    await calls.end()
    assert calls.names == [f"a{number}" for number in range(500)]
    assert calls.now() < 5


@virtual_time
async def test_fast_paces_are_kept_although_timers_are_coarse() -> None:
    calls = Calls(slots=1000)
    for number in range(4000):  # so many a second were served
        calls.throttle.served("a", number / 4000 - 2, number / 4000 - 1)
    calls.refuse("a", None)
    rate = calls.throttle.rate("a")
    assert rate is not None
    began = calls.throttle.ready_at("a")
    calls.start(*(f"a{number}" for number in range(900)))
    await asyncio.sleep(began - calls.now() + 0.2)
    assert len(calls.started) == pytest.approx(0.2 * rate, rel=0.1)
    for task in calls.tasks.values():
        task.cancel()
    await calls.end()


STEPS = st.lists(st.sampled_from([*"aaabbc", "upload", "cancel", "refuse", "refuse", "pause", "tick"]), max_size=60)


@given(STEPS, st.integers(1, 4), st.integers(0, 2**16))
def test_no_script_starts_too_early_or_loses_a_slot(script: list[str], slots: int, seed: int) -> None:
    draw = random.Random(seed)

    async def play() -> None:
        calls = Calls(slots)
        refused: list[tuple[str, float, float]] = []
        for number, step in enumerate(script):
            if step in "abc":
                calls.start(f"{step}{number}", hold=draw.random())
            elif step == "upload":
                calls.start(f"a{number}", upload=True, hold=draw.random())
            elif step == "cancel" and calls.tasks:
                draw.choice(list(calls.tasks.values())).cancel()
            elif step == "refuse":
                customer, retry_after = draw.choice("abc"), 4 * draw.random()
                refused.append((customer, calls.now(), calls.now() + retry_after))
                calls.refuse(customer, retry_after)
            await asyncio.sleep(draw.random() if step == "pause" else 0)
        await calls.end()
        check_starts(calls, refused)
        assert (calls.limiter._free, calls.limiter._free_for_uploads) == (slots, max(1, slots // 2))

    run(play())


def check_starts(calls: Calls, refused: list[tuple[str, float, float]]) -> None:
    for name, at in calls.started:
        for customer, since, until in refused:
            assert name[0] != customer or not since < at < until


@virtual_time
async def test_a_clock_whose_sleep_returns_at_once_is_obeyed() -> None:
    class Skipping(SystemClock):
        skipped = 0.0

        def now(self) -> float:
            return super().now() + self.skipped

        async def sleep(self, seconds: float) -> None:
            self.skipped += seconds

    clock = Skipping()
    throttle = Throttle()
    limiter = Limiter(1, queue=None, throttle=throttle, clock=clock)
    throttle.refused("a", 0, clock.now(), 3600.0)
    await limiter.acquire("a", upload=False)
    assert clock.now() >= 3600
    assert asyncio.get_running_loop().time() < 1
    limiter.release(upload=False)
