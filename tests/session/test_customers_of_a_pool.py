"""A pool without a customer of its own, customers known by a key, providers and tokens that are checked when given."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    ConfigurationError,
    InvalidRequestError,
    Replay,
    SessionStateError,
    TokenProviderError,
    replay_of,
)
from tests.helpers.virtual_time import virtual_clock, virtual_time

asynchronous = pytest.mark.asyncio


def answering(seen: list[str]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"].removeprefix("Bearer "))
        return httpx.Response(200)

    return httpx.MockTransport(answer)


@asynchronous
async def test_a_pool_needs_no_token_and_says_where_one_belongs() -> None:
    seen: list[str] = []
    async with AsyncCustomerSession(1520, transport=answering(seen)) as pool:
        with pytest.raises(SessionStateError, match=r"^close_thread: .*for_customer"):
            await pool.chats.close_thread("c")
        with pytest.raises(SessionStateError, match="for_customer"):
            await pool.with_options(region="fra").call("anything", {})
        await pool.for_customer("dal:one").chats.close_thread("c")
        assert seen == ["dal:one"]


@asynchronous
async def test_three_hundred_requests_of_one_user_ask_once() -> None:
    asked: list[str] = []
    seen: list[str] = []

    async def fetch(user: str) -> str:
        asked.append(user)
        await asyncio.sleep(0)
        return f"dal:{user}"

    async with AsyncCustomerSession(1520, transport=answering(seen)) as pool:
        await asyncio.gather(
            *(
                pool.for_customer(functools.partial(fetch, user), key=user).chats.close_thread("c")
                for user in ["ann", "bob"] * 300
            )
        )
    assert sorted(asked) == ["ann", "bob"]
    assert sorted(set(seen)) == ["dal:ann", "dal:bob"]
    assert len(seen) == 600


@asynchronous
async def test_two_keys_never_share_a_token() -> None:
    seen: list[str] = []
    current = ""

    async def of_the_current_user() -> str:
        return f"dal:{current}"

    async with AsyncCustomerSession(1520, transport=answering(seen)) as pool:
        for user in ("ann", "bob", "ann"):
            current = user
            await pool.for_customer(of_the_current_user, key=user).chats.close_thread("c")
    assert seen == ["dal:ann", "dal:bob", "dal:ann"]


@pytest.mark.parametrize("key", [[], {}, {1}])
@asynchronous
async def test_a_key_is_hashable(key: Any) -> None:
    async with AsyncCustomerSession(1520) as pool:
        with pytest.raises(ConfigurationError, match=r"^key: expected a hashable value, got "):
            pool.for_customer("dal:x", key=key)


async def without_arguments() -> str:
    return "dal:x"


async def with_one(user: str) -> str:
    return user


class Provider:
    async def method(self) -> str:
        return "dal:x"

    async def of(self, user: str) -> str:
        return user

    async def __call__(self) -> str:
        return "dal:x"


GOOD: list[Callable[..., Any]] = [
    without_arguments,
    lambda: with_one("a"),
    functools.partial(with_one, "dal:x"),
    Provider().method,
    Provider(),
    lambda user="a": with_one(user),
]
BAD: list[Callable[..., Any]] = [
    with_one,
    lambda user, of="a": with_one(user + of),
    functools.partial(with_one),
    Provider().of,
    Provider.method,
    lambda *, user: with_one(user),
]


@pytest.mark.parametrize("provider", GOOD, ids=range(len(GOOD)))
@asynchronous
async def test_a_provider_that_takes_no_arguments_is_accepted(provider: Any) -> None:
    async with AsyncCustomerSession(1520) as pool:
        pool.for_customer(provider)


@pytest.mark.parametrize("provider", BAD, ids=range(len(BAD)))
@asynchronous
async def test_a_provider_that_needs_arguments_is_refused_when_given(provider: Any) -> None:
    async with AsyncCustomerSession(1520) as pool:
        with pytest.raises(ConfigurationError, match="callable without arguments"):
            pool.for_customer(provider)


@pytest.mark.parametrize("token", ["Bearer dal:x", "bearer dal:x", "BEARER x"])
def test_a_token_is_given_without_bearer(token: str) -> None:
    with pytest.raises(ConfigurationError, match="without Bearer"):
        AsyncCustomerSession(1520, token)


def test_a_license_id_in_quotes_gets_a_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"got str; convert it with int\(\)"):
        AsyncCustomerSession("1520")  # type: ignore[arg-type]


def test_a_lifetime_becomes_the_end() -> None:
    before = datetime.now(UTC)
    token = AccessToken("dal:x", expires_in=60)
    assert token.expires_at is not None
    assert before + timedelta(seconds=60) <= token.expires_at <= datetime.now(UTC) + timedelta(seconds=60)
    with pytest.raises(ConfigurationError, match="cannot be combined"):
        AccessToken("dal:x", before, expires_in=60)
    for bad in (0, -1, "60", True, float("nan"), 1e300):
        with pytest.raises(ConfigurationError, match=r"AccessToken\.expires_in"):
            AccessToken("dal:x", expires_in=bad)  # type: ignore[arg-type]


@virtual_time
async def test_a_lifetime_counts_on_the_clock_of_the_session() -> None:
    asked = 0

    async def provider() -> AccessToken:
        nonlocal asked
        asked += 1
        return AccessToken(f"dal:{asked}", expires_in=100)

    seen: list[str] = []
    async with AsyncCustomerSession(1520, provider, transport=answering(seen), clock=virtual_clock()) as session:
        for pause in (0, 70, 20, 20):
            await asyncio.sleep(pause)
            await session.chats.close_thread("c")
    assert seen == ["dal:1", "dal:1", "dal:2", "dal:2"]


@asynchronous
async def test_what_a_provider_raised_is_told_if_it_is_safe_to_tell() -> None:
    async def nested() -> str:
        async with AsyncCustomerSession(1520) as pool:
            return await pool.call("token", {})

    async def leaks() -> str:
        raise ValueError("s3cret")

    # What `next` needs cannot be known before it is called.
    for provider, text in [
        (next, "TypeError: next expected "),
        (nested, "SessionStateError: token: "),
        (leaks, "ValueError \\["),
    ]:
        async with AsyncCustomerSession(1520, provider, transport=answering([])) as session:
            with pytest.raises(TokenProviderError, match=f"the token provider raised {text}") as caught:
                await session.chats.close_thread("c")
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "action, replay",
    [
        ("get_chats_summary", Replay.SAFE),
        ("update_customer", Replay.SAFE),
        ("send_event", Replay.UNSAFE),
        ("update_last_seen_timestamp", Replay.UNSAFE),
        ("never_heard_of", Replay.UNSAFE),
    ],
)
def test_an_action_tells_whether_it_may_be_repeated(action: str, replay: Replay) -> None:
    assert replay_of(action) is replay


def test_only_a_name_has_a_replay() -> None:
    with pytest.raises(InvalidRequestError, match="action: expected a str, got int"):
        replay_of(5)  # type: ignore[arg-type]
