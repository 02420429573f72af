"""Access to the connection of a request, for faults below HTTP."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from typing_extensions import override
else:

    def override(method: Any) -> Any:
        """Mark a method that overrides one of its base class, for type checkers."""
        return method


LOG_KEY: Final = "livechat_sandbox_connections"
_CONNECTION_KEY: Final = "livechat_sandbox_connection"
_NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection:
    """A client connection. `serial` counts from 1 on each server."""

    def __init__(self, serial: int, protocol: "SandboxProtocol", stopping: asyncio.Event) -> None:
        self.serial = serial
        self.stopping = stopping
        self.lost = False
        self.on_next_request: Callable[[], None] | None = None
        self._protocol = protocol

    @property
    def idle(self) -> bool:
        """Whether no request is in progress."""
        cycle = self._protocol.cycle
        # None before the first request, although uvicorn's annotation denies it.
        return cycle is None or cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def write(self, data: bytes) -> None:
        """Send raw bytes, outside any HTTP answer."""
        self._protocol.transport.write(data)

    def close(self) -> None:
        """Close the connection after flushing what was written."""
        self._protocol.transport.close()

    def abort(self) -> None:
        """Close the connection immediately."""
        self._protocol.transport.abort()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        sock = self._protocol.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.abort()


class ConnectionLog:
    """The connections of one server."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.accepted: int = 0
        self.stopping: asyncio.Event = asyncio.Event()

    def begin(self, protocol: "SandboxProtocol") -> Connection:
        """Record a new connection."""
        self.accepted += 1
        connection = Connection(self.accepted, protocol, self.stopping)
        self.open.add(connection)
        return connection

    def end(self, connection: Connection) -> None:
        """Record the end of a connection."""
        connection.lost = True
        self.open.discard(connection)


class SandboxProtocol(H11Protocol):
    """Uvicorn's protocol that stores its `Connection` in the state of the ASGI scope."""

    _connection: Connection

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        log: ConnectionLog = self.app_state[LOG_KEY]
        self._connection = log.begin(self)
        state: dict[str, Any] = {**self.app_state, _CONNECTION_KEY: self._connection}
        self.app_state = state
        super().connection_made(transport)

    @override
    def data_received(self, data: bytes) -> None:
        on_next_request = self._connection.on_next_request
        if on_next_request is None:
            super().data_received(data)
        elif not self.transport.is_closing():
            on_next_request()
            self.transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        log: ConnectionLog = self.app_state[LOG_KEY]
        log.end(self._connection)
        super().connection_lost(exc)


def connection_of(scope: Scope) -> Connection | None:
    """Return the connection of a request; `None` if it arrived without a socket."""
    connection: Connection | None = scope.get("state", {}).get(_CONNECTION_KEY)
    return connection
