"""Blocking sources, read in worker threads, whatever is cancelled meanwhile.

A thread cannot be interrupted: when the task that waits for it is cancelled, its call runs on. The call's result would
be lost (a file just opened, a piece just read), or the file would be closed under it. So no cancellation reaches a call
here, and the calls of one upload run in the order they were started, in a thread of their own. With a pool's threads,
a source that hangs would hold up others; and each hop through `anyio.to_thread` takes the loop longer than sending the
chunk does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import anyio

from ..errors import InvalidRequestError
from .pieces import Facts

T = TypeVar("T")
_Call: TypeAlias = tuple[Callable[[], Any], "asyncio.Future[Any]"]

GRACE: Final = 0.25
"""Seconds that closing a source waits for what still runs in it; then that ends in the background."""

_IDLE: Final = 0.05
"""Seconds without a call after which a thread ends."""

# So many calls of one event loop start at once: each that ends is a chunk to be sent, or a thread to be started, and a
# turn of the loop that has fifty of them lasts 20 ms. One that is not brief stops counting: a slow source holds up
# no other.
_AT_ONCE: Final = 6
_BRIEF: Final = 0.001
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, anyio.Semaphore] = WeakKeyDictionary()  # asyncio's hold the loop


class Worker:
    """Makes the blocking calls of one upload, in the order they were started, and loses none.

    Its thread ends when it has had nothing to do for a while: an upload that queues, or whose server is slow, needs
    none. A next call starts another one.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()  # of the decision whether there is a thread for the next call
        self._has_thread = False
        self._used = False
        self._finished = False

    async def start(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Start a call when it is its turn. Wait for the outcome with `asyncio.wait`, which never cancels it.

        Raises:
            InvalidRequestError: the last call was made meanwhile.
        """
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
        release = _once(turns.release)
        outcome.add_done_callback(release)
        loop.call_later(_BRIEF, release)
        return outcome

    async def run(self, function: Callable[[], T]) -> T:
        """Run a call and return its result. A cancellation ends the waiting, never a call that was started."""
        outcome = await self.start(function)
        await asyncio.wait({outcome})
        return outcome.result()

    async def finish(self, function: Callable[[], None]) -> None:
        """Run a last call, then end. The call is made for certain, though waited for only `GRACE` seconds."""
        self._finished = True
        if not self._used:
            return
        try:
            outcome = self._start_now(function)
        except RuntimeError:
            if self._has_thread:
                raise
            _call_here(function)  # no thread can be started, and none of its own is at work
            return
        self._calls.put(None)
        with anyio.CancelScope(shield=True):
            await asyncio.wait({outcome}, timeout=GRACE)
        if outcome.done() and (error := outcome.exception()) is not None:
            report(error)

    def _start_in_time(self, function: Callable[[], T]) -> asyncio.Future[T]:
        if self._finished:  # what a call after the last one opened, nobody would close
            raise InvalidRequestError("its upload has ended", parameter="file")
        return self._start_now(function)

    def _start_now(self, function: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if not self._has_thread:
                work = partial(contextvars.copy_context().run, self._work, loop)
                # A daemon: a read that never returns must not keep the program from ending.
                threading.Thread(target=work, name="livechat upload", daemon=True).start()
                self._has_thread = self._used = True
            self._calls.put((function, outcome))
        return outcome

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (call := self._next()) is not None:
            function, outcome = call
            try:
                settle = partial(outcome.set_result, function())
            except BaseException as error:  # noqa: BLE001 - raised again by who awaits it
                settle = partial(_fail, outcome, error)
            # When the loop is closed, nobody waits; the calls still queued are made all the same: they close files.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle)
            del call, function, outcome, settle

    def _next(self) -> _Call | None:
        try:
            call = self._calls.get(timeout=_IDLE)
        except Empty:
            call = None
        with self._lock:
            while call is None and not self._calls.empty():  # one was put in since
                call = self._calls.get()
            self._has_thread = call is not None
        return call


class BlockingSource(Protocol):
    """What `ThreadReader` reads. Its methods may block; they are called in worker threads only, one at a time."""

    def open(self) -> Facts:
        """Open or inspect the source."""
        ...

    def fetch(self) -> tuple[bytes | memoryview, bool]:
        """Return the next piece and whether the end was seen. A view is valid until the next call."""
        ...

    def rewind(self) -> None:
        """Go back to where it stood."""
        ...

    def close(self, *, succeeded: bool) -> None:
        """Close what was opened here, or put it back."""
        ...


class ThreadReader:
    """Reads a blocking source. What a cancelled `read` had begun, the next one returns."""

    def __init__(self, source: BlockingSource) -> None:
        self._source = source
        self._worker = Worker()
        self._fetching: asyncio.Future[tuple[bytes | memoryview, bool]] | None = None
        self._ended = False

    async def open(self) -> Facts:
        """Open or inspect the source."""
        return await self._worker.run(self._source.open)

    async def read(self) -> bytes:
        """Return the next piece."""
        if self._ended:
            return b""
        if self._fetching is None:
            self._fetching = await self._worker.start(self._source.fetch)
        await asyncio.wait({self._fetching})
        fetched, self._fetching = self._fetching, None
        piece, self._ended = fetched.result()
        # A view into a reused buffer is copied here: transports keep what they cannot send at once, and
        # memory that worker threads allocate spreads over the arenas of all of them.
        return bytes(piece)

    async def rewind(self) -> None:
        """Go back, after what is still being read."""
        self._fetching = None
        await self._worker.run(self._source.rewind)
        self._ended = False

    async def aclose(self, *, succeeded: bool) -> None:
        """Close or put back, after what is still being read."""
        await self._worker.finish(partial(self._source.close, succeeded=succeeded))


def report(error: BaseException) -> None:
    """Tell the event loop's handler of a failure that nobody waits for, as asyncio itself does."""
    context: dict[str, Any] = {"message": "closing the source of an upload failed", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def _call_here(function: Callable[[], None]) -> None:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - told to the loop: what ended the upload must not be hidden by it
        report(error)


def _once(release: Callable[[], None]) -> Callable[..., None]:
    left = [release]

    def end(*_: object) -> None:
        if left:
            left.pop()()

    return end


def _fail(outcome: asyncio.Future[Any], error: BaseException) -> None:
    if isinstance(error, StopIteration):  # which a future refuses
        wrapped = RuntimeError("the source raised StopIteration")
        wrapped.__cause__ = error
        error = wrapped
    outcome.set_exception(error)
    outcome.exception()  # if its waiter was cancelled, nobody is left to tell: asyncio would log it as forgotten
