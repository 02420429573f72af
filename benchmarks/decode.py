"""Decoding: a response body into the models of a chat, as a multiple of `orjson.loads` of the same bytes.

`python -m benchmarks.decode [quick] [reference] [VARIANT…]`
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

import orjson

from benchmarks import decode_models
from benchmarks.bodies import BODIES
from benchmarks.harness import Goal, Options, Rounds, Sample, goals_table, measure, missing, number, pin, report, table
from livechat_customer_async import Chat, structure
from livechat_customer_async._wire.converter import structure_in_place

SIZES = ("34", "63")
ORJSON = "orjson.loads"
OURS = "ours: structure(orjson.loads(body), Chat)"
OURS_IN_PLACE = "ours, in place, as a session does it"

Decode = Callable[[bytes], Any]


def ours(body: bytes) -> Any:
    return structure(orjson.loads(body), Chat)


def ours_in_place(body: bytes) -> Any:
    return structure_in_place(orjson.loads(body), Chat)


def stock_cattrs() -> Decode:
    decode = decode_models.cattrs_decoder()
    return lambda body: decode(orjson.loads(body))


VARIANTS: dict[str, tuple[Callable[[], Decode], tuple[str, ...]]] = {
    ORJSON: (lambda: orjson.loads, ()),
    "json.loads": (lambda: json.loads, ()),
    "msgspec structs": (decode_models.msgspec_decoder, ("msgspec",)),
    "pydantic": (decode_models.pydantic_decoder, ("pydantic",)),
    "stock cattrs on orjson.loads": (stock_cattrs, ("cattrs",)),
    OURS: (lambda: ours, ()),
    OURS_IN_PLACE: (lambda: ours_in_place, ()),
}


@cache
def decoder(name: str) -> Decode:
    return VARIANTS[name][0]()


@cache
def body_of(size: str) -> bytes:
    """Decode the chat alone; looking up `chat` in the dict costs nothing."""
    return orjson.dumps(orjson.loads(BODIES[size]())["chat"])


def once(name: str, size: str, seconds: float) -> Sample:
    """Return the median of single decodings over `seconds`, in microseconds, with the garbage collector running."""
    decode, body = decoder(name), body_of(size)
    decode(body)
    gc.collect()
    spans = []
    until = time.perf_counter() + seconds
    while (start := time.perf_counter()) < until:
        decode(body)
        spans.append(time.perf_counter() - start)
    return {"us": sorted(spans)[len(spans) // 2] * 1e6}


def main() -> None:
    pin(-1)
    options = Options.parse(sys.argv[1:])
    skipped = {name: why for name, (_, requires) in VARIANTS.items() if (why := missing(requires))}
    names = options.select(name for name in VARIANTS if name not in skipped)
    rounds, seconds = (3, 0.1) if options.quick else (7, 0.5)
    results: dict[str, Rounds] = {
        size: measure(names, rounds, lambda name, size=size: once(name, size, seconds), f"{size} KB") for size in SIZES
    }
    rows = [
        [
            name,
            *(
                text
                for size in SIZES
                for text in (number(results[size].median(name, "us")), ratio(results[size], name))
            ),
        ]
        for name in names
    ]
    headers = ["decoder", *(text for size in SIZES for text in (f"{size} KB, µs", "÷ orjson.loads"))]
    goals = [
        Goal("P8", f"ours ÷ orjson.loads, {size} KB (aim 3.0)", results[size].ratio(OURS, ORJSON, "us"), at_most=4.0)
        for size in SIZES
    ]
    facts = {
        "cells": {f"{size} KB": cell.summary() for size, cell in results.items()},
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in goals],
    }
    notes = [f"skipped: {name} ({why})" for name, why in skipped.items()]
    report("decode", options, {"Decoding a chat": table(headers, rows), "Goals": goals_table(goals)}, facts, notes)


def ratio(cell: Rounds, name: str) -> str:
    return number(cell.ratio(name, ORJSON, "us"))


if __name__ == "__main__":
    main()
