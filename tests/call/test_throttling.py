"""Sessions at a server that limits their rate: no call fails, nothing starts too early, and nobody else is stopped."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    Limits,
    Outcome,
    RetryPolicy,
    Timeouts,
    TooManyRequestsError,
)
from tests.helpers.virtual_time import virtual_time

REFUSED = {"error": {"type": "too_many_requests", "message": "slow down"}}


def now() -> float:
    return asyncio.get_running_loop().time()


class Bucket(httpx.AsyncBaseTransport):
    """Answers `rate` requests a second and a burst on top, per token or for all, and refuses the rest."""

    def __init__(self, rate: float, burst: float, headers: dict[str, str], *, of: str | None = None) -> None:
        self.rate, self.burst, self.headers, self.of = rate, burst, headers, of
        self.tokens, self.filled = burst, 0.0
        self.times: list[tuple[float, int]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.02)
        self.tokens = min(self.burst, self.tokens + (now() - self.filled) * self.rate)
        self.filled = now()
        if self.of is not None and not request.headers["Authorization"].endswith(self.of):
            return httpx.Response(200, json={})
        if self.tokens < 1:
            self.times.append((now(), 429))
            return httpx.Response(429, json=REFUSED, headers=self.headers)
        self.tokens -= 1
        self.times.append((now(), 200))
        return httpx.Response(200, json={})


def a_session(transport: httpx.AsyncBaseTransport, **options: Any) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, "dal:x", transport=transport, **options)


async def many(session: AsyncCustomerSession, count: int) -> list[Any]:
    return await asyncio.gather(*(session.chats.close_thread("c") for _ in range(count)))


@pytest.mark.parametrize(
    "make, calls, seconds",
    [
        (lambda: Bucket(50, 50, {"Retry-After": "1"}), 400, 10),
        (lambda: Bucket(200, 20, {}), 4000, 22.5),
        (lambda: Bucket(100, 10, {}), 500, 7),
    ],
    ids=["400 at 50/s", "4,000 at 200/s", "500 at 100/s"],
)
@virtual_time
async def test_no_call_fails_at_a_rate_limit(make: Callable[[], Bucket], calls: int, seconds: float) -> None:
    async with a_session(make(), limits=Limits(connections=64)) as session:
        assert await many(session, calls) == [None] * calls
        stats = session.stats()
        assert now() < seconds
        assert stats.throttled == stats.attempts - calls > 0
        assert stats.pace is not None
        assert stats.retry_budget == 500
        assert (stats.queued, stats.in_flight) == (0, 0)


@virtual_time
async def test_nothing_starts_before_retry_after_is_over() -> None:
    transport = Bucket(1, 1, {"Retry-After": "5"})
    async with a_session(transport) as session:
        await many(session, 5)
    refused = [at for at, status in transport.times if status == 429]
    assert refused
    for at, _ in transport.times:
        assert not any(one + 0.021 < at < one + 5 for one in refused)


@virtual_time
async def test_one_refused_customer_does_not_stop_another() -> None:
    async with a_session(Bucket(1, 1, {"Retry-After": "5"}, of="bad")) as session:
        slow = asyncio.create_task(many(session.for_customer("dal:bad"), 3))
        await asyncio.sleep(1)
        assert session.stats().queued == 2
        assert session.stats().pace is None
        assert session.for_customer("dal:bad").stats().pace is not None
        began = now()
        await many(session, 100)
        assert now() - began == pytest.approx(0.02)
        await slow
        assert now() >= 5


@virtual_time
async def test_a_call_that_would_wait_longer_than_it_may_fails_at_once() -> None:
    transport = Bucket(0, 1, {"Retry-After": "20"})
    async with a_session(transport, timeouts=Timeouts(total=30)) as session:
        await many(session, 1)
        with pytest.raises(TooManyRequestsError) as refused:
            await many(session.with_options(timeouts=Timeouts(total=10)), 1)
        assert "does not fit into the time left" in str(refused.value)
        with pytest.raises(CallTimeoutError, match="a pause of 20 s does not fit") as caught:
            await many(session.with_options(timeouts=Timeouts(total=10)), 1)
        assert (caught.value.outcome, caught.value.phase, caught.value.attempts) == (Outcome.NOT_SENT, "queue", 0)
        assert now() < 1


@virtual_time
async def test_without_retries_a_refusal_is_raised_and_later_calls_wait() -> None:
    transport = Bucket(1, 1, {"Retry-After": "3"})
    async with a_session(transport, retry=RetryPolicy.none()) as session:
        await many(session, 1)
        with pytest.raises(TooManyRequestsError):
            await many(session, 1)
        await many(session, 1)
        assert now() == pytest.approx(3.06)


@virtual_time
async def test_a_refused_call_needs_no_place_in_the_queue() -> None:
    async with a_session(Bucket(1, 1, {"Retry-After": "1"}), limits=Limits(queue=0)) as session:
        await many(session, 2)
    assert now() > 1


@virtual_time
async def test_calls_that_wait_for_the_pace_can_be_cancelled() -> None:
    async with a_session(Bucket(1, 1, {"Retry-After": "10"})) as session:
        calls = [asyncio.create_task(many(session, 1)) for _ in range(50)]
        await asyncio.sleep(1)
        assert session.stats().queued == 49
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert (session.stats().queued, session.stats().in_flight) == (0, 0)
    assert now() == 1
