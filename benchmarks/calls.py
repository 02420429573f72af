"""Calls: CPU, throughput, scaling and fairness of whole calls, plain and under TLS, against the peers.

`python -m benchmarks.calls [quick] [reference] [VARIANT…]`
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.harness import Goal, Options, Rounds, Sample, goals_table, measure, missing, number, report, table
from benchmarks.load import Load
from benchmarks.server import Server
from benchmarks.variants import AIOHTTP, CONNECTIONS, FLOOR, OURS, OURS_200, OURS_CLIENT, RAW, VARIANTS, VENDOR_64
from benchmarks.worker import Worker


@dataclass(frozen=True)
class Cell:
    """A load on a kind of server. `size` is in KB, `latency` in ms."""

    in_flight: int
    latency: int = 0
    size: str = "1.3"
    scheme: str = "http"

    def __str__(self) -> str:
        tls = ", TLS" if self.scheme == "https" else ""
        return f"c{self.in_flight}, {self.latency} ms, {self.size} KB{tls}"


BUSY, CROWD = Cell(100), Cell(1000)
QUICK = [
    Cell(1),
    Cell(1, size="63"),
    Cell(1, scheme="https"),
    BUSY,
    Cell(100, 20),
    CROWD,
    Cell(1000, 20),
]
FULL = [
    *QUICK,
    Cell(1, size="34"),
    Cell(10),
    Cell(10, 20),
    Cell(100, size="34"),
    Cell(1, size="63", scheme="https"),
    Cell(100, scheme="https"),
    Cell(100, 20, scheme="https"),
    Cell(1000, 20, scheme="https"),
]

Cells = dict[Cell, Rounds]


def load_of(cell: Cell, *, quick: bool) -> Load:
    # Long enough for each of the calls in flight to end several times.
    if cell.in_flight == 1:
        return Load(1, seconds=0.3 if quick else 0.6, warm=0.1)
    return Load(cell.in_flight, seconds=0.8 if quick else 1.5, warm=0.5)


def rounds_of(*, quick: bool) -> int:
    return 3 if quick else 5


def run(cells: list[Cell], names: list[str], *, quick: bool) -> Cells:
    """Measure all cells with one process per variant."""
    workers = {name: Worker(name) for name in names}
    results: Cells = {}
    with Server() as server:
        for cell in cells:
            once = lambda name, cell=cell: sample(workers[name], server, cell, quick=quick)  # noqa: E731
            results[cell] = measure(names, rounds_of(quick=quick), once, str(cell))
        for worker in workers.values():
            worker.close()
    return results


def run_in_turn(cells: list[Cell], name: str, *, quick: bool) -> Rounds:
    """Measure all cells of one variant in each round, to compare the cells."""
    by_name = {str(cell): cell for cell in cells}
    worker = Worker(name)
    with Server() as server:
        once = lambda cell: sample(worker, server, by_name[cell], quick=quick)  # noqa: E731
        results = measure(list(by_name), rounds_of(quick=quick), once, f"{name} in turn")
        worker.close()
    return results


def sample(worker: Worker, server: Server, cell: Cell, *, quick: bool) -> Sample:
    url = server.url(cell.scheme, f"{cell.size} {cell.latency}")
    target = {"url": url, "ca_file": server.ca_file, "size": cell.size}
    return worker.measure(target, asdict(load_of(cell, quick=quick)))


# ---- what the goals ask


def ratio(results: Cells, cell: Cell, one: str, other: str, what: str = "calls_per_s") -> float | None:
    return results[cell].ratio(one, other, what) if cell in results else None


def median(results: Cells, cell: Cell, name: str, what: str = "calls_per_s") -> float | None:
    return results[cell].median(name, what) if cell in results else None


def quotient(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def goals(results: Cells, scaling: Rounds) -> list[Goal]:
    cpu = "cpu_us"
    slow, slow_crowd = Cell(100, 20), Cell(1000, 20)
    tls = Cell(1, scheme="https")
    possible = CONNECTIONS / 0.020
    scaled = scaling.ratio(str(CROWD), str(BUSY), "calls_per_s")
    return [
        Goal("P1", "CPU ÷ raw, caller's client, 1.3 KB", ratio(results, Cell(1), OURS_CLIENT, RAW, cpu), at_most=1.0),
        Goal("P1", "the same, 63 KB", ratio(results, Cell(1, size="63"), OURS_CLIENT, RAW, cpu), at_most=1.15),
        Goal("P2", "CPU ÷ raw at c1 (aim 0.25)", ratio(results, Cell(1), OURS, RAW, cpu), at_most=0.40),
        Goal("P2", "the same under TLS", ratio(results, tls, OURS, RAW, cpu), at_most=0.45),
        Goal("P3", "calls/s ÷ raw at c100, 0 ms", ratio(results, BUSY, OURS, RAW), at_least=8),
        Goal("P3", "calls/s ÷ aiohttp at c100, 0 ms", ratio(results, BUSY, OURS, AIOHTTP), at_least=0.65),
        Goal("P4", "calls/s ÷ raw at c100, 20 ms", ratio(results, slow, OURS, RAW), at_least=4),
        Goal("P4", "calls/s ÷ (connections ÷ latency)", quotient(median(results, slow, OURS), possible), at_least=0.9),
        Goal("P5", "calls/s ÷ vendor's SDK, c1000, 20 ms", ratio(results, slow_crowd, OURS_200, VENDOR_64), at_least=3),
        Goal("P5", "calls/s ÷ aiohttp, c1000, 20 ms", ratio(results, slow_crowd, OURS, AIOHTTP), at_least=0.8),
        Goal("P6", "calls/s at c1000 ÷ c100, 0 ms", scaled, at_least=0.85),
        Goal("P7", "p99 ÷ mean latency, c1000, 0 ms", median(results, CROWD, OURS, "fairness"), at_most=1.5),
        Goal("P7", "the same, 20 ms", median(results, slow_crowd, OURS, "fairness"), at_most=1.5),
    ]


# ---- tables


def cell_table(results: Cells, names: list[str], cells: list[Cell], what: str, base: str = RAW) -> str:
    """Return a table of one figure per variant and cell, with its ratio to the base variant."""
    short = base.partition(":")[0]
    headers = ["client", *itertools.chain.from_iterable((str(cell), f"÷ {short}") for cell in cells)]
    return table(headers, [[name, *cell_row(results, name, cells, what, base)] for name in names])


def cell_row(results: Cells, name: str, cells: list[Cell], what: str, base: str) -> list[str]:
    row = []
    for cell in cells:
        failed = name in results[cell].failures
        row += [
            "failed" if failed else number(median(results, cell, name, what)),
            number(ratio(results, cell, name, base, what)),
        ]
    return row


def scaling_table(scaling: Rounds) -> str:
    return table(["load", "calls/s"], [[load, number(scaling.median(load, "calls_per_s"))] for load in scaling.samples])


def complaints(results: Cells) -> Iterator[str]:
    """Return notes on variants that could not be measured and on calls that failed."""
    for cell, rounds in results.items():
        for name, why in rounds.failures.items():
            yield f"{cell}: {name}: {why}"
        for name in rounds.samples:
            if failed := sum(rounds.values(name, "failed")):
                yield f"{cell}: {name}: {failed:g} calls failed"


def main() -> None:
    options = Options.parse(sys.argv[1:])
    skipped = {name: why for name, variant in VARIANTS.items() if (why := missing(variant.requires))}
    names = options.select([FLOOR, *(name for name in VARIANTS if name not in skipped)])
    results = run(QUICK if options.quick else FULL, names, quick=options.quick)
    scaling = run_in_turn([BUSY, CROWD] if OURS in names else [], OURS, quick=options.quick)
    single = [cell for cell in results if cell.in_flight == 1]
    many = [cell for cell in results if cell.in_flight > 1 and cell.scheme == "http"]
    secure = [cell for cell in results if cell.in_flight > 1 and cell.scheme == "https"]
    crowds = [cell for cell in results if cell.in_flight >= 1000]
    tables = {
        "CPU per call, µs, one call at a time": cell_table(results, names, single, "cpu_us"),
        "Calls per second": cell_table(results, names, many, "calls_per_s"),
        **({"Calls per second under TLS": cell_table(results, names, secure, "calls_per_s")} if secure else {}),
        "CPU per call, µs, under load": cell_table(results, names, many + secure, "cpu_us"),
        "Fairness: p99 ÷ mean latency": cell_table(results, names, crowds, "fairness"),
        "Calls per second of ours, in turn": scaling_table(scaling),
        "Goals": goals_table(goals(results, scaling)),
    }
    failures = list(complaints(results))
    notes = [*(f"skipped: {name} ({why})" for name, why in skipped.items()), *failures]
    facts = {
        "cells": {str(cell): rounds.summary() for cell, rounds in results.items()},
        "scaling": scaling.summary(),
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in goals(results, scaling)],
    }
    report("calls", options, tables, facts, notes)


if __name__ == "__main__":
    main()
