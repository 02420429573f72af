"""Calls cancelled at random points over a tiny pool: whatever was lost would be missing afterwards.

`CANCEL_STORM_RUNS` says how many storms each combination goes through; each has a seed of its own, and shows it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from livechat_customer_async import AccessToken
from livechat_customer_async._net.transport import ClientTransport
from tests.helpers.quick_server import QuickServer
from tests.helpers.sessions import assert_nothing_held, open_files, until
from tests.helpers.storm import BY_SCOPE, NATIVELY, OVER, SLOTS, Over, Wave, Way
from tests.helpers.uploads import recorded_spools

pytestmark = pytest.mark.asyncio

RUNS = int(os.environ.get("CANCEL_STORM_RUNS", "1"))
WAVES = 25
WIDTH = 24
PATIENCE = 30.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("over", OVER, ids=lambda over: over.__name__)
@pytest.mark.parametrize("ways", [NATIVELY, BY_SCOPE, NATIVELY + BY_SCOPE], ids=["natively", "by_scope", "mixed"])
async def test_a_storm_loses_nothing(
    ways: list[Way], over: Over, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(f"{seed} {over.__name__} {len(ways)}")
    file = tmp_path / "receipt.pdf"
    file.write_bytes(b"%PDF" * 30_000)
    tasks, files, spools = asyncio.all_tasks(), open_files(), recorded_spools(monkeypatch)

    async def provider() -> AccessToken:
        await asyncio.sleep(0)
        return AccessToken("dal-of-the-customer")

    async with asyncio.timeout(PATIENCE), QuickServer(rng, slowest=8) as server:
        session = over(server.url, provider)
        for _ in range(WAVES):
            # A new customer each time, so that the token is waited for, too.
            await rng.choice(ways)(Wave(session.for_customer(_fresh(provider)), rng, WIDTH, file))
        assert_nothing_held(session)
        # More at once than there are slots: one that was lost would be missing.
        probes = [session.status.get_groups_status(all=True) for _ in range(4 * SLOTS)]
        assert await asyncio.gather(*probes) == [{0: "online"}] * (4 * SLOTS)
        assert_nothing_held(session)
        await session.aclose()
        transport = session._pool.transport
        if isinstance(transport, ClientTransport) and not transport._ours:
            await transport._client.aclose()
        else:
            await until(lambda: not server.open)
    await until(lambda: asyncio.all_tasks() == tasks)
    await until(lambda: open_files() == files)
    await until(lambda: all(spool.closed for spool in spools))


def _fresh(provider: Callable[[], Awaitable[AccessToken]]) -> Callable[[], Awaitable[AccessToken]]:
    async def another() -> AccessToken:
        return await provider()

    return another
