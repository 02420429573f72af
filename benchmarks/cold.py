"""Cold start: imports, the first calls, further sessions. Imports and first calls are measured in fresh processes.

`python -m benchmarks.cold [quick] [reference] [VARIANT…]`
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict

from benchmarks.harness import Goal, Options, Rounds, Sample, goals_table, measure, missing, number, pin, report, table

HTTPX = "import httpx"
OURS = "import livechat_customer_async"

IMPORTS: dict[str, tuple[str, ...]] = {
    HTTPX: ("httpx",),
    "import httpx, attrs, cattrs, anyio": ("httpx", "attrs", "cattrs", "anyio"),
    "import aiohttp": ("aiohttp",),
    "import httpx2": ("httpx2",),
    "import livechat.customer (lc-sdk-python)": ("livechat.customer",),
    OURS: ("livechat_customer_async",),
}

# httpx imports click and rich where they are, for its command line: here, as in a plain installation, they are not.
_IMPORT = """
import sys, time
sys.modules['click'] = None
start = time.perf_counter()
import {modules}
print('{{"ms": %f}}' % ((time.perf_counter() - start) * 1e3))
"""

_CALLS = {
    "start_chat": ("start_chat", "session.chats.start_chat(thread=NewThread(events=[NewMessage(text='hello')]))"),
    "send_event": ("1.3", "session.events.send_event('PJ0MRSHTDG', NewMessage(text='hello'))"),
    "get_chat_threads": ("34", "session.chats.get_chat_threads('PJ0MRSHTDG')"),
    "get_chats_summary": ("chats_summary", "session.chats.get_chats_summary()"),
}

# A transport without a network: what is left is the first call's own work, the fastest of some later ones taken off.
# What anyio loads when it is first used comes before it: every program that uses anyio or httpx pays for that.
_FIRST_CALL = """
import asyncio, time, anyio.lowlevel, httpx
from benchmarks.cold import answer_of
from livechat_customer_async import AsyncCustomerSession, NewMessage, NewThread
body = answer_of({answer!r})

async def main():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    async with AsyncCustomerSession(1520, 'dal-benchmark', transport=transport) as session:
        start = time.perf_counter()
        with anyio.CancelScope():
            await anyio.lowlevel.checkpoint()
        anyio_s = time.perf_counter() - start
        spans = []
        for _ in range(20):
            start = time.perf_counter()
            await {call}
            spans.append(time.perf_counter() - start)
        print('{{"ms": %f, "anyio_ms": %f}}' % ((spans[0] - min(spans)) * 1e3, anyio_s * 1e3))

asyncio.run(main())
"""

_SESSIONS = """
import asyncio, json, statistics, time
from livechat_customer_async import AsyncCustomerSession

def timed(make):
    start = time.perf_counter()
    return make(), time.perf_counter() - start

async def main():
    make = lambda: AsyncCustomerSession(1520, 'dal-benchmark', engine={engine!r})
    first, first_s = timed(make)
    second, second_s = timed(make)
    further = [timed(lambda: second.for_customer('dal-%d' % number))[1] for number in range(2000)]
    again = [timed(lambda: second.for_customer('dal-1'))[1] for _ in range(2000)]
    print(json.dumps(dict(
        first_ms=first_s * 1e3,
        second_ms=second_s * 1e3,
        new_customer_us=statistics.median(further) * 1e6,
        known_customer_us=statistics.median(again) * 1e6,
    )))
    await first.aclose()
    await second.aclose()

asyncio.run(main())
"""


def answer_of(name: str) -> bytes:
    """The response to the calls below."""
    from benchmarks.bodies import BODIES, encode

    chat = json.loads(BODIES["34"]())["chat"]
    if name == "start_chat":
        return encode({"chat": {**chat, "thread": chat["threads"][0], "threads": []}})
    if name == "chats_summary":
        newest = {event["type"]: {"thread_id": "K6", "event": event} for event in chat["threads"][0]["events"]}
        row = {"id": chat["id"], "users": chat["users"], "access": chat["access"], "last_event_per_type": newest}
        return encode({"chats_summary": [row], "total_chats": 1})
    return BODIES[name]()


def fresh(code: str) -> Sample:
    """Run code in a fresh process and return the sample it prints."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    if result.returncode:
        return {"error": result.stderr.strip().splitlines()[-1]}
    sample: Sample = json.loads(result.stdout)
    return sample


def rows(cell: Rounds, *what: str) -> list[list[str]]:
    return [[name, *(number(cell.median(name, one)) for one in what)] for name in cell.samples]


def measured(names: list[str], rounds: int, code: Callable[[str], str], what: str) -> Rounds:
    for name in names:
        fresh(code(name))  # leaves the byte code, as an installation does
    return measure(names, rounds, lambda name: fresh(code(name)), what)


def main() -> None:
    pin(-1)
    options = Options.parse(sys.argv[1:])
    # The last part of a dotted name need not be looked up: its package is there or not.
    skipped = {
        name: why for name, needed in IMPORTS.items() if (why := missing(module.partition(".")[0] for module in needed))
    }
    names = options.select(name for name in IMPORTS if name not in skipped)
    rounds = 5 if options.quick else 15
    with tempfile.TemporaryDirectory() as folder:
        # Byte code is kept, whatever the environment says, and nowhere else than here.
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        imports = measured(names, rounds, lambda name: _IMPORT.format(modules=", ".join(IMPORTS[name])), "imports")
        calls = measured(
            list(_CALLS), rounds, lambda name: _FIRST_CALL.format(answer=_CALLS[name][0], call=_CALLS[name][1]), "calls"
        )
        sessions = measured(["auto", "httpx"], rounds, lambda engine: _SESSIONS.format(engine=engine), "sessions")
    goals = [
        Goal("P9", "import ÷ import httpx (aim 1.7)", imports.ratio(OURS, HTTPX, "ms"), at_most=2.2),
        *(Goal("P9", f"hooks of the first call, ms, {name}", calls.median(name, "ms"), at_most=12) for name in _CALLS),
        Goal("P9", "second session, ms", sessions.median("auto", "second_ms"), at_most=1),
        Goal("–", "for_customer, a known one, µs", sessions.median("auto", "known_customer_us"), at_most=5),
        Goal("–", "for_customer, a new one, µs", sessions.median("auto", "new_customer_us"), at_most=5),
    ]
    shown = {"auto": "engine=“auto”", "httpx": "engine=“httpx”"}
    figures = ("first_ms", "second_ms", "known_customer_us", "new_customer_us")
    tables = {
        "Imports": table(
            ["statement", "ms", "÷ import httpx"],
            [[*row, number(imports.ratio(row[0], HTTPX, "ms"))] for row in rows(imports, "ms")],
        ),
        "What the first call costs beyond a later one, ms": table(
            ["call", "ms", "before it: anyio's first use, ms"], rows(calls, "ms", "anyio_ms")
        ),
        "Sessions": table(
            ["session", "first, ms", "second, ms", "for_customer, known, µs", "for_customer, new, µs"],
            [[shown[name], *(number(sessions.median(name, what)) for what in figures)] for name in sessions.samples],
        ),
        "Goals": goals_table(goals),
    }
    cells = {"imports": imports, "first calls": calls, "sessions": sessions}
    facts = {
        "cells": {name: cell.summary() for name, cell in cells.items()},
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in goals],
    }
    failures = [f"{name}: {why}" for cell in cells.values() for name, why in cell.failures.items()]
    report("cold", options, tables, facts, [*(f"skipped: {name} ({why})" for name, why in skipped.items()), *failures])


if __name__ == "__main__":
    main()
