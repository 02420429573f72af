"""Settings of the whole suite: hypothesis profiles, parametrized test ids, and a check for blocking calls."""

import os
import re
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, BlockBusterFunction
from hypothesis import settings

PACKAGE = "livechat_customer_async"

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# Blocking calls of uploads and connects that blockbuster does not cover by itself.
ALSO_BLOCKING = (
    "builtins.open",
    "io.open",
    "io.BufferedReader.read1",
    "io.BufferedReader.readinto",
    "io.FileIO.read",
    "io.FileIO.readinto",
    "socket.getaddrinfo",
)


LONGEST_ID = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return a short id that is the same in every process, which pytest-xdist and `--lf` depend on.

    By default pytest takes long strings whole and numbers plain data (`value17`).
    """
    if isinstance(val, dict | list | tuple):
        return _plain(repr(val)) if len(repr(val)) <= LONGEST_ID and " at 0x" not in repr(val) else None
    if isinstance(val, bytes):
        return _plain(val.decode("latin-1"))
    return _plain(str(val)) if isinstance(val, str | int | float) else None


def _plain(text: str) -> str:
    """Escape what pytest-xdist cannot send or a terminal cannot show, and shorten what is long."""
    escaped = text.encode("unicode_escape").decode("ascii")
    escaped = re.sub(r"(.{1,10}?)\1{9,}", lambda run: f"{run[1]}*{len(run[0]) // len(run[1])}", escaped)
    return escaped if len(escaped) <= LONGEST_ID else f"{escaped[:LONGEST_ID]}..."


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail any blocking call by the package, itself or through a library, in a thread that runs an event loop.

    Worker threads have no loop, so they may block, and so may a test's own code.
    """
    guard = BlockBuster(PACKAGE)
    for name in ALSO_BLOCKING:
        guard.functions[name] = BlockBusterFunction(None, name, scanned_modules=PACKAGE)
    for name in ("builtins.open", "io.open"):
        # A library imported on first use is read from disk once; blockbuster allows `os.stat` there too.
        guard.functions[name].can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
        # Coverage reads the source of a measured module.
        guard.functions[name].can_block_in("coverage/python.py", "read_python_source")
    # Coverage waits while another thread records a file.
    guard.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
    for function in guard.functions.values():
        # A traceback reads source files.
        function.can_block_in("linecache.py", "updatecache")
        # The first session of a process loads the CA certificates (about 20 ms).
        function.can_block_in("httpx/_config.py", "create_ssl_context")
    guard.activate()
    yield
    guard.deactivate()
