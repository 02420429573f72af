"""From a session's making to its end: loops, forks, closing, figures, what it shows of itself."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import sniffio

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    AuthorizationError,
    InvalidRequestError,
    Outcome,
    SessionStateError,
    SessionStats,
    TransportError,
)
from tests.helpers.recording import Recording

SECRET = "dal:canary-secret"


def a_session(transport: httpx.AsyncBaseTransport | None = None) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, SECRET, transport=transport or Recording())


class Held(httpx.AsyncBaseTransport):
    """Answers a request when it is let go."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.let_go = asyncio.Event()
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.arrived.set()
        await self.let_go.wait()
        return httpx.Response(200)

    async def aclose(self) -> None:
        self.closed = True


@asynccontextmanager
async def a_call_under_way(held: Held) -> AsyncIterator[tuple[AsyncCustomerSession, asyncio.Task[None]]]:
    session = a_session(held)
    calling = asyncio.create_task(session.chats.close_thread("c"))
    await held.arrived.wait()
    yield session, calling
    await session.aclose()


# ---- what it shows


def test_it_is_ready_without_a_loop_and_shows_no_token() -> None:
    session = a_session()
    assert repr(session) == "<AsyncCustomerSession license_id=1520 base_url='https://api.livechatinc.com' open>"
    assert SECRET not in repr(session.for_customer(SECRET + "2"))
    for namespace in (session.chats, session.events, session.other):
        assert SECRET not in repr(namespace)
    asyncio.run(session.aclose())
    assert repr(session).endswith(" closed>")


def test_it_does_not_pickle() -> None:
    session = a_session()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="one in each process"):
            pickle.dumps(session, protocol)
    with pytest.raises(TypeError):
        copy.deepcopy(session)
    asyncio.run(session.aclose())


def test_an_access_token_neither_shows_itself_nor_pickles() -> None:
    token = AccessToken(SECRET)
    assert SECRET not in repr(token)
    assert copy.deepcopy(token) is token
    with pytest.raises(TypeError):
        pickle.dumps(token)


@pytest.mark.asyncio
async def test_its_figures() -> None:
    held = Held()
    async with a_call_under_way(held) as (session, calling):
        figures = session.stats()
        assert figures == SessionStats(
            in_flight=1,
            queued=0,
            connections=None,
            calls=1,
            attempts=1,
            retries=0,
            retry_budget=500,
            throttled=0,
            pace=None,
        )
        with pytest.raises(AttributeError):
            figures.calls = 7  # type: ignore[misc]
        held.let_go.set()
        await calling
        assert session.stats().in_flight == 0


# ---- actions by name


@pytest.mark.asyncio
async def test_call_gives_the_raw_result() -> None:
    transport = Recording({"payload": {"__priv_x": 1, "chat": {"id": "c", "properties": {"ns": {"n": {"value": 1}}}}}})
    async with a_session(transport) as session:
        result = await session.call("get_chat", {"chat_id": "c", "fields": None})
    assert result == {"__priv_x": 1, "chat": {"id": "c", "properties": {"ns": {"n": {"value": 1}}}}}
    assert transport.last.url.path == "/v3.0/customer/action/get_chat"
    assert transport.last.content == b'{"payload":{"chat_id":"c","fields":null}}'


@pytest.mark.asyncio
@pytest.mark.parametrize("body, result", [(b"", None), (b"{}", {}), (b'{"payload":{}}', {}), (b"[1]", [1]), (b"7", 7)])
async def test_call_takes_any_answer(body: bytes, result: object) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with a_session(transport) as session:
        assert await session.call("anything_new", {}) == result


@pytest.mark.asyncio
async def test_call_raises_as_any_action_does() -> None:
    answer = {"error": {"type": "authorization", "message": "no"}}
    transport = httpx.MockTransport(lambda _: httpx.Response(403, json=answer))
    async with a_session(transport) as session:
        with pytest.raises(AuthorizationError) as caught:
            await session.call("anything_new", {})
        with pytest.raises(InvalidRequestError):
            await session.call("Anything", {})
    assert (caught.value.action, caught.value.attempts) == ("anything_new", 1)


# ---- dropped, closed


def test_dropped_open_it_warns_once_and_does_nothing_else() -> None:
    transport = Recording()
    session = a_session(transport)
    child = session.for_customer("dal:child")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del session
        assert caught == [], "its child holds the pool"
        del child
        gc.collect()
    (warning,) = caught
    assert warning.category is ResourceWarning
    assert "aclose" in str(warning.message)
    assert transport.closed == 0


def test_a_session_that_could_not_be_made_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for bad in ({"license_id": 0}, {"observers": 7}, {"engine": "h2"}):
            with pytest.raises(ValueError):
                AsyncCustomerSession(**{"license_id": 1520, "access_token": SECRET, **bad})  # type: ignore[arg-type]
        gc.collect()


@pytest.mark.asyncio
async def test_closing_is_idempotent_and_closed_it_refuses_calls() -> None:
    transport = Recording()
    session = a_session(transport)
    await session.chats.close_thread("c")
    await asyncio.gather(session.aclose(), session.aclose())
    await session.aclose()
    assert len(transport.requests) == 1
    with pytest.raises(SessionStateError, match="create a new one") as caught:
        await session.events.send_sneak_peek("c", "x")
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert (error.action, error.attempts, error.outcome) == ("send_sneak_peek", 0, Outcome.NOT_SENT)
    with pytest.raises(SessionStateError):
        await session.call("anything_new", {})
    with pytest.raises(SessionStateError):
        await anext(session.chats.iter_chats_summary())


@pytest.mark.asyncio
async def test_a_block_that_raises_closes_it() -> None:
    transport = Recording()
    with pytest.raises(KeyError):
        async with a_session(transport):
            raise KeyError
    assert transport.closed == 1


@pytest.mark.asyncio
async def test_closing_lets_a_call_finish() -> None:
    held = Held()
    async with a_call_under_way(held) as (session, calling):
        closing = asyncio.create_task(session.aclose())
        await asyncio.sleep(0)
        assert not held.closed
        held.let_go.set()
        await calling
        await closing
        assert held.closed


@pytest.mark.asyncio
async def test_closing_can_be_cancelled_and_ends_the_calls_then() -> None:
    held = Held()
    async with a_call_under_way(held) as (session, calling):
        closing = asyncio.create_task(session.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(TransportError, match="closed") as caught:
            await calling
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.UNKNOWN, 1)
        assert held.closed


# ---- other loops, forks


def test_another_event_loop_is_refused() -> None:
    session = a_session()
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(session.chats.close_thread("c"))
        with pytest.raises(SessionStateError, match="event loop"):
            second.run(session.chats.close_thread("c"))
        with pytest.raises(SessionStateError, match="event loop"):
            second.run(session.for_customer("dal:child").chats.close_thread("c"))
        first.run(session.chats.close_thread("c"))
        first.run(session.aclose())


def test_its_first_call_binds_it_not_its_making() -> None:
    async def make() -> AsyncCustomerSession:
        return a_session()

    session = asyncio.run(make())

    async def use() -> None:
        async with session:
            await session.chats.close_thread("c")

    asyncio.run(use())


# The loop does not run while the script forks: a child of a running task could run no loop of its own on Python 3.14.
FORK = """
import asyncio, os, sys
import httpx
from livechat_customer_async import AsyncCustomerSession, SessionStateError

transport = httpx.MockTransport(lambda _: httpx.Response(200))
session = AsyncCustomerSession(1520, "dal:x", transport=transport)
loop = asyncio.new_event_loop()

def refused(coroutine):
    try:
        asyncio.run(coroutine)
    except SessionStateError as error:
        return "fork" in str(error)
    return False

if sys.argv[1] == "used":
    loop.run_until_complete(session.chats.close_thread("c"))
child = os.fork()
if child == 0:
    calls = [session.chats.close_thread("c"), session.for_customer("dal:y").call("x", {}), session.aclose()]
    os._exit([refused(call) for call in calls].count(False))
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
loop.run_until_complete(session.chats.close_thread("c"))
loop.run_until_complete(session.aclose())
loop.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.parametrize("when", ["used", "unused"])
def test_after_a_fork_the_child_is_refused_and_the_parent_goes_on(when: str) -> None:
    command = [sys.executable, "-W", "error", "-c", FORK, when]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def aclosed(session: AsyncCustomerSession) -> None:
    await session.aclose()


def test_what_is_closed_may_be_closed_again_anywhere() -> None:
    session = a_session()
    asyncio.run(aclosed(session))
    asyncio.run(aclosed(session))  # on another loop


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.asyncio
async def test_a_child_forked_while_the_loop_runs_is_refused() -> None:
    async with a_session() as session:
        await session.chats.close_thread("c")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
            child = os.fork()
        if child == 0:
            code = 1
            try:
                session.chats.close_thread("c").send(None)
            except SessionStateError as error:
                code = 0 if "fork" in str(error) and error.action == "close_thread" else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222 - it ends at once
        assert os.waitstatus_to_exitcode(status) == 0
        await session.chats.close_thread("c")


@pytest.mark.asyncio
async def test_the_warning_of_a_dropped_session_says_where_it_was_created() -> None:
    line = sys._getframe().f_lineno + 1
    session = AsyncCustomerSession(1520, "dal:x", transport=Recording())
    with pytest.warns(ResourceWarning, match=rf"\(created at .*test_lifecycle\.py:{line}\)"):
        del session


@pytest.mark.asyncio
async def test_the_traceback_of_a_refused_argument_has_no_frames_of_the_pipeline() -> None:
    async with AsyncCustomerSession(1520, "dal:x", transport=Recording()) as session:
        with pytest.raises(InvalidRequestError) as caught:
            await session.chats.get_chats_summary(limit=26)
    functions = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert functions[1:] == ["get_chats_summary", "__call__"]


def test_a_loop_that_is_not_asyncio_s_is_refused_in_words() -> None:
    session = AsyncCustomerSession(1520, "dal:x", transport=Recording())
    calling = session.chats.close_thread("c")
    token = sniffio.current_async_library_cvar.set("trio")
    try:
        with pytest.raises(SessionStateError, match=r"^close_thread: .* asyncio only; here trio is running"):
            calling.send(None)
    finally:
        sniffio.current_async_library_cvar.reset(token)
    asyncio.run(session.aclose())
