"""The end of a session: what becomes of its calls, and of those who come too late or from elsewhere."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    Limits,
    Outcome,
    Replay,
    SessionStateError,
    TransportError,
)
from livechat_customer_async.sandbox import Fault, Sandbox, serve
from tests.helpers.scripted import ScriptedTransport, Step, refusal
from tests.helpers.sessions import a_session, assert_nothing_held, open_files, ticks, until
from tests.helpers.subjects import ENGINES
from tests.helpers.virtual_time import virtual_time

GRACE = 5.0
HANGS = Step(delay=math.inf)


def now() -> float:
    return asyncio.get_running_loop().time()


def begun(*calls: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    return [asyncio.ensure_future(call) for call in calls]


def opened(script: list[Step], access: Any = "token", **options: Any) -> AsyncCustomerSession:
    return a_session("http://127.0.0.1", access, transport=ScriptedTransport({"act": script}), **options)


@virtual_time
async def test_calls_in_flight_may_finish() -> None:
    session = opened([Step(delay=GRACE - 0.1)])
    calls = begun(*(session.call("act", {}) for _ in range(5)))
    await ticks(3)
    await session.aclose()
    assert now() == pytest.approx(GRACE - 0.1)
    assert await asyncio.gather(*calls) == [{}] * 5


@virtual_time
async def test_what_has_not_ended_after_a_while_is_ended_and_says_what_it_may_have_done() -> None:
    async def hanging() -> str:
        await asyncio.Event().wait()
        return "never"

    session = opened([HANGS], limits=Limits(connections=1))
    calls = begun(
        session.call("act", {}),  # in flight
        session.call("act", {}),  # in the queue
        session.for_customer(hanging).call("act", {}),  # without a token
    )
    await ticks(5)
    await session.aclose()
    assert now() == pytest.approx(GRACE)
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [TransportError] * 3
    assert [end.outcome for end in ends] == [Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.NOT_SENT]  # type: ignore[union-attr]
    assert all("closed" in str(end) for end in ends)
    assert_nothing_held(session)


@pytest.mark.parametrize(
    "first, outcome",
    [
        (refusal("too_many_requests", retry_after="20"), Outcome.NOT_SENT),
        (refusal("internal", retry_after="20"), Outcome.UNKNOWN),
    ],
    ids=["throttled", "internal"],
)
@virtual_time
async def test_a_call_that_waits_for_its_next_attempt_is_ended_too(first: Step, outcome: Outcome) -> None:
    session = opened([first])
    (call,) = begun(session.call("act", {}, replay=Replay.SAFE))
    await ticks(5)
    await session.aclose()
    with pytest.raises(TransportError) as caught:
        await call
    assert (caught.value.outcome, caught.value.attempts) == (outcome, 1)
    assert now() == pytest.approx(GRACE)


@virtual_time
async def test_no_call_begins_once_closing_has() -> None:
    session = opened([Step(delay=1)])
    child = session.for_customer("another")
    (call,) = begun(session.call("act", {}))
    await ticks(3)
    (closing,) = begun(session.aclose())
    await ticks(3)
    for late in (session, child, session.with_options(headers={"a": "b"})):
        with pytest.raises(SessionStateError, match="closed") as caught:
            await late.call("act", {})
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.NOT_SENT, 0)
    await asyncio.gather(call, closing)
    with pytest.raises(SessionStateError, match="create a new one"):
        await session.call("act", {})


@virtual_time
async def test_closing_again_is_nothing_and_closing_at_once_is_one() -> None:
    session = opened([HANGS])
    (call,) = begun(session.call("act", {}))
    await ticks(3)
    await asyncio.gather(*(session.aclose() for _ in range(3)))
    await session.aclose()
    assert now() == pytest.approx(GRACE)
    assert isinstance(call.exception(), TransportError)


@virtual_time
async def test_closing_may_be_cancelled_and_then_ends_the_calls_at_once() -> None:
    session = opened([HANGS])
    (call,) = begun(session.call("act", {}))
    await ticks(3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await session.aclose()
    assert now() == pytest.approx(1)
    assert isinstance(call.exception(), TransportError)
    assert_nothing_held(session)
    await session.aclose()
    assert now() == pytest.approx(1)


@virtual_time
async def test_a_child_closes_nothing() -> None:
    async with opened([Step()]) as session:
        async with session.for_customer("another") as child:
            await child.call("act", {})
        await session.with_options(headers={"a": "b"}).aclose()
        assert await child.call("act", {}) == {}
        assert await session.call("act", {}) == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_every_connection_is_closed(engine: str) -> None:
    sandbox, files = Sandbox(), open_files()
    async with serve(sandbox) as server:
        serving = open_files()
        session = a_session(server.url, engine=engine)
        await asyncio.gather(*(session.chats.get_chats_summary() for _ in range(10)))
        assert server.open_connections > 1
        await session.aclose()
        await until(lambda: not server.open_connections)
        await until(lambda: open_files() == serving)
    await until(lambda: open_files() <= files)


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_call_that_hangs_on_a_socket_is_ended(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livechat_customer_async._call.shared.CLOSE_GRACE", 0.05)
    sandbox = Sandbox()
    armed = sandbox.faults.add(Fault("stall-before-headers"))
    async with serve(sandbox) as server:
        session = a_session(server.url, engine=engine)
        (call,) = begun(session.chats.get_chats_summary())
        await armed.met.wait()
        await session.aclose()
        with pytest.raises(TransportError) as caught:
            await call
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.UNKNOWN, 1)
        await armed.finished.wait()  # the server saw the connection end


@pytest.mark.asyncio
async def test_a_callers_client_stays_open() -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as server, httpx.AsyncClient(trust_env=False) as client:
        async with a_session(server.url, http_client=client) as session:
            await session.chats.get_chats_summary()
        assert not client.is_closed
        async with a_session(server.url, http_client=client) as session:
            await session.chats.get_chats_summary()
            await client.aclose()
            with pytest.raises(SessionStateError, match="http_client"):
                await session.chats.get_chats_summary()


# ---- elsewhere


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_on_a_second_event_loop_it_says_so(engine: str) -> None:
    async def elsewhere(session: AsyncCustomerSession) -> None:
        for one in (session, session.for_customer("another")):
            with pytest.raises(SessionStateError, match="create a session in each event loop") as caught:
                await one.chats.get_chats_summary()
            assert caught.value.outcome is Outcome.NOT_SENT

    async with serve(Sandbox()) as server, a_session(server.url, engine=engine) as session:
        await session.chats.get_chats_summary()
        await asyncio.to_thread(asyncio.run, elsewhere(session))
        await session.chats.get_chats_summary()


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_it_is_closed_on_its_own_event_loop_only(engine: str) -> None:
    async def elsewhere(session: AsyncCustomerSession) -> None:
        with pytest.raises(SessionStateError, match="on the event loop of its calls"):
            await session.aclose()

    async with serve(Sandbox()) as server, a_session(server.url, engine=engine) as session:
        await session.chats.get_chats_summary()
        await asyncio.to_thread(asyncio.run, elsewhere(session))
        await session.aclose()
        await until(lambda: not server.open_connections)


def test_after_its_event_loop_has_ended_it_says_so_too() -> None:
    session = opened([Step()])
    asyncio.run(session.call("act", {}))
    with pytest.raises(SessionStateError, match="a different one"):
        asyncio.run(session.call("act", {}))
    with pytest.raises(SessionStateError, match="event loop"):
        asyncio.run(session.aclose())


def test_a_session_that_was_never_used_may_be_closed_on_any_loop() -> None:
    async def made() -> AsyncCustomerSession:
        return a_session("http://127.0.0.1")

    session = asyncio.run(made())
    asyncio.run(session.aclose())


def test_dropped_open_it_warns_once() -> None:
    def drop() -> None:
        a_session("http://127.0.0.1").for_customer("another")
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed AsyncCustomerSession") as caught:
        drop()
    assert len(caught) == 1
