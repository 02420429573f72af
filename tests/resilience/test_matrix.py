"""Every fault × every replay class × a fresh or a reused connection × both engines, over real sockets."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from livechat_customer_async import AsyncCustomerSession, CallTimeoutError, LiveChatError, Timeouts
from livechat_customer_async.sandbox import ArmedFault, FaultKind, Sandbox, parse_fault, serve
from tests.helpers.matrix import READ_TIMEOUT, ROWS, Expected, Row, expected
from tests.helpers.sessions import BOUND, a_chat, a_session, assert_nothing_held, ticks
from tests.helpers.subjects import ENGINES, SUBJECTS, Subject


@attrs.frozen
class Case:
    row: Row
    subject: Subject
    reused: bool
    engine: str

    def __str__(self) -> str:
        return f"{self.subject} over a {'reused' if self.reused else 'fresh'} connection by {self.engine}"


def test_every_kind_of_fault_has_a_row() -> None:
    assert {row.fault.kind for row in ROWS} == set(FaultKind)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_fault_can_be_written_on_a_command_line(row: Row) -> None:
    options = [
        f"{field.name}={_written(getattr(row.fault, field.name))}"
        for field in attrs.fields(type(row.fault))
        if field.name not in ("kind", "action") and getattr(row.fault, field.name) != field.default
    ]
    assert parse_fault(":".join(["*", row.fault.kind, *options])) == row.fault


def _written(value: object) -> str:
    return "always" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_fault_has_its_outcome_and_nothing_is_done_twice_unasked(row: Row, engine: str) -> None:
    cases = [Case(row, subject, reused, engine) for subject in SUBJECTS for reused in (False, True)]
    wrong = await asyncio.gather(*map(_wrong, cases))
    assert [line for lines in wrong for line in lines] == []


async def _wrong(case: Case) -> list[str]:
    """Play a case; return what is not as it must be."""
    sandbox = Sandbox()
    async with asyncio.timeout(BOUND), serve(sandbox) as server:
        chat_id = await a_chat(sandbox)
        timeouts = Timeouts(read=READ_TIMEOUT)
        async with a_session(server.url, engine=case.engine, timeouts=timeouts) as session:
            if case.reused:
                await session.chats.get_chats_summary()
                sandbox.forget_requests()
            armed = sandbox.faults.add(case.row.fault)
            error = await _error_of(case.subject, session, chat_id)
            sandbox.faults.clear()
            await _settled(armed)
            wrong = _differences(case, sandbox, error)
            assert_nothing_held(session)
            # Whatever happened, the next call finds the session usable.
            await session.chats.get_chat_threads(chat_id)
    return wrong


async def _error_of(subject: Subject, session: AsyncCustomerSession, chat_id: str) -> LiveChatError | None:
    try:
        await subject.call(session, chat_id)
    except LiveChatError as error:
        return error
    return None


async def _settled(armed: ArmedFault) -> None:
    """Let what the server still does come to its end."""
    armed.release()
    await armed.finished.wait()
    await ticks(20)


def _differences(case: Case, sandbox: Sandbox, error: LiveChatError | None) -> list[str]:
    action, wanted = case.subject.action, expected(case.row, case.subject.replay, case.engine)
    attempts = sandbox.arrived[action] if error is None else error.attempts
    outcome = None if error is None else error.outcome
    seen = Expected(attempts, sandbox.performed[action], outcome, None if error is None else type(error))
    wrong = [] if seen == wanted else [f"{case}: {seen} instead of {wanted}: {error}"]
    if sandbox.arrived[action] != attempts:
        wrong.append(f"{case}: {sandbox.arrived[action]} requests arrived of {attempts}")
    if isinstance(error, CallTimeoutError) and error.phase != case.row.phase:
        wrong.append(f"{case}: phase {error.phase} instead of {case.row.phase}")
    connections = {request.connection for request in sandbox.requests if request.action == action}
    if case.reused and 1 not in connections:
        wrong.append(f"{case}: the connection was not reused")
    return wrong
