"""`send_event(on_unknown=…)` against a server that performs and drops, performs late, or does not perform."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    InvalidRequestError,
    LiveChatError,
    NewMessage,
    Outcome,
    SentEvent,
    Timeouts,
    TransportError,
)
from livechat_customer_async.sandbox import ArmedFault, Event, Fault, Sandbox, serve
from tests.helpers.matrix import name_of
from tests.helpers.sessions import BOUND, a_chat, a_session, assert_nothing_held
from tests.helpers.skipping import SkippingClock
from tests.helpers.subjects import ENGINES

pytestmark = pytest.mark.asyncio

SERVER_LIMIT = 15.0
HELLO = NewMessage(text="hello")


@attrs.frozen
class Scene:
    """A chat on a sandbox, and a session whose waits take no time."""

    sandbox: Sandbox
    session: AsyncCustomerSession
    clock: SkippingClock
    chat_id: str

    def add(self, kind: str, action: str = "send_event", **options: Any) -> ArmedFault:
        armed = self.sandbox.faults.add(Fault(kind, action, **options))
        if kind == "late-performance":
            self.clock.release_after(options["seconds"], armed)
        return armed

    async def send(self, event: Any = HELLO, on_unknown: Any = "verify") -> SentEvent:
        return await self.session.events.send_event(self.chat_id, event, on_unknown=on_unknown)

    async def fail(self, event: Any = HELLO, on_unknown: Any = "verify") -> LiveChatError:
        with pytest.raises(LiveChatError) as caught:
            await self.send(event, on_unknown)
        assert caught.value.action == "send_event"
        return caught.value

    @property
    def events(self) -> list[Event]:
        return [event for thread in self.sandbox.chats[self.chat_id].threads for event in thread.events]

    @property
    def sends(self) -> tuple[int, int]:
        """How many arrived, and how many were performed."""
        return self.sandbox.arrived["send_event"], self.sandbox.performed["send_event"]


@asynccontextmanager
async def a_scene(engine: str = "auto", **options: Any) -> AsyncIterator[Scene]:
    sandbox, clock = Sandbox(), SkippingClock()
    async with asyncio.timeout(BOUND), serve(sandbox) as server:
        async with a_session(server.url, engine=engine, clock=clock, **options) as session:
            yield Scene(sandbox, session, clock, await a_chat(sandbox))
            assert_nothing_held(session)


ACTED_AND_LOST = [
    Fault("reset-after-performing"),
    Fault("truncated-body"),
    Fault("garbage-http"),
    Fault("garbage-body"),
    Fault("error", type="request_timeout", perform=True),
    Fault("error", bare=True, status=502, perform=True),
]
DID_NOTHING = [
    Fault("reset-before-reading"),
    Fault("garbage-body", perform=False),
    Fault("error", type="internal"),
    Fault("error", bare=True, status=503),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", ACTED_AND_LOST, ids=name_of)
async def test_an_event_that_was_performed_is_found_at_once(fault: Fault, engine: str) -> None:
    async with a_scene(engine) as scene:
        scene.sandbox.faults.add(attrs.evolve(fault, action="send_event"))
        sent = await scene.send()
        assert [event.id for event in scene.events] == [sent.event.id]
        assert scene.sends == (1, 1)
        assert scene.clock.skipped == 0
        assert str(uuid.UUID(sent.event.custom_id)) == sent.event.custom_id
        assert HELLO.custom_id is None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", DID_NOTHING, ids=name_of)
async def test_an_event_that_was_not_performed_is_sent_once_more_when_the_server_can_no_longer_add_it(
    fault: Fault, engine: str
) -> None:
    async with a_scene(engine) as scene:
        scene.sandbox.faults.add(attrs.evolve(fault, action="send_event"))
        sent = await scene.send()
        assert [event.id for event in scene.events] == [sent.event.id]
        assert scene.sends == (2, 1)
        assert SERVER_LIMIT - 1 < scene.clock.skipped <= SERVER_LIMIT
        # About every second, and once more at the end.
        assert 15 <= scene.sandbox.arrived["get_chat_threads"] <= 17


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", [{}, {"type": "request_timeout"}], ids=["reset", "error"])
@pytest.mark.parametrize("seconds", [0.5, 1, 3.3, 9, 14.5])
async def test_an_event_that_is_performed_late_is_waited_for(seconds: float, how: dict[str, str], engine: str) -> None:
    async with a_scene(engine) as scene:
        scene.add("late-performance", seconds=seconds, **how)
        sent = await scene.send()
        assert [event.id for event in scene.events] == [sent.event.id]
        assert scene.sends == (1, 1)
        assert seconds <= scene.clock.skipped <= seconds + 1


@pytest.mark.parametrize("first", DID_NOTHING, ids=name_of)
@pytest.mark.parametrize("second", ACTED_AND_LOST, ids=name_of)
async def test_the_second_send_is_looked_for_too(first: Fault, second: Fault) -> None:
    async with a_scene() as scene:
        for fault in (first, second):
            scene.sandbox.faults.add(attrs.evolve(fault, action="send_event"))
        sent = await scene.send()
        assert [event.id for event in scene.events] == [sent.event.id]
        assert scene.sends == (2, 1)


async def test_there_is_no_third_send() -> None:
    async with a_scene() as scene:
        scene.add("reset-before-reading", times=None)
        error = await scene.fail()
        assert isinstance(error, TransportError)
        assert (error.outcome, error.attempts, scene.sends) == (Outcome.UNKNOWN, 2, (2, 0))
        assert error.elapsed == pytest.approx(2 * SERVER_LIMIT, abs=2)


async def test_a_refusal_after_an_unknown_outcome_leaves_it_unknown() -> None:
    async with a_scene(timeouts=Timeouts(total=100)) as scene:
        scene.add("reset-before-reading")
        scene.add("error", type="validation")
        error = await scene.fail()
        assert (error.outcome, error.attempts, scene.sends) == (Outcome.UNKNOWN, 2, (2, 0))


async def test_a_refusal_is_not_looked_into() -> None:
    async with a_scene() as scene:
        scene.add("error", type="group_offline")
        error = await scene.fail()
        assert (error.outcome, error.attempts) == (Outcome.REJECTED, 1)
        assert not scene.sandbox.arrived["get_chat_threads_summary"]


@pytest.mark.parametrize("look", ["get_chat_threads_summary", "get_chat_threads"])
@pytest.mark.parametrize("kind", ["reset-after-performing", "reset-before-reading"])
@pytest.mark.parametrize(
    "broken",
    [
        Fault("reset-after-performing", times=None),
        Fault("error", type="authorization"),
        Fault("garbage-body"),
        Fault("error", type="too_many_requests", retry_after="60"),
    ],
    ids=name_of,
)
async def test_a_look_that_fails_leaves_the_outcome_unknown(look: str, kind: str, broken: Fault) -> None:
    async with a_scene() as scene:
        scene.add(kind)
        scene.sandbox.faults.add(attrs.evolve(broken, action=look))
        error = await scene.fail()
        assert isinstance(error, TransportError)
        assert (error.outcome, error.attempts) == (Outcome.UNKNOWN, 1)
        assert isinstance(error.__cause__, LiveChatError)
        assert error.__cause__.action == look
        assert "searching for the event failed" in str(error)
        assert scene.sandbox.arrived["send_event"] == 1


async def test_a_look_may_be_repeated_like_any_read() -> None:
    async with a_scene() as scene:
        scene.add("reset-after-performing")
        scene.add("reset-after-performing", "get_chat_threads_summary", times=2)
        sent = await scene.send()
        assert [event.id for event in scene.events] == [sent.event.id]


# ---- a custom id of the caller's


@pytest.mark.parametrize("as_mapping", [False, True])
async def test_the_happy_path_makes_one_request(as_mapping: bool) -> None:
    event: Any = {"type": "message", "text": "hello", "custom_id": "mine"}
    if not as_mapping:
        event = NewMessage(text="hello", custom_id="mine")
    async with a_scene() as scene:
        sent = await scene.send(event)
        assert sent.event.custom_id == "mine"
        assert sum(scene.sandbox.arrived.values()) == 1


async def test_once_returns_the_event_that_is_there_already() -> None:
    event = NewMessage(text="hello", custom_id="mine")
    async with a_scene() as scene:
        first = await scene.send(event, "once")
        again = await scene.send(event, "once")
        assert again == first
        assert scene.sends == (1, 1)


@pytest.mark.parametrize("kind", ["reset-after-performing", "reset-before-reading", "late-performance"])
async def test_once_goes_on_as_verify(kind: str) -> None:
    async with a_scene() as scene:
        options: dict[str, Any] = {"seconds": 5} if kind == "late-performance" else {}
        scene.add(kind, **options)
        sent = await scene.send(NewMessage(text="hello", custom_id="mine"), "once")
        assert [event.id for event in scene.events] == [sent.event.id]
        assert scene.sandbox.performed["send_event"] == 1


@pytest.mark.parametrize("event", [NewMessage(text="a"), NewMessage(text="a", custom_id=""), {"type": "custom"}])
async def test_once_needs_a_custom_id(event: Any) -> None:
    async with a_scene() as scene:
        with pytest.raises(InvalidRequestError, match=r"event\.custom_id: on_unknown=\"once\" needs"):
            await scene.send(event, "once")
        assert sum(scene.sandbox.arrived.values()) == 0


async def test_once_sends_nothing_if_it_cannot_search() -> None:
    async with a_scene() as scene:
        scene.add("reset-after-performing", "get_chat_threads_summary", times=None)
        error = await scene.fail(NewMessage(text="hello", custom_id="mine"), "once")
        assert (error.outcome, error.action) == (Outcome.NOT_SENT, "send_event")
        assert scene.sends == (0, 0)


# ---- time


async def test_where_the_time_does_not_suffice_nothing_is_sent_again() -> None:
    async with a_scene(timeouts=Timeouts(total=6)) as scene:
        scene.add("reset-before-reading")
        error = await scene.fail()
        assert (error.outcome, error.attempts, scene.sends) == (Outcome.UNKNOWN, 1, (1, 0))
        assert scene.clock.skipped < 6
        assert "too little time is left" in str(error)


@pytest.mark.parametrize("limit", [anyio.fail_after, anyio.move_on_after], ids=lambda limit: limit.__name__)
async def test_a_scope_around_the_call_bounds_the_looking(limit: Any) -> None:
    async with a_scene() as scene:
        scene.add("reset-before-reading")
        with limit(6):
            error = await scene.fail()
        assert (error.outcome, scene.sends) == (Outcome.UNKNOWN, (1, 0))
        assert scene.clock.skipped < 6


async def test_two_sends_at_once_find_each_its_own() -> None:
    async with a_scene() as scene:
        scene.add("reset-after-performing", times=2)
        sent = await asyncio.gather(*(scene.send(NewMessage(text=text)) for text in "ab"))
        assert [one.event.text for one in sent] == ["a", "b"]  # type: ignore[union-attr]
        assert len(scene.events) == 2


# ---- the other ways


@pytest.mark.parametrize("kind, events", [("reset-before-reading", 1), ("reset-after-performing", 2)])
async def test_resend_sends_again_at_once_and_may_double(kind: str, events: int) -> None:
    async with a_scene() as scene:
        scene.add(kind)
        sent = await scene.send(on_unknown="resend")
        assert scene.events[-1].id == sent.event.id
        assert (len(scene.events), scene.sandbox.arrived["send_event"]) == (events, 2)
        assert scene.clock.skipped == 0


async def test_resend_sends_twice_at_most() -> None:
    async with a_scene() as scene:
        scene.add("reset-before-reading", times=None)
        error = await scene.fail(on_unknown="resend")
        assert (error.outcome, error.attempts, scene.sends) == (Outcome.UNKNOWN, 2, (2, 0))


async def test_by_default_it_is_sent_once() -> None:
    async with a_scene() as scene:
        scene.add("reset-after-performing")
        error = await scene.fail(on_unknown="raise")
        assert (error.outcome, error.attempts, scene.sends) == (Outcome.UNKNOWN, 1, (1, 1))
