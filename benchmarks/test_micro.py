"""Micro-benchmarks of the hot path: encode, decode, decide, and a whole call without a network.

Each is compared with `baseline.json` by its ratio to a yardstick: loading a 34 KB body with orjson and visiting each of
its values. Both are measured in turn, in the thread's CPU time, so that the machine and its load matter little. Ratios
depend on the Python version. On a version without a recorded baseline the tests are skipped.

    pytest benchmarks/test_micro.py                     compares
    MICRO_BASELINE=write pytest benchmarks/test_micro.py   records the baseline of this Python
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from benchmarks.bodies import BODIES, CHAT_ID, QUESTION
from livechat_customer_async import (
    AsyncCustomerSession,
    Chat,
    NewMessage,
    Replay,
    RetryPolicy,
    SentEvent,
    structure,
    unstructure,
)
from livechat_customer_async._call.retry import Retry, RetryState, decide
from livechat_customer_async._net.failures import Failure, Fault
from livechat_customer_async.errors import Outcome, TransportError

BASELINE = Path(__file__).with_name("baseline.json")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TOLERANCE = 1.4
"""A ratio above this multiple of the baseline fails; less cannot be told from a busy machine."""
ROUNDS = 100
BATCH_SECONDS = 0.003

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

Work = Callable[[], object]
Compare = Callable[[str, Callable[[int], object]], None]


def recorded() -> dict[str, dict[str, float]]:
    return json.loads(BASELINE.read_text()) if BASELINE.exists() else {}


@pytest.fixture
def compare(benchmark: Any) -> Compare:
    """Measure a function that repeats some work, and compare its ratio with the baseline."""
    body = BODIES["34"]()

    def run(name: str, repeat: Callable[[int], object]) -> None:
        times = batch_size(repeat)
        yards: list[float] = []

        def prepare() -> tuple[tuple[int], dict[str, Any]]:
            start = time.thread_time()
            for _ in range(5):
                visit(orjson.loads(body))
            yards.append((time.thread_time() - start) / 5)
            return (times,), {}

        benchmark.pedantic(repeat, setup=prepare, rounds=ROUNDS)
        # The fastest round shows the program's own time; the others include interference.
        ratio = benchmark.stats.stats.min / times / min(yards)
        benchmark.extra_info.update(ratio=ratio, microseconds=benchmark.stats.stats.min / times * 1e6)
        check(name, ratio)

    return run


def visit(value: Any) -> int:
    if value.__class__ is dict:
        return sum([visit(part) for part in value.values()])
    if value.__class__ is list:
        return sum([visit(part) for part in value])
    return 1


def batch_size(repeat: Callable[[int], object]) -> int:
    repeat(3)
    start = time.thread_time()
    repeat(10)
    return max(1, int(BATCH_SECONDS / ((time.thread_time() - start) / 10)))


def check(name: str, ratio: float) -> None:
    baselines = recorded()
    if os.environ.get("MICRO_BASELINE") == "write":
        baselines.setdefault(PYTHON, {})[name] = round(ratio, 4)
        BASELINE.write_text(json.dumps(baselines, indent=1, sort_keys=True) + "\n")
        return
    was = baselines.get(PYTHON, {}).get(name)
    if was is None:
        pytest.skip(f"no baseline for {name} on Python {PYTHON}; measured {ratio:.4f} × the yardstick")
    assert ratio <= was * TOLERANCE, f"{name}: {ratio:.4f} × the yardstick, the baseline is {was:.4f}"


def again(work: Work) -> Callable[[int], None]:
    def repeat(times: int) -> None:
        for _ in range(times):
            work()

    return repeat


def test_encode(compare: Compare) -> None:
    compare("encode", again(lambda: orjson.dumps(unstructure(NewMessage(text=QUESTION, custom_id="order 10042")))))


@pytest.mark.parametrize("size", ["1.3", "34"])
def test_decode(compare: Compare, size: str) -> None:
    body = BODIES[size]()
    if size == "1.3":
        compare("decode 1.3 KB", again(lambda: structure(orjson.loads(body), SentEvent)))
    else:
        compare("decode 34 KB", again(lambda: structure(orjson.loads(body)["chat"], Chat)))


def test_decide(compare: Compare) -> None:
    failure = Failure(TransportError("it broke", outcome=Outcome.UNKNOWN), Fault.BROKEN)
    state = RetryState(Replay.SAFE, attempts=1, regions=frozenset({"dal"}))

    def decided() -> object:
        return decide(failure, state, RetryPolicy(), time_left=50.0, chance=0.5, can_refresh=True)

    assert isinstance(decided(), Retry)
    compare("decide", again(decided))


@pytest.mark.parametrize("size", ["1.3", "34"])
def test_whole_call(compare: Compare, size: str) -> None:
    """Everything in a call but the connection: the transport answers at once."""
    body = BODIES[size]()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with asyncio.Runner() as runner:
        session = runner.run(opened(transport))
        if size == "1.3":
            call: Callable[[], Any] = lambda: session.events.send_event(CHAT_ID, NewMessage(text=QUESTION))  # noqa: E731
        else:
            call = lambda: session.chats.get_chat_threads(CHAT_ID)  # noqa: E731

        async def many(times: int) -> None:
            for _ in range(times):
                await call()

        try:
            # `runner.run` would change signal handlers each time, which costs more than a call.
            compare(f"call {size} KB", lambda times: runner.get_loop().run_until_complete(many(times)))
        finally:
            runner.run(session.aclose())


async def opened(transport: httpx.AsyncBaseTransport) -> AsyncCustomerSession:
    return AsyncCustomerSession(1520, "dal-benchmark", transport=transport)
