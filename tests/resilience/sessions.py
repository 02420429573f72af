"""Sessions, chats and waiting without sleeping, for all tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from livechat_customer_async import AsyncCustomerSession, RetryPolicy, Timeouts
from livechat_customer_async.sandbox import Sandbox

LICENSE = 1520
TOKEN = "dal-of-the-customer"
AT_ONCE = RetryPolicy(base=0, throttle_base=0)
BOUND = 20.0


def a_session(url: str, access_token: Any = TOKEN, **options: Any) -> AsyncCustomerSession:
    """Make a session that looks at no environment and retries at once."""
    given: dict[str, Any] = {"trust_env": False, "retry": AT_ONCE, "timeouts": Timeouts(read=5), **options}
    return AsyncCustomerSession(LICENSE, access_token, base_url=url, **given)


async def a_chat(sandbox: Sandbox, token: str = TOKEN) -> str:
    """Start a chat past all sockets; nothing of it is recorded."""
    async with a_session("http://127.0.0.1", token, transport=httpx.ASGITransport(sandbox.app)) as session:
        chat = await session.chats.start_chat(continuous=True)
    sandbox.forget_requests()
    return chat.id


async def ticks(count: int) -> None:
    """Let the event loop turn so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(reached: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    async with asyncio.timeout(BOUND):
        while not reached():  # noqa: ASYNC110 - nothing tells when it does
            await asyncio.sleep(0)


def assert_nothing_held(session: AsyncCustomerSession) -> None:
    """No call of the session holds a slot or waits for one."""
    stats = session.stats()
    assert (stats.in_flight, stats.queued) == (0, 0)


def open_files() -> int:
    """Return how many file descriptors the process has open; 0 where the system does not say."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0
