"""Tokens: asked for once, ahead of their end, again when refused; whatever a provider does."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from livechat_customer_async import AccessToken, TokenProviderError
from livechat_customer_async._call.tokens import TokenSource
from tests.helpers.virtual_time import WALL_AT_START, virtual_clock, virtual_time

INF = math.inf
Given = Any


class Provider:
    """Gives what it is told, one after the other, the last one for ever: a token, an exception, or a wait."""

    def __init__(self, *answers: Given, takes: float = 0.0) -> None:
        self.answers = list(answers)
        self.takes = takes
        self.asked = 0

    async def __call__(self) -> Any:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(self.takes)
        if isinstance(answer, BaseException):
            raise answer
        return await answer if asyncio.isfuture(answer) else answer


def ending(value: str, after: float) -> AccessToken:
    return AccessToken(value, datetime.fromtimestamp(WALL_AT_START + after, UTC))


def never() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def source(chance: float | Callable[[], float] = 0.5) -> TokenSource:
    return TokenSource(virtual_clock(chance))


@virtual_time
async def test_a_token_without_an_end_is_asked_for_once() -> None:
    tokens, provider = source(), Provider("t")
    assert tokens.current() is None
    assert await tokens.get(provider, INF) == "t"
    await asyncio.sleep(10**6)
    assert await tokens.get(provider, INF) == tokens.current() == "t"
    assert provider.asked == 1


@virtual_time
async def test_a_thousand_waiters_ask_once() -> None:
    tokens, provider = source(), Provider("t", takes=3.0)
    assert set(await asyncio.gather(*(tokens.get(provider, 60.0) for _ in range(1000)))) == {"t"}
    assert provider.asked == 1


@virtual_time
async def test_a_thousand_refused_calls_ask_once() -> None:
    tokens, provider = source(), Provider("old", "new", takes=3.0)
    old = await tokens.get(provider, INF)
    assert set(await asyncio.gather(*(tokens.replace(provider, old, 60.0) for _ in range(1000)))) == {True}
    assert (provider.asked, tokens.current()) == (2, "new")
    assert await tokens.replace(provider, old, 60.0)  # a latecomer's refusal was of the old one
    assert provider.asked == 2


@pytest.mark.parametrize("who", ["first", "another", "all"])
@virtual_time
async def test_a_cancelled_waiter_does_not_end_the_refresh(who: str) -> None:
    tokens, provider = source(), Provider("t", takes=10.0)
    waiters = [asyncio.create_task(tokens.get(provider, 60.0)) for _ in range(3)]
    await asyncio.sleep(1)
    cancelled = {"first": waiters[:1], "another": waiters[1:2], "all": waiters}[who]
    for waiter in cancelled:
        waiter.cancel()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert [result for result in results if isinstance(result, str)] == ["t"] * (3 - len(cancelled))
    await asyncio.sleep(10)
    assert (provider.asked, tokens.current()) == (1, "t")


async def fails(tokens: TokenSource, provider: Any, why: str, time_left: float = 60.0) -> TokenProviderError:
    with pytest.raises(TokenProviderError) as caught:
        await tokens.get(provider, time_left)
    assert caught.value.message == f"the token provider {why}"
    return caught.value


@virtual_time
async def test_a_provider_that_raises_does_not_poison_the_next_call() -> None:
    boom = LookupError("s3cret")
    tokens, provider = source(), Provider(boom, "t")
    error = await fails(tokens, provider, "raised LookupError")
    assert error.__cause__ is boom
    assert "s3cret" not in str(error)
    assert await tokens.get(provider, INF) == "t"


@virtual_time
async def test_each_waiter_hears_of_the_failure_in_an_error_of_its_own() -> None:
    tokens, provider = source(), Provider(LookupError("x"), takes=1.0)
    errors = await asyncio.gather(*(tokens.get(provider, INF) for _ in range(5)), return_exceptions=True)
    assert [type(error) for error in errors] == [TokenProviderError] * 5
    assert len({id(error) for error in errors}) == 5
    assert provider.asked == 1


@virtual_time
async def test_a_provider_that_is_cancelled() -> None:
    tokens, provider = source(), Provider(asyncio.CancelledError(), "t")
    error = await fails(tokens, provider, "was cancelled")
    assert isinstance(error.__cause__, asyncio.CancelledError)
    assert await tokens.get(provider, INF) == "t"


@virtual_time
async def test_a_provider_that_hangs_ends_with_the_call() -> None:
    tokens, provider = source(), Provider(never(), "t")
    await fails(tokens, provider, "returned no token within 7 s", 7.0)
    assert virtual_clock().now() == pytest.approx(7.0)
    assert await tokens.get(provider, INF) == "t"


@pytest.mark.parametrize("time_left", [0.0, -1.0])
@virtual_time
async def test_no_time_left(time_left: float) -> None:
    tokens = source()
    await fails(tokens, Provider(never()), f"returned no token within {time_left:.3g} s", time_left)
    assert await tokens.get(Provider("t"), INF) == "t"


@virtual_time
async def test_a_call_with_more_time_asks_again_when_the_first_ones_ran_out() -> None:
    tokens, provider = source(), Provider(never(), "t")
    short = asyncio.create_task(tokens.get(provider, 5.0))
    await asyncio.sleep(0)
    assert await tokens.get(provider, 60.0) == "t"
    assert virtual_clock().now() == pytest.approx(5.0)
    assert isinstance((await asyncio.gather(short, return_exceptions=True))[0], TokenProviderError)
    assert provider.asked == 2


@virtual_time
async def test_a_time_out_of_the_providers_own_is_a_failure_of_the_provider() -> None:
    tokens, provider = source(), Provider(TimeoutError("its own"))
    assert isinstance((await fails(tokens, provider, "raised TimeoutError")).__cause__, TimeoutError)


@pytest.mark.parametrize(
    "junk, why",
    [
        (None, "returned NoneType, expected a str or an AccessToken"),
        (5, "returned int, expected a str or an AccessToken"),
        (b"t", "returned bytes, expected a str or an AccessToken"),
        ("", "returned an invalid token: empty"),
        ("s3cret token", "returned an invalid token: contains whitespace that an HTTP header cannot contain"),
        (("t", None), "returned tuple, expected a str or an AccessToken"),
    ],
)
@virtual_time
async def test_a_provider_that_returns_junk(junk: Any, why: str) -> None:
    tokens, provider = source(), Provider(junk, "t")
    error = await fails(tokens, provider, why)
    assert "s3cret" not in str(error)
    assert await tokens.get(provider, INF) == "t"


@virtual_time
async def test_a_provider_that_is_not_async() -> None:
    tokens = source()
    sync: Any = lambda: "t"  # noqa: E731
    await fails(tokens, sync, "is not async: it returned str")


@pytest.mark.parametrize(
    "life, chance, early",
    [(1000.0, 0.0, 970.0), (1000.0, 0.999999, 940.0), (100.0, 0.0, 90.0), (100.0, 0.999999, 80.0), (10.0, 0.5, 8.5)],
)
@virtual_time
async def test_refreshed_ahead_of_its_end_with_jitter(life: float, chance: float, early: float) -> None:
    tokens, provider = source(chance), Provider(ending("old", life), ending("new", 10 * life))
    assert await tokens.get(provider, INF) == "old"
    await asyncio.sleep(early - 0.01)
    assert tokens.current() == "old"
    await asyncio.sleep(0.02)
    assert tokens.current() is None
    assert await tokens.get(provider, INF) == "new"
    assert provider.asked == 2


@virtual_time
async def test_an_early_refresh_that_fails_keeps_the_old_token() -> None:
    tokens, provider = source(), Provider(ending("old", 1000), LookupError("x"), LookupError("x"), "new")
    await tokens.get(provider, INF)
    await asyncio.sleep(960)
    assert await tokens.get(provider, 60.0) == "old"
    assert tokens.current() == "old"  # for five seconds nobody asks again
    await asyncio.sleep(5.1)
    assert await tokens.get(provider, 60.0) == "old"
    assert provider.asked == 3
    await asyncio.sleep(5.1)
    assert await tokens.get(provider, 60.0) == "new"


@virtual_time
async def test_the_old_token_does_not_outlive_its_end() -> None:
    tokens, provider = source(), Provider(ending("old", 1000), LookupError("x"))
    await tokens.get(provider, INF)
    await asyncio.sleep(998)
    assert await tokens.get(provider, 60.0) == "old"
    await asyncio.sleep(2.1)
    await fails(tokens, provider, "raised LookupError")


@virtual_time
async def test_an_early_refresh_that_hangs_does_not_hold_up_calls() -> None:
    tokens, provider = source(), Provider(ending("old", 1000), never())
    await tokens.get(provider, INF)
    await asyncio.sleep(960)
    began = virtual_clock().now()
    assert await asyncio.gather(*(tokens.get(provider, 60.0) for _ in range(10))) == ["old"] * 10
    assert virtual_clock().now() - began == pytest.approx(5.0)
    assert tokens.current() == "old"
    assert provider.asked == 2
    tokens.close()


@virtual_time
async def test_a_slow_early_refresh_is_still_kept() -> None:
    tokens, provider = source(), Provider(ending("old", 1000), ending("new", 5000))
    await tokens.get(provider, INF)
    provider.takes = 8.0
    await asyncio.sleep(960)
    assert await tokens.get(provider, 60.0) == "old"
    await asyncio.sleep(3.1)
    assert tokens.current() == "new"
    assert provider.asked == 2


@virtual_time
async def test_a_token_that_ends_during_its_refresh_is_not_used() -> None:
    tokens, provider = source(), Provider(ending("old", 1000), ending("new", 5000))
    await tokens.get(provider, INF)
    provider.takes = 8.0
    await asyncio.sleep(997)
    assert await tokens.get(provider, 60.0) == "new"
    assert provider.asked == 2


@virtual_time
async def test_a_token_that_has_ended_already_is_given_on_and_asked_for_anew() -> None:
    tokens, provider = source(), Provider(ending("dead", -10), "new")
    assert await tokens.get(provider, INF) == "dead"
    assert await tokens.get(provider, INF) == "new"


@virtual_time
async def test_a_refreshed_token_is_trusted_for_thirty_seconds() -> None:
    tokens, provider = source(), Provider("one", "two", "three")
    await tokens.get(provider, INF)
    assert await tokens.replace(provider, "one", INF)  # the first one was not a refresh: no trust
    await asyncio.sleep(29.9)
    assert not await tokens.replace(provider, "two", INF)
    assert provider.asked == 2
    await asyncio.sleep(0.2)
    assert await tokens.replace(provider, "two", INF)
    assert (provider.asked, tokens.current()) == (3, "three")


@virtual_time
async def test_an_early_refresh_counts_as_a_refresh() -> None:
    tokens, provider = source(), Provider(ending("one", 1000), "two", "three")
    await tokens.get(provider, INF)
    await asyncio.sleep(990)
    assert await tokens.get(provider, INF) == "two"
    assert not await tokens.replace(provider, "two", INF)


@virtual_time
async def test_the_refused_token_again_is_no_new_one() -> None:
    tokens, provider = source(), Provider("same")
    await tokens.get(provider, INF)
    assert not await tokens.replace(provider, "same", INF)
    assert provider.asked == 2
    assert not await tokens.replace(provider, "same", INF)  # trusted for a while, so nobody asks
    assert provider.asked == 2


@virtual_time
async def test_a_refused_token_before_any_is_known_is_asked_for() -> None:
    tokens, provider = source(), Provider("new")
    assert await tokens.replace(provider, "old", INF)
    assert tokens.current() == "new"


@virtual_time
async def test_a_replacement_that_fails() -> None:
    tokens, provider = source(), Provider("old", LookupError("x"), None, "new")
    await tokens.get(provider, INF)
    for why in ("raised LookupError", "returned NoneType, expected a str or an AccessToken"):
        with pytest.raises(TokenProviderError) as caught:
            await tokens.replace(provider, "old", 60.0)
        assert caught.value.message == f"the token provider {why}"
    assert await tokens.replace(provider, "old", 60.0)


@virtual_time
async def test_closing_stops_the_asking() -> None:
    tokens, provider = source(), Provider(never())
    tokens.close()
    waiter = asyncio.create_task(tokens.get(provider, INF))
    await asyncio.sleep(1)
    tokens.close()
    with pytest.raises(TokenProviderError, match="was cancelled"):
        await waiter


@virtual_time
async def test_closing_in_the_tick_of_asking() -> None:
    tokens, provider = source(), Provider(never(), "t")
    waiter = asyncio.create_task(tokens.get(provider, INF))
    await asyncio.sleep(0)
    tokens.close()  # the task that asks has not run yet: it ends without an answer
    with pytest.raises(TokenProviderError, match="was cancelled"):
        await waiter
    assert tokens.current() is None
