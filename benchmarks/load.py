"""Keep a number of calls in flight for a while, and measure throughput, CPU time and latencies.

A window of time is measured, after a while of the same load: nobody's first connections count. Calls that were still
under way when the window closed are waited for, and those that do not end are counted with the age they had: a call
that is starved cannot hide.
"""

import asyncio
import math
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from benchmarks.harness import Sample

AsyncCall = Callable[[], Awaitable[object]]
Call = Callable[[], object]


@dataclass(frozen=True)
class Load:
    """Durations in seconds: the window, `warm` before it, and at most `drain` after it."""

    in_flight: int
    seconds: float
    warm: float
    drain: float = 3.0


@dataclass
class Tally:
    """Latencies within the window, and clock readings at both its ends."""

    latencies: list[float] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    counting: bool = False
    stopped: bool = False
    calls: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    def open(self) -> None:
        self.latencies.clear()
        self.counting = True
        self.seconds, self.cpu = -time.perf_counter(), -time.process_time()

    def close(self) -> None:
        self.seconds += time.perf_counter()
        self.cpu += time.process_time()
        self.calls = len(self.latencies)
        self.stopped = True

    def sample(self, unfinished: list[float]) -> Sample:
        every = sorted(self.latencies + unfinished)
        if not self.calls or len(self.errors) > self.calls / 10:
            why = f", {len(self.errors)} failed, first: {self.errors[0]!r}" if self.errors else ""
            return {"error": f"{self.calls} calls in {self.seconds:.1f} s{why}"}
        mean = statistics.fmean(every)
        p99 = every[min(len(every) - 1, math.ceil(len(every) * 0.99) - 1)]
        return {
            "calls_per_s": self.calls / self.seconds,
            "cpu_us": self.cpu / self.calls * 1e6,
            "mean_ms": mean * 1e3,
            "p99_ms": p99 * 1e3,
            "fairness": p99 / mean,
            "unfinished": len(unfinished),
            "failed": len(self.errors),
        }


async def drive(call: AsyncCall, load: Load) -> Sample:
    """Keep calls in flight with tasks that each make one call after another."""
    if not await call():
        return {"error": "the answer is empty"}
    tally = Tally()
    began = [math.inf] * load.in_flight

    async def work(index: int) -> None:
        while not tally.stopped:
            began[index] = start = time.perf_counter()
            try:
                await call()
            except Exception as error:  # noqa: BLE001 - whatever a client raises is counted
                tally.errors.append(error)
                continue
            if tally.counting:
                tally.latencies.append(time.perf_counter() - start)

    tasks = [asyncio.create_task(work(index)) for index in range(load.in_flight)]
    await asyncio.sleep(load.warm)
    tally.open()
    await asyncio.sleep(load.seconds)
    tally.close()
    _, running = await asyncio.wait(tasks, timeout=load.drain)
    now = time.perf_counter()
    return tally.sample([now - start for start, task in zip(began, tasks, strict=True) if task in running])


def drive_threads(call: Call, load: Load) -> Sample:
    """Keep calls in flight with threads that each make one call after another."""
    if not call():
        return {"error": "the answer is empty"}
    tally = Tally()

    def work() -> None:
        while not tally.stopped:
            start = time.perf_counter()
            try:
                call()
            except Exception as error:  # noqa: BLE001 - whatever a client raises is counted
                tally.errors.append(error)
                continue
            if tally.counting:
                tally.latencies.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(load.in_flight)]
    for thread in threads:
        thread.start()
    time.sleep(load.warm)
    tally.open()
    time.sleep(load.seconds)
    tally.close()
    for thread in threads:
        thread.join(load.drain)
    return tally.sample([])
