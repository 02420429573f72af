"""A process that measures one variant, isolated from the imports, garbage and threads of the others.

`Worker` starts it and keeps it for all cells; `python -m benchmarks.worker VARIANT` reads one job per line and answers
with one sample per line. Workers that wait for their turn do nothing.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, cast

from benchmarks.engine_transports import ENGINE_VARIANTS
from benchmarks.harness import Sample, pin
from benchmarks.load import Load, Tally, drive, drive_threads
from benchmarks.server import content_length
from benchmarks.variants import FLOOR, VARIANTS, Target, request_bytes

_PATIENCE = 120.0
_ALL = {**VARIANTS, **ENGINE_VARIANTS}


class Floor(asyncio.Protocol):
    """Sends a prepared request as soon as the previous response has arrived: the least a client can do."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request = request
        self.tally = tally
        self.left = self.size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.left = self.size
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.size:
            end = data.index(b"\r\n\r\n")
            self.left = self.size = end + 4 + (content_length(data[:end]) or 0)
        self.left -= len(data)
        if self.left:
            return
        if self.tally.counting:
            self.tally.latencies.append(time.perf_counter() - self.began)
        if not self.tally.stopped:
            self.send()


async def drive_floor(target: Target, load: Load) -> Sample:
    """One connection for each call in flight."""
    tally, loop = Tally(), asyncio.get_running_loop()
    request = request_bytes(target)
    host, port = target.url.partition("://")[2].split(":")
    made = [
        await loop.create_connection(lambda: Floor(request, tally), host, int(port), ssl=target.tls)
        for _ in range(load.in_flight)
    ]
    await asyncio.sleep(load.warm)
    tally.open()
    await asyncio.sleep(load.seconds)
    tally.close()
    for transport, _ in made:
        transport.abort()
    return tally.sample([])


async def drive_client(name: str, target: Target, load: Load) -> Sample:
    async with _ALL[name].opened(target) as call:
        sample = await drive(call, load)
        if "error" in sample or sample["unfinished"]:
            # Closing would wait for what does not end, or take minutes to cancel it.
            print(json.dumps(sample), flush=True)
            os._exit(0)
        return sample


def run(name: str, target: Target, load: Load) -> Sample:
    if name == FLOOR:
        return asyncio.run(drive_floor(target, load))
    variant = _ALL[name]
    if not variant.threads:
        return asyncio.run(drive_client(name, target, load))
    threads = min(variant.threads, load.in_flight)
    with variant.opened(target) as call:
        return drive_threads(call, Load(threads, load.seconds, load.warm, load.drain))


def main(name: str) -> None:
    pin(-1)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            sample = run(name, Target(**job["target"]), Load(**job["load"]))
        except Exception as error:  # noqa: BLE001 - whatever a client raises becomes the variant's result
            sample = {"error": repr(error)}
        print(json.dumps(sample), flush=True)


class Worker:
    """The process of one variant, started when first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[str] | None = None

    def measure(self, target: dict[str, Any], load: dict[str, Any]) -> Sample:
        """Take one sample. A worker that takes too long is killed, which becomes the variant's result."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "benchmarks.worker", self._name]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(_PATIENCE, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps({"target": target, "load": load}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self.close()
            return {"error": f"no sample within {_PATIENCE:g} s, or the process died"}
        sample: Sample = json.loads(line)
        if "error" in sample or sample.get("unfinished"):
            self.close()
        return sample

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
