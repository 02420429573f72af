"""Cancelled in any turn of a connect under TLS: the slot comes back, over httpx's pool and through a tunnel too."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from random import Random

import anyio
import httpx
import pytest
import trustme

from livechat_customer_async import AsyncCustomerSession, Limits
from tests.resilience.quick_server import QuickServer
from tests.resilience.sessions import a_session, ticks, until

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


@contextlib.asynccontextmanager
async def tunnels() -> AsyncIterator[str]:
    """A proxy that makes tunnels."""
    serving: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split()[1].decode().rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        with contextlib.closing(far_writer):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with (
            contextlib.closing(writer),
            contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError),
        ):
            await tunnel(reader, writer)
        serving.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()
    for task in list(serving):
        task.cancel()
    await asyncio.gather(*serving)


@pytest.mark.parametrize("cancel", [natively, by_scope], ids=lambda cancel: cancel.__name__)
async def test_a_tunnel_cancelled_in_any_turn_keeps_its_slot(
    cancel: Callable[[AsyncCustomerSession, int], asyncio.Future[None]],
) -> None:
    authority = trustme.CA()
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    async with QuickServer(Random(1), slowest=2, tls=server_tls) as server, tunnels() as proxy:
        for turn in range(TURNS):
            session = a_session(server.url, limits=LIMITS, ssl_context=client_tls, proxy=proxy)
            async with asyncio.timeout(10), session:
                await cancel(session, turn)
                assert await session.status.get_groups_status(all=True) == {0: "online"}
