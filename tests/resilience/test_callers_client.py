"""What a caller's own client or transport may do to a call: raise in hooks, or never say that it sends."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    ApiValidationError,
    AuthenticationError,
    CallTimeoutError,
    InternalError,
    LiveChatError,
    Outcome,
    Replay,
    Timeouts,
    TransportError,
)
from livechat_customer_async.sandbox import Fault, Sandbox, serve
from tests.helpers.scripted import NEVER_SENT, OTHER_FAULTS, ScriptedTransport, Step
from tests.helpers.sessions import TOKEN, a_session
from tests.helpers.virtual_time import virtual_time


async def raise_for_status(response: httpx.Response) -> None:
    response.raise_for_status()


async def read_and_raise_for_status(response: httpx.Response) -> None:
    await response.aread()
    response.raise_for_status()


@pytest.mark.asyncio
async def test_a_hook_that_raises_for_a_status_leaves_the_answer_what_it_is() -> None:
    sandbox = Sandbox()
    hooks: dict[str, Any] = {"response": [read_and_raise_for_status]}
    async with serve(sandbox) as server, httpx.AsyncClient(trust_env=False, event_hooks=hooks) as client:
        async with a_session(server.url, http_client=client) as session:
            sandbox.faults.add(Fault("error", type="validation"))
            with pytest.raises(ApiValidationError) as caught:
                await session.chats.start_chat()
            assert caught.value.outcome is Outcome.REJECTED
            sandbox.faults.add(Fault("error", type="internal"))
            assert (await session.chats.get_chats_summary()).total_chats == 0
            assert session.stats().retries == 1


@pytest.mark.asyncio
async def test_a_hook_that_raises_before_the_answer_is_read_leaves_its_status() -> None:
    sandbox = Sandbox()
    sandbox.expire_token(TOKEN)
    hooks: dict[str, Any] = {"response": [raise_for_status]}
    async with serve(sandbox) as server, httpx.AsyncClient(trust_env=False, event_hooks=hooks) as client:
        async with a_session(server.url, http_client=client) as session:
            with pytest.raises(AuthenticationError):
                await session.chats.start_chat()
            sandbox.faults.add(Fault("error", bare=True, status=500))
            with pytest.raises(InternalError) as caught:
                await session.for_customer("another").chats.start_chat()
            assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("asks", [True, False], ids=["takes_the_body", "never_asks_for_the_body"])
@pytest.mark.parametrize("fault", [*NEVER_SENT, *OTHER_FAULTS])
@virtual_time
async def test_what_a_transport_of_which_nothing_is_known_raises(fault: type[httpx.HTTPError], asks: bool) -> None:
    transport = ScriptedTransport({"act": [Step(fault=fault, asks=asks)]})
    async with a_session("http://127.0.0.1", transport=transport) as session:
        with pytest.raises(TransportError) as caught:
            await session.call("act", {}, replay=Replay.UNSAFE)
    assert caught.value.outcome is (Outcome.NOT_SENT if fault in NEVER_SENT else Outcome.UNKNOWN)
    connects = fault in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
    assert transport.requests == (3 if connects else 1)


@virtual_time
async def test_a_transport_that_never_asks_for_the_body_may_have_sent_it_when_the_time_ends() -> None:
    transport = ScriptedTransport({"act": [Step(delay=math.inf, asks=False)]})
    async with a_session("http://127.0.0.1", transport=transport, timeouts=Timeouts(total=1)) as session:
        with pytest.raises(CallTimeoutError) as caught:
            await session.call("act", {})
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 3])
async def test_calls_may_wait_in_the_smaller_pool_of_a_callers_client(size: int) -> None:
    """What waits there was not sent, and does not keep the others from their connections."""
    sandbox = Sandbox()
    armed = sandbox.faults.add(Fault("stall-before-headers", times=size))
    limits = httpx.Limits(max_connections=size)
    async with serve(sandbox) as server, httpx.AsyncClient(trust_env=False, limits=limits) as client:
        async with a_session(server.url, http_client=client, timeouts=Timeouts(total=0.5)) as session:
            shorter = session.with_options(timeouts=Timeouts(total=0.1))
            sessions = [session] * size + [shorter] * 2
            ends = await asyncio.gather(
                *(one.chats.start_chat(continuous=True) for one in sessions), return_exceptions=True
            )
            assert armed.struck == size
            outcomes = [end.outcome for end in ends if isinstance(end, LiveChatError)]
            assert outcomes == [Outcome.UNKNOWN] * size + [Outcome.NOT_SENT] * 2
