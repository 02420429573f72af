"""Sending over httpx's own pool without losing its slots.

httpcore 1.0.9 loses a slot for good in three ways. It cleans up behind anyio's shields, which a native cancellation
(`task.cancel()`, `asyncio.timeout`) breaks through: so a send runs in a task of its own, and whatever cancels the
caller reaches it as the cancellation of an anyio scope. And it forgets a connection that it hands to a request in the
very moment in which that request, waiting inside its pool, is cancelled: so where requests may have to wait there, one
that is cancelled waits on by itself, and ends as soon as it has its connection. And it forgets a connection whose
request is cancelled between the connect and the first byte: so a cancellation that came in the connect's last moment is
let in while httpcore still takes it for a failed connect.

A task group in place of the task would cost twice as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import anyio
import anyio.lowlevel

T = TypeVar("T")

# In seconds. A transport that has not said by then that a send began is none of httpcore's, and may be cancelled.
_PATIENCE = 1.0


class Progress(Protocol):
    """How far a send has come."""

    begun: bool
    """Whether it has a connection."""
    on_begun: Callable[[], None] | None
    """Called when it gets one."""


class Guard:
    """Guards the sends over one client.

    Attributes:
        traces: whether the transport at work is httpcore's, which says when a send begins; `None` while nothing was
            sent, and `False` once an answer came without that.
    """

    def __init__(self, *, may_queue: bool) -> None:
        """Make a guard; `may_queue` says whether sends may have to wait inside the client's pool, or for a tunnel."""
        self.traces: bool | None = None
        self._may_queue = may_queue
        self._waiting: set[asyncio.Task[Any]] = set()

    async def run(self, send: Coroutine[Any, Any, T], progress: Progress) -> T:
        """Await `send`, safe against cancellation of any kind."""
        scope = anyio.CancelScope()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: object) -> None:
            if not done.done():
                done.set_result(None)

        task = asyncio.create_task(_within(scope, send, wake))
        task.add_done_callback(wake)
        try:
            await done
        except asyncio.CancelledError:
            if self._may_queue and not progress.begun and not task.done():
                self._leave_waiting(task, scope, progress)
            else:
                scope.cancel()
                await _ended(task)
            raise
        result = task.result()
        assert result is not None  # its scope is cancelled by the lines above alone
        return result[0]

    def close(self) -> None:
        """End what still waits."""
        for task in self._waiting:
            task.cancel()

    def _leave_waiting(self, task: asyncio.Task[Any], scope: anyio.CancelScope, progress: Progress) -> None:
        progress.on_begun = scope.cancel
        timer = asyncio.get_running_loop().call_later(_PATIENCE, self._give_up, scope)
        self._waiting.add(task)

        def forget(_: asyncio.Task[Any]) -> None:
            timer.cancel()
            self._waiting.discard(task)
            _retrieve(task)

        task.add_done_callback(forget)

    def _give_up(self, scope: anyio.CancelScope) -> None:
        if not self.traces:
            scope.cancel()


async def leave_if_cancelled(stream: Any) -> None:
    """Raise the cancellation that waits to be raised, if one does, and close a stream that nobody else knows yet."""
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
    except BaseException:
        await close(stream)
        raise


async def close(stream: Any) -> None:
    """Close a stream of httpcore's, if there is one, whatever is cancelled."""
    if stream is not None:
        with anyio.CancelScope(shield=True):
            await stream.aclose()


async def _within(
    scope: anyio.CancelScope, send: Coroutine[Any, Any, T], wake: Callable[[object], None]
) -> tuple[T] | None:
    with scope:
        result = (await send,)
        wake(result)  # a turn of the loop earlier than the task's own callback would
        return result
    return None


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait for a task that was told to end, however often that wait is cancelled in its turn."""
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError:
                continue
    _retrieve(task)


def _retrieve(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # or asyncio would complain that nobody asked for it
