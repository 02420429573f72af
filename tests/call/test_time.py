"""How long a call may take, all in all; on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import httpx
import pytest

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    CallTimeoutError,
    Limits,
    LiveChatError,
    Outcome,
    RetryPolicy,
    Timeouts,
    TokenProviderError,
    TransportError,
)
from tests.helpers.transports import Scripted, Slow, api_error, failing, ok
from tests.helpers.virtual_time import virtual_time


def session_over(transport: httpx.AsyncBaseTransport, **options: Any) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, options.pop("token", "dal:canary"), transport=transport, **options)


def now() -> float:
    return asyncio.get_running_loop().time()


async def failure_of(call: Any) -> LiveChatError:
    with pytest.raises(LiveChatError) as caught:
        await call
    return caught.value


def assert_ran_out(error: LiveChatError, after: float, *, attempts: int, outcome: Outcome) -> None:
    assert isinstance(error, CallTimeoutError)
    assert isinstance(error, TimeoutError)
    assert (error.phase, error.attempts, error.outcome) == ("total", attempts, outcome)
    assert error.elapsed == pytest.approx(after)
    assert str(after) in str(error)


@virtual_time
async def test_total_ends_a_call_without_an_answer() -> None:
    async with session_over(Slow(None)) as session:
        error = await failure_of(session.chats.close_thread("c"))
    assert now() == pytest.approx(60)
    assert_ran_out(error, 60.0, attempts=1, outcome=Outcome.UNKNOWN)
    assert error.action == "close_thread"


@virtual_time
async def test_uploads_have_a_total_of_their_own() -> None:
    async with session_over(Slow(None), timeouts=Timeouts(total=7.0, upload_total=90.0)) as session:
        # With a content type no thread is asked to guess one, which virtual time would not wait for.
        send_file, upload_file = session.events.send_file, session.events.upload_file
        for call in (send_file("c", b"x", content_type="a/b"), upload_file(b"x", content_type="a/b")):
            error = await failure_of(call)
            assert_ran_out(error, 90.0, attempts=1, outcome=Outcome.UNKNOWN)
        error = await failure_of(session.events.send_sneak_peek("c", "x"))
        assert_ran_out(error, 7.0, attempts=1, outcome=Outcome.UNKNOWN)


@virtual_time
async def test_none_is_no_limit() -> None:
    async with session_over(Slow(86_400), timeouts=Timeouts(total=None, upload_total=None)) as session:
        await session.chats.close_thread("c")
        assert now() == pytest.approx(86_400)
        assert (await session.events.upload_file(b"x")).url


@virtual_time
async def test_total_counts_the_time_in_the_queue() -> None:
    transport = Slow(None)
    limits, timeouts = Limits(connections=1), Timeouts(total=9.0)
    async with session_over(transport, limits=limits, timeouts=timeouts) as session:
        first = asyncio.create_task(failure_of(session.chats.close_thread("c")))
        second = asyncio.create_task(
            failure_of(session.with_options(timeouts=Timeouts(total=4.0)).chats.close_thread("c"))
        )
        assert_ran_out(await second, 4.0, attempts=0, outcome=Outcome.NOT_SENT)
        assert_ran_out(await first, 9.0, attempts=1, outcome=Outcome.UNKNOWN)
        assert (session.stats().in_flight, session.stats().queued) == (0, 0)
    assert len(transport.begun) == 1


@virtual_time
async def test_total_counts_the_time_of_the_token_provider() -> None:
    async def slow_provider() -> AccessToken:
        await asyncio.sleep(6)
        return AccessToken("dal:provided")

    async def hanging_provider() -> AccessToken:
        await asyncio.Event().wait()
        raise AssertionError

    transport = Slow(6)
    async with session_over(transport, token=slow_provider, timeouts=Timeouts(total=10.0)) as session:
        error = await failure_of(session.chats.close_thread("c"))
        assert_ran_out(error, 10.0, attempts=1, outcome=Outcome.UNKNOWN)
        error = await failure_of(session.for_customer(hanging_provider).chats.close_thread("c"))
        assert isinstance(error, TokenProviderError)
        assert (error.outcome, error.attempts) == (Outcome.NOT_SENT, 0)
        assert error.elapsed == pytest.approx(10)


@virtual_time
async def test_total_counts_attempts_and_waits_together() -> None:
    script = [failing(httpx.ConnectError)] * 50
    policy = RetryPolicy(attempts=50, throttle_base=0)
    transport = Scripted(*script)
    async with session_over(transport, retry=policy, timeouts=Timeouts(total=3.0)) as session:
        error = await failure_of(session.chats.close_thread("c"))
    assert error.elapsed <= 3
    assert error.attempts == len(transport.actions) > 1
    assert "does not fit" in str(error)


@virtual_time
async def test_no_wait_begins_that_cannot_end_in_time() -> None:
    throttled = api_error("too_many_requests", 429, **{"Retry-After": "20"})
    async with session_over(Scripted(throttled), timeouts=Timeouts(total=15.0)) as session:
        error = await failure_of(session.chats.close_thread("c"))
        assert (now(), error.attempts) == (0, 1)
        # The same within the caller's own scope.
        longer = session.with_options(timeouts=Timeouts())
        with anyio.fail_after(10):
            error = await failure_of(longer.chats.close_thread("c"))
        assert (now(), error.attempts, type(error)) == (0, 0, CallTimeoutError)
        error = await failure_of(longer.chats.close_thread("c"))
        assert (now(), error.attempts) == (pytest.approx(40), 2)


@virtual_time
async def test_a_scope_around_a_call_ends_it_as_a_cancellation() -> None:
    transport = Slow(None)
    async with session_over(transport) as session:
        with pytest.raises(TimeoutError) as caught, anyio.fail_after(2):
            await session.chats.close_thread("c")
        assert not isinstance(caught.value, LiveChatError)
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(2):
                await session.chats.close_thread("c")
        assert not isinstance(caught.value, LiveChatError)
        assert now() == pytest.approx(4)
        calling = asyncio.create_task(session.chats.close_thread("c"))
        await asyncio.sleep(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert session.stats().in_flight == 0


@virtual_time
async def test_closing_waits_5_seconds_then_ends_the_calls() -> None:
    session = session_over(Slow(None), limits=Limits(connections=1))
    flying = asyncio.create_task(failure_of(session.chats.close_thread("c")))
    waiting = asyncio.create_task(failure_of(session.chats.close_thread("c")))
    await asyncio.sleep(0.5)
    assert (session.stats().in_flight, session.stats().queued) == (1, 1)
    await session.aclose()
    assert now() == pytest.approx(5.5)
    for task, outcome, attempts in ((flying, Outcome.UNKNOWN, 1), (waiting, Outcome.NOT_SENT, 0)):
        error = await task
        assert type(error) is TransportError
        assert "closed" in str(error)
        assert (error.outcome, error.attempts, error.action) == (outcome, attempts, "close_thread")
        assert error.elapsed == pytest.approx(5.5)


@virtual_time
async def test_closing_lets_queued_calls_have_their_turn() -> None:
    transport = Slow(1)
    session = session_over(transport, limits=Limits(connections=1))
    calls = [asyncio.create_task(session.chats.close_thread("c")) for _ in range(3)]
    await asyncio.sleep(0)
    await session.aclose()
    assert now() == pytest.approx(3)
    assert [task.result() for task in calls] == [None] * 3


@virtual_time
async def test_the_elapsed_time_of_an_error_is_the_call_s() -> None:
    class Late(Scripted):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(1.25)
            return await super().handle_async_request(request)

    policy = RetryPolicy(base=0)
    async with session_over(Late(failing(httpx.ConnectError), api_error("validation", 400)), retry=policy) as session:
        await asyncio.sleep(100)
        error = await failure_of(session.chats.close_thread("c"))
    assert (error.elapsed, error.attempts) == (pytest.approx(2.5), 2)
    assert "2 attempts, 2.500 s" in str(error)


@virtual_time
async def test_a_call_that_succeeds_after_a_retry_raises_nothing() -> None:
    transport = Scripted(failing(httpx.ConnectError), ok)
    async with session_over(transport) as session:
        await session.chats.close_thread("c")
        assert (session.stats().attempts, session.stats().retries, session.stats().calls) == (2, 1, 1)
