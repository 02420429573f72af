"""Serving a sandbox on a socket."""

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
        url: The base URL, without a path: `http://127.0.0.1:49152`.
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
        """How many connections were ever made to it."""
        return self._log.accepted

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._log.open)

    def close_idle_connections(self) -> int:
        """End the connections over which no request is being answered; returns how many."""
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
    """Serve a sandbox in the running event loop, as long as the block runs.

    At the end all connections are dropped at once, hanging ones too, and late performances are given up.

    Args:
        sandbox: What to serve.
        host: The address to listen on, a loopback address unless `allow_remote`.
        port: The port; 0 for a free one.
        ssl_certfile: A certificate in PEM; makes the server speak TLS only.
        ssl_keyfile: Its key in PEM, where the certificate's file does not hold it.
        keep_alive: After how many seconds an idle connection is closed.
        allow_remote: Whether an address other than loopback is accepted. The sandbox lets anyone in.

    Yields:
        The server; its `url` is the client's base URL.

    Raises:
        ValueError: The host is not a loopback address.
        OSError: The port is taken.
    """
    if not (allow_remote or _is_loopback(host)):
        raise ValueError(f"{host!r} is not a loopback address; pass allow_remote=True to let other machines in")
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
    config.loaded_app = sandbox.app  # past uvicorn's trace log, which would write headers and so tokens
    server, log = uvicorn.Server(config), ConnectionLog()
    # Starting and stopping by hand: uvicorn's own loop takes over signals and polls every 0.1 s.
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
    """Serve a sandbox until interrupted or terminated; blocks. The arguments are those of `serve`.

    Args:
        sandbox: What to serve.
        host: The address to listen on.
        port: The port; 0 for a free one.
        on_ready: Called once with the server when it accepts connections.
        ssl_certfile: A certificate in PEM.
        ssl_keyfile: Its key in PEM.
        allow_remote: Whether an address other than loopback is accepted.
    """

    async def serve_until_stopped() -> None:
        stopped = asyncio.Event()
        # Not on Windows, and only in the main thread; there Ctrl+C comes as KeyboardInterrupt.
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
    # asyncio turns Nagle's algorithm off only for sockets made with an explicit protocol. With it on, a body that
    # follows its head waits 40 ms for the client's delayed acknowledgement. Accepted sockets inherit the option.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)  # noqa: FBT003 - socket's own signature
    return listener


async def _stop_accepting(server: uvicorn.Server) -> None:
    """Accept no more, and let what was accepted become a connection: asyncio leaks it where its server closes first."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows
        for one in server.servers:
            for listener in one.sockets:
                loop.remove_reader(listener.fileno())
    for _ in range(3):
        await asyncio.sleep(0)


async def _stop(server: uvicorn.Server, log: ConnectionLog) -> None:
    """Drop every connection; the requests over them see it and end, and those that do not are cancelled."""
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
