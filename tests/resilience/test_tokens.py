"""Tokens: one question for any number of calls, the guards around it, and providers that fail."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    AuthenticationError,
    Limits,
    Outcome,
    RetryPolicy,
    Timeouts,
    TokenProviderError,
)
from tests.helpers.sessions import a_session, assert_nothing_held, ticks
from tests.helpers.virtual_time import WALL_AT_START, virtual_clock, virtual_time

MANY = 1000
REFUSAL = httpx.Response(401, json={"error": {"type": "authentication", "message": "Authentication error"}})


class Doorkeeper(httpx.MockTransport):
    """Lets in whoever has a good token; `None`: everybody."""

    def __init__(self, *good: str, everybody: bool = False) -> None:
        super().__init__(self._answer)
        self.good = set(good)
        self.everybody = everybody
        self.requests = 0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        token = request.headers["authorization"].removeprefix("Bearer ")
        return httpx.Response(200, json={"payload": {}}) if self.everybody or token in self.good else REFUSAL


class Provider:
    """Returns, or raises, one answer after the other, the last one for ever, each after some seconds."""

    def __init__(self, *answers: Any, seconds: float = 0.1) -> None:
        self.answers = answers
        self.seconds = seconds
        self.asked = 0

    async def __call__(self) -> Any:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if isinstance(answer, BaseException):
            raise answer
        if answer is HANGS:
            await asyncio.Event().wait()
        return answer

    async def token(self) -> Any:
        return await self()


class Unweakable:
    """A provider that cannot be held weakly."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0.1)
        return "good"


HANGS = object()


def opened(door: Doorkeeper, access: Any, **options: Any) -> AsyncCustomerSession:
    """Open a session on virtual time."""
    options = {"limits": Limits(connections=50), "clock": virtual_clock(), **options}
    return a_session("http://127.0.0.1", access, transport=door, **options)


def until_second(seconds: float, value: str = "short") -> AccessToken:
    """Return a token that ends so many seconds after the start."""
    return AccessToken(value, datetime.fromtimestamp(WALL_AT_START, UTC) + timedelta(seconds=seconds))


async def call(session: AsyncCustomerSession) -> None:
    await session.call("act", {})


# ---- stampedes

SHAPES: list[Callable[[AsyncCustomerSession, Provider], AsyncCustomerSession]] = [
    lambda session, provider: session.for_customer(provider),
    lambda session, provider: session.for_customer(provider.token),
    lambda session, provider: session.for_customer(provider, user_agent="Mozilla/5.0").with_options(headers={"a": "b"}),
]


@pytest.mark.parametrize("shape", SHAPES, ids=["object", "bound_method", "child_of_child"])
@virtual_time
async def test_the_first_calls_of_many_children_ask_once(
    shape: Callable[[AsyncCustomerSession, Provider], AsyncCustomerSession],
) -> None:
    door, provider = Doorkeeper("good"), Provider("good")
    async with opened(door, "root") as session:
        await asyncio.gather(*(call(shape(session, provider)) for _ in range(MANY)))
        assert (provider.asked, door.requests) == (1, MANY)


@pytest.mark.parametrize("children", [False, True])
@virtual_time
async def test_a_token_that_the_server_refuses_is_replaced_once(children: bool) -> None:
    door, provider = Doorkeeper("old"), Provider("old", "new")
    async with opened(door, provider) as session:
        await call(session)
        door.good = {"new"}
        sessions = [session.for_customer(provider) if children else session for _ in range(MANY)]
        await asyncio.gather(*map(call, sessions))
        assert provider.asked == 2
        # Those in flight when the first refusal came had the old one, at most as many as there are slots at a time.
        assert 1 + MANY < door.requests <= 1 + 2 * MANY


@pytest.mark.parametrize("children", [False, True])
@virtual_time
async def test_a_token_that_has_ended_is_replaced_once(children: bool) -> None:
    door, provider = Doorkeeper(everybody=True), Provider(until_second(100), "new")
    async with opened(door, provider) as session:
        await call(session)
        await virtual_clock().sleep(200)
        sessions = [session.for_customer(provider) if children else session for _ in range(MANY)]
        await asyncio.gather(*map(call, sessions))
        assert (provider.asked, door.requests) == (2, 1 + MANY)


@virtual_time
async def test_two_providers_are_two_customers() -> None:
    door, providers = Doorkeeper("a", "b"), [Provider("a"), Provider("b")]
    async with opened(door, "root") as session:
        await asyncio.gather(*(call(session.for_customer(provider)) for provider in providers * 10))
        assert [provider.asked for provider in providers] == [1, 1]


@virtual_time
async def test_cancelled_waiters_neither_end_the_question_nor_repeat_it() -> None:
    door, provider = Doorkeeper("good"), Provider("good", seconds=1)
    async with opened(door, provider) as session:
        tasks = [asyncio.ensure_future(call(session)) for _ in range(MANY)]
        await ticks(5)
        for task in tasks[: MANY // 2]:  # the one that asked is among them
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * (MANY // 2) + [type(None)] * (MANY // 2)
        assert provider.asked == 1


@virtual_time
async def test_a_question_whose_only_waiter_is_gone_serves_the_next_call() -> None:
    door, provider = Doorkeeper("good"), Provider("good", seconds=1)
    async with opened(door, provider) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call(session)
        await call(session)
        assert provider.asked == 1
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)


@virtual_time
async def test_a_slow_provider_holds_no_slot() -> None:
    door = Doorkeeper(everybody=True)
    async with opened(door, Provider("good", seconds=30), limits=Limits(connections=1)) as session:
        slow = asyncio.ensure_future(call(session))
        await ticks(5)
        await call(session.for_customer("another"))
        assert asyncio.get_running_loop().time() == 0.0
        await slow


@virtual_time
async def test_a_provider_that_is_gone_is_forgotten() -> None:
    async with opened(Doorkeeper(everybody=True), "root") as session:
        for _ in range(20):
            await call(session.for_customer(Provider("good")))
        gc.collect()
        assert not session._pool.customers._by_provider


@virtual_time
async def test_a_provider_that_cannot_be_held_weakly_is_asked_once_too() -> None:
    door, provider = Doorkeeper("good"), Unweakable()
    async with opened(door, "root") as session:
        await asyncio.gather(*(call(session.for_customer(provider)) for _ in range(MANY)))
        assert (provider.asked, door.requests) == (1, MANY)


# ---- guards


@virtual_time
async def test_a_refused_token_is_replaced_and_the_call_replayed_without_any_retry_policy() -> None:
    door, provider = Doorkeeper("new"), Provider("old", "new")
    async with opened(door, provider, retry=RetryPolicy.none()) as session:
        await call(session)
        stats = session.stats()
        assert (provider.asked, stats.attempts, stats.retries, stats.retry_budget) == (2, 2, 0, 500)


@virtual_time
async def test_a_call_is_replayed_once() -> None:
    door, provider = Doorkeeper(), Provider("one", "two", "three", seconds=40)
    async with opened(door, provider, timeouts=Timeouts(total=300)) as session:
        with pytest.raises(AuthenticationError) as caught:
            await call(session)
        assert (caught.value.attempts, caught.value.outcome, provider.asked) == (2, Outcome.REJECTED, 2)


@virtual_time
async def test_a_fresh_token_is_trusted_for_half_a_minute() -> None:
    door, provider = Doorkeeper(), Provider(*map(str, range(100)))
    async with opened(door, provider) as session:
        asked = []
        for moment in (0, 1, 29, 31, 32, 60, 62):
            await virtual_clock().sleep(moment - asyncio.get_running_loop().time())
            with pytest.raises(AuthenticationError):
                await session.other.get_predicted_agent()
            asked.append(provider.asked)
        # The first token came from no refresh; each one after it lasts 30 s whatever the server says of it.
        assert asked == [2, 2, 2, 3, 3, 3, 4]


@virtual_time
async def test_a_provider_that_returns_the_refused_token_causes_no_replay() -> None:
    door, provider = Doorkeeper(), Provider("same")
    async with opened(door, provider) as session:
        with pytest.raises(AuthenticationError) as caught:
            await call(session)
        assert (caught.value.attempts, provider.asked, door.requests) == (1, 2, 1)


@virtual_time
async def test_a_plain_token_causes_no_replay() -> None:
    door = Doorkeeper()
    async with opened(door, "fixed") as session:
        with pytest.raises(AuthenticationError) as caught:
            await call(session)
        assert (caught.value.attempts, door.requests) == (1, 1)


@pytest.mark.parametrize("chance, earliest", [(0.0, 970.0), (0.5, 955.0), (0.999, 940.0)])
@virtual_time
async def test_a_token_is_replaced_ahead_of_its_end_at_a_moment_that_is_drawn(chance: float, earliest: float) -> None:
    door, provider = Doorkeeper(everybody=True), Provider(until_second(1000), "new", seconds=0)
    async with opened(door, provider, clock=virtual_clock(chance)) as session:
        await call(session)
        await virtual_clock().sleep(earliest - 1)
        await call(session)
        assert provider.asked == 1
        await virtual_clock().sleep(2)
        await call(session)
        assert provider.asked == 2


@virtual_time
async def test_a_token_that_could_not_be_replaced_early_serves_until_its_end() -> None:
    door, provider = Doorkeeper("old"), Provider(until_second(1000, "old"), RuntimeError("down"), seconds=0)
    async with opened(door, provider) as session:
        await call(session)
        await virtual_clock().sleep(990)
        await call(session)
        await call(session)
        assert provider.asked == 2
        await virtual_clock().sleep(6)
        await call(session)
        assert provider.asked == 3
        await virtual_clock().sleep(5)
        with pytest.raises(TokenProviderError):
            await call(session)


# ---- providers that fail

FAULTY = {
    "raises": RuntimeError("secret-in-a-message"),
    "times_out": TimeoutError(),
    "is_cancelled": asyncio.CancelledError(),
    "returns_nothing": None,
    "returns_an_empty_token": "",
    "returns_bytes": b"token",
    "returns_what_a_header_cannot_hold": "two words",
    "hangs": HANGS,
}


@pytest.mark.parametrize("fault", FAULTY.values(), ids=FAULTY)
@virtual_time
async def test_a_provider_that_fails_fails_the_calls_that_wait_and_not_the_next(fault: Any) -> None:
    door, provider = Doorkeeper("good"), Provider(fault, "good")
    async with opened(door, provider, timeouts=Timeouts(total=5)) as session:
        ends = await asyncio.gather(*(call(session) for _ in range(20)), return_exceptions=True)
        assert all(isinstance(end, TokenProviderError) for end in ends), ends
        assert {(end.outcome, end.attempts) for end in ends if isinstance(end, TokenProviderError)} == {
            (Outcome.NOT_SENT, 0)
        }
        assert "secret" not in "".join(map(str, ends))
        assert provider.asked == 1
        await call(session)
        assert (provider.asked, door.requests) == (2, 1)
        assert_nothing_held(session)


@pytest.mark.parametrize("fault", FAULTY.values(), ids=FAULTY)
@virtual_time
async def test_a_refresh_that_fails_fails_the_call_and_not_the_next(fault: Any) -> None:
    door, provider = Doorkeeper("good"), Provider("old", fault, "good")
    async with opened(door, provider, timeouts=Timeouts(total=5)) as session:
        with pytest.raises(TokenProviderError) as caught:
            await call(session)
        assert (caught.value.outcome, caught.value.attempts, provider.asked) == (Outcome.NOT_SENT, 1, 2)
        await call(session)
        assert provider.asked == 3


@virtual_time
async def test_a_call_with_more_time_asks_again_where_another_ones_time_ended_the_question() -> None:
    door, provider = Doorkeeper("good"), Provider(HANGS, "good")
    async with opened(door, provider) as session:
        short = asyncio.ensure_future(call(session.with_options(timeouts=Timeouts(total=2))))
        await ticks(2)
        await call(session)
        assert isinstance(short.exception(), TokenProviderError)
        assert provider.asked == 2
        assert asyncio.get_running_loop().time() == pytest.approx(2.1)


@virtual_time
async def test_a_provider_without_any_limit_is_asked_within_none() -> None:
    door, provider = Doorkeeper("good"), Provider("good", seconds=100_000)
    async with opened(door, provider, timeouts=Timeouts(total=None)) as session:
        await call(session)
        assert asyncio.get_running_loop().time() == pytest.approx(100_000)


@virtual_time
async def test_a_deadline_around_one_call_does_not_end_the_asking_for_others() -> None:
    provider = Provider("good", seconds=3.0)
    async with AsyncCustomerSession(1520, provider, transport=Doorkeeper("good")) as session:
        for _ in range(3):  # each comes with a second, and together they wait for one answer
            with anyio.move_on_after(0.9) as scope:
                await session.chats.close_thread("c")
            assert scope.cancelled_caught
        await session.chats.close_thread("c")
    assert provider.asked == 1


@virtual_time
async def test_an_early_refresh_that_hangs_leaves_a_call_with_little_time_its_good_token() -> None:
    first = AccessToken("good", datetime.fromtimestamp(WALL_AT_START + 100, UTC))
    provider = Provider(first, HANGS, seconds=0.0)
    transport = Doorkeeper("good")
    limit = Timeouts(total=0.4)
    async with AsyncCustomerSession(
        1520, provider, transport=transport, timeouts=limit, clock=virtual_clock()
    ) as session:
        await session.chats.close_thread("c")
        await asyncio.sleep(95)
        for _ in range(5):
            await session.chats.close_thread("c")
    assert (provider.asked, transport.requests) == (2, 6)


class Interrupt(BaseException):
    """As anyio's task groups and test frameworks raise."""


@pytest.mark.parametrize("raised", [Interrupt(), BaseExceptionGroup("", [Interrupt()]), GeneratorExit()])
@virtual_time
async def test_whatever_a_provider_raises_is_its_failure(raised: BaseException) -> None:
    provider = Provider(raised, "good")
    async with AsyncCustomerSession(1520, provider, transport=Doorkeeper("good")) as session:
        with pytest.raises(TokenProviderError, match=f"raised {type(raised).__name__}") as caught:
            await session.chats.close_thread("c")
        assert caught.value.__cause__ is raised
        await session.chats.close_thread("c")


def test_a_provider_that_ends_the_program_lets_its_callers_clean_up() -> None:
    seen: list[str] = []

    async def provider() -> str:
        raise SystemExit(3)

    async def main() -> None:
        try:
            async with AsyncCustomerSession(1520, provider, transport=Doorkeeper("good")) as session:
                await session.chats.close_thread("c")
        except TokenProviderError as error:
            seen.append(error.message)
        finally:
            seen.append("cleaned up")

    with pytest.raises(SystemExit):
        asyncio.run(main())
    assert seen[-1] == "cleaned up"
