"""Thousands of calls, cancelled at random moments in every supported way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import anyio
import attrs
import httpx

from livechat_customer_async import AsyncCustomerSession, Limits, NewMessage
from tests.helpers.sessions import a_session, ticks

SLOTS = 5
LATEST = 80  # the most turns of the event loop before a cancellation; a whole call may take fewer or more


class BoomError(Exception):
    """Raised in a task group to make it fail."""


@attrs.frozen
class Wave:
    """A number of concurrent calls."""

    session: AsyncCustomerSession
    rng: Random
    width: int
    file: Path

    def call(self) -> Awaitable[Any]:
        """Start a call of a random kind."""
        events = self.session.events
        match self.rng.randrange(8):
            case 0:
                return events.upload_file(self.file)
            case 1:
                return events.send_file("chat", _pieces())
            case 2 | 3:
                return events.send_event("chat", NewMessage(text="hello"))
            case _:
                return self.session.status.get_groups_status(all=True)

    def moment(self) -> int:
        """Return the number of turns before the cancellation."""
        return self.rng.randrange(LATEST)


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        await asyncio.sleep(0)
        yield b"piece" * 100


async def by_task_cancel(wave: Wave) -> None:
    """Run each call in a task and cancel each at a random moment."""
    tasks = [asyncio.ensure_future(wave.call()) for _ in range(wave.width)]
    moments = [wave.moment() for _ in tasks]
    for turn in range(LATEST):
        for task, moment in zip(tasks, moments, strict=True):
            if moment == turn:
                task.cancel()
        await asyncio.sleep(0)
    await _ended(tasks)


async def by_asyncio_timeout(wave: Wave) -> None:
    """Run each call under a timeout of a few milliseconds."""

    async def limited() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wave.rng.random() * 0.03):
                await wave.call()

    await _ended([asyncio.ensure_future(limited()) for _ in range(wave.width)])


async def by_task_group(wave: Wave) -> None:
    """Run all calls in a task group in which another task fails."""

    async def fail() -> None:
        await ticks(wave.moment())
        raise BoomError

    async def call() -> None:
        await wave.call()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(wave.width):
                group.create_task(call())
            group.create_task(fail())
    except* BoomError:
        pass


async def by_scope(wave: Wave) -> None:
    """Run each call in an anyio scope and cancel each at a random moment."""

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            await wave.call()

    async with anyio.create_task_group() as group:
        scopes = [anyio.CancelScope() for _ in range(wave.width)]
        moments = [wave.moment() for _ in scopes]
        for scope in scopes:
            group.start_soon(call, scope)
        for turn in range(LATEST):
            for scope, moment in zip(scopes, moments, strict=True):
                if moment == turn:
                    scope.cancel()
            await asyncio.sleep(0)


async def by_scope_timeout(wave: Wave) -> None:
    """Run each call in a scope with a deadline, and all of them in a scope that is cancelled."""

    async def call() -> None:
        with anyio.move_on_after(wave.rng.random() * 0.03):
            await wave.call()

    async with anyio.create_task_group() as group:
        for _ in range(wave.width):
            group.start_soon(call)
        await ticks(wave.moment())
        group.cancel_scope.cancel()


NATIVELY = [by_task_cancel, by_asyncio_timeout, by_task_group]
BY_SCOPE = [by_scope, by_scope_timeout]
Way = Callable[[Wave], Awaitable[None]]


async def _ended(tasks: Sequence[asyncio.Future[Any]]) -> None:
    results = await asyncio.gather(*tasks, return_exceptions=True)
    odd = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(one, asyncio.CancelledError) for one in odd), odd


# ---- transports


def over_auto(url: str, token: Any) -> AsyncCustomerSession:
    """Our own engine."""
    return a_session(url, token, limits=Limits(connections=SLOTS))


def over_httpx(url: str, token: Any) -> AsyncCustomerSession:
    """httpx's own transport."""
    return a_session(url, token, limits=Limits(connections=SLOTS), engine="httpx")


def over_a_callers_client(url: str, token: Any, size: int = SLOTS) -> AsyncCustomerSession:
    """A caller's client with a pool as large as the session's limits."""
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=size), trust_env=False)
    return a_session(url, token, limits=Limits(connections=SLOTS), http_client=client)


def over_a_callers_smaller_client(url: str, token: Any) -> AsyncCustomerSession:
    """A caller's client with a pool smaller than the session's limits."""
    return over_a_callers_client(url, token, size=2)


def over_a_callers_transport(url: str, token: Any) -> AsyncCustomerSession:
    """A caller's transport with a pool smaller than the session's limits."""
    transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=2), trust_env=False)
    return a_session(url, token, limits=Limits(connections=SLOTS), transport=transport)


OVER = [over_auto, over_httpx, over_a_callers_client, over_a_callers_smaller_client, over_a_callers_transport]
Over = Callable[[str, Any], AsyncCustomerSession]
