"""How a session behaves under a user's own mocks: errors, unmatched requests, sessions made before or after."""

from __future__ import annotations

import httpx
import pytest
import respx
from respx.models import AllMockedAssertionError

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    GroupOfflineError,
    Outcome,
    RetryPolicy,
    TransportError,
)

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
