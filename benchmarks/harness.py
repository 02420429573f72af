"""Shared by all benchmarks: options, interleaved rounds, medians and ratios, tables, JSON.

A benchmark compares *variants* in *cells*. All variants of a cell are measured in turn in each round, so that a machine
that slows down slows all of them. Ratios are taken within a round; medians of the rounds are reported. A variant whose
package is not installed is skipped, and the report says so.
"""

import datetime as dt
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
REFERENCE = HERE / "reference"

PACKAGES = (
    "httpx",
    "httpcore",
    "sniffio",
    "anyio",
    "attrs",
    "cattrs",
    "orjson",
    "httptools",
    "aiohttp",
    "httpx-aiohttp",
    "httpx2",
    "httpcore2",
    "pyreqwest",
    "msgspec",
    "pydantic",
    "lc-sdk-python",
)


@dataclass(frozen=True)
class Options:
    """Options of the command line.

    Attributes:
        quick: fewer cells, rounds and seconds. Shows that everything runs; its figures are not for quoting.
        reference: also write the result to the committed folder `reference/`.
        only: names of the variants to measure; empty for all.
    """

    quick: bool
    reference: bool
    only: tuple[str, ...]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Options":
        words = [word for word in arguments if word not in ("quick", "reference")]
        return cls(quick="quick" in arguments, reference="reference" in arguments, only=tuple(words))

    def select(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self.only or name in self.only]


# ---- the machine


def pin(place: int) -> None:
    """Pin this process to one of the cores it may use, by index: 0 is the first, -1 the last.

    Does nothing with a single core, or on a platform that cannot pin.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[place]})


def machine() -> dict[str, Any]:
    """Describe the machine and the packages measured."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": _load(),
        "packages": {name: _version(name) for name in PACKAGES if _version(name)},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(modules: Iterable[str]) -> str | None:
    """Return why a variant cannot be measured, or `None` if it can."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"{', '.join(absent)} not installed" if absent else None


# ---- rounds


Sample = dict[str, Any]


def interleaved(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Yield each variant once per round; each round starts with another one."""
    for turn in range(rounds):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            yield turn, name


@dataclass
class Rounds:
    """The samples of one cell: one per variant and round."""

    samples: dict[str, list[Sample | None]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, turn: int, sample: Sample) -> None:
        row = self.samples.setdefault(name, [])
        row += [None] * (turn - len(row))
        if "error" in sample:
            self.failures[name] = sample["error"]
            row.append(None)
        else:
            row.append(sample)

    def values(self, name: str, what: str) -> list[float]:
        return [sample[what] for sample in self.samples.get(name, ()) if sample is not None]

    def median(self, name: str, what: str) -> float | None:
        return statistics.median(values) if (values := self.values(name, what)) else None

    def ratio(self, name: str, other: str, what: str) -> float | None:
        """Return the median of the ratios within each round."""
        pairs = zip(self.samples.get(name, ()), self.samples.get(other, ()), strict=False)
        ratios = [a[what] / b[what] for a, b in pairs if a is not None and b is not None and b[what]]
        return statistics.median(ratios) if ratios else None

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return each variant's medians and their spread, for JSON."""
        return {name: self._summary(name) for name in self.samples}

    def _summary(self, name: str) -> dict[str, Any]:
        keys = next((list(sample) for sample in self.samples[name] if sample is not None), [])
        return {key: spread(self.values(name, key)) for key in keys}


def spread(values: Sequence[float]) -> dict[str, float]:
    return {name: rounded(of(values)) for name, of in (("median", statistics.median), ("min", min), ("max", max))}


def measure(names: Sequence[str], rounds: int, once: Callable[[str], Sample], what: str) -> Rounds:
    """Measure all variants of a cell in turn. A variant that fails is not tried again."""
    cell = Rounds()
    if not names:
        return cell
    for turn, name in interleaved(names, rounds):
        if name not in cell.failures:
            tell(f"  {what}: round {turn + 1}/{rounds} {name}")
            cell.add(name, turn, once(name))
    return cell


def tell(line: str) -> None:
    """Show progress on stderr; stdout has the tables only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def done() -> None:
    tell("")


# ---- goals


@dataclass(frozen=True)
class Goal:
    """A limit for a figure: at most `at_most` or at least `at_least`."""

    name: str
    what: str
    value: float | None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bound(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.at_least is None or self.value >= self.at_least

    def row(self) -> list[str]:
        return [
            self.name,
            self.what,
            number(self.value),
            self.bound,
            {True: "yes", False: "NO", None: "–"}[self.reached],
        ]


def goals_table(goals: Iterable[Goal]) -> str:
    return table(["goal", "what", "measured", "bound", "reached"], [goal.row() for goal in goals])


# ---- output


def number(value: float | None, digits: int = 3) -> str:
    """Format a figure with `digits` significant digits, and at least all digits before the decimal point."""
    if value is None:
        return "–"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def rounded(value: float) -> float:
    return float(f"{value:.6g}")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are also aligned in plain text."""
    body = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in [list(headers), *body]) for i in range(len(headers))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":" for i, width in enumerate(widths))
    return "\n".join([line(headers), f"|{rule}|", *(line(row) for row in body)])


def to_json(result: Mapping[str, Any]) -> str:
    """Serialize a result with each innermost object on a line of its own, so that its diffs can be read."""
    text = json.dumps(result, indent=1, ensure_ascii=False)
    return re.sub(r"\{[^{}\[\]]*\}", lambda inner: re.sub(r"\n\s*", " ", inner[0]), text) + "\n"


def report(
    name: str, options: Options, tables: Mapping[str, str], facts: Mapping[str, Any], notes: Sequence[str]
) -> None:
    """Print the tables and write the figures behind them as JSON."""
    done()
    shape = machine()
    print(f"# {name}{' (quick: not for quoting)' if options.quick else ''}")
    where = f"{shape['cores']} × {shape['cpu']}, {shape['platform']}, load {shape['load']}"
    print(f"{shape['date']}, Python {shape['python']}, {where}")
    for title, text in tables.items():
        print(f"\n## {title}\n\n{text}")
    for note in notes:
        print(f"\nNote: {note}")
    result = {"benchmark": name, "quick": options.quick, "machine": shape, "notes": list(notes), **facts}
    folders = [RESULTS, *([REFERENCE] if options.reference else [])]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.json"
        path.write_text(to_json(result))
        print(f"\nwritten: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
