"""Cancelled anywhere, dropped anywhere, a thousand times over: nothing is lost and nothing grows.

`HTTP11_CHURN` (calls, 3,000 by default) makes the churn longer; 100,000 is an hour of a busy service, and takes four
minutes: `HTTP11_CHURN=100000 pytest -o faulthandler_timeout=600 tests/net/http11 -k churn`.
"""

import asyncio
import contextlib
import gc
import os
import random
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import httpx
import pytest

from tests.helpers.byte_server import OK, Peer, Script, serving
from tests.net.http11.conftest import Ours, OverEngine

pytestmark = pytest.mark.asyncio

CHURN = int(os.environ.get("HTTP11_CHURN", "3000"))
DESCRIPTORS = Path("/proc/self/fd")


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else 0


async def no_tasks_left() -> None:
    """Other tasks may need some turns to end; none may stay."""
    for _ in range(1000):
        if asyncio.all_tasks() == {asyncio.current_task()}:
            return
        await asyncio.sleep(0)
    raise AssertionError(asyncio.all_tasks())


def dice(seed: int) -> Script:
    """A server that is quick, slow, or wrong, by the dice."""
    chance = random.Random(seed)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            throw = chance.random()
            if throw < 0.05:
                return
            if throw < 0.1:
                peer.reset()
                return
            cut = chance.randrange(len(OK)) if throw < 0.4 else len(OK)
            await peer.send(OK[:cut])
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            if throw < 0.13:
                return
            await peer.send(OK[cut:])

    return script


async def natively(call: Awaitable[None], turns: int) -> None:
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    with contextlib.suppress(asyncio.CancelledError, httpx.RequestError):
        task.result()


async def by_scope(call: Awaitable[None], turns: int) -> None:
    async with anyio.create_task_group() as group:

        async def run() -> None:
            with contextlib.suppress(httpx.RequestError):
                await call

        group.start_soon(run)
        for _ in range(turns):
            await asyncio.sleep(0)
        group.cancel_scope.cancel()


async def by_timeout(call: Awaitable[None], turns: int) -> None:
    with contextlib.suppress(TimeoutError, httpx.RequestError):
        async with asyncio.timeout(turns / 20_000):
            await call


@pytest.mark.slow
@pytest.mark.parametrize("cancel", [natively, by_scope, by_timeout])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_cancel_storm(
    ours: Ours,
    server_tls: ssl.SSLContext,
    secure: bool,
    cancel: Callable[[Awaitable[None], int], Awaitable[None]],
) -> None:
    chance = random.Random(7)
    transport = ours()
    gc.collect()

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"part"
            await asyncio.sleep(0)

    async def call(kind: int) -> None:
        content = upload() if kind else b"body"
        host = ("127.0.0.1", "localhost")[kind == 2]
        await client.post(server.url.replace("127.0.0.1", host), content=content)

    async with serving(dice(11), server_tls if secure else None) as server:
        client = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(10, pool=None))
        before = descriptors()
        for _ in range(20 if secure else 40):
            storm = [cancel(call(chance.randrange(3)), chance.randrange(60)) for _ in range(40)]
            await asyncio.gather(*storm)
        for _ in range(20):
            while True:  # the server is still throwing dice: only a call that hangs counts
                try:
                    response = await client.post(server.url, content=b"x", timeout=5)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError):
                    continue
                assert response.text == "ok"
                break
        await client.aclose()
        assert transport.connections == 0
        await server.until_open(0)
        assert descriptors() <= before
    await no_tasks_left()
    gc.collect()


async def test_a_connect_cancelled_in_any_turn_closes_its_socket(ours: Ours, server_tls: ssl.SSLContext) -> None:
    for tls in (None, server_tls):
        transport = ours()
        async with serving(_plain(), tls) as server:
            before = descriptors()
            url = server.url.replace("127.0.0.1", "localhost")
            for turns in range(60):
                task = asyncio.create_task(_post(transport, url))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert transport.connections <= 1
            async with asyncio.timeout(5):
                assert await _post(transport, url) == 200
            await transport.aclose()
            await server.until_open(0)
            assert descriptors() <= before + 1
    await no_tasks_left()


def _plain() -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK)

    return script


async def _post(transport: OverEngine, url: str) -> int:
    return (await transport.handle_async_request(httpx.Request("POST", url, content=b"x"))).status_code


@pytest.mark.slow
async def test_churn(ours: Ours) -> None:
    """Calls over connections that the server closes at random: neither memory, nor sockets, nor tasks grow."""
    transport = ours(keepalive=20)
    outcomes = {"answered": 0, "failed": 0}

    async with serving(dice(3)) as server:
        client = httpx.AsyncClient(transport=transport, timeout=10)

        async def worker(calls: int) -> None:
            for _ in range(calls):
                try:
                    response = await client.post(server.url, content=b"x")
                except httpx.RequestError:
                    outcomes["failed"] += 1
                else:
                    assert response.text == "ok"
                    outcomes["answered"] += 1
            server.seen.clear()

        async def round_of(calls: int) -> tuple[int, int]:
            await asyncio.gather(*(worker(calls // 40) for _ in range(40)))
            gc.collect()
            return descriptors(), tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            await round_of(CHURN // 3)
            sockets, memory = await round_of(CHURN // 3)
            sockets_after, memory_after = await round_of(CHURN // 3)
        finally:
            tracemalloc.stop()
        assert sockets_after <= sockets + 40
        assert memory_after < memory + 300_000
        assert outcomes["answered"] > outcomes["failed"] > 0
        assert transport.connections <= 20
        await client.aclose()
        await server.until_open(0)
    await no_tasks_left()
