"""What the sessions of one pool share: connections, slots, budget, customers; bound to one event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
import warnings
from typing import Any

import anyio
import attrs
import sniffio

from .._base.clock import Clock
from .._base.value import Value
from .._net.transport import Transport
from ..config import Limits
from ..errors import SessionStateError
from .api import Endpoints
from .limiter import Limiter
from .middleware import Middleware
from .observe import Events, Observer
from .retry import Budget
from .throttle import Throttle
from .tokens import Customer, Customers

_call_ids = itertools.count(1)
# How long `aclose` waits for the calls in flight before it ends them, in seconds.
CLOSE_GRACE = 5.0


@attrs.frozen(kw_only=True)
class SessionStats(Value):
    """What a pool is doing now, and has done.

    Attributes:
        in_flight: calls that hold a slot now.
        queued: calls that wait for a slot or for the pace now.
        connections: open connections; `None` if the transport does not tell, as httpx's own.
        calls: begun so far; a refused argument begins none.
        attempts: requests begun so far.
        retries: attempts beyond the first of each call, without the replays after a refresh or a change of region.
        retry_budget: tokens left.
        throttled: attempts refused with 429 or a `Retry-After` so far.
        pace: attempts of this session's customer that may start per second; `None`: any number.
    """

    in_flight: int
    queued: int
    connections: int | None
    calls: int
    attempts: int
    retries: int
    retry_budget: int
    throttled: int
    pace: float | None


class Pool:
    """The shared part of a session and of all sessions made from it."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        transport: Transport,
        limits: Limits,
        budget: int,
        observers: tuple[Observer, ...],
        middleware: tuple[Middleware, ...],
        clock: Clock,
        made_at: str,
    ) -> None:
        self.clock = clock
        self.endpoints = endpoints
        self.transport = transport
        self.throttle = Throttle()
        self.limiter = Limiter(limits.connections, queue=limits.queue, throttle=self.throttle, clock=clock)
        self.queue_timeout = limits.queue_timeout
        self.budget = Budget(budget)
        self.customers = Customers(clock)
        self.events = Events(observers)
        self.middleware = middleware
        self.calls = self.attempts = self.retries = 0
        self.closed = self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._running: set[asyncio.Timeout] = set()
        self._idle: asyncio.Event | None = None
        self._made_at = made_at

    def next_call_id(self) -> int:
        """Return a number for a new call, unique in the process."""
        return next(_call_ids)

    def check_process(self) -> None:
        """Refuse to work in a forked process, or without asyncio.

        Raises:
            SessionStateError: called in a forked process or without a running asyncio event loop.
        """
        # The connections are those of the process that made them: closed here, they would end there.
        if self._pid != os.getpid():
            raise SessionStateError("the session was created before a fork: create one in each process")
        _running_loop()

    def check_loop(self) -> None:
        """Refuse a call that the pool cannot serve.

        Raises:
            SessionStateError: called after closing, or on another event loop than the first call.
        """
        if self.closed:
            raise SessionStateError("the session is closed: create a new one")
        loop = _running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise SessionStateError(
                    "the session belongs to the event loop of its first call, and this is a different one: "
                    "create a session in each event loop"
                )
            self._loop = loop

    def entered(self, timer: asyncio.Timeout) -> None:
        """Count a call in."""
        self.calls += 1
        self._running.add(timer)

    def left(self, timer: asyncio.Timeout) -> None:
        """Count a call out."""
        self._running.discard(timer)
        if self._idle is not None and not self._running:
            self._idle.set()

    def stats(self, customer: Customer | None) -> SessionStats:
        """Return the figures of this moment; the pace is that of a customer, `None` for the pool's."""
        return SessionStats(
            in_flight=self.limiter.in_flight,
            queued=self.limiter.queued,
            connections=self.transport.connections(),
            calls=self.calls,
            attempts=self.attempts,
            retries=self.retries,
            retry_budget=self.budget.tokens,
            throttled=self.throttle.refusals,
            pace=self.throttle.rate(customer),
        )

    async def aclose(self) -> None:
        """Let the calls in flight finish for a while, end the rest, and close the connections. Idempotent."""
        if self._ended:
            return
        self.check_process()
        if self._loop is not None and self._loop is not _running_loop():
            self.closed = self.closed or self._loop.is_closed()  # nobody can close it any more
            raise SessionStateError("the session must be closed on the event loop of its calls")
        self.closed = True
        try:
            await self._until_idle(CLOSE_GRACE)
        finally:
            # Also if closing itself was cancelled: nobody would end them later.
            for timer in self._running:
                if not timer.expired():
                    timer.reschedule(0)
            self.customers.close()
            with anyio.CancelScope(shield=True):
                await self._until_idle(CLOSE_GRACE)
                await self.transport.aclose()
                self._ended = True

    async def _until_idle(self, seconds: float) -> None:
        if self._running:
            self._idle = self._idle or asyncio.Event()
            with anyio.move_on_after(seconds):
                await self._idle.wait()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        # A pool whose constructor failed has nothing to close, and no `closed` either.
        if not getattr(self, "closed", True):
            where = self._made_at and f" (created at {self._made_at})"
            _warn(f"unclosed AsyncCustomerSession{where}: use `async with` or await aclose()", ResourceWarning, 2)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        library = sniffio.current_async_library_cvar.get(None) or sniffio.thread_local.name or "no event loop"
        raise SessionStateError(f"a session works with asyncio only; here {library} is running") from None
