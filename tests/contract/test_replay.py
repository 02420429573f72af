"""What the replay class of each action means to its calls: an unknown outcome is tried again, or it is not."""

from __future__ import annotations

import httpx
import pytest

from livechat_customer_async import AsyncCustomerSession, InternalError, Outcome, Replay, RetryPolicy
from tests.helpers.drives import CHAT, DRIVES
from tests.helpers.readings import reading
from tests.helpers.samples import SAMPLES

pytestmark = pytest.mark.asyncio

UNSAFE = (
    "start_chat",
    "activate_chat",
    "close_thread",
    "send_event",
    "send_file",
    "check_goals",
    "send_rich_message_postback",
    "send_sneak_peek",
)
AT_ONCE = RetryPolicy(base=0)


class FailsOnce(httpx.AsyncBaseTransport):
    """Answers the first request with a 500 that says nothing, and every further one rightly."""

    def __init__(self, action: str) -> None:
        self._answer = next(iter(SAMPLES[action].responses.values()))
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        if len(self.bodies) == 1:
            return httpx.Response(500)
        return httpx.Response(self._answer.status, content=self._answer.content)


async def drive(action: str, request_name: str) -> tuple[FailsOnce, object]:
    transport = FailsOnce(action)
    async with AsyncCustomerSession(1520, "dal:canary", transport=transport, retry=AT_ONCE) as session:
        try:
            return transport, await DRIVES[action][request_name](session)
        except InternalError as error:
            return transport, error


@pytest.mark.parametrize("action", sorted(set(DRIVES) - set(UNSAFE)))
async def test_a_safe_action_is_tried_again_after_an_unknown_outcome(action: str) -> None:
    transport, result = await drive(action, "full")
    first, second = transport.bodies
    assert first == second
    reading(action, next(iter(SAMPLES[action].responses)))(result)


@pytest.mark.parametrize("action", UNSAFE)
async def test_an_unsafe_action_is_not(action: str) -> None:
    transport, result = await drive(action, "full")
    assert len(transport.bodies) == 1
    assert isinstance(result, InternalError)
    assert (result.outcome, result.attempts, result.action) == (Outcome.UNKNOWN, 1, action)


async def test_a_last_seen_timestamp_is_safe_only_with_a_time() -> None:
    transport, result = await drive("update_last_seen_timestamp", "falsy")
    assert len(transport.bodies) == 2
    transport, result = await drive("update_last_seen_timestamp", "minimal")
    assert len(transport.bodies) == 1
    assert isinstance(result, InternalError)


async def test_a_raw_call_is_unsafe_unless_the_caller_says_otherwise() -> None:

    for replay, requests in ((None, 1), (Replay.UNSAFE, 1), (Replay.SAFE, 2)):
        transport = FailsOnce("close_thread")
        async with AsyncCustomerSession(1520, "dal:canary", transport=transport, retry=AT_ONCE) as session:
            try:
                options = {} if replay is None else {"replay": replay}
                assert await session.call("close_thread", {"chat_id": CHAT}, **options) == {}
            except InternalError:
                assert replay is not Replay.SAFE
        assert len(transport.bodies) == requests
