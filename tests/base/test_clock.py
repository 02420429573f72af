"""The clock that the package runs on where nobody gives it another."""

import asyncio
import time

import anyio
import pytest

from livechat_customer_async._base.clock import SystemClock, let_scopes_notice
from tests.helpers.virtual_time import virtual_time


@virtual_time
async def test_now_is_the_clock_of_the_running_loop() -> None:
    clock = SystemClock()
    assert clock.now() == asyncio.get_running_loop().time() == 0.0
    await clock.sleep(90.0)
    assert clock.now() == pytest.approx(90.0)


@virtual_time
async def test_a_scope_whose_time_is_over_notices_before_the_next_step() -> None:
    steps = []
    with anyio.CancelScope(deadline=SystemClock().now()) as over:
        await let_scopes_notice()
        steps.append("over")
    with anyio.CancelScope(deadline=SystemClock().now() + 1) as left:
        await let_scopes_notice()
        steps.append("left")
    assert (steps, over.cancelled_caught, left.cancelled_caught, SystemClock().now()) == (["left"], True, False, 0.0)


def test_there_is_no_now_outside_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        SystemClock().now()


def test_wall_and_chance_are_the_real_ones() -> None:
    before = time.time()
    assert before <= SystemClock().wall() <= time.time()
    draws = {SystemClock().chance() for _ in range(20)}
    assert len(draws) > 1
    assert all(0 <= draw < 1 for draw in draws)
