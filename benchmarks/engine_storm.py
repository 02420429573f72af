"""Hundreds of calls over a tiny pool, each cancelled at a random moment, followed by a check of the session.

`python -m benchmarks.engine_storm ENGINE SEED` prints JSON. Cancelled natively, by `Task.cancel`, which breaks through
anyio's shields. The server closes connections now and then, so that cancellations also hit connects and handshakes.
"""

import asyncio
import contextlib
import json
import os
import random
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

from benchmarks.bodies import CHAT_ID, QUESTION, sent_event
from benchmarks.engine_faults import Authority
from benchmarks.engine_transports import Setup, session_over
from benchmarks.harness import Sample
from benchmarks.server import Answering, response
from livechat_customer_async import AsyncCustomerSession, NewMessage, RetryPolicy, Timeouts

CONNECTIONS = 4
CALLS = 400
PROBES = 20
_AT_ONCE = 20
_LONGEST = 0.012
_LATENCY = 0.002
_LIMIT = 3.0
_SETTLE = 1.0
_ANSWER = response(sent_event())
_LAST_ANSWER = _ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@dataclass
class Seen:
    """The server's view: open connections, and the most that were open at once."""

    chance: random.Random
    connections: set[asyncio.BaseTransport] = field(default_factory=set)
    most: int = 0


class Server(Answering):
    """Serve a connection; every eighth response closes it."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(_ANSWER, _LATENCY)
        self.seen = seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.seen.connections.add(transport)
        self.seen.most = max(self.seen.most, len(self.seen.connections))

    def connection_lost(self, _error: Exception | None) -> None:
        self.seen.connections.discard(self.transport)

    def respond(self) -> None:
        if self.transport.is_closing():
            return
        is_last = self.seen.chance.random() < 1 / 8
        self.transport.write(_LAST_ANSWER if is_last else _ANSWER)
        if is_last:
            self.transport.close()


@contextlib.asynccontextmanager
async def serving(seen: Seen, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(partial(Server, seen), "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def probe(session: AsyncCustomerSession) -> None:
    await session.events.send_event(CHAT_ID, NewMessage(text=QUESTION))


async def storm(session: AsyncCustomerSession, chance: random.Random) -> int:
    """Cancel all calls and return how many did not end."""
    hung = 0
    for _ in range(CALLS // _AT_ONCE):
        tasks = [asyncio.create_task(probe(session)) for _ in range(_AT_ONCE)]
        for task in tasks:
            asyncio.get_running_loop().call_later(chance.random() * _LONGEST, task.cancel)
        done, running = await asyncio.wait(tasks, timeout=_LIMIT)
        hung += len(running)
        for task in done:
            if not task.cancelled():
                task.exception()
    return hung


async def answered(session: AsyncCustomerSession) -> int:
    """Return how many concurrent probes are answered in time."""
    tasks = [asyncio.create_task(probe(session)) for _ in range(PROBES)]
    done, running = await asyncio.wait(tasks, timeout=_LIMIT + 1)
    for task in running:
        task.cancel()
    return sum(not task.cancelled() and task.exception() is None for task in done)


async def settled(seen: Seen, wanted: int) -> int:
    """Wait until no more connections close or `left` remain; return how many are open."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLE):
            while len(seen.connections) > wanted:  # noqa: ASYNC110 - a benchmark may poll
                await asyncio.sleep(0.02)
    return len(seen.connections)


async def measure(engine: str, seed: int, authority: Authority, *, secure: bool) -> Sample:
    chance = random.Random(seed)
    seen = Seen(chance)
    setup = Setup(ca_file=authority.ca_file, connections=CONNECTIONS, timeouts=Timeouts(total=_LIMIT))
    async with serving(seen, authority.context if secure else None) as port:
        url = f"{'https' if secure else 'http'}://127.0.0.1:{port}"
        session = session_over(engine, url, setup, RetryPolicy.none())
        hung = await storm(session, chance)
        await settled(seen, CONNECTIONS)
        before, seen.most = len(seen.connections), len(seen.connections)
        good = await answered(session)
        most = max(before, seen.most)
        await session.aclose()
        return {"hung": hung, "answered": good, "most": most, "left": await settled(seen, 0)}


async def child(engine: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        samples = [await measure(engine, seed, authority, secure=secure) for secure in (False, True)]
    worst = {
        "answered": sum(sample["answered"] for sample in samples),
        "asked": PROBES * len(samples),
        **{what: max(sample[what] for sample in samples) for what in ("hung", "most", "left")},
    }
    print(json.dumps(worst), flush=True)


if __name__ == "__main__":
    asyncio.run(child(sys.argv[1], int(sys.argv[2])))
    os._exit(0)  # what an engine left behind must not keep its figures
