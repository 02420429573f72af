"""Cancelled in any turn of a connect under TLS: the slot comes back and the socket closes, over httpx's pool too."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from random import Random

import anyio
import httpx
import pytest
import trustme

from livechat_customer_async import AsyncCustomerSession, Limits
from tests.helpers.quick_server import QuickServer
from tests.helpers.sessions import a_session, ticks, until

pytestmark = pytest.mark.asyncio

TURNS = 60
LIMITS = Limits(connections=1)

Over = Callable[[str, ssl.SSLContext], AsyncCustomerSession]


def over_auto(url: str, tls: ssl.SSLContext) -> AsyncCustomerSession:
    return a_session(url, limits=LIMITS, ssl_context=tls)


def over_httpx(url: str, tls: ssl.SSLContext) -> AsyncCustomerSession:
    return a_session(url, limits=LIMITS, ssl_context=tls, engine="httpx")


def over_a_callers_transport(url: str, tls: ssl.SSLContext) -> AsyncCustomerSession:
    transport = httpx.AsyncHTTPTransport(verify=tls, limits=httpx.Limits(max_connections=1))
    return a_session(url, limits=LIMITS, transport=transport)


async def natively(session: AsyncCustomerSession, turn: int) -> None:
    task = asyncio.create_task(session.status.get_groups_status(all=True))
    await ticks(turn)
    task.cancel()
    await asyncio.wait([task])


async def by_scope(session: AsyncCustomerSession, turn: int) -> None:
    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            await session.status.get_groups_status(all=True)

    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()
        group.start_soon(call, scope)
        await ticks(turn)
        scope.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("over", [over_auto, over_httpx, over_a_callers_transport], ids=lambda over: over.__name__)
@pytest.mark.parametrize("cancel", [natively, by_scope], ids=lambda cancel: cancel.__name__)
async def test_a_connect_cancelled_in_any_turn_keeps_its_slot(
    over: Over, cancel: Callable[[AsyncCustomerSession, int], asyncio.Future[None]]
) -> None:
    authority = trustme.CA()
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    async with QuickServer(Random(1), slowest=2, tls=server_tls) as server:
        for turn in range(TURNS):
            async with asyncio.timeout(10), over(server.url, client_tls) as session:
                await cancel(session, turn)
                assert await session.status.get_groups_status(all=True) == {0: "online"}
            await until(lambda: not server.open)
