"""Uploads: 50 files of 10 MB at once; memory, stalls of the event loop, speed. Plain files and slow ones.

`python -m benchmarks.uploads [quick] [reference] [VARIANT…]`; each sample is taken in a fresh process, `… child JSON`.
"""

import asyncio
import contextlib
import gc
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from benchmarks.harness import Goal, Options, Rounds, Sample, goals_table, measure, missing, number, pin, report, table
from benchmarks.server import Server
from benchmarks.variants import BEARER, TOKEN
from livechat_customer_async import AsyncCustomerSession

SIZE = 10 * 1024 * 1024
AT_ONCE = 50
READ_SECONDS = 0.002
_PATIENCE = 120.0

Upload = Callable[[Path], Awaitable[str]]
"""Uploads a file and returns its URL."""


class SlowFile(io.FileIO):
    """A file whose reads each block for 2 ms, as on a network drive."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(READ_SECONDS)
        return super().read(-1 if size is None else size)

    def readinto(self, buffer: Any) -> int:
        time.sleep(READ_SECONDS)
        return super().readinto(buffer)


def opened(path: Path, *, slow: bool) -> BinaryIO:
    return SlowFile(path) if slow else path.open("rb")


# ---- the clients


@contextlib.asynccontextmanager
async def httpx_open_file(url: str, *, slow: bool) -> AsyncIterator[Upload]:
    async with httpx.AsyncClient(headers=BEARER, timeout=60) as client:

        async def upload(path: Path) -> str:
            with opened(path, slow=slow) as file:
                return await _post_files(client, url, path.name, file)

        yield upload


@contextlib.asynccontextmanager
async def httpx_bytes(url: str, *, slow: bool) -> AsyncIterator[Upload]:
    async with httpx.AsyncClient(headers=BEARER, timeout=60) as client:

        async def upload(path: Path) -> str:
            with opened(path, slow=slow) as file:
                return await _post_files(client, url, path.name, file.read())

        yield upload


async def _post_files(client: httpx.AsyncClient, url: str, name: str, content: Any) -> str:
    files = {"payload.file": (name, content, "application/octet-stream")}
    response = await client.post(f"{url}/v3.0/customer/action/upload_file?license_id=1520", files=files)
    said: str = response.json()["url"]
    return said


@contextlib.asynccontextmanager
async def aiohttp_open_file(url: str, *, slow: bool) -> AsyncIterator[Upload]:
    import aiohttp

    async with aiohttp.ClientSession(headers=BEARER) as session:

        async def upload(path: Path) -> str:
            with opened(path, slow=slow) as file:
                form = aiohttp.FormData()
                form.add_field("payload.file", file, filename=path.name, content_type="application/octet-stream")
                endpoint = f"{url}/v3.0/customer/action/upload_file?license_id=1520"
                async with session.post(endpoint, data=form) as response:
                    said: str = (await response.json())["url"]
                    return said

        yield upload


@contextlib.asynccontextmanager
async def ours(url: str, *, slow: bool, engine: str = "auto") -> AsyncIterator[Upload]:
    async with AsyncCustomerSession(1520, TOKEN, base_url=url, engine=engine) as session:

        async def upload(path: Path) -> str:
            if not slow:
                return (await session.events.upload_file(path)).url
            with opened(path, slow=True) as file:
                return (await session.events.upload_file(file)).url

        yield upload


@contextlib.asynccontextmanager
async def ours_engine_httpx(url: str, *, slow: bool) -> AsyncIterator[Upload]:
    async with ours(url, slow=slow, engine="httpx") as upload:
        yield upload


OURS = "ours"
FILES = "httpx files=, open file"
VARIANTS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    FILES: (httpx_open_file, ()),
    "httpx files=, bytes": (httpx_bytes, ()),
    "aiohttp, open file": (aiohttp_open_file, ("aiohttp",)),
    OURS: (ours, ()),
    'ours, engine="httpx"': (ours_engine_httpx, ()),
}


# ---- one sample, in a process of its own


class Memory:
    """Growth of the peak resident memory in MB, as counted by the kernel, not sampled."""

    def __init__(self) -> None:
        # Reset the kernel's peak. If that is not possible, the earlier peak is subtracted, which may hide some growth.
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self._before = self._peak()

    def growth(self) -> float:
        return (self._peak() - self._before) / 1e6

    @staticmethod
    def _peak() -> int:
        try:
            status = Path("/proc/self/status").read_text()
        except OSError:
            import resource

            unit = 1 if sys.platform == "darwin" else 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


async def longest_gap(gaps: list[float]) -> None:
    """Wake up every millisecond, and record the longest time between two wake-ups."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps[0] = max(gaps[0], now - last)
        last = now


async def child(job: dict[str, Any]) -> Sample:
    path, size = Path(job["file"]), job["size"]
    client = VARIANTS[job["variant"]][0]
    async with client(job["verify"], slow=False) as upload:  # correct before fast
        got = (await upload(path)).rpartition("/")[2]
        if got != job["sha256"]:
            return {"error": f"the server received other bytes: {got}"}
    async with client(job["url"], slow=job["slow"]) as upload:
        await upload(path)
        # The garbage collector's first full pass, over everything imported, takes 10 to 35 ms once in a process. It
        # would be counted for whichever variant is running.
        gc.collect()
        gaps = [0.0]
        ticker = asyncio.create_task(longest_gap(gaps))
        await asyncio.sleep(0.01)
        gaps[0] = 0.0
        memory, start, cpu = Memory(), time.perf_counter(), time.process_time()
        urls = await asyncio.gather(*(upload(path) for _ in range(job["at_once"])))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        growth = memory.growth()
        ticker.cancel()
    total = job["at_once"] * size
    if any(int(url.rpartition("/")[2]) < size for url in urls):
        return {"error": "the server received too few bytes"}
    return {"memory_mb": growth, "stall_ms": gaps[0] * 1e3, "mb_per_s": total / 1e6 / seconds, "cpu_s": cpu}


def once(job: dict[str, Any]) -> Sample:
    command = [sys.executable, "-m", "benchmarks.uploads", "child", json.dumps(job)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {_PATIENCE:g} s"}
    if result.returncode:
        return {"error": (result.stderr.strip().splitlines() or ["died"])[-1]}
    sample: Sample = json.loads(result.stdout)
    return sample


# ---- all of them

FIGURES = {"memory_mb": "memory, MB", "stall_ms": "longest stall, ms", "mb_per_s": "MB/s", "cpu_s": "CPU, s"}


def results_table(cell: Rounds) -> str:
    rows = [
        [name, *(number(cell.median(name, what)) for what in FIGURES), number(cell.ratio(name, FILES, "mb_per_s"))]
        for name in cell.samples
    ]
    return table(["client", *FIGURES.values(), "MB/s ÷ httpx files="], rows)


def goals(plain: Rounds, slow: Rounds) -> list[Goal]:
    speed = "mb_per_s"
    return [
        Goal("P10", "memory growth, MB", plain.median(OURS, "memory_mb"), at_most=40),
        Goal("P10", "longest stall, ms", plain.median(OURS, "stall_ms"), at_most=20),
        Goal("P10", "MB/s ÷ httpx files= (aim 1.3)", plain.ratio(OURS, FILES, speed), at_least=0.9),
        Goal("P11", "longest stall, reads block 2 ms, ms", slow.median(OURS, "stall_ms"), at_most=25),
        Goal("P11", "MB/s ÷ httpx files=, reads block 2 ms", slow.ratio(OURS, FILES, speed), at_least=20),
    ]


def main() -> None:
    options = Options.parse(sys.argv[1:])
    skipped = {name: why for name, (_, requires) in VARIANTS.items() if (why := missing(requires))}
    names = options.select(name for name in VARIANTS if name not in skipped)
    rounds = 3 if options.quick else 5
    cells: dict[str, Rounds] = {}
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.bin"
        content = os.urandom(SIZE)
        path.write_bytes(content)
        job = {
            "file": str(path),
            "size": SIZE,
            "sha256": hashlib.sha256(content).hexdigest(),
            "url": server.url("http", "sink"),
            "verify": server.url("http", "verify"),
            "at_once": 10 if options.quick else AT_ONCE,
        }
        for what, slow in (("plain files", False), ("reads that block 2 ms", True)):
            one = lambda name, slow=slow: once({**job, "variant": name, "slow": slow})  # noqa: E731
            cells[what] = measure(names, rounds, one, what)
    plain, slow_files = cells.values()
    reached = goals(plain, slow_files)
    title = f"{job['at_once']} × 10 MB at once"
    tables = {f"{title}, {what}": results_table(cell) for what, cell in cells.items()}
    facts = {
        "cells": {what: cell.summary() for what, cell in cells.items()},
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in reached],
    }
    failures = [f"{what}: {name}: {why}" for what, cell in cells.items() for name, why in cell.failures.items()]
    notes = [*(f"skipped: {name} ({why})" for name, why in skipped.items()), *failures]
    report("uploads", options, {**tables, "Goals": goals_table(reached)}, facts, notes)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        pin(-1)
        print(json.dumps(asyncio.run(child(json.loads(sys.argv[2])))))
    else:
        main()
