"""Engines: the evidence for the default engine. Each one is measured under the same session.

`python -m benchmarks.engines [quick] [reference] [ENGINE…]`
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from benchmarks.calls import Cell, Cells, cell_table, complaints, median, run
from benchmarks.cold import measured
from benchmarks.engine_faults import FAULTS, Seen
from benchmarks.engine_storm import CALLS, CONNECTIONS
from benchmarks.engine_transports import ALTERNATIVES, ENGINES
from benchmarks.harness import (
    Goal,
    Options,
    Rounds,
    done,
    goals_table,
    interleaved,
    missing,
    number,
    pin,
    report,
    table,
    tell,
)
from benchmarks.variants import OURS

TLS = Cell(100, 20, scheme="https")
CROWD = Cell(1000, 20)
QUICK = [Cell(1), TLS, CROWD]
FULL = [Cell(1), Cell(1, scheme="https"), Cell(100), Cell(100, 20), TLS, CROWD]
SEEDS = (1, 2, 3)
_PATIENCE = 90.0

# The engine's own imports, on top of what the session needs whatever stands under it.
_IMPORT = """
import sys, time
sys.modules['click'] = None
import asyncio, livechat_customer_async, livechat_customer_async._session
start = time.perf_counter()
import {modules}
print('{{"ms": %f}}' % ((time.perf_counter() - start) * 1e3))
"""

Faults = dict[str, dict[str, Any]]
"""The output of `engine_faults` for each engine, or the `error` that prevented it."""


def in_a_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module and return the JSON it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {_PATIENCE:g} s"}
    if result.returncode:
        return {"error": (result.stderr.strip().splitlines() or ["died"])[-1]}
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def storms(names: list[str], seeds: tuple[int, ...]) -> Rounds:
    cell = Rounds()
    for turn, name in interleaved(names, len(seeds)) if names else ():
        tell(f"  cancel storm {turn + 1}/{len(seeds)} {name}")
        cell.add(name, turn, in_a_process("engine_storm", name, str(seeds[turn])))
    return cell


def faults(names: list[str]) -> Faults:
    """Run the fault checks of all engines concurrently; they measure no time."""
    tell("  faults")
    with ThreadPoolExecutor() as threads:
        return dict(zip(names, threads.map(lambda name: in_a_process("engine_faults", name), names), strict=True))


def imports(names: list[str], rounds: int) -> Rounds:
    pin(-1)
    with tempfile.TemporaryDirectory() as folder:
        # Byte code is kept, whatever the environment says, and nowhere else than here.
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        return measured(names, rounds, lambda name: _IMPORT.format(modules=", ".join(ENGINES[name].modules)), "imports")


# ---- tables


def storm_table(cell: Rounds) -> str:
    def row(name: str) -> list[str]:
        if not (asked := sum(cell.values(name, "asked"))):
            return [name, "failed", *"–––"]
        worst = [max(cell.values(name, what)) for what in ("hung", "most", "left")]
        return [name, f"{sum(cell.values(name, 'answered')):g} of {asked:g}", *(f"{count:g}" for count in worst)]

    headers = ["engine", "probes answered", "cancelled, not ended", "connections, at most", "left open after close"]
    return table(headers, map(row, cell.samples))


def faults_table(results: Faults) -> str:
    """Return a table with a column per engine; engines with equal results share one."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for name, result in results.items():
        said = tuple(str(Seen(**result["faults"][fault])) if "faults" in result else "failed" for fault in FAULTS)
        columns.setdefault(said, []).append(name)
    headers = ["fault", *("; ".join(names) for names in columns.values())]
    return table(headers, ([fault, *(said[row] for said in columns)] for row, fault in enumerate(FAULTS)))


def extras_table(imported: Rounds, results: Faults) -> str:
    def row(name: str) -> list[str]:
        proxy = {True: "yes", False: "no", None: "failed"}[results[name].get("proxy")]
        return [name, ", ".join(ENGINES[name].modules), number(imported.median(name, "ms")), proxy]

    return table(["engine", "imports", "ms", "calls by an HTTP proxy"], map(row, results))


# ---- what decides


def wrong(results: Faults, name: str) -> int | None:
    """Return how many faults a session over the engine reports wrongly."""
    said = results.get(name, {}).get("faults")
    return None if said is None else sum(not Seen(**said[fault]).is_right for fault in FAULTS)


def goals(results: Cells, stormed: Rounds, failed: Faults) -> list[Goal]:
    ratios = {name: results[TLS].ratio(name, OURS, "cpu_us") for name in ALTERNATIVES}
    best = min((ratio for ratio in ratios.values() if ratio), default=None)
    true = min((ratio for name, ratio in ratios.items() if ratio and wrong(failed, name) == 0), default=None)
    asked, answered = (sum(stormed.values(OURS, what)) for what in ("asked", "answered"))
    most = max(stormed.values(OURS, "most"), default=None)
    return [
        Goal("engine", f"CPU of the best alternative ÷ ours, {TLS}", best, at_least=1.5),
        Goal("engine", "the same, of those that tell all faults rightly", true, at_least=1.5),
        Goal("engine", f"p99 ÷ mean latency, {CROWD}", median(results, CROWD, OURS, "fairness"), at_most=1.5),
        Goal("engine", "probes answered after the storms", answered / asked if asked else None, at_least=1),
        Goal("engine", "connections after the storms", most, at_most=CONNECTIONS),
        Goal("engine", "faults told wrongly", wrong(failed, OURS), at_most=0),
    ]


def main() -> None:
    options = Options.parse(sys.argv[1:])
    tops = {name: [module.partition(".")[0] for module in engine.modules] for name, engine in ENGINES.items()}
    skipped = {name: why for name, needed in tops.items() if (why := missing(needed))}
    names = options.select(name for name in ENGINES if name not in skipped)
    cells = QUICK if options.quick else FULL
    results = run(cells, names, quick=options.quick)
    stormed = storms(names, SEEDS[:1] if options.quick else SEEDS)
    failed = faults(names)
    imported = imports(names, 3 if options.quick else 9)
    done()
    many = [cell for cell in cells if cell.in_flight > 1]
    crowds = [cell for cell in cells if cell.in_flight >= 1000]
    reached = goals(results, stormed, failed)
    tables = {
        "CPU per call, µs": cell_table(results, names, cells, "cpu_us", OURS),
        "Calls per second": cell_table(results, names, many, "calls_per_s", OURS),
        "Fairness: p99 ÷ mean latency": cell_table(results, names, crowds, "fairness", OURS),
        f"After storms of {CALLS} cancelled calls over {CONNECTIONS} connections": storm_table(stormed),
        "What the session says of a call that failed": faults_table(failed),
        "Imports on top of the package's, and proxies": extras_table(imported, failed),
        "Goals": goals_table(reached),
    }
    errors = [
        *complaints(results),
        *(f"storm: {name}: {why}" for name, why in stormed.failures.items()),
        *(f"faults: {name}: {result['error']}" for name, result in failed.items() if "error" in result),
        *(f"imports: {name}: {why}" for name, why in imported.failures.items()),
    ]
    facts = {
        "cells": {str(cell): rounds.summary() for cell, rounds in results.items()},
        "storms": stormed.summary(),
        "faults": failed,
        "imports": imported.summary(),
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in reached],
    }
    report("engines", options, tables, facts, [*(f"skipped: {name} ({why})" for name, why in skipped.items()), *errors])


if __name__ == "__main__":
    main()
