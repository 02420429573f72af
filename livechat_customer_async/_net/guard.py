"""Sending over httpx's own pool without losing its slots.

httpcore 1.0.9 loses a slot for good in three ways:

- It cleans up behind anyio's shields, which a native cancellation (`task.cancel()`, `asyncio.timeout`) breaks through.
  So a send runs in a task of its own, and whatever cancels the caller reaches it as the cancellation of a scope.
- It forgets a connection that it hands to a waiting request in the moment in which that request is cancelled. So where
  requests may have to wait inside its pool, a cancelled one keeps waiting, and ends as soon as it has its connection.
- It forgets a connection whose request is cancelled between the connect and the first byte. So a cancellation in the
  last moment of the connect is raised while httpcore still takes it for a failed connect (see `trace`).

A task group in place of the task would cost twice as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio

from .delivery import Witness

T = TypeVar("T")

# In seconds. A transport that has reported nothing by then is not httpcore's, and may be cancelled.
_PATIENCE = 1.0


class Progress:
    """How far one send has come.

    Attributes:
        begun: whether it is past the wait for a connection, if there is one.
        fresh: whether it has made a connection.
        reused: whether it is sent over a connection that was there before.
        silent: whether nothing came over that connection.
        on_begun: called when it is.
    """

    begun = fresh = reused = silent = False
    on_begun: Callable[[], None] | None = None

    def begin(self) -> None:
        """Note that it has a connection."""
        self.begun = True
        if self.on_begun is not None:
            self.on_begun()


class Guard:
    """Guards the sends over one client."""

    def __init__(self, witness: Witness, *, may_queue: bool) -> None:
        """Make a guard; `may_queue` says whether sends may wait inside the client's pool, or for a tunnel."""
        self._witness = witness
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
        """Cancel what still waits."""
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
        if not self._witness.traces:
            scope.cancel()


async def _within(
    scope: anyio.CancelScope, send: Coroutine[Any, Any, T], wake: Callable[[object], None]
) -> tuple[T] | None:
    with scope:
        result = (await send,)
        wake(result)  # a turn of the loop earlier than the callback of the task would
        return result
    return None


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait for a cancelled task to end, however often that wait is cancelled itself."""
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError:
                continue
    _retrieve(task)


def _retrieve(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # or asyncio would log that it was never retrieved
