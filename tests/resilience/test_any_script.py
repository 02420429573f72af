"""Whatever goes wrong, and however little time there is: a call ends in time, with a result or one error of ours."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    Limits,
    LiveChatError,
    Observer,
    Outcome,
    Replay,
    RetryPolicy,
    Timeouts,
)
from livechat_customer_async._call.observe import CallRetry
from tests.helpers.scripted import MAY_HAVE_ACTED, NEVER_SENT, OTHER_FAULTS, ScriptedTransport, Step, refusal
from tests.helpers.sessions import a_session, assert_nothing_held
from tests.helpers.virtual_time import WALL_AT_START, virtual_clock, virtual_time

ACTIONS = ["first", "second", "third"]
HANGS = math.inf
SLACK = 1e-6

# ---- scripts

seconds = st.one_of(st.just(0.0), st.sampled_from([0.001, 0.5, 1.0, 2.0, 10.0, 15.0]), st.floats(0, 40))
delays = st.one_of(seconds, st.just(HANGS))
retry_afters = st.sampled_from(
    [None, "0", "0.5", "2", "7", "29", "31", "1e9", "inf", "nan", "-3", "soon", "Tue, 14 Nov 2023 22:13:25 GMT"]
)
regions = st.sampled_from([None, {}, {"region": "fra"}, {"region": "dal"}, {"region": "a\r\nb"}, {"region": 3}])
common: dict[str, Any] = {"delay": delays, "asks": st.booleans()}
steps = st.one_of(
    st.builds(Step, **common),
    st.builds(Step, fault=st.sampled_from(NEVER_SENT), **common),
    st.builds(Step, fault=st.sampled_from(OTHER_FAULTS), **common),
    st.builds(refusal, st.sampled_from(["validation", "group_offline", "never_seen"]), **common),
    st.builds(refusal, st.sampled_from(MAY_HAVE_ACTED), retry_after=retry_afters, **common),
    st.builds(
        refusal, st.sampled_from(["too_many_requests", "service_unavailable"]), retry_after=retry_afters, **common
    ),
    st.builds(refusal, st.just("authentication"), status=st.just(401), **common),
    st.builds(refusal, st.just("misdirected_request"), data=regions, **common),
    st.builds(
        Step,
        status=st.sampled_from([204, 302, 404, 413, 429, 500, 502, 503]),
        body=st.sampled_from([b"", b"<h1>oops</h1>"]),
        **common,
    ),
    st.builds(Step, body=st.sampled_from([b"\xff", b"{", b'{"success": false}', b"[" * 200]), **common),
)
scripts = st.lists(steps, min_size=1, max_size=6)

# ---- providers


@attrs.frozen
class Ask:
    """What a provider does when it is asked: after a delay it returns a value, or raises it."""

    delay: float
    value: Any


junk = st.sampled_from([None, "", 7, b"token", "tok en", RuntimeError("no"), TimeoutError(), asyncio.CancelledError()])
tokens = st.sampled_from(["dal-1", "fra-1", "two", "three", AccessToken("four", WALL := datetime.now(UTC))])
asks = st.builds(Ask, delays, st.one_of(tokens, tokens, junk))


@attrs.define
class Provider:
    """Plays its script; the last answer goes on for ever."""

    script: list[Ask]
    asked: int = 0

    async def __call__(self) -> Any:
        ask = self.script[min(self.asked, len(self.script) - 1)]
        self.asked += 1
        if ask.delay == HANGS:
            await asyncio.Event().wait()
        await asyncio.sleep(ask.delay)
        if isinstance(ask.value, BaseException):
            raise ask.value
        if isinstance(ask.value, AccessToken):
            return AccessToken(ask.value.value, datetime.fromtimestamp(WALL_AT_START, UTC) + timedelta(seconds=20))
        return ask.value


access = st.one_of(st.just("dal-fixed"), st.builds(Provider, st.lists(asks, min_size=1, max_size=4)))

# ---- limits

timeouts = st.builds(Timeouts, total=st.one_of(st.sampled_from([0.001, 1.0, 2.5, 20.0, 60.0]), st.floats(0.01, 90)))
limits = st.builds(
    Limits,
    connections=st.integers(1, 3),
    queue=st.one_of(st.none(), st.integers(0, 2)),
    queue_timeout=st.one_of(st.none(), st.sampled_from([0.5, 2.0, 20.0])),
)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 5),
    base=st.sampled_from([0.0, 0.05, 3.0]),
    throttle_base=st.sampled_from([0.0, 1.0, 30.0]),
    retry_after_cap=st.sampled_from([0.0, 5.0, 30.0]),
    budget=st.sampled_from([0, 14, 40, 500]),
)


@attrs.frozen
class Enclosing:
    """A time limit around a call: none, or one of anyio's, which the call can see."""

    kind: str
    seconds: float

    def opened(self) -> AbstractContextManager[Any]:
        match self.kind:
            case "fail_after":
                return anyio.fail_after(self.seconds)
            case "move_on_after":
                return anyio.move_on_after(self.seconds)
            case _:
                return nullcontext()

    @property
    def limit(self) -> float:
        return math.inf if self.kind == "none" else self.seconds


enclosings = st.builds(Enclosing, st.sampled_from(["none", "none", "fail_after", "move_on_after"]), st.floats(0, 30))


class Waits(Observer):
    """Notes when each wait would end."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_retry(self, event: CallRetry) -> None:
        self.ends.append(asyncio.get_running_loop().time() + event.after)


@pytest.mark.slow
@settings(max_examples=150)
@given(data=st.data())
@virtual_time
async def test_a_call_ends_in_time_with_a_result_or_one_error_of_ours(data: st.DataObject) -> None:
    draw = data.draw
    transport = ScriptedTransport({action: draw(scripts, action) for action in ACTIONS})
    time, policy, waits = draw(timeouts, "timeouts"), draw(policies, "retry"), Waits()
    chances = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4), "chance")
    async with a_session(
        "http://127.0.0.1",
        draw(access, "access"),
        transport=transport,
        timeouts=time,
        limits=draw(limits, "limits"),
        retry=policy,
        observers=[waits],
        clock=virtual_clock(lambda: chances[transport.requests % len(chances)]),
    ) as session:
        calls = [
            Played(session, transport, action, draw(st.sampled_from(Replay)), policy, time, draw(enclosings))
            for action in draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3, unique=True), "actions")
        ]
        await asyncio.gather(*(call.play() for call in calls))
        latest = max(call.deadline for call in calls)
        assert all(end < latest for end in waits.ends)
        assert_nothing_held(session)


@attrs.define
class Played:
    """One call, and what must be true of its end."""

    session: AsyncCustomerSession
    transport: ScriptedTransport
    action: str
    replay: Replay
    policy: RetryPolicy
    timeouts: Timeouts
    enclosing: Enclosing

    @property
    def deadline(self) -> float:
        assert self.timeouts.total is not None
        return min(self.timeouts.total, self.enclosing.limit)

    async def play(self) -> None:
        now = asyncio.get_running_loop().time
        error: BaseException | None = None
        ended = False
        try:
            with self.enclosing.opened():
                await self.session.call(self.action, {}, replay=self.replay)
                ended = True
        except (LiveChatError, TimeoutError) as raised:
            error = raised
        assert now() <= self.deadline + SLACK
        if isinstance(error, LiveChatError):
            self.check_error(error)
        elif not ended:  # cut off by the scope around it
            assert self.enclosing.limit <= now() + SLACK
        self.check_requests()

    def check_error(self, error: LiveChatError) -> None:
        begun = self.transport.begun[self.action]
        assert (error.action, error.attempts) == (self.action, len(begun))
        assert error.elapsed == pytest.approx(asyncio.get_running_loop().time(), abs=SLACK)
        # What may have been done is never called undone, nor the other way round; but of an answer that comes in the
        # very step in which the time ends, the end may win, and then nobody has read it.
        unread = any(one.ended is not None and one.ended >= self.deadline - SLACK for one in begun)
        may_have_acted = any(one.may_have_acted for one in begun)
        assert (error.outcome is Outcome.UNKNOWN) == may_have_acted or (unread and error.outcome is Outcome.UNKNOWN)

    def check_requests(self) -> None:
        begun = self.transport.begun[self.action]
        assert all(one.at < self.deadline for one in begun)
        # A refused one costs no attempt.
        counted = [one for one in begun if b"too_many_requests" not in one.step.body and not one.step.headers]
        assert len(counted) <= self.policy.attempts + 2
        if self.replay is Replay.UNSAFE:
            assert not any(one.may_have_acted for one in begun[:-1])


# ---- the same for each way to enclose a call that would wait


async def _retry_after_seven(session: AsyncCustomerSession) -> None:
    await session.call("first", {})


@pytest.mark.parametrize("limit", [anyio.fail_after, anyio.move_on_after], ids=lambda limit: limit.__name__)
@virtual_time
async def test_a_wait_that_an_enclosing_scope_would_cut_off_does_not_begin(
    limit: Callable[[float], AbstractContextManager[Any]],
) -> None:
    transport = ScriptedTransport({"first": [refusal("too_many_requests", retry_after="7"), Step()]})
    async with a_session("http://127.0.0.1", transport=transport) as session:
        with pytest.raises(LiveChatError, match="does not fit into the time left") as caught, limit(6.9):
            await _retry_after_seven(session)
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.REJECTED, 1)
        assert asyncio.get_running_loop().time() == 0.0
        with limit(7.1):
            await _retry_after_seven(session)
        assert asyncio.get_running_loop().time() == 7.0


@virtual_time
async def test_no_request_is_sent_in_a_scope_that_is_cancelled_already() -> None:
    transport = ScriptedTransport({"first": [Step()]})
    async with a_session("http://127.0.0.1", transport=transport) as session:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await _retry_after_seven(session)
        assert scope.cancelled_caught
        assert transport.requests == 0


@virtual_time
async def test_no_request_begins_at_the_end_of_its_time() -> None:
    """The slot comes free in the very moment in which the time of the waiting call ends."""
    transport = ScriptedTransport({"first": [Step(delay=5.0)], "second": [Step()]})
    options: dict[str, Any] = {"transport": transport, "limits": Limits(connections=1)}
    async with a_session("http://127.0.0.1", **options, timeouts=Timeouts(total=10)) as session:
        ends: list[Awaitable[Any]] = [session.call("first", {})]
        ends.append(session.with_options(timeouts=Timeouts(total=5)).call("second", {}))
        _, error = await asyncio.gather(*ends, return_exceptions=True)
        assert isinstance(error, LiveChatError)
        assert (error.outcome, error.attempts) == (Outcome.NOT_SENT, 0)
        assert not transport.begun["second"]
