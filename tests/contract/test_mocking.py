"""How a session behaves under a user's own mocks: errors, unmatched requests, sessions made before or after."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx
import trustme
from respx.models import AllMockedAssertionError

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    GroupOfflineError,
    Limits,
    Outcome,
    RetryPolicy,
    TransportError,
)
from livechat_customer_async._net.clients import shared_ssl_context
from livechat_customer_async.sandbox import Sandbox, serve
from tests.helpers.quick_server import QuickServer

pytestmark = pytest.mark.asyncio

URL = "https://api.livechatinc.com/v3.0/customer/action/close_thread"
every_way = pytest.mark.parametrize("using", ["httpcore", "httpx"])
every_engine = pytest.mark.parametrize("engine", ["auto", "httpx"])


def a_session(engine: str) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, "dal:canary", engine=engine, retry=RetryPolicy.none())


@every_way
@every_engine
@pytest.mark.parametrize(
    "raised, phase, outcome",
    [
        (httpx.ConnectError, None, Outcome.NOT_SENT),
        (httpx.ConnectTimeout, "connect", Outcome.NOT_SENT),
        (httpx.ReadTimeout, "read", Outcome.UNKNOWN),
        (httpx.ReadError, None, Outcome.UNKNOWN),
        (httpx.RemoteProtocolError, None, Outcome.UNKNOWN),
    ],
)
async def test_a_mocked_fault_has_its_outcome(
    using: str, engine: str, raised: type[Exception], phase: str | None, outcome: Outcome
) -> None:
    with respx.mock(using=using) as mock:
        mock.post(URL).mock(side_effect=raised)
        async with a_session(engine) as session:
            with pytest.raises(TransportError) as caught:
                await session.chats.close_thread("c")
    assert (caught.value.outcome, caught.value.attempts) == (outcome, 1)
    assert getattr(caught.value, "phase", None) == phase
    assert isinstance(caught.value, CallTimeoutError) is (phase is not None)


@every_way
@every_engine
async def test_an_error_answer(using: str, engine: str) -> None:
    with respx.mock(using=using) as mock:
        body = {"error": {"type": "group_offline", "message": "Group offline"}}
        mock.post(URL).respond(400, json=body)
        async with a_session(engine) as session:
            with pytest.raises(GroupOfflineError):
                await session.chats.close_thread("c")


@every_way
@every_engine
async def test_a_request_without_a_route_reaches_no_network(using: str, engine: str) -> None:
    with respx.mock(using=using, assert_all_called=False) as mock:
        mock.post("https://other.example.com/")
        async with a_session(engine) as session:
            with pytest.raises(AllMockedAssertionError):
                await session.chats.close_thread("c")
            assert session.stats().in_flight == 0


@every_engine
async def test_a_session_made_before_the_mock_is_mocked_too(engine: str) -> None:
    async with a_session(engine) as session:
        for _ in range(2):
            with respx.mock as mock:
                route = mock.post(url__startswith=URL).respond(204)
                await session.chats.close_thread("c")
                assert route.call_count == 1


# ---- what is a mock, and what is not


class Wrapper:
    """As `wrapt.FunctionWrapper`, by which OpenTelemetry and others patch methods: an object, not a function."""

    def __init__(self, wrapped: Any) -> None:
        self.__wrapped__ = wrapped
        self.calls = 0

    def __get__(self, instance: Any, owner: type) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return await self.__wrapped__.__get__(instance, owner)(*args, **kwargs)

        return call


SEND = (httpx.AsyncClient, "send")
TRANSPORT = (httpx.AsyncHTTPTransport, "handle_async_request")


def instrument(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> Wrapper:
    wrapper = Wrapper(vars(owner)[name])
    monkeypatch.setattr(owner, name, wrapper)
    return wrapper


async def answer_204(*_: Any, **__: Any) -> httpx.Response:
    return httpx.Response(204)


@functools.wraps(httpx.AsyncHTTPTransport.handle_async_request)
async def dressed_up(*_: Any, **__: Any) -> httpx.Response:
    """Has the name, module and `__wrapped__` of the original, as vcrpy's function."""
    return httpx.Response(204)


@pytest.mark.parametrize("patched", [SEND, TRANSPORT])
async def test_instrumentation_leaves_the_engine_on(patched: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = instrument(monkeypatch, *patched)
    async with serve(Sandbox()) as server:
        async with AsyncCustomerSession(1520, "dal:canary", base_url=server.url) as session:
            await session.chats.start_chat()
            assert session.stats().connections == 1
        async with AsyncCustomerSession(1520, "dal:canary", base_url=server.url, engine="httpx") as session:
            await session.chats.start_chat()
    assert wrapper.calls == 1


FAKES = {"function": answer_204, "dressed up": dressed_up, "mock object": AsyncMock(side_effect=answer_204)}


@pytest.mark.parametrize("patched", [SEND, TRANSPORT])
@pytest.mark.parametrize("fake", FAKES.values(), ids=FAKES)
@pytest.mark.parametrize("instrumented_first", [False, True])
async def test_a_function_of_the_test_s_own_is_a_mock(
    patched: tuple[type, str], fake: Any, instrumented_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if instrumented_first:
        instrument(monkeypatch, *patched)
    monkeypatch.setattr(*patched, fake)
    async with a_session("auto") as session:
        await session.chats.close_thread("c")
        assert session.stats().connections == 0


@pytest.mark.parametrize("patched", [SEND, TRANSPORT])
async def test_a_mock_below_instrumentation_is_a_mock(
    patched: tuple[type, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*patched, answer_204)
    wrapper = instrument(monkeypatch, *patched)
    async with a_session("auto") as session:
        await session.chats.close_thread("c")
        assert (session.stats().connections, wrapper.calls) == (0, 1)


async def test_what_stands_in_keeps_its_slots_when_calls_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock that lets requests through to httpx's own transport, as pytest-httpx can."""
    original = httpx.AsyncHTTPTransport.handle_async_request

    async def let_through(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await original(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", let_through)
    chance = Random(3)
    async with QuickServer(Random(1), slowest=8) as server:
        options = {"base_url": server.url, "limits": Limits(connections=3), "trust_env": False}
        async with asyncio.timeout(30), AsyncCustomerSession(1520, "dal:canary", **options) as session:  # type: ignore[arg-type]
            for _ in range(15):
                calls = [asyncio.create_task(session.status.get_groups_status(all=True)) for _ in range(20)]
                for call in calls:
                    for _ in range(chance.randrange(8)):
                        await asyncio.sleep(0)
                    call.cancel()
                await asyncio.wait(calls)
            probes = [session.status.get_groups_status(all=True) for _ in range(12)]
            assert await asyncio.gather(*probes) == [{0: "online"}] * 12


async def test_what_stands_in_keeps_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`SSL_CERT_FILE` counts, as it does without a mock."""
    authority = trustme.CA()
    certificate, trusted = tmp_path / "server.pem", tmp_path / "trusted.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(trusted))
    original = httpx.AsyncHTTPTransport.handle_async_request

    async def let_through(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await original(self, request)

    shared_ssl_context.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", let_through)
    async with serve(Sandbox(), ssl_certfile=certificate) as server:
        async with AsyncCustomerSession(1520, "dal:canary", base_url=server.url) as session:
            await session.chats.start_chat()
    shared_ssl_context.cache_clear()
