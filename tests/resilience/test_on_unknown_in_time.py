"""The time of `send_event(on_unknown="verify")` as a whole, to the millisecond."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import anyio
import httpx
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    LiveChatError,
    NewMessage,
    Outcome,
    Timeouts,
)
from tests.helpers.scripted import ScriptedTransport, Step
from tests.helpers.sessions import a_session
from tests.helpers.virtual_time import virtual_time

NO_THREADS = Step(body=b'{"payload":{"threads_summary":[],"total_threads":0}}')
LOST_AFTER_2 = Step(delay=2.0, fault=httpx.ReadError)
HANGS = Step(delay=math.inf)


def scripted(send: list[Step], look: Step = NO_THREADS) -> ScriptedTransport:
    return ScriptedTransport({"send_event": send, "get_chat_threads_summary": [look]})


async def error_of(session: AsyncCustomerSession, on_unknown: Any = "verify") -> LiveChatError:
    with pytest.raises(LiveChatError) as caught:
        await session.events.send_event("chat", NewMessage(text="hello"), on_unknown=on_unknown)
    return caught.value


@virtual_time
async def test_it_looks_each_second_until_the_servers_limit_has_passed_since_the_attempt_began() -> None:
    transport = scripted([Step(delay=1.0, fault=httpx.ConnectError), LOST_AFTER_2, Step(delay=0.0, status=404)])
    async with a_session("http://127.0.0.1", transport=transport) as session:
        await error_of(session)
    begun = transport.begun["send_event"]
    assert [one.at for one in begun] == pytest.approx([0.0, 1.0, 16.0])
    looks = [one.at for one in transport.begun["get_chat_threads_summary"]]
    assert looks == pytest.approx([float(second) for second in range(3, 17)])


@virtual_time
async def test_the_second_send_has_only_the_time_that_is_left_and_no_look_follows_it() -> None:
    transport = scripted([LOST_AFTER_2, HANGS])
    async with a_session("http://127.0.0.1", transport=transport, timeouts=Timeouts(total=16)) as session:
        error = await error_of(session)
        assert isinstance(error, CallTimeoutError)
        assert (error.phase, error.outcome, error.attempts) == ("total", Outcome.UNKNOWN, 2)
        assert error.elapsed == pytest.approx(16)
    assert transport.begun["get_chat_threads_summary"][-1].at < 16


@virtual_time
async def test_a_look_that_hangs_ends_with_the_time_of_the_whole() -> None:
    transport = scripted([LOST_AFTER_2], HANGS)
    async with a_session("http://127.0.0.1", transport=transport, timeouts=Timeouts(total=30)) as session:
        error = await error_of(session)
        assert (error.outcome, error.attempts) == (Outcome.UNKNOWN, 1)
        assert isinstance(error.__cause__, CallTimeoutError)
        assert error.elapsed == pytest.approx(30)


@pytest.mark.parametrize("on_unknown", ["verify", "resend"])
@virtual_time
async def test_both_sends_together_have_one_total(on_unknown: str) -> None:
    transport = scripted([Step(delay=9.0, fault=httpx.ReadError), HANGS])
    async with a_session("http://127.0.0.1", transport=transport, timeouts=Timeouts(total=20)) as session:
        error = await error_of(session, on_unknown)
        assert (error.outcome, error.attempts) == (Outcome.UNKNOWN, 2)
        assert error.elapsed == pytest.approx(20)
    assert asyncio.get_running_loop().time() == pytest.approx(20)


@pytest.mark.parametrize("on_unknown", ["verify", "resend"])
@virtual_time
async def test_a_first_send_that_takes_all_the_time_is_not_followed_by_anything(on_unknown: str) -> None:
    transport = scripted([HANGS])
    async with a_session("http://127.0.0.1", transport=transport, timeouts=Timeouts(total=5)) as session:
        error = await error_of(session, on_unknown)
        assert (error.outcome, error.attempts) == (Outcome.UNKNOWN, 1)
        assert error.elapsed == pytest.approx(5)
    assert transport.requests == 1


@virtual_time
async def test_no_look_and_no_wait_begins_that_a_scope_around_the_call_would_cut_off() -> None:
    transport = scripted([LOST_AFTER_2])
    async with a_session("http://127.0.0.1", transport=transport) as session:
        with anyio.fail_after(7.5):
            error = await error_of(session)
        assert error.outcome is Outcome.UNKNOWN
        assert asyncio.get_running_loop().time() == pytest.approx(7.0)
    assert len(transport.begun["send_event"]) == 1


@pytest.mark.parametrize("on_unknown", ["verify", "resend"])
@virtual_time
async def test_a_scope_that_is_cancelled_stays_so(on_unknown: Any) -> None:
    transport = scripted([Step()])
    async with a_session("http://127.0.0.1", transport=transport) as session:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await session.events.send_event("chat", NewMessage(text="hello"), on_unknown=on_unknown)
        assert scope.cancelled_caught
    assert not transport.requests
