"""What observers are told of a call, in which order; and that they cannot harm it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import attrs
import httpx
import pytest

from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallQueued,
    CallRetry,
    ConfigurationError,
    GroupOfflineError,
    InternalError,
    InvalidRequestError,
    Limits,
    Observer,
    Outcome,
    RetryPolicy,
    SessionStateError,
    TransportError,
)
from tests.helpers.transports import Scripted, Slow, api_error, failing, ok
from tests.helpers.virtual_time import virtual_time

LOGGER = "livechat_customer_async"


class Listening(Observer):
    """Keeps all events in the order they came."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_queued(self, event: CallQueued) -> None:
        self.events.append(event)

    def on_attempt_start(self, event: AttemptStart) -> None:
        self.events.append(event)

    def on_attempt_end(self, event: AttemptEnd) -> None:
        self.events.append(event)

    def on_retry(self, event: CallRetry) -> None:
        self.events.append(event)

    def on_call_end(self, event: CallEnd) -> None:
        self.events.append(event)

    def told(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def session_over(transport: httpx.AsyncBaseTransport, *observers: Observer, **options: Any) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, "dal:canary", transport=transport, observers=observers, **options)


@virtual_time
async def test_a_success() -> None:
    heard = Listening()
    async with session_over(Slow(1.5), heard) as session:
        await session.for_customer("dal:child").chats.close_thread("c")
    start, end, whole = heard.events
    assert start == AttemptStart(call_id=start.call_id, action="close_thread", attempt=1)
    assert end == AttemptEnd(call_id=start.call_id, action="close_thread", attempt=1, elapsed=1.5, status_code=200)
    assert whole == CallEnd(call_id=start.call_id, action="close_thread", attempts=1, elapsed=1.5, status_code=200)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        whole.attempts = 2


@virtual_time
async def test_a_retry_and_a_refusal() -> None:
    heard = Listening()
    script = [
        failing(httpx.ConnectError),
        api_error("too_many_requests", 429, **{"Retry-After": "2"}),
        api_error("group_offline", 400),
    ]
    async with session_over(Scripted(*script), heard, retry=RetryPolicy(base=0)) as session:
        with pytest.raises(GroupOfflineError):
            await session.chats.start_chat()
    assert heard.told() == [
        "AttemptStart", "AttemptEnd", "CallRetry", "AttemptStart", "AttemptEnd", "CallRetry", "CallQueued",
        "AttemptStart", "AttemptEnd", "CallEnd",
    ]  # fmt: skip
    assert len({event.call_id for event in heard.events}) == 1
    assert {event.action for event in heard.events} == {"start_chat"}
    _, first, once, _, second, twice, _, _, third, whole = heard.events
    assert (first.status_code, first.error, first.outcome) == (None, "TransportError", Outcome.NOT_SENT)
    assert (once.attempt, once.after, once.reason) == (1, 0, "TransportError")
    assert (second.status_code, second.error, second.outcome) == (429, "TooManyRequestsError", Outcome.REJECTED)
    assert (twice.attempt, twice.after, twice.reason) == (2, 2, "TooManyRequestsError")
    assert (third.attempt, third.status_code, third.error) == (3, 400, "GroupOfflineError")
    assert (whole.attempts, whole.status_code, whole.error) == (3, 400, "GroupOfflineError")
    assert (whole.error_type, whole.outcome) == ("group_offline", Outcome.REJECTED)
    assert whole.elapsed == pytest.approx(2)


@virtual_time
async def test_a_call_that_waits_for_its_turn() -> None:
    heard = Listening()
    async with session_over(Slow(1), heard, limits=Limits(connections=1)) as session:
        await asyncio.gather(*(session.chats.close_thread("c") for _ in range(3)))
    queued = [event for event in heard.events if isinstance(event, CallQueued)]
    assert [event.queued for event in queued] == [1, 2]
    ends = [event for event in heard.events if isinstance(event, CallEnd)]
    assert [round(event.elapsed) for event in ends] == [1, 2, 3]
    assert len({event.call_id for event in ends}) == 3
    for event in queued:
        mine = [type(one).__name__ for one in heard.events if one.call_id == event.call_id]
        assert mine == ["CallQueued", "AttemptStart", "AttemptEnd", "CallEnd"]


@virtual_time
async def test_a_cancelled_call() -> None:
    heard = Listening()
    async with session_over(Slow(None), heard) as session:
        calling = asyncio.create_task(session.chats.close_thread("c"))
        await asyncio.sleep(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
    assert heard.told() == ["AttemptStart", "AttemptEnd", "CallEnd"]
    _, end, whole = heard.events
    assert (end.error, end.outcome, end.status_code) == ("CancelledError", Outcome.UNKNOWN, None)
    assert (whole.error, whole.outcome, whole.attempts) == ("CancelledError", Outcome.UNKNOWN, 1)


@virtual_time
async def test_calls_that_are_refused_here() -> None:
    heard = Listening()
    session = session_over(Scripted(), heard)
    with pytest.raises(InvalidRequestError):
        await session.chats.get_chats_summary(limit=26)
    await session.aclose()
    with pytest.raises(SessionStateError):
        await session.chats.close_thread("c")
    assert heard.told() == ["CallEnd", "CallEnd"]
    assert [event.error for event in heard.events] == ["InvalidRequestError", "SessionStateError"]
    assert {(event.attempts, event.outcome) for event in heard.events} == {(0, Outcome.NOT_SENT)}


@virtual_time
async def test_all_observers_hear_the_same_and_a_child_s_calls_too() -> None:
    first, second = Listening(), Listening()
    async with session_over(Scripted(), first, second) as session:
        await session.with_options(region="fra").chats.close_thread("c")
        await session.call("anything_new", {})
    assert first.events == second.events
    assert [event.action for event in first.events if isinstance(event, CallEnd)] == ["close_thread", "anything_new"]


class Raising(Observer):
    def on_attempt_start(self, event: AttemptStart) -> None:
        raise ValueError("dal:canary")

    def on_call_end(self, event: CallEnd) -> None:
        raise KeyError("dal:canary")


@virtual_time
async def _three_calls(*observers: Observer) -> None:
    async with session_over(Scripted(ok, api_error("internal", 500)), *observers) as session:
        await session.chats.close_thread("c")
        for _ in range(2):
            with pytest.raises(InternalError):
                await session.chats.close_thread("c")


def test_an_observer_that_raises_harms_nothing_and_is_blamed_once(caplog: pytest.LogCaptureFixture) -> None:
    heard = Listening()
    with caplog.at_level(logging.INFO):
        _three_calls(Raising(), heard)
    assert heard.told() == ["AttemptStart", "AttemptEnd", "CallEnd"] * 3
    blames = [record for record in caplog.records if record.name == LOGGER]
    assert [record.levelname for record in blames] == ["WARNING", "WARNING"]
    assert [record.getMessage().split(";")[0] for record in blames] == [
        "Raising.on_attempt_start raised ValueError",
        "Raising.on_call_end raised KeyError",
    ]
    assert "canary" not in caplog.text


def test_the_log_tells_the_same_in_single_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        _three_calls()
    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert [line.split()[0] for line in lines] == ["attempt_start", "attempt_end", "call_end"] * 3
    assert "action=close_thread" in lines[0]
    assert "status_code=500" in lines[-1]
    assert "error_type=internal" in lines[-1]
    assert "outcome=UNKNOWN" in lines[-1]


def test_nothing_is_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _three_calls(Listening())
    assert [record for record in caplog.records if record.name.startswith(LOGGER)] == []


def test_the_base_class_hears_and_does_nothing() -> None:
    _three_calls(Observer())
    with pytest.raises(ConfigurationError, match="observers"):
        AsyncCustomerSession(1520, "dal:canary", observers=[Observer])  # type: ignore[list-item]


@virtual_time
async def test_call_ids_are_of_the_process_not_of_the_session() -> None:
    heard = Listening()
    async with session_over(Scripted(), heard) as one, session_over(Scripted(), heard) as other:
        await one.chats.close_thread("c")
        await other.chats.close_thread("c")
    assert len({event.call_id for event in heard.events if isinstance(event, CallEnd)}) == 2


class Awaiting(Observer):
    """Reads the result of something that was cancelled."""

    def on_attempt_end(self, event: AttemptEnd) -> None:
        raise asyncio.CancelledError

    def on_call_end(self, event: CallEnd) -> None:
        raise BaseExceptionGroup("of a task group", [asyncio.CancelledError()])


@virtual_time
async def test_an_observer_s_cancellation_is_not_the_call_s(caplog: pytest.LogCaptureFixture) -> None:
    async with session_over(Scripted(ok, api_error("group_offline", 400)), Awaiting()) as session:
        await session.chats.close_thread("c")
        with pytest.raises(GroupOfflineError):
            await session.chats.close_thread("c")
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "Awaiting.on_attempt_end raised CancelledError",
        "Awaiting.on_call_end raised BaseExceptionGroup",
    ]


@virtual_time
async def test_a_call_that_may_not_queue_is_not_told_as_queued() -> None:
    heard = Listening()
    async with session_over(Slow(1), heard, limits=Limits(connections=1, queue=0)) as session:
        calls = (session.chats.close_thread("c") for _ in range(2))
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[1], TransportError)
    assert "CallQueued" not in heard.told()


@pytest.mark.parametrize("type_", ["x\nCRITICAL forged", "Bearer of news", "x" * 65, "ünique", ""])
@virtual_time
async def test_an_error_type_that_is_no_name_is_not_told(type_: str) -> None:
    heard = Listening()
    async with session_over(Scripted(api_error(type_, 400)), heard) as session:
        with pytest.raises(ApiError):
            await session.chats.close_thread("c")
    assert heard.events[-1].error_type == ("_OTHER" if type_ else None)


@virtual_time
async def test_a_retry_is_one_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    script = [failing(httpx.ConnectError), api_error("too_many_requests", 429, **{"Retry-After": "2"}), ok]
    async with session_over(Scripted(*script), retry=RetryPolicy(base=0)) as session:
        await session.chats.close_thread("c")
    first, limited, second = (record.getMessage() for record in caplog.records)
    assert limited.startswith("the server limits the rate of calls")
    assert first.startswith("retrying close_thread in 0.00 s (attempt 2 of 3): TransportError: no connection was made")
    assert second == "retrying close_thread in 2.00 s (refused): TooManyRequestsError"


@virtual_time
async def test_a_replay_with_a_new_token_is_one_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    tokens = iter(["dal:old", "dal:new"])

    async def provider() -> str:
        return next(tokens)

    async with AsyncCustomerSession(
        1520, provider, transport=Scripted(api_error("authentication", 401), ok)
    ) as session:
        await session.chats.close_thread("c")
    assert [record.getMessage() for record in caplog.records] == [
        "retrying close_thread in 0.00 s (new token): AuthenticationError"
    ]
