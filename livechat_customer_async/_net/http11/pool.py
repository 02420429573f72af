"""The connections of one origin.

The pool has no limit and no queue of its own: the session's limiter never has more calls in flight than `Limits` allows
connections, and an idle connection is always taken before another is made. Idle ones are taken newest first.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable

import httpx

from .connection import Connection
from .tunnel import Route, connect


class Pool:
    """The connections to one server over one route; for one event loop."""

    def __init__(
        self, route: Route, *, max_idle: int, expiry: float, limits: tuple[int, int], clock: Callable[[], float]
    ) -> None:
        self.connections: set[Connection] = set()
        self._route = route
        self._max_idle, self._expiry = max_idle, expiry
        self._limits, self._clock = limits, clock
        self._closed = False
        self._dialling: set[asyncio.Timeout] = set()
        self._idle: OrderedDict[Connection, None] = OrderedDict()  # oldest first
        self._sweeper: asyncio.TimerHandle | None = None

    def take(self) -> Connection | None:
        """Return the newest idle connection that is still usable."""
        now = self._clock()
        while self._idle:
            connection, _ = self._idle.popitem()
            if now < connection.expires and not connection.stirs():
                connection.taken = now
                return connection
            connection.close()
        return None

    async def open(self, timeout: float | None) -> Connection:
        """Make a connection."""
        self._check_open()
        scope = asyncio.timeout(timeout)
        self._dialling.add(scope)
        try:
            async with scope:
                connection = await connect(lambda: Connection(*self._limits), self._route)
        except TimeoutError as error:
            self._check_open()
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, ValueError, OverflowError) as error:
            raise httpx.ConnectError(str(error) or type(error).__name__) from error
        finally:
            self._dialling.discard(scope)
        connection.on_close = self._forget
        self.connections.add(connection)
        if connection.closed:  # it ended before anybody could hear of it
            self._forget(connection)
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise httpx.ConnectError("the transport is closed")

    def release(self, connection: Connection) -> None:
        """Keep a connection for the next call, if it can carry one."""
        response = connection.response
        if not connection.end() or response is None:
            connection.close()
            if connection.silent:
                self._condemn(connection)
            return
        connection.idle_since = self._clock()
        connection.expires = connection.idle_since + min(self._expiry, response.idle_limit)
        self._idle[connection] = None
        if len(self._idle) > self._max_idle:
            next(iter(self._idle)).close()
        if self._sweeper is None and connection.expires < math.inf:
            self._sweeper = asyncio.get_running_loop().call_later(connection.expires - self._clock(), self._sweep)

    def _condemn(self, silent: Connection) -> None:
        """Close the idle connections that nothing has come from since the silent one was taken.

        Their peer has probably vanished as well, such as behind a NAT that dropped its entries.
        """
        for connection in [one for one in self._idle if one.idle_since <= silent.taken]:
            connection.close()

    async def aclose(self) -> None:
        """Close every connection at once; calls under way end with an error."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for scope in self._dialling:
            if not scope.expired():
                scope.reschedule(0)
        closing = list(self.connections)
        for connection in closing:
            connection.close(httpx.ReadError("the transport was closed"))
        if closing:
            await asyncio.wait([connection.lost for connection in closing], timeout=1)

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self._idle.pop(connection, None)

    def _sweep(self) -> None:
        """Close what is too old, and come back for the next: one timer serves all."""
        self._sweeper = None
        while self._idle:
            oldest = next(iter(self._idle))
            if (rest := oldest.expires - self._clock()) > 0:
                self._sweeper = asyncio.get_running_loop().call_later(rest, self._sweep)
                return
            oldest.close()
