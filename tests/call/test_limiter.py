"""Slots: oldest first, uploads' half, the queue's limit, and no cancellation that loses or doubles one."""

import asyncio
import random
from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async import TransportError
from livechat_customer_async._call.limiter import Limiter
from livechat_customer_async._call.throttle import Throttle
from tests.helpers.virtual_time import run, virtual_clock, virtual_time

LATER = 3600.0
WHO = "a customer"


def new_limiter(slots: int, *, queue: int | None, throttle: Throttle | None = None) -> Limiter:
    return Limiter(slots, queue=queue, throttle=throttle or Throttle(), clock=virtual_clock())


class Users:
    """Calls that take a slot of a limiter, hold it until told, and give it back."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.holding: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._leave: dict[str, asyncio.Event] = {}

    async def _use(self, name: str, upload: bool) -> None:
        if not self.limiter.try_acquire(WHO, upload=upload):
            self.limiter.check_queue()
            await self.limiter.acquire(WHO, upload=upload)
        try:
            self.holding.append(name)
            await self._leave[name].wait()
        finally:
            self.holding.remove(name)
            self.limiter.release(upload=upload)

    async def come(self, *names: str) -> None:
        """Start calls; those whose name begins with `u` are uploads."""
        for name in names:
            self._leave[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._use(name, name.startswith("u")))
            await settle()

    async def leave(self, *names: str) -> None:
        for name in names:
            self._leave[name].set()
            await settle()

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.wait(self.tasks.values())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def idle(limiter: Limiter) -> bool:
    return (limiter.in_flight, limiter.queued) == (0, 0)


@virtual_time
async def test_oldest_first() -> None:
    users = Users(limiter := new_limiter(2, queue=None))
    await users.come("a", "b", "c", "d", "e")
    assert users.holding == ["a", "b"]
    assert (limiter.in_flight, limiter.queued) == (2, 3)
    await users.leave("b")
    assert users.holding == ["a", "c"]
    await users.leave("a", "c")
    assert users.holding == ["d", "e"]
    assert limiter.queued == 0
    await users.end()
    assert idle(limiter)


@virtual_time
async def test_a_newcomer_does_not_overtake() -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=False)
    first = asyncio.create_task(limiter.acquire(WHO, upload=False))
    await settle()
    limiter.release(upload=False)
    # The slot belongs to the one who waited, although its task has not run yet.
    assert not limiter.try_acquire(WHO, upload=False)
    await first
    limiter.release(upload=False)
    assert limiter.try_acquire(WHO, upload=False)


@pytest.mark.parametrize("slots, most", [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (100, 50)])
def test_uploads_hold_half_of_the_slots_at_most(slots: int, most: int) -> None:
    limiter = new_limiter(slots, queue=None)
    taken = 0
    while limiter.try_acquire(WHO, upload=True):
        taken += 1
    assert taken == most
    while limiter.try_acquire(WHO, upload=False):
        taken += 1
    assert taken == limiter.in_flight == slots


@virtual_time
async def test_waiting_uploads_let_calls_pass_where_only_their_half_is_full() -> None:
    users = Users(limiter := new_limiter(4, queue=None))
    await users.come("u1", "u2", "u3", "a", "b", "c")
    assert users.holding == ["u1", "u2", "a", "b"]
    await users.leave("a")
    assert users.holding == ["u1", "u2", "b", "c"]  # u3 has waited longer, but may not have it
    await users.leave("u1")
    assert users.holding == ["u2", "b", "c", "u3"]
    await users.end()
    assert idle(limiter)


@virtual_time
async def test_calls_do_not_starve_uploads() -> None:
    users = Users(limiter := new_limiter(2, queue=None))
    await users.come("a", "b", "c", "u1", "d", "e", "u2")
    order = []
    for _ in range(6):
        leaving = users.holding[0]
        before = set(users.holding)
        await users.leave(leaving)
        order += sorted(set(users.holding) - before)
    assert order == ["c", "u1", "d", "e", "u2"]
    await users.end()
    assert idle(limiter)


@virtual_time
async def test_the_queue_has_a_limit() -> None:
    users = Users(limiter := new_limiter(1, queue=2))
    await users.come("a", "b", "u")
    with pytest.raises(TransportError, match="2 calls are already waiting, the limit is 2"):
        limiter.check_queue()
    assert limiter.queued == 2
    users.tasks["b"].cancel()
    await settle()
    await users.come("c")
    assert limiter.queued == 2
    await users.leave("a", "u")
    assert users.holding == ["c"]
    await users.end()
    assert idle(limiter)


@virtual_time
async def test_no_queue_at_all() -> None:
    limiter = new_limiter(1, queue=0)
    assert limiter.try_acquire(WHO, upload=False)
    with pytest.raises(TransportError, match="0 calls are already waiting, the limit is 0"):
        limiter.check_queue()
    limiter.release(upload=False)
    assert limiter.try_acquire(WHO, upload=False)


@pytest.mark.parametrize("who", ["b", "c", "d"])
@virtual_time
async def test_a_cancelled_waiter_leaves_the_others_their_order(who: str) -> None:
    users = Users(limiter := new_limiter(1, queue=None))
    await users.come("a", "b", "c", "d")
    users.tasks[who].cancel()
    await settle()
    assert limiter.queued == 2
    left = [name for name in ("b", "c", "d") if name != who]
    await users.leave("a")
    assert users.holding == left[:1]
    await users.leave(left[0])
    assert users.holding == left[1:]
    await users.end()
    assert idle(limiter)


@pytest.mark.parametrize("upload", [False, True])
@pytest.mark.parametrize("first", ["release", "cancel"])
@virtual_time
async def test_cancelled_in_the_same_tick_as_the_slot_is_handed_over(first: str, upload: bool) -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=upload)
    unlucky = asyncio.create_task(limiter.acquire(WHO, upload=upload))
    heir = asyncio.create_task(limiter.acquire(WHO, upload=upload))
    await settle()
    steps: list[Callable[[], object]] = [lambda: limiter.release(upload=upload), unlucky.cancel]
    for step in steps if first == "release" else reversed(steps):
        step()
    await settle()
    assert unlucky.cancelled()
    assert heir.done()
    assert (limiter.in_flight, limiter.queued) == (1, 0)
    limiter.release(upload=upload)
    assert limiter.try_acquire(WHO, upload=upload)


@virtual_time
async def test_cancelled_before_its_first_step() -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=False)
    never = asyncio.create_task(limiter.acquire(WHO, upload=False))
    never.cancel()
    await settle()
    assert (never.cancelled(), limiter.queued) == (True, 0)


@virtual_time
async def test_all_that_wait_are_cancelled_at_once() -> None:
    users = Users(limiter := new_limiter(2, queue=None))
    await users.come("a", "u1", *"bcdef", "u2", "u3")
    await users.end()
    assert idle(limiter)
    assert limiter.try_acquire(WHO, upload=True)
    assert limiter.try_acquire(WHO, upload=False)


@pytest.mark.parametrize("native", [True, False])
@virtual_time
async def test_a_deadline_while_waiting(native: bool) -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=False)

    async def wait() -> None:
        if native:
            async with asyncio.timeout(LATER):
                await limiter.acquire(WHO, upload=False)
        with anyio.fail_after(LATER):
            await limiter.acquire(WHO, upload=False)

    with pytest.raises(TimeoutError):
        await wait()
    assert virtual_clock().now() == pytest.approx(LATER)
    assert (limiter.in_flight, limiter.queued) == (1, 0)
    limiter.release(upload=False)
    assert idle(limiter)


class Machine:
    """Plays a script of arrivals, departures and cancellations, and watches the invariants after each step."""

    def __init__(self, slots: int, seed: int) -> None:
        self.users = Users(new_limiter(slots, queue=None))
        self.slots = slots
        self.draw = random.Random(seed)
        self.count = 0

    async def step(self, what: str) -> None:
        alive = [name for name, task in self.users.tasks.items() if not task.done()]
        if what in ("call", "upload"):
            self.count += 1
            name = f"{what[0]}{self.count}"
            self.users._leave[name] = asyncio.Event()
            self.users.tasks[name] = asyncio.create_task(self.users._use(name, what == "upload"))
        elif what == "leave" and self.users.holding:
            self.users._leave[self.draw.choice(self.users.holding)].set()
        elif what == "cancel" and alive:
            self.users.tasks[self.draw.choice(alive)].cancel()
        elif what == "tick":
            await asyncio.sleep(0)
        self.watch()

    def watch(self) -> None:
        limiter, holding = self.users.limiter, self.users.holding
        assert 0 <= len(holding) <= limiter.in_flight <= self.slots
        assert 0 <= limiter.queued <= len(self.users.tasks)
        assert sum(name.startswith("u") for name in holding) <= max(1, self.slots // 2)

    async def end(self) -> None:
        await settle()
        alive = sum(not task.done() for task in self.users.tasks.values())
        limiter = self.users.limiter
        assert limiter.in_flight + limiter.queued == alive
        assert limiter.in_flight == len(self.users.holding)
        if self.users.tasks:
            await self.users.end()
        assert idle(limiter)
        assert sum(limiter.try_acquire(WHO, upload=True) for _ in range(self.slots)) == max(1, self.slots // 2)
        assert limiter.in_flight + sum(limiter.try_acquire(WHO, upload=False) for _ in range(self.slots)) == self.slots


STEPS = st.lists(st.sampled_from(["call", "call", "upload", "leave", "leave", "cancel", "tick", "tick"]), max_size=80)


@given(slots=st.integers(1, 5), script=STEPS, seed=st.integers(0, 2**16))
def test_no_script_loses_or_doubles_a_slot(slots: int, script: list[str], seed: int) -> None:
    async def play() -> None:
        machine = Machine(slots, seed)
        for what in script:
            await machine.step(what)
        await machine.end()

    run(play())


@virtual_time
async def test_all_are_served_in_order_however_many() -> None:
    limiter, served = new_limiter(3, queue=None), list[int]()

    async def use(number: int) -> None:
        if not limiter.try_acquire(WHO, upload=False):
            await limiter.acquire(WHO, upload=False)
        served.append(number)
        await asyncio.sleep(0)
        limiter.release(upload=False)

    await asyncio.gather(*(use(number) for number in range(1000)))
    assert served == list(range(1000))
    assert idle(limiter)


@virtual_time
async def test_cancelled_waiters_leave_at_once_though_no_slot_comes_free() -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=False)
    waiters = [asyncio.create_task(limiter.acquire(WHO, upload=bool(number % 2))) for number in range(100)]
    await settle()
    for waiter in waiters[1:]:
        waiter.cancel()
    await settle()
    assert limiter.queued == 1
    assert len(limiter._calls) + len(limiter._uploads) == 1
    limiter.release(upload=False)
    await waiters[0]
    limiter.release(upload=False)
    assert idle(limiter)


@virtual_time
async def test_a_turn_that_comes_in_the_moment_of_a_cancellation_is_handed_on() -> None:
    limiter = new_limiter(1, queue=None)
    assert limiter.try_acquire(WHO, upload=False)
    first, second = (asyncio.create_task(limiter.acquire(WHO, upload=False)) for _ in range(2))
    await settle()
    first.cancel()
    limiter.release(upload=False)  # before the task of the first has run again
    await asyncio.wait_for(second, LATER)
    assert first.cancelled()
    limiter.release(upload=False)
    assert idle(limiter)
