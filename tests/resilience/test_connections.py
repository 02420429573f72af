"""Connections that cannot be made, and connections that end between calls, for every replay class over both engines."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from livechat_customer_async import (
    CallTimeoutError,
    Clock,
    LiveChatError,
    Outcome,
    Replay,
    RetryPolicy,
    Timeouts,
    TransportError,
)
from livechat_customer_async.sandbox import Fault, Sandbox, SandboxServer, serve
from tests.helpers.matrix import ATTEMPTS
from tests.helpers.sessions import a_chat, a_session, assert_nothing_held, until
from tests.helpers.subjects import ENGINES, SUBJECTS, Subject

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.parametrize("engine", ENGINES),
    pytest.mark.parametrize("subject", SUBJECTS, ids=str),
]


async def test_a_refused_connection_is_tried_again_and_nothing_was_sent(
    subject: Subject, engine: str, closed_port: int
) -> None:
    async with a_session(f"http://127.0.0.1:{closed_port}", engine=engine) as session:
        with pytest.raises(TransportError) as caught:
            await subject.call(session, "chat")
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.NOT_SENT, ATTEMPTS)
        assert session.stats().retries == ATTEMPTS - 1
        assert_nothing_held(session)


async def test_a_server_that_comes_up_between_attempts_acts_once(
    subject: Subject, engine: str, closed_port: int
) -> None:
    sandbox = Sandbox()
    chat_id = await a_chat(sandbox)
    async with AsyncExitStack() as stack:

        class ServerStarts(Clock):
            async def sleep(self, seconds: float) -> None:
                await stack.enter_async_context(serve(sandbox, port=closed_port))

        session = a_session(f"http://127.0.0.1:{closed_port}", engine=engine, clock=ServerStarts())
        await stack.enter_async_context(session)
        await subject.call(session, chat_id)
        assert (sandbox.arrived[subject.action], sandbox.performed[subject.action]) == (1, 1)
        assert session.stats().attempts == 2


async def test_a_connection_that_takes_too_long_is_tried_again_and_nothing_was_sent(
    subject: Subject, engine: str, full_port: int
) -> None:
    options = {"timeouts": Timeouts(connect=0.05), "retry": RetryPolicy(attempts=2, base=0)}
    async with a_session(f"http://127.0.0.1:{full_port}", engine=engine, **options) as session:
        with pytest.raises(CallTimeoutError) as caught:
            await subject.call(session, "chat")
        assert (caught.value.phase, caught.value.outcome) == ("connect", Outcome.NOT_SENT)
        assert caught.value.attempts == 2


async def test_a_call_whose_time_ends_while_connecting_was_not_sent(
    subject: Subject, engine: str, full_port: int
) -> None:
    timeouts = Timeouts(total=0.3, upload_total=0.3)
    async with a_session(f"http://127.0.0.1:{full_port}", engine=engine, timeouts=timeouts) as session:
        with pytest.raises(CallTimeoutError) as caught:
            await subject.call(session, "chat")
        assert (caught.value.phase, caught.value.outcome) == ("total", Outcome.NOT_SENT)
        assert caught.value.attempts == 1


async def test_idle_connections_that_the_server_closed_cost_nothing(subject: Subject, engine: str) -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as server, a_session(server.url, engine=engine) as session:
        chat_id = await a_chat(sandbox)
        await session.chats.get_chats_summary()
        assert server.close_idle_connections() == 1
        await until(lambda: not server.open_connections)
        await subject.call(session, chat_id)
        assert _counts(sandbox, subject) == (1, 1)
        assert (session.stats().retries, server.accepted_connections) == (0, 2)


async def test_a_connection_that_ends_right_after_its_answer_costs_nothing(subject: Subject, engine: str) -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as server, a_session(server.url, engine=engine) as session:
        chat_id = await a_chat(sandbox)
        sandbox.faults.add(Fault("close-after-response"))
        await session.chats.get_chats_summary()
        await until(lambda: not server.open_connections)
        await subject.call(session, chat_id)
        assert _counts(sandbox, subject) == (1, 1)
        assert session.stats().retries == 0


async def test_a_connection_that_ends_when_the_request_arrives_leaves_open_what_happened(
    subject: Subject, engine: str
) -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as server, a_session(server.url, engine=engine) as session:
        chat_id = await a_chat(sandbox)
        sandbox.faults.add(Fault("close-on-next-request"))
        await session.chats.get_chats_summary()
        error = await _error_of_a_call_that_met_the_end(subject, session, chat_id)
        assert sandbox.unread_requests == 1
        if subject.replay is Replay.SAFE:
            assert error is None
            assert _counts(sandbox, subject) == (1, 1)
        else:
            assert isinstance(error, TransportError)
            assert (error.outcome, error.attempts) == (Outcome.UNKNOWN, 1)
            assert _counts(sandbox, subject) == (0, 0)
        await session.chats.get_chats_summary()


async def test_a_server_that_goes_away_for_good_ends_calls_and_its_successor_serves_them(
    subject: Subject, engine: str
) -> None:
    sandbox = Sandbox()
    chat_id = await a_chat(sandbox)
    async with AsyncExitStack() as stack:
        async with serve(sandbox) as first:
            session = await stack.enter_async_context(a_session(first.url, engine=engine))
            await session.chats.get_chats_summary()
            port = first.port
        with pytest.raises(TransportError) as caught:
            await subject.call(session, chat_id)
        assert caught.value.outcome is Outcome.NOT_SENT
        successor: SandboxServer = await stack.enter_async_context(serve(sandbox, port=port))
        await subject.call(session, chat_id)
        assert _counts(sandbox, subject) == (1, 1)
        assert successor.accepted_connections == 1


async def _error_of_a_call_that_met_the_end(subject: Subject, session: object, chat_id: str) -> LiveChatError | None:
    try:
        async with asyncio.timeout(10):
            await subject.call(session, chat_id)  # type: ignore[arg-type]
    except LiveChatError as error:
        return error
    return None


def _counts(sandbox: Sandbox, subject: Subject) -> tuple[int, int]:
    return sandbox.arrived[subject.action], sandbox.performed[subject.action]
