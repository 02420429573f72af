"""Sending over httpx's own pool without losing its slots.

httpcore 1.0.9 cleans up behind anyio's shields, which a native cancellation (`task.cancel()`, `asyncio.timeout`) breaks
through: a pool's slot is then lost for good. So a send runs in a task of its own, and whatever cancels the caller
reaches it as the cancellation of an anyio scope. A task group would do the same at twice the cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


async def guarded(send: Coroutine[Any, Any, T]) -> T:
    """Await `send`, safe against cancellation of any kind."""
    scope = anyio.CancelScope()
    task = asyncio.create_task(_within(scope, send))
    done = asyncio.get_running_loop().create_future()
    task.add_done_callback(lambda _: done.done() or done.set_result(None))
    try:
        await done
    except asyncio.CancelledError:
        scope.cancel()
        await _ended(task)
        raise
    result = task.result()
    assert result is not None  # its scope is cancelled by the lines above alone
    return result[0]


async def _within(scope: anyio.CancelScope, send: Coroutine[Any, Any, T]) -> tuple[T] | None:
    with scope:
        return (await send,)
    return None


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait for a task that was told to end, however often that wait is cancelled in its turn."""
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError:
                continue
    if not task.cancelled():
        task.exception()  # or asyncio would complain that nobody asked for it
