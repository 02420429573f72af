"""Each error class, raised by what it stands for: with the facts of its call, and whole through pickle and copy."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

import livechat_customer_async as package
from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    CallTimeoutError,
    ChatWindowError,
    ConfigurationError,
    DecodeError,
    FileTooLargeError,
    InternalError,
    InvalidRequestError,
    Limits,
    LiveChatError,
    Outcome,
    ResponseDecodeError,
    SessionStateError,
    Timeouts,
    TokenProviderError,
    TransportError,
)
from livechat_customer_async.sandbox import Fault, Sandbox, serve
from tests.helpers.sessions import BOUND, TOKEN, a_session, assert_nothing_held
from tests.helpers.subjects import ENGINES

pytestmark = pytest.mark.asyncio

SECRET = TOKEN
TYPES = sorted(ApiError._classes)
DATA = {"region": "fra", "deep": [{"a": None}]}


@asynccontextmanager
async def over(sandbox: Sandbox, **options: Any) -> AsyncIterator[AsyncCustomerSession]:
    async with asyncio.timeout(BOUND), serve(sandbox) as server:
        async with a_session(server.url, **{"retry": package.RetryPolicy.none(), **options}) as session:
            yield session
            assert_nothing_held(session)


async def raised_by(call: Awaitable[Any]) -> LiveChatError:
    with pytest.raises(LiveChatError) as caught:
        await call
    return caught.value


def assert_survives_copies(error: LiveChatError) -> None:
    copies = [
        *(pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.deepcopy(error),
        copy.copy(error),
        pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(error)))),
    ]
    for one in copies:
        assert type(one) is type(error)
        assert (vars(one), one.args, str(one)) == (vars(error), error.args, str(error))
    assert copies[0].__cause__ is None
    everything = pickle.dumps(error) + repr(error).encode() + str(error).encode() + repr(vars(error)).encode()
    assert SECRET.encode() not in everything
    cause: BaseException | None = error.__cause__
    while cause is not None:
        assert SECRET not in repr(vars(cause)) + str(cause)
        request = getattr(cause, "_request", None)
        assert request is None or "authorization" not in request.headers
        cause = cause.__cause__


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("type_", [*TYPES, "never_seen"])
async def test_each_error_of_the_server(type_: str, engine: str) -> None:
    fault = Fault("error", type=type_, message="because", data=DATA, retry_after="40", times=None)
    async with over(Sandbox(faults=[fault]), engine=engine) as session:
        error = await raised_by(session.chats.get_chats_summary())
    assert isinstance(error, ApiError)
    assert type(error) is ApiError.class_for(type_)
    assert (error.type, error.message, error.data, error.retry_after) == (type_, "because", DATA, 40.0)
    assert (error.action, error.attempts, error.status_code > 299) == ("get_chats_summary", 1 + _replays(type_), True)
    open_ = type_ in ("internal", "request_timeout")
    assert error.outcome is (Outcome.UNKNOWN if open_ else Outcome.REJECTED)
    assert error.elapsed > 0
    assert_survives_copies(error)


def _replays(type_: str) -> int:
    return int(type_ == "misdirected_request")  # its data names a region


async def _refused(_: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    return await raised_by(session.events.send_event("", package.NewMessage(text="x")))


async def _undecodable(sandbox: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    sandbox.faults.add(Fault("garbage-body"))
    return await raised_by(session.chats.get_chats_summary())


async def _broken(sandbox: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    sandbox.faults.add(Fault("reset-after-performing"))
    return await raised_by(session.chats.get_chats_summary())


async def _provider_failed(_: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    async def provider() -> str:
        raise RuntimeError(SECRET)

    error = await raised_by(session.for_customer(provider).chats.get_chats_summary())
    error.__cause__ = None  # the provider's own error, and what it says, is the caller's
    return error


async def _window(sandbox: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    for _ in range(126):
        await session.chats.start_chat(continuous=True)

    async def listed() -> None:
        async for _ in session.chats.iter_chats_summary():
            pass

    return await raised_by(listed())


async def _closed(_: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    await session.aclose()
    return await raised_by(session.chats.get_chats_summary())


async def _misconfigured(_: Sandbox, session: AsyncCustomerSession) -> LiveChatError:
    with pytest.raises(ConfigurationError) as caught:
        session.for_customer("two words")
    return caught.value


@attrs.frozen
class Real:
    """An error, what raises it, and what it must say."""

    error: type[LiveChatError]
    outcome: Outcome
    attempts: int
    raises: Callable[[Sandbox, AsyncCustomerSession], Awaitable[LiveChatError]]
    action: str | None = "get_chats_summary"

    def __str__(self) -> str:
        return self.error.__name__


REAL = [
    Real(InvalidRequestError, Outcome.NOT_SENT, 0, _refused, "send_event"),
    Real(ResponseDecodeError, Outcome.UNKNOWN, 1, _undecodable),
    Real(TransportError, Outcome.UNKNOWN, 1, _broken),
    Real(TokenProviderError, Outcome.NOT_SENT, 0, _provider_failed),
    Real(SessionStateError, Outcome.NOT_SENT, 0, _closed),
    Real(ConfigurationError, Outcome.NOT_SENT, 0, _misconfigured, None),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("real", REAL, ids=str)
async def test_each_error_of_ours(real: Real, engine: str) -> None:
    sandbox = Sandbox()
    async with over(sandbox, engine=engine) as session:
        error = await real.raises(sandbox, session)
        assert type(error) is real.error
        assert (error.action, error.attempts, error.outcome) == (real.action, real.attempts, real.outcome)
        assert_survives_copies(error)


async def test_the_window_of_the_server() -> None:
    sandbox = Sandbox()
    async with over(sandbox) as session:
        error = await _window(sandbox, session)
        assert isinstance(error, ChatWindowError)
        assert (error.reached, error.total) == (125, 126)
        assert_survives_copies(error)


def _raised_in_tests() -> set[type[LiveChatError]]:
    raised = {real.error for real in REAL} | {ApiError.class_for(type_) for type_ in TYPES}
    return raised | {ApiError, ChatWindowError, CallTimeoutError, DecodeError, FileTooLargeError, LiveChatError}


async def test_no_class_is_left_out() -> None:
    public = {value for name in package.__all__ if isinstance(value := getattr(package, name), type)}
    assert {one for one in public if issubclass(one, LiveChatError)} == _raised_in_tests()


# ---- the phases of a time-out


@pytest.mark.parametrize("engine", ENGINES)
async def test_connect(full_port: int, engine: str) -> None:
    limits = Timeouts(connect=0.1)
    async with a_session(f"http://127.0.0.1:{full_port}", engine=engine, timeouts=limits) as session:
        error = await raised_by(session.with_options(retry=package.RetryPolicy.none()).call("act", {}))
    _assert_phase(error, "connect", Outcome.NOT_SENT, 0.1)


@pytest.mark.parametrize("engine", ENGINES)
async def test_read(deaf_port: int, engine: str) -> None:
    async with a_session(f"http://127.0.0.1:{deaf_port}", engine=engine, timeouts=Timeouts(read=0.1)) as session:
        _assert_phase(await raised_by(session.call("act", {})), "read", Outcome.UNKNOWN, 0.1)


@pytest.mark.parametrize("engine", ENGINES)
async def test_write(deaf_port: int, engine: str) -> None:
    async with a_session(f"http://127.0.0.1:{deaf_port}", engine=engine, timeouts=Timeouts(write=0.1)) as session:
        error = await raised_by(session.events.send_file("chat", b"x" * 10_000_000))
    _assert_phase(error, "write", Outcome.UNKNOWN, 0.1)


@pytest.mark.parametrize("engine", ENGINES)
async def test_queue(deaf_port: int, engine: str) -> None:
    limits = Limits(connections=1, queue_timeout=0.1)
    url = f"http://127.0.0.1:{deaf_port}"
    async with a_session(url, engine=engine, limits=limits, timeouts=Timeouts(read=0.3)) as session:
        first = asyncio.ensure_future(raised_by(session.call("act", {})))
        await asyncio.sleep(0)
        error = await raised_by(session.call("act", {}))
        _assert_phase(error, "queue", Outcome.NOT_SENT, 0.1, attempts=0)
        await first
        assert_nothing_held(session)


@pytest.mark.parametrize("engine", ENGINES)
async def test_total(deaf_port: int, engine: str) -> None:
    async with a_session(f"http://127.0.0.1:{deaf_port}", engine=engine, timeouts=Timeouts(total=0.1)) as session:
        _assert_phase(await raised_by(session.call("act", {})), "total", Outcome.UNKNOWN, 0.1)
        assert_nothing_held(session)


@pytest.mark.parametrize("engine", ENGINES)
async def test_upload_total_takes_the_place_of_total(deaf_port: int, engine: str) -> None:
    limits = Timeouts(total=0.01, upload_total=0.1)
    async with a_session(f"http://127.0.0.1:{deaf_port}", engine=engine, timeouts=limits) as session:
        error = await raised_by(session.events.send_file("chat", b"x"))
        _assert_phase(error, "total", Outcome.UNKNOWN, 0.1)


async def test_a_full_queue_is_no_time_out(deaf_port: int) -> None:
    limits = Limits(connections=1, queue=0)
    async with a_session(f"http://127.0.0.1:{deaf_port}", limits=limits, timeouts=Timeouts(read=0.1)) as session:
        first = asyncio.ensure_future(raised_by(session.call("act", {})))
        await asyncio.sleep(0)
        error = await raised_by(session.call("act", {}))
        assert (type(error), error.outcome, error.attempts) == (TransportError, Outcome.NOT_SENT, 0)
        assert_survives_copies(error)
        await first


async def test_the_error_after_a_retry_says_what_happened_last_and_how_often() -> None:
    sandbox = Sandbox(faults=[Fault("reset-after-performing", times=2), Fault("error", type="internal")])
    async with over(sandbox, retry=package.RetryPolicy(base=0)) as session:
        error = await raised_by(session.chats.get_chats_summary())
        assert isinstance(error, InternalError)
        assert (error.attempts, error.outcome) == (3, Outcome.UNKNOWN)
        assert "3 attempts" in str(error)
        assert_survives_copies(error)


def _assert_phase(error: LiveChatError, phase: str, outcome: Outcome, least: float, *, attempts: int = 1) -> None:
    assert isinstance(error, CallTimeoutError)
    assert isinstance(error, TimeoutError)
    assert (error.phase, error.outcome, error.attempts) == (phase, outcome, attempts)
    assert f"{least:g} s" in str(error)
    assert error.elapsed >= least * 0.9
    assert_survives_copies(error)
