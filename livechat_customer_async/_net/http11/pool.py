"""Which connection carries a request: a bounded number of slots, and waiters in turn.

A slot is the right to one connection, open or to be opened; whoever closes one passes its slot on in the same step.
While anybody waits nothing is idle, so no newcomer overtakes: what becomes free goes to the oldest waiter, as a
connection if it leads to the waiter's origin, else as a bare slot. Idle connections are taken newest first, and the
longest idle one makes room for another origin. Every step is O(1).
"""

import asyncio
import math
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from .connection import Connection
from .dial import dial

Origin: TypeAlias = tuple[str, str, int]
_Waiter: TypeAlias = asyncio.Future[Connection | None]


@dataclass(eq=False)
class Pool:
    """The connections of one event loop, the one of the first call."""

    tls: ssl.SSLContext | Callable[[], ssl.SSLContext]
    max_connections: int
    max_idle: int
    expiry: float
    limits: tuple[int, int]
    clock: Callable[[], float]
    connections: set[Connection] = field(default_factory=set[Connection])
    _loop: asyncio.AbstractEventLoop | None = None
    _closed: bool = False
    _slots: int = 0
    _dialling: set[asyncio.Timeout] = field(default_factory=set[asyncio.Timeout])
    _idle: dict[Origin, dict[Connection, None]] = field(default_factory=dict[Origin, dict[Connection, None]])
    _by_age: OrderedDict[Connection, None] = field(default_factory=OrderedDict[Connection, None])
    _waiters: OrderedDict[_Waiter, Origin] = field(default_factory=OrderedDict[_Waiter, Origin])
    _sweeper: asyncio.TimerHandle | None = None

    def enter(self) -> None:
        """Raises `RuntimeError` where the pool cannot serve the running loop."""
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._closed or self._loop is not loop:
            raise RuntimeError(f"the transport {'is closed' if self._closed else 'belongs to another event loop'}")

    def take(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            del self._by_age[connection]
            if self.clock() < connection.idle_since + self.expiry and not connection.stirs():
                return connection
            connection.close()
        return None

    async def acquire(self, origin: Origin, timeout: Mapping[str, float | None]) -> Connection:
        while (connection := self.take(origin)) is None:
            granted = None
            if self._slots < self.max_connections:
                self._slots += 1
            elif self._by_age:
                next(iter(self._by_age)).close()
                continue
            else:
                granted = await self._queue(origin, timeout.get("pool"))
            if granted is None:
                return await self._fill_slot(origin, timeout.get("connect"))
            if not granted.closed:
                return granted
        return connection

    def release(self, connection: Connection) -> None:
        if not connection.end():
            connection.close()
        self._hand_on(connection)

    async def aclose(self) -> None:
        self._closed = True
        for scope in self._dialling:
            if not scope.expired():
                scope.reschedule(0)
        while self._waiters:
            self._slots += 1
            self._hand_on(None)  # they find the pool closed
        closing = list(self.connections)
        for connection in closing:
            connection.close(httpx.ReadError("the transport was closed"))
        if closing:
            await asyncio.wait([connection.lost for connection in closing], timeout=1)

    async def _queue(self, origin: Origin, timeout: float | None) -> Connection | None:
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = origin
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except BaseException as exc:
            self._waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())  # granted in the very turn of the cancellation
            if isinstance(exc, TimeoutError):
                raise httpx.PoolTimeout("no connection became free in time") from exc
            raise

    def _hand_on(self, granted: Connection | None) -> None:
        """To the oldest waiter, or else to the idle ones; `None` is a bare slot, a closed connection nothing."""
        while self._waiters and not (granted and granted.closed):
            waiter, origin = next(iter(self._waiters.items()))
            if granted is not None and granted.origin != origin and not waiter.done():
                granted.close()  # which hands its slot on, to this waiter
                continue
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_result(granted)
                return
        if granted is None:
            self._slots -= 1
        elif not granted.closed:
            granted.idle_since = self.clock()
            self._idle.setdefault(granted.origin, {})[granted] = None
            self._by_age[granted] = None
            if len(self._by_age) > self.max_idle:
                next(iter(self._by_age)).close()
            if self._sweeper is None and self.expiry < math.inf:
                self._sweeper = asyncio.get_running_loop().call_later(self.expiry, self._sweep)

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self._by_age.pop(connection, None)
        idle = self._idle.get(connection.origin, {})
        idle.pop(connection, None)
        if not idle:
            self._idle.pop(connection.origin, None)
        self._hand_on(None)

    def _sweep(self) -> None:
        """One timer for all: closes what is too old and comes back for the next."""
        self._sweeper = None
        while self._by_age:
            oldest = next(iter(self._by_age))
            if (rest := oldest.idle_since + self.expiry - self.clock()) > 0:
                self._sweeper = asyncio.get_running_loop().call_later(rest, self._sweep)
                return
            oldest.close()

    async def _fill_slot(self, origin: Origin, timeout: float | None) -> Connection:
        """Opens the connection of a slot the caller holds, or hands the slot on."""
        scheme, host, port = origin
        scope = asyncio.timeout(timeout)
        self._dialling.add(scope)
        try:
            self.enter()
            tls = None if scheme == "http" else self.tls if isinstance(self.tls, ssl.SSLContext) else self.tls()
            async with scope:
                connection = await dial(lambda: Connection(origin, *self.limits), host, port, tls)
        except BaseException as exc:
            self._hand_on(None)
            if isinstance(exc, TimeoutError) and not self._closed:
                raise httpx.ConnectTimeout("no connection in time") from exc
            if isinstance(exc, OSError | ValueError | OverflowError):
                raise httpx.ConnectError(str(exc) or type(exc).__name__) from exc
            raise
        finally:
            self._dialling.discard(scope)
        connection.on_close = self._forget
        self.connections.add(connection)
        if connection.closed:
            self._forget(connection)  # it ended before anybody could hear of it
        elif self._closed:
            connection.close()
        return connection
