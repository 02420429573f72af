"""Ports where something is wrong from the start."""

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
    """Return a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Give a port that takes connections and never reads."""
    yield from _listening(backlog=100, fill=0)


@pytest.fixture
def full_port() -> Iterator[int]:
    """Give a port that takes no connection any more: its queue is full, and the system answers nobody."""
    if sys.platform != "linux":
        pytest.skip("other systems refuse instead")
    yield from _listening(backlog=0, fill=4)
