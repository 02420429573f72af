"""Where the methods of a source run: a thread for those that block, a task for those that are awaited.

No cancellation reaches a call of a source. A thread cannot be interrupted: the result of its call (an opened file, a
piece just read) would be lost, or the file would be closed during a read. A generator may hold cancel scopes and task
groups across its yields, and they belong to the task that entered them. So the calls of one upload run in the order in
which they were started, in a thread or a task of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import anyio

from .pieces import unusable

T = TypeVar("T")
_Outcome: TypeAlias = "asyncio.Future[Any]"
_Call: TypeAlias = tuple[Callable[[], Any], _Outcome]

GRACE: Final = 0.25
"""Seconds that closing a source waits for it; after that it is closed in the background."""

FINISHED: Final = "the upload has already finished"

_IDLE: Final = 0.05
"""Seconds without a call after which a thread ends."""

# So many blocking calls of one event loop start at once: each that ends is a chunk to be sent, or a thread to be
# started, and with fifty of them in one iteration the loop stalls for 20 ms. A call that is not brief stops counting:
# a slow source does not hold up others.
_AT_ONCE: Final = 6
_BRIEF: Final = 0.001
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, anyio.Semaphore] = WeakKeyDictionary()  # asyncio's hold the loop


class Runner(Protocol):
    """Makes the calls of one upload, in the order in which they were started."""

    async def start(self, function: Callable[[], Any], /) -> _Outcome:
        """Start a call. Wait for its outcome with `result_of`, which never cancels it.

        Raises:
            InvalidRequestError: `finish` was called already.
        """
        ...

    async def finish(self, function: Callable[[], Any], /) -> None:
        """Make a last call, then end. Waits for it for `GRACE` seconds at most; its failure is reported to the loop."""
        ...


async def result_of(outcome: asyncio.Future[T]) -> T:
    """Wait for the outcome of a call. Cancellation ends the waiting, never the call."""
    await asyncio.wait({outcome})
    return outcome.result()


class Worker:
    """Makes blocking calls in a thread of its own.

    The thread ends when it is idle for a while: an upload that is queued, or whose server is slow, needs none. The next
    call starts another one. A pool's threads would be held up by a source that hangs, and each `anyio.to_thread` call
    costs the loop more time than sending the chunk does.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()  # protects the decision whether there is a thread for the next call
        self._has_thread = False
        self._used = False
        self._finished = False

    async def start(self, function: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        turns = _turns.get(loop)
        if turns is None:
            turns = _turns[loop] = anyio.Semaphore(_AT_ONCE, fast_acquire=True)
        await turns.acquire()
        try:
            outcome = self._start_in_time(function)
        except BaseException:
            turns.release()
            raise
        turn = contextlib.ExitStack()
        turn.callback(turns.release)
        outcome.add_done_callback(lambda _: turn.close())
        loop.call_later(_BRIEF, turn.close)
        return outcome

    async def finish(self, function: Callable[[], None]) -> None:
        self._finished = True
        if not self._used:
            return
        try:
            outcome = self._start_now(function)
        except RuntimeError:
            if self._has_thread:
                raise
            outcome = asyncio.get_running_loop().create_future()
            _settled(function, outcome)()  # no thread can be started, and none of its own is running
        self._calls.put(None)
        await _wait_for_last(outcome)

    def _start_in_time(self, function: Callable[[], T]) -> asyncio.Future[T]:
        if self._finished:  # nobody would close what the call opens
            raise unusable(FINISHED)
        return self._start_now(function)

    def _start_now(self, function: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if not self._has_thread:
                work = partial(contextvars.copy_context().run, self._work, loop)
                # A daemon: a read that never returns must not keep the program from exiting.
                threading.Thread(target=work, name="livechat upload", daemon=True).start()
                self._has_thread = self._used = True
            self._calls.put((function, outcome))
        return outcome

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (call := self._next()) is not None:
            settle = _settled(*call)
            # On a closed loop nobody waits; the calls still queued are made all the same, because they close files.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle)
            del call, settle

    def _next(self) -> _Call | None:
        try:
            call = self._calls.get(timeout=_IDLE)
        except Empty:
            call = None
        with self._lock:
            while call is None and not self._calls.empty():  # one was added since
                call = self._calls.get()
            self._has_thread = call is not None
        return call


class Pump:
    """Makes awaited calls in a task of its own."""

    _running: Final[set[asyncio.Task[None]]] = set()  # asyncio itself keeps weak references only

    def __init__(self, cancelled: Callable[[asyncio.CancelledError], Awaitable[None]], *, interrupt: bool) -> None:
        """Take what handles a cancellation between two calls, and whether `finish` cancels a call that is running."""
        self._cancelled = cancelled
        self._interrupt = interrupt
        self._calls: asyncio.Queue[_Call | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._busy = self._finished = False

    async def start(self, function: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        if self._finished:
            raise unusable(FINISHED)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="livechat upload")
            self._running.add(self._task)
            self._task.add_done_callback(self._running.discard)
        return self._put(function)

    async def finish(self, function: Callable[[], Awaitable[None]]) -> None:
        self._finished = True
        task = self._task
        if task is None or task.done():
            return
        outcome = self._put(function)
        self._calls.put_nowait(None)
        if self._busy and self._interrupt:
            task.cancel()
        timer = asyncio.get_running_loop().call_later(GRACE, task.cancel)
        task.add_done_callback(lambda _: timer.cancel())
        await _wait_for_last(outcome)

    def _put(self, function: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls.put_nowait((function, outcome))
        return outcome

    async def _work(self) -> None:
        try:
            while (call := await self._next()) is not None:
                self._busy = True
                await _settle(*call)
                self._busy = False
                del call
        finally:
            self._finished = True
            while not self._calls.empty() and (call := self._calls.get_nowait()) is not None:
                _fail(call[1], unusable(FINISHED))

    async def _next(self) -> _Call | None:
        while True:
            try:
                return await self._calls.get()
            except asyncio.CancelledError as error:
                await self._cancelled(error)


def _settled(function: Callable[[], Any], outcome: _Outcome) -> Callable[[], object]:
    """Make a call, and return what sets its outcome."""
    try:
        return partial(outcome.set_result, function())
    except BaseException as error:  # noqa: BLE001 - raised again in the task that waits
        return partial(_fail, outcome, error)


async def _settle(function: Callable[[], Awaitable[Any]], outcome: _Outcome) -> None:
    try:
        outcome.set_result(await function())
    except BaseException as error:  # noqa: BLE001 - raised again in the task that waits
        _fail(outcome, error)


def _fail(outcome: _Outcome, error: BaseException) -> None:
    # A future refuses the first; the second would look like a cancellation of the task that waits.
    if isinstance(error, StopIteration | asyncio.CancelledError):
        wrapped = unusable(f"the source raised {type(error).__name__}")
        wrapped.__cause__ = error
        error = wrapped
    outcome.set_exception(error)
    outcome.exception()  # if the task that waited was cancelled, asyncio would log that it was never retrieved


async def _wait_for_last(outcome: _Outcome) -> None:
    outcome.add_done_callback(_report)
    with anyio.CancelScope(shield=True):
        await asyncio.wait({outcome}, timeout=GRACE)


def _report(outcome: _Outcome) -> None:
    """Report a failure to the loop's exception handler: it must not hide what ended the upload."""
    error = outcome.exception()
    if error is not None:
        context = {"message": "closing the source of an upload failed", "exception": error}
        outcome.get_loop().call_exception_handler(context)
