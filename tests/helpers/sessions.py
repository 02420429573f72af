"""Sessions with test defaults, started chats, and waiting without sleeping."""

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
    """Return a session that ignores the environment and retries without delay."""
    given: dict[str, Any] = {"trust_env": False, "retry": AT_ONCE, "timeouts": Timeouts(read=5), **options}
    return AsyncCustomerSession(LICENSE, access_token, base_url=url, **given)


async def a_chat(sandbox: Sandbox, token: str = TOKEN) -> str:
    """Start a chat in the sandbox without a socket and without recording the request."""
    async with a_session("http://127.0.0.1", token, transport=httpx.ASGITransport(sandbox.app)) as session:
        chat = await session.chats.start_chat(continuous=True)
    sandbox.forget_requests()
    return chat.id


async def ticks(count: int) -> None:
    """Let the event loop run `count` turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(reached: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds."""
    async with asyncio.timeout(BOUND):
        while not reached():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


def assert_nothing_held(session: AsyncCustomerSession) -> None:
    """Assert that no call of the session holds a slot or waits for one."""
    stats = session.stats()
    assert (stats.in_flight, stats.queued) == (0, 0)


def open_files() -> int:
    """Return the number of open file descriptors, or 0 on a system without /proc."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0
