"""The guard that fails blocking calls lets coverage measure: only in its own lock may a call of the package wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from blockbuster import BlockingError
from coverage.collector import Collector

from livechat_customer_async._uploads.pieces import gather

pytestmark = pytest.mark.asyncio


def held() -> Callable[[], None]:
    """Return what waits for a lock that another holds, though not for ever."""
    lock = threading.Lock()
    lock.acquire()

    def wait() -> None:
        assert not lock.acquire(timeout=0.001)

    return wait


async def test_a_call_of_the_package_that_waits_for_a_lock_fails() -> None:
    with pytest.raises(BlockingError):
        gather(held())


async def test_a_measured_call_may_wait_for_what_another_thread_measures() -> None:
    collector = Collector.__new__(Collector)
    collector.data_lock = SimpleNamespace(acquire=held())
    gather(collector.lock_data)
