"""A call's memory is free when it ends; Python's collector, which stops everything, has nothing to look for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest

from livechat_customer_async import AsyncCustomerSession, NewMessage
from tests.helpers.quick_server import QuickServer
from tests.helpers.sessions import a_session

pytestmark = pytest.mark.asyncio


@pytest.fixture
def at_rest() -> Iterator[None]:
    """The collector runs only when the test says so."""
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


async def every_kind(session: AsyncCustomerSession) -> None:
    await session.events.send_event("chat", NewMessage(text="hello"))
    await session.events.send_file("chat", b"receipt", filename="receipt.txt")
    await session.status.get_groups_status(all=True)


@pytest.mark.slow
@pytest.mark.usefixtures("at_rest")
@pytest.mark.parametrize("options", [{}, {"engine": "httpx"}, {"http_client": None}], ids=["auto", "httpx", "client"])
async def test_a_call_leaves_no_garbage(options: dict[str, Any]) -> None:
    async with QuickServer(Random(1), slowest=2) as server, httpx.AsyncClient(trust_env=False) as client:
        given = {name: client if value is None else value for name, value in options.items()}
        async with a_session(server.url, **given) as session:
            await every_kind(session)  # what is made once, and by the connect, is not meant
            gc.collect()
            gc.set_debug(gc.DEBUG_SAVEALL)
            await every_kind(session)
            gc.collect()
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in map(type, gc.garbage)}
    assert {kind for kind in kinds if kind.startswith(("httpx", "httpcore", "livechat"))} == set()
