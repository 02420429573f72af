"""An outage is not multiplied: the retries of all calls of a pool come out of one budget."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from livechat_customer_async import LiveChatError, Replay, RetryPolicy
from tests.helpers.scripted import ScriptedTransport, Step
from tests.helpers.sessions import a_session, assert_nothing_held
from tests.helpers.virtual_time import virtual_clock, virtual_time

TOTAL = 10_000
SOME = 1_500


@pytest.mark.slow
@pytest.mark.parametrize(
    "step, cost, calls",
    [
        (Step(delay=0.01, fault=httpx.ConnectError), 14, TOTAL),
        (Step(delay=0.01, fault=httpx.ReadError), 14, SOME),
        (Step(delay=0.01, status=502, body=b""), 14, SOME),
    ],
    ids=["refused", "reset", "bad_gateway"],
)
@virtual_time
async def test_a_total_outage_makes_a_tenth_more_requests_at_most(step: Step, cost: int, calls: int) -> None:
    transport = ScriptedTransport({"act": [step]})
    async with a_session(
        "http://127.0.0.1", transport=transport, retry=RetryPolicy(), clock=virtual_clock()
    ) as session:
        customers = [session, session.for_customer("another"), session.with_options(headers={"a": "b"})]
        ends = await asyncio.gather(
            *(customers[one % 3].call("act", {}, replay=Replay.SAFE) for one in range(calls)), return_exceptions=True
        )
        assert all(isinstance(end, LiveChatError) for end in ends)
        retries = 500 // cost
        assert transport.requests == calls + retries <= 1.1 * calls
        stats = session.stats()
        assert (stats.calls, stats.attempts, stats.retries) == (calls, calls + retries, retries)
        assert stats.retry_budget == 500 % cost
        assert_nothing_held(session)


@virtual_time
async def test_the_budget_comes_back_with_success() -> None:
    fails_once = [Step(fault=httpx.ConnectError), Step()]
    transport = ScriptedTransport({"down": [Step(fault=httpx.ConnectError)], "up": [Step()], "bumpy": fails_once})
    retry = RetryPolicy(budget=30)
    async with a_session("http://127.0.0.1", transport=transport, retry=retry, clock=virtual_clock()) as session:
        with pytest.raises(LiveChatError):
            await session.call("down", {})
        assert session.stats().retry_budget == 2
        with pytest.raises(LiveChatError, match="the retry budget of the pool is used up"):
            await session.call("down", {})
        for calls, tokens in ((3, 5), (9, 14)):
            for _ in range(calls):
                await session.call("up", {})
            assert session.stats().retry_budget == tokens
        await session.call("bumpy", {})
        assert session.stats().retry_budget == 14
        for _ in range(50):
            await session.call("up", {})
        assert session.stats().retry_budget == 30
