"""Middleware around each attempt: order, headers, faults, and what it costs nothing to leave out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    Attempt,
    CallEnd,
    ConfigurationError,
    GroupOfflineError,
    LiveChatError,
    Observer,
    Outcome,
    RetryPolicy,
)
from tests.helpers.transports import Scripted, Slow, api_error, failing, ok

pytestmark = pytest.mark.asyncio


class Noting:
    """Notes when it is entered and left, and how."""

    def __init__(self, name: str, notes: list[str], header: str | None = None) -> None:
        self.name, self.notes, self.header = name, notes, header
        self.attempts: list[Attempt] = []

    @asynccontextmanager
    async def attempt(self, attempt: Attempt) -> AsyncIterator[None]:
        self.attempts.append(attempt)
        self.notes.append(f"{self.name} enters {attempt.number}")
        if self.header is not None:
            attempt.headers[self.header] = self.name
        try:
            yield
        except BaseException as error:
            self.notes.append(f"{self.name} sees {type(error).__name__}")
            raise
        self.notes.append(f"{self.name} leaves")


class Raising:
    """Raises on entering, or on leaving."""

    def __init__(self, error: BaseException, *, on_leaving: bool = False) -> None:
        self.error, self.on_leaving = error, on_leaving

    @asynccontextmanager
    async def attempt(self, attempt: Attempt) -> AsyncIterator[None]:
        if not self.on_leaving:
            raise self.error
        yield
        raise self.error


class Swallowing:
    def attempt(self, attempt: Attempt) -> AbstractAsyncContextManager[None]:
        return self  # type: ignore[return-value]

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> bool:
        return True


def session_over(transport: httpx.AsyncBaseTransport, *middleware: Any, **options: Any) -> AsyncCustomerSession:
    given = {"retry": RetryPolicy(base=0, throttle_base=0), "trust_env": False, **options}
    return AsyncCustomerSession(1520, "dal:canary", transport=transport, middleware=middleware, **given)


async def test_it_is_entered_around_each_attempt_outermost_first() -> None:
    notes: list[str] = []
    outer, inner = Noting("outer", notes), Noting("inner", notes)
    async with session_over(Scripted(failing(httpx.ConnectError), ok), outer, inner) as session:
        await session.chats.close_thread("c")
    assert notes == [
        "outer enters 1", "inner enters 1", "inner sees TransportError", "outer sees TransportError",
        "outer enters 2", "inner enters 2", "inner leaves", "outer leaves",
    ]  # fmt: skip
    first, second = outer.attempts
    assert first.call_id == second.call_id
    assert (first.action, first.base_url) == ("close_thread", "https://api.livechatinc.com")
    assert "canary" not in repr(first)


async def test_headers_are_added_to_the_request_of_that_attempt_alone() -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200)

    notes: list[str] = []
    transport = httpx.MockTransport(answer)
    async with session_over(transport, Noting("a", notes, "X-One"), Noting("b", notes, "x-two")) as session:
        await session.chats.close_thread("c")
        await session.for_customer("dal:other").chats.close_thread("c")
    assert [(one["x-one"], one["x-two"], one["authorization"]) for one in seen] == [
        ("a", "b", "Bearer dal:canary"),
        ("a", "b", "Bearer dal:other"),
    ]


@pytest.mark.parametrize("name", ["Authorization", "host", "Content-Type", "x-region", "a b", ""])
async def test_reserved_and_invalid_headers_are_refused_before_anything_is_sent(name: str) -> None:
    transport = Scripted()
    async with session_over(transport, Noting("m", [], name)) as session:
        with pytest.raises(ConfigurationError, match=r"^close_thread: headers: ") as caught:
            await session.chats.close_thread("c")
    assert (caught.value.outcome, transport.actions) == (Outcome.NOT_SENT, [])


async def test_what_it_raises_before_the_request_ends_the_call() -> None:
    transport, cause = Scripted(), LookupError("s3cret")
    async with session_over(transport, Raising(cause)) as session:
        with pytest.raises(LiveChatError, match="a middleware raised LookupError") as caught:
            await session.chats.close_thread("c")
        assert session.stats().in_flight == 0
    assert (caught.value.outcome, caught.value.attempts, caught.value.__cause__) == (Outcome.NOT_SENT, 0, cause)
    assert "s3cret" not in str(caught.value)
    assert transport.actions == []


async def test_what_it_raises_after_the_request_leaves_the_outcome_unknown() -> None:
    async with session_over(Scripted(), Raising(LookupError(), on_leaving=True)) as session:
        with pytest.raises(LiveChatError) as caught:
            await session.chats.close_thread("c")
    assert (caught.value.outcome, caught.value.attempts) == (Outcome.UNKNOWN, 1)


async def test_a_failure_cannot_be_suppressed() -> None:
    async with session_over(Scripted(api_error("group_offline", 400)), Swallowing()) as session:
        with pytest.raises(GroupOfflineError):
            await session.chats.close_thread("c")


async def test_a_call_that_was_never_sent_is_no_success() -> None:
    transport = Scripted()
    async with session_over(transport, Swallowing(), Raising(LookupError())) as session:
        with pytest.raises(LiveChatError, match="suppressed the exception of another"):
            await session.chats.close_thread("c")
    assert transport.actions == []


async def test_a_cancellation_passes_through() -> None:
    notes: list[str] = []
    async with session_over(Slow(None), Noting("m", notes)) as session:
        calling = asyncio.create_task(session.chats.close_thread("c"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert session.stats().in_flight == 0
    assert notes == ["m enters 1", "m sees CancelledError"]


async def test_one_number_names_the_call_everywhere() -> None:
    ends: list[CallEnd] = []

    class Ends(Observer):
        def on_call_end(self, event: CallEnd) -> None:
            ends.append(event)

    noting = Noting("m", [])
    script = Scripted(ok, api_error("group_offline", 400))
    async with session_over(script, noting, observers=[Ends()]) as session:
        await session.chats.close_thread("c")
        with pytest.raises(GroupOfflineError) as caught:
            await session.chats.close_thread("c")
    assert [attempt.call_id for attempt in noting.attempts] == [end.call_id for end in ends]
    assert caught.value.call_id == ends[1].call_id != ends[0].call_id
    assert (ends[0].attempts, ends[0].error) == (1, None)
