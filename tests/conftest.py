"""What every test runs under: no blocking call on the event loop, and reproducible hypothesis examples in CI."""

import os
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, BlockBusterFunction
from hypothesis import settings

PACKAGE = "livechat_customer_async"

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# Blocking calls that blockbuster does not know by itself; they are the ones an upload or a connect could make.
ALSO_BLOCKING = (
    "builtins.open",
    "io.open",
    "io.BufferedReader.read1",
    "io.BufferedReader.readinto",
    "io.FileIO.read",
    "io.FileIO.readinto",
    "socket.getaddrinfo",
)


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail any blocking call that the package makes, itself or through a library, in a thread that runs an event loop.

    Worker threads run no loop, so `anyio.to_thread` may block. So may a test's own code, no frame of the package.
    """
    guard = BlockBuster(PACKAGE)
    for name in ALSO_BLOCKING:
        guard.functions[name] = BlockBusterFunction(None, name, scanned_modules=PACKAGE)
    for name in ("builtins.open", "io.open"):
        # A library's import on first use reads modules; it happens once, and blockbuster allows it for `os.stat` too.
        guard.functions[name].can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
        # A measured line reads its source.
        guard.functions[name].can_block_in("coverage/python.py", "read_python_source")
    # A measured call waits while another thread notes a measured file.
    guard.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
    for function in guard.functions.values():
        # A traceback reads its source, in every way there is.
        function.can_block_in("linecache.py", "updatecache")
        # A session is ready when constructed, so the first one in a process loads the certificates: once, about 20 ms.
        function.can_block_in("httpx/_config.py", "create_ssl_context")
    guard.activate()
    yield
    guard.deactivate()
