"""Sessions that must send nothing, and sessions that record what they send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from livechat_customer_async import AsyncCustomerSession, InvalidRequestError, Outcome

Drive = Callable[[AsyncCustomerSession], Awaitable[Any]]
Refused = Callable[..., Awaitable[InvalidRequestError]]
Sent = Callable[[Drive], Awaitable[dict[str, Any]]]


@pytest_asyncio.fixture
async def unused() -> AsyncIterator[AsyncCustomerSession]:
    """A session that fails the test if a request reaches its transport."""
    reached: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        reached.append(request.url.path)
        return httpx.Response(200, json={})

    async with AsyncCustomerSession(1520, "dal:canary", transport=httpx.MockTransport(note)) as session:
        yield session
        assert session.stats().attempts == 0
    assert reached == []


@pytest.fixture
def refused(unused: AsyncCustomerSession) -> Refused:
    """Check that a call is refused before it is sent, by its `parameter` and the words of its message."""

    async def check(drive: Drive, parameter: str | None, *words: str) -> InvalidRequestError:
        with pytest.raises(InvalidRequestError) as caught:
            await drive(unused)
        error = caught.value
        assert error.parameter == parameter, str(error)
        for word in words:
            assert word in str(error)
        assert (error.outcome, error.attempts) == (Outcome.NOT_SENT, 0)
        return error

    return check


@pytest_asyncio.fixture
async def sent() -> AsyncIterator[Sent]:
    """Return the payload that a call sends. The response is an error, so that no result is decoded."""
    payloads: list[dict[str, Any]] = []

    def keep(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        assert list(body) == ["payload"]
        payloads.append(body["payload"])
        return httpx.Response(403, json={"error": {"type": "authorization", "message": "enough"}})

    async with AsyncCustomerSession(1520, "dal:canary", transport=httpx.MockTransport(keep)) as session:

        async def check(drive: Drive) -> dict[str, Any]:
            payloads.clear()
            with pytest.raises(Exception, match="enough"):
                await drive(session)
            (payload,) = payloads
            return payload

        yield check
