"""The engine's pool has neither a limit nor a queue: the session's limiter must be enough."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Any

import pytest

from livechat_customer_async import AsyncCustomerSession, Limits, LiveChatError
from livechat_customer_async._net.http11.pool import Pool
from tests.helpers.byte_server import serving
from tests.net.http11.test_storm import dice

pytestmark = pytest.mark.asyncio

CONNECTIONS = 5


async def test_calls_in_flight_never_have_more_connections_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """900 calls at once, a third of them cancelled, over a server that closes, resets and stalls at random."""
    most = 0
    take, open_ = Pool.take, Pool.open

    def count(pool: Pool, extra: int) -> None:
        nonlocal most
        most = max(most, len(pool.connections) + len(pool._dialling) + extra)

    def counted_take(self: Pool) -> Any:
        count(self, 0)
        return take(self)

    async def counted_open(self: Pool, timeout: float | None) -> Any:  # noqa: ASYNC109 - as it is called
        count(self, 1)
        return await open_(self, timeout)

    monkeypatch.setattr(Pool, "take", counted_take)
    monkeypatch.setattr(Pool, "open", counted_open)
    chance = Random(5)

    async with serving(dice(11)) as server:
        url = server.url.rstrip("/")
        async with AsyncCustomerSession(1520, "dal:x", base_url=url, limits=Limits(connections=CONNECTIONS)) as session:

            async def call() -> None:
                with contextlib.suppress(LiveChatError):
                    if chance.random() < 0.2:
                        await session.events.upload_file(b"x" * chance.randrange(1, 500_000))
                    else:
                        await session.chats.close_thread("c")

            calls = [asyncio.create_task(call()) for _ in range(900)]
            for task in calls:
                if chance.random() < 0.5:
                    await asyncio.sleep(0)
                if chance.random() < 0.3:
                    task.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
    assert most == CONNECTIONS
