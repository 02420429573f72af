"""Ports that refuse, ignore or never accept connections."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest


def _listening(*, backlog: int, fill: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        clients = [socket.socket() for _ in range(fill)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for client in clients:
            client.close()


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that accepts connections and never reads."""
    yield from _listening(backlog=100, fill=0)


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose backlog is full, so that connecting to it hangs."""
    if sys.platform != "linux":
        pytest.skip("only Linux ignores connections to a full backlog")
    yield from _listening(backlog=0, fill=4)
