"""Which connection carries a request: a bounded number of slots, and waiters in turn.

A slot is the right to one connection, open or being opened; whoever closes a connection passes its slot on in the
same step. While anybody waits nothing is idle, so no newcomer overtakes: what becomes free goes to the oldest waiter,
as a connection if it leads to the waiter's origin, else as a bare slot. Idle connections are taken newest first, and
the longest idle one makes room for another origin. Every step is O(1).
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from ._connection import Connection
from ._dial import dial

Origin: TypeAlias = tuple[str, str, int]
_Waiter: TypeAlias = asyncio.Future[Connection | None]


@dataclass(eq=False)
class Pool:
    """The connections of one event loop, the one of the first call."""

    tls: ssl.SSLContext | Callable[[], ssl.SSLContext]
    max_connections: int
    max_idle: int
    expiry: float | None
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
        if self._closed:
            raise RuntimeError("the transport is closed")
        if self._loop is not loop:
            if self._loop is not None:
                raise RuntimeError("the transport belongs to another event loop")
            self._loop = loop

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection, at once."""
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            del self._by_age[connection]
            if self._rest(connection) > 0:
                return connection
            connection.close()
        return None

    async def acquire(self, origin: Origin, timeout: Mapping[str, float | None]) -> Connection:
        """An open connection, waited for and dialled as need be."""
        while (connection := self.take(origin)) is None:
            if self._slots < self.max_connections:
                self._slots += 1
                return await self._fill_slot(origin, timeout.get("connect"))
            if self._by_age:
                next(iter(self._by_age)).close()
                continue
            granted = await self._queue(origin, timeout.get("pool"))
            if granted is None:
                return await self._fill_slot(origin, timeout.get("connect"))
            if not granted.closed:
                return granted
        return connection

    def release(self, connection: Connection) -> None:
        """Takes a connection back after its exchange."""
        if connection.end():
            self._hand_on(connection)
        else:
            connection.close()

    async def aclose(self) -> None:
        """Closes everything; exchanges under way end with an error."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for scope in self._dialling:
            scope.reschedule(0)
        while (waiter := self._next_waiter()) is not None:
            self._slots += 1
            waiter.set_result(None)
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
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())  # granted in the very turn of the cancellation
            if isinstance(exc, TimeoutError):
                raise httpx.PoolTimeout("no connection became free in time") from exc
            raise
        finally:
            self._waiters.pop(waiter, None)

    def _next_waiter(self, origin: Origin | None = None) -> _Waiter | None:
        """Takes the oldest waiter out of the queue; given an origin, only if it is the waiter's."""
        while self._waiters:
            waiter, wanted = next(iter(self._waiters.items()))
            if origin not in (None, wanted) and not waiter.done():
                return None
            del self._waiters[waiter]
            if not waiter.done():
                return waiter
        return None

    def _hand_on(self, granted: Connection | None) -> None:
        """To the oldest waiter, or else to the idle ones; `None` is a bare slot."""
        waiter = self._next_waiter(None if granted is None else granted.origin)
        if waiter is not None:
            waiter.set_result(granted)
        elif granted is None:
            self._slots -= 1
        elif self._waiters:
            granted.close()  # which hands its slot on
        elif not granted.closed:
            self._park(granted)

    def _park(self, connection: Connection) -> None:
        connection.idle_since = self.clock()
        self._idle.setdefault(connection.origin, {})[connection] = None
        self._by_age[connection] = None
        if len(self._by_age) > self.max_idle:
            next(iter(self._by_age)).close()
        if self._sweeper is None and self.expiry is not None:
            self._sweeper = asyncio.get_running_loop().call_later(self.expiry, self._sweep)

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle is not None:
            idle.pop(connection, None)
            self._by_age.pop(connection, None)
            if not idle:
                del self._idle[connection.origin]
        self._hand_on(None)

    def _rest(self, connection: Connection) -> float:
        """How long an idle connection may still be used."""
        return 1 if self.expiry is None else connection.idle_since + self.expiry - self.clock()

    def _sweep(self) -> None:
        """One timer for all: closes what is too old and comes back for the next."""
        self._sweeper = None
        while self._by_age:
            oldest = next(iter(self._by_age))
            if (rest := self._rest(oldest)) > 0:
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
            if connection.closed or self._closed:
                connection.close()
                raise ConnectionAbortedError("the connection was closed before it was used")
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
        return connection
