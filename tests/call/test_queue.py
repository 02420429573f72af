"""Calls that wait for a connection: in order, as many and as long as the limits say; on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    Limits,
    LiveChatError,
    Outcome,
    Timeouts,
    TransportError,
)
from tests.helpers.transports import Slow
from tests.helpers.virtual_time import virtual_time


def session_over(transport: Slow, **limits: Any) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, "dal:canary", transport=transport, limits=Limits(**limits))


def named(session: AsyncCustomerSession, name: str) -> AsyncCustomerSession:
    return session.for_customer(f"dal:{name}", headers={"X-Name": name})


async def close_thread(session: AsyncCustomerSession) -> LiveChatError | None:
    try:
        await session.chats.close_thread("c")
    except LiveChatError as error:
        return error
    return None


@virtual_time
async def test_slots_are_handed_out_oldest_first() -> None:
    transport = Slow(1)
    async with session_over(transport, connections=3) as session:
        names = [f"{number}" for number in range(20)]
        results = await asyncio.gather(*(close_thread(named(session, name)) for name in names))
    assert transport.begun == names
    assert results == [None] * 20
    assert asyncio.get_running_loop().time() == pytest.approx(7)


@virtual_time
async def test_a_full_pool_is_no_error() -> None:
    transport = Slow(0.01)
    async with session_over(transport, connections=1) as session:
        results = await asyncio.gather(*(close_thread(session) for _ in range(500)))
        assert session.stats().calls == session.stats().attempts == 500
    assert results == [None] * 500


@virtual_time
async def test_a_cancelled_waiter_gives_its_place_to_the_next() -> None:
    transport = Slow(1)
    async with session_over(transport, connections=1) as session:
        tasks = [asyncio.create_task(close_thread(named(session, name))) for name in "abcd"]
        await asyncio.sleep(0.5)
        assert session.stats().queued == 3
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert session.stats().queued == 0
    assert transport.begun == ["a", "c", "d"]
    assert tasks[1].cancelled()


@virtual_time
async def test_a_cancelled_call_frees_its_slot() -> None:
    transport = Slow(100)
    async with session_over(transport, connections=1) as session:
        first = asyncio.create_task(close_thread(named(session, "a")))
        second = asyncio.create_task(close_thread(named(session, "b")))
        await asyncio.sleep(1)
        first.cancel()
        await asyncio.sleep(1)
        assert transport.begun == ["a", "b"]
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert session.stats().in_flight == 0


@pytest.mark.parametrize("queue", [0, 2])
@virtual_time
async def test_a_full_queue_is_an_error_at_once(queue: int) -> None:
    async with session_over(Slow(1), connections=1, queue=queue) as session:
        tasks = [asyncio.create_task(close_thread(session)) for _ in range(1 + queue)]
        await asyncio.sleep(0.25)
        error = await close_thread(session)
        assert asyncio.get_running_loop().time() == 0.25
        assert type(error) is TransportError
        assert str(queue) in error.message
        assert (error.outcome, error.attempts, error.action) == (Outcome.NOT_SENT, 0, "close_thread")
        assert await asyncio.gather(*tasks) == [None] * (1 + queue)
        assert await close_thread(session) is None, "it has room again"


@virtual_time
async def test_a_queue_timeout_ends_the_wait_alone() -> None:
    async with session_over(Slow(4), connections=1, queue_timeout=3.0) as session:
        first = asyncio.create_task(close_thread(session))
        second = asyncio.create_task(close_thread(session))
        error = await second
        assert isinstance(error, CallTimeoutError)
        assert (error.phase, error.outcome, error.attempts) == ("queue", Outcome.NOT_SENT, 0)
        assert error.elapsed == pytest.approx(3)
        assert asyncio.get_running_loop().time() == pytest.approx(3)
        assert await first is None, "it did not wait, so 4 s are no matter"
        assert session.stats().queued == 0


@virtual_time
async def test_uploads_leave_room_for_small_calls() -> None:
    async with session_over(Slow(1000), connections=4) as session:
        uploads = [asyncio.create_task(session.events.upload_file(b"x", content_type="a/b")) for _ in range(10)]
        await asyncio.sleep(1)
        assert session.stats().in_flight == 2
        small = asyncio.create_task(close_thread(session))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert session.stats().in_flight == 3
        for task in (*uploads, small):
            task.cancel()
        await asyncio.gather(*uploads, small, return_exceptions=True)
        assert (session.stats().in_flight, session.stats().queued) == (0, 0)


@virtual_time
async def test_time_that_ends_in_the_queue_is_said_to() -> None:
    async with session_over(Slow(None), connections=1) as session:
        holding = asyncio.create_task(close_thread(session))
        await asyncio.sleep(0)
        error = await close_thread(session.with_options(timeouts=Timeouts(total=2)))
        holding.cancel()
    assert str(error) == (
        "close_thread: no connection became free within the call's total of 2 s [nothing was sent; 0 attempts, 2.000 s]"
    )
