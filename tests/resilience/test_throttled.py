"""Calls at a rate limit over real sockets: every one of them served, whatever others are cancelled meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

import pytest

from livechat_customer_async import AsyncCustomerSession, Limits

OK = b'{"payload":{}}'
NO = b'{"error":{"type":"too_many_requests","message":"no"}}'


@asynccontextmanager
async def limited_server(rate: float, burst: float) -> AsyncIterator[str]:
    """Serve `rate` requests a second and a burst on top, and refuse the rest."""
    tokens, filled = burst, 0.0

    def answer() -> bytes:
        nonlocal tokens, filled
        now = asyncio.get_running_loop().time()
        tokens, filled = min(burst, tokens + (now - filled) * rate), now
        served = tokens >= 1
        tokens -= served
        body, status = (OK, b"200 OK") if served else (NO, b"429 Too Many Requests")
        return (
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
        )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):  # the loop ends
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
                writer.write(answer())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("engine", ["auto", "httpx"])
@pytest.mark.asyncio
async def test_all_are_served_while_others_are_cancelled(engine: Literal["auto", "httpx"]) -> None:
    draw = random.Random(5)
    async with (
        limited_server(100, 2) as url,
        AsyncCustomerSession(1520, "dal:x", base_url=url, engine=engine, limits=Limits(connections=20)) as session,
    ):

        async def call() -> None:
            await session.call("close_thread", {"chat_id": "c"})

        kept = [asyncio.create_task(call()) for _ in range(80)]
        others = [asyncio.create_task(call()) for _ in range(80)]
        for _ in others:
            await asyncio.sleep(0)
            draw.choice(others).cancel()
        assert await asyncio.gather(*kept) == [None] * 80
        await asyncio.gather(*others, return_exceptions=True)
        stats = session.stats()
        assert stats.throttled > 0
        assert (stats.in_flight, stats.queued) == (0, 0)
