"""Serve a sandbox on a socket."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from os import PathLike
from typing import TYPE_CHECKING, Final

import uvicorn

from ._connection import LOG_KEY, ConnectionLog, SandboxProtocol

if TYPE_CHECKING:
    from ._sandbox import Sandbox

_STOP_SECONDS: Final = 2.0


class SandboxServer:
    """A sandbox on a socket.

    Attributes:
        url: The base URL, such as `http://127.0.0.1:49152`.
        host: The host it listens on.
        port: The port it listens on.
        sandbox: The sandbox it serves.
    """

    def __init__(self, sandbox: "Sandbox", scheme: str, host: str, port: int, log: ConnectionLog) -> None:
        self.sandbox = sandbox
        self.host = host
        self.port = port
        self.url: str = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        self._log = log

    def __repr__(self) -> str:
        return f"<SandboxServer at {self.url}>"

    @property
    def accepted_connections(self) -> int:
        """The number of connections accepted so far."""
        return self._log.accepted

    @property
    def open_connections(self) -> int:
        """The number of open connections."""
        return len(self._log.open)

    def close_idle_connections(self) -> int:
        """Close the connections without a request in progress and return their number."""
        idle = [connection for connection in self._log.open if connection.idle]
        for connection in idle:
            connection.close()
        return len(idle)


@asynccontextmanager
async def serve(
    sandbox: "Sandbox",
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ssl_certfile: str | PathLike[str] | None = None,
    ssl_keyfile: str | PathLike[str] | None = None,
    keep_alive: int = 75,
    allow_remote: bool = False,
) -> AsyncGenerator[SandboxServer, None]:
    """Serve a sandbox in the running event loop for the duration of the block.

    On exit all connections are closed immediately, and pending late performances are cancelled.

    Args:
        sandbox: The sandbox.
        host: The address to listen on. Must be a loopback address unless `allow_remote`.
        port: The port; 0 picks a free one.
        ssl_certfile: A certificate in PEM format. Enables TLS.
        ssl_keyfile: Its key in PEM format, unless `ssl_certfile` contains it.
        keep_alive: The seconds after which an idle connection is closed.
        allow_remote: Whether to allow addresses that other machines can reach. The sandbox accepts any client.

    Yields:
        The server. Pass its `url` to clients as the base URL.

    Raises:
        ValueError: The host is not a loopback address.
        OSError: The port is in use.
    """
    if not (allow_remote or _is_loopback(host)):
        raise ValueError(f"{host!r} is not a loopback address; pass allow_remote=True to accept other machines")
    config = uvicorn.Config(
        sandbox.app,
        http=SandboxProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=keep_alive,
        ssl_certfile=None if ssl_certfile is None else str(ssl_certfile),
        ssl_keyfile=None if ssl_keyfile is None else str(ssl_keyfile),
    )
    await asyncio.to_thread(config.load)  # reads the certificate
    config.loaded_app = sandbox.app  # without uvicorn's trace log, which would reveal tokens
    server, log = uvicorn.Server(config), ConnectionLog()
    # Not `server.serve()`, which installs signal handlers and polls every 0.1 s.
    server.lifespan = config.lifespan_class(config)
    server.lifespan.state[LOG_KEY] = log
    listener = _listen(host, port)
    await server.startup(sockets=[listener])
    try:
        bound: int = listener.getsockname()[1]
        yield SandboxServer(sandbox, "https" if config.is_ssl else "http", host, bound, log)
    finally:
        await _stop(server, log)
        await sandbox._stop()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def run(
    sandbox: "Sandbox",
    host: str = "127.0.0.1",
    port: int = 8300,
    *,
    on_ready: Callable[[SandboxServer], object] | None = None,
    ssl_certfile: str | PathLike[str] | None = None,
    ssl_keyfile: str | PathLike[str] | None = None,
    allow_remote: bool = False,
) -> None:
    """Serve a sandbox until interrupted or terminated. Blocks.

    Args:
        sandbox: The sandbox.
        host: The address to listen on.
        port: The port; 0 picks a free one.
        on_ready: Called with the server once it accepts connections.
        ssl_certfile: A certificate in PEM format. Enables TLS.
        ssl_keyfile: Its key in PEM format, unless `ssl_certfile` contains it.
        allow_remote: Whether to allow addresses that other machines can reach.

    Raises:
        ValueError: The host is not a loopback address.
        OSError: The port is in use.
    """

    async def serve_until_stopped() -> None:
        stopped = asyncio.Event()
        # Unavailable on Windows and outside the main thread, where Ctrl-C raises KeyboardInterrupt.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for name in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        async with serve(
            sandbox, host, port, ssl_certfile=ssl_certfile, ssl_keyfile=ssl_keyfile, allow_remote=allow_remote
        ) as server:
            if on_ready is not None:
                on_ready(server)
            await stopped.wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve_until_stopped())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # asyncio disables Nagle's algorithm only on sockets with an explicit protocol. With it, a body sent after its
    # headers waits 40 ms for the client's delayed acknowledgement. Accepted sockets inherit the option.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)  # noqa: FBT003 - socket's own signature
    return listener


async def _stop_accepting(server: uvicorn.Server) -> None:
    """Stop accepting, and wait for accepted sockets to become connections: asyncio would leak them."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows
        for one in server.servers:
            for listener in one.sockets:
                loop.remove_reader(listener.fileno())
    for _ in range(3):
        await asyncio.sleep(0)


async def _stop(server: uvicorn.Server, log: ConnectionLog) -> None:
    """Close every connection, wait for the requests in progress to notice, and cancel those that do not."""
    await _stop_accepting(server)
    for one in server.servers:
        one.close()
    log.stopping.set()
    for connection in list(log.open):
        connection.abort()
    tasks = set(server.server_state.tasks)
    if tasks:
        _, stuck = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
    for one in server.servers:
        with suppress(TimeoutError):
            await asyncio.wait_for(one.wait_closed(), _STOP_SECONDS)
