"""What the sessions of one pool share: connections, slots, budget, customers; bound to one event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
import warnings
from typing import Any

import anyio
import attrs
import httpx

from .._base.clock import Clock
from .._base.value import Value
from .._net.transport import Transport
from ..config import Limits
from ..errors import SessionStateError
from .limiter import Limiter
from .observe import Audience, Observer
from .retry import Budget
from .tokens import Customers

_call_ids = itertools.count(1)
# How long `aclose` waits for the calls in flight before it ends them, in seconds.
CLOSE_GRACE = 5.0


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SessionStats(Value):
    """What a pool is doing now, and has done.

    Attributes:
        in_flight: calls that hold a slot now.
        queued: calls that wait for one now.
        connections: open ones; `None` where httpx's own transport is in use, which does not say.
        calls: begun so far; a refused argument begins none.
        attempts: requests begun so far.
        retries: attempts beyond the first of each call, without the replays after a refresh or a change of region.
        retry_budget: tokens left.
    """

    in_flight: int
    queued: int
    connections: int | None
    calls: int
    attempts: int
    retries: int
    retry_budget: int


class Pool:
    """The shared part of a session and of all that were made from it."""

    def __init__(
        self,
        *,
        license_id: int,
        base_url: httpx.URL,
        transport: Transport,
        limits: Limits,
        budget: int,
        observers: tuple[Observer, ...],
        clock: Clock,
    ) -> None:
        self.clock = clock
        self.transport = transport
        self.limiter = Limiter(limits.connections, queue=limits.queue)
        self.queue_timeout = limits.queue_timeout
        self.budget = Budget(budget)
        self.customers = Customers(clock)
        self.audience = Audience(observers)
        self.calls = self.attempts = self.retries = 0
        self.closed = self._ended = False
        self._base = str(base_url).rstrip("/") + "/v3.0/customer/action/"
        self._query = f"?license_id={license_id}"
        self._urls: dict[str, httpx.URL] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._running: set[anyio.CancelScope] = set()
        self._idle: asyncio.Event | None = None

    def url_of(self, action: str) -> httpx.URL:
        """Return the URL of an action, parsed once."""
        url = self._urls.get(action)
        if url is None:
            url = self._urls[action] = httpx.URL(self._base + action + self._query)
        return url

    def next_call_id(self) -> int:
        """Return a number for a new call; the process has no other one like it."""
        return next(_call_ids)

    def check_process(self) -> None:
        """Refuse a call in a forked process.

        Raises:
            SessionStateError: it is one.
        """
        # The connections are those of the process that made them: closed here, they would end there.
        if self._pid != os.getpid():
            raise SessionStateError("the session was made before a fork: make one in each process")

    def check_loop(self) -> None:
        """Refuse a call where the pool cannot serve it.

        Raises:
            SessionStateError: it is closed, or belongs to another event loop.
        """
        if self.closed:
            raise SessionStateError("the session is closed: make a new one")
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise SessionStateError(
                    "the session belongs to the event loop of its first call, and this is another one: "
                    "make a session in each loop"
                )
            self._loop = loop

    def entered(self, scope: anyio.CancelScope) -> None:
        """Count a call in."""
        self.calls += 1
        self._running.add(scope)

    def left(self, scope: anyio.CancelScope) -> None:
        """Count a call out."""
        self._running.discard(scope)
        if self._idle is not None and not self._running:
            self._idle.set()

    def stats(self) -> SessionStats:
        """Return the figures of this moment."""
        return SessionStats(
            in_flight=self.limiter.in_flight,
            queued=self.limiter.queued,
            connections=self.transport.connections(),
            calls=self.calls,
            attempts=self.attempts,
            retries=self.retries,
            retry_budget=self.budget.tokens,
        )

    async def aclose(self) -> None:
        """Let the calls in flight finish for a while, end the rest, and close the connections. Idempotent."""
        if self._ended:
            return
        self.check_process()
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            self.closed = self.closed or self._loop.is_closed()  # nobody can close it any more
            raise SessionStateError("the session must be closed on the event loop of its calls")
        self.closed = True
        try:
            await self._until_idle(CLOSE_GRACE)
        finally:
            # Also where closing itself was cancelled: nobody would end them later.
            for scope in self._running:
                scope.cancel()
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
            _warn("an AsyncCustomerSession was dropped open: use `async with`, or await aclose()", ResourceWarning, 2)
