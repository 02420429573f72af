"""Over one connection through a proxy: whatever goes wrong on the way to it, the slot is there for the next call."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import attrs
import httpx
import pytest
import pytest_asyncio
import trustme

from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    Limits,
    Outcome,
    RetryPolicy,
    Timeouts,
    TransportError,
)
from tests.helpers.proxies import SocksProxy, TunnelProxy
from tests.helpers.quick_server import QuickServer
from tests.helpers.sessions import a_session, assert_nothing_held, ticks, until
from tests.resilience.test_tls_connect import TURNS, by_scope, natively

pytestmark = pytest.mark.asyncio

# For what never comes; everything else may take its time on a busy machine.
SHORT = Timeouts(connect=0.2, read=0.2, total=5)


@attrs.frozen
class Ways:
    """A good server, one that nobody trusts, one that never says a word, and a proxy that leads to them."""

    proxy: TunnelProxy
    good: QuickServer
    untrusted: QuickServer
    mute: int
    tls: ssl.SSLContext


def port_of(server: QuickServer) -> int:
    return int(server.url.rpartition(":")[2])


@pytest_asyncio.fixture(params=[TunnelProxy, SocksProxy])
async def ways(request: pytest.FixtureRequest) -> AsyncIterator[Ways]:
    authority, stranger = trustme.CA(), trustme.CA()
    trusted_tls, untrusted_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(trusted_tls)
    stranger.issue_cert("127.0.0.1").configure_cert(untrusted_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    mute = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with (
        QuickServer(Random(1), slowest=2, tls=trusted_tls) as good,
        QuickServer(Random(1), slowest=2, tls=untrusted_tls) as untrusted,
        request.param() as proxy,
    ):
        yield Ways(proxy, good, untrusted, mute.sockets[0].getsockname()[1], client_tls)
    mute.close()


Over = Callable[[Ways], contextlib.AbstractAsyncContextManager[AsyncCustomerSession]]
ONCE = {"limits": Limits(connections=1), "retry": RetryPolicy.none(), "timeouts": Timeouts(total=10)}


@contextlib.asynccontextmanager
async def over_its_own_client(ways: Ways) -> AsyncIterator[AsyncCustomerSession]:
    async with a_session(ways.good.url, ssl_context=ways.tls, proxy=ways.proxy.url, **ONCE) as session:
        yield session


def over_a_callers_client(ways: Ways) -> contextlib.AbstractAsyncContextManager[AsyncCustomerSession]:
    return over_a_client(ways)


def over_a_client_whose_hook_brings_the_body(
    ways: Ways,
) -> contextlib.AbstractAsyncContextManager[AsyncCustomerSession]:
    async def bring(request: httpx.Request) -> None:
        request.stream = httpx.ByteStream(request.content)

    return over_a_client(ways, bring)


@contextlib.asynccontextmanager
async def over_a_client(
    ways: Ways, *hooks: Callable[[httpx.Request], Awaitable[None]]
) -> AsyncIterator[AsyncCustomerSession]:
    limits = httpx.Limits(max_connections=1)
    async with (
        httpx.AsyncClient(
            verify=ways.tls, proxy=ways.proxy.url, limits=limits, event_hooks={"request": list(hooks)}
        ) as client,
        a_session(ways.good.url, http_client=client, **ONCE) as session,
    ):
        yield session


OVER: list[Over] = [over_its_own_client, over_a_callers_client, over_a_client_whose_hook_brings_the_body]


def an_untrusted_certificate(ways: Ways) -> None:
    ways.proxy.leads_to = port_of(ways.untrusted)


def a_stalled_handshake(ways: Ways) -> None:
    ways.proxy.leads_to = ways.mute


def a_refusal(ways: Ways) -> None:
    socks = isinstance(ways.proxy, SocksProxy)
    refused = b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
    ways.proxy.instead = refused if socks else b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"


def garbage(ways: Ways) -> None:
    ways.proxy.instead = b"\x00\xff garbage \r\n\r\n"


def no_answer(ways: Ways) -> None:
    ways.proxy.instead = b""


def a_silent_proxy(ways: Ways) -> None:
    ways.proxy.silent = True


FAULTS: dict[Callable[[Ways], None], type[TransportError]] = {
    an_untrusted_certificate: TransportError,
    a_stalled_handshake: CallTimeoutError,
    a_refusal: TransportError,
    garbage: TransportError,
    no_answer: TransportError,
    a_silent_proxy: CallTimeoutError,
}


def mend(ways: Ways) -> None:
    ways.proxy.leads_to, ways.proxy.instead, ways.proxy.silent = None, None, False


async def assert_usable(session: AsyncCustomerSession) -> None:
    async with asyncio.timeout(20):
        assert await session.status.get_groups_status(all=True) == {0: "online"}
    assert_nothing_held(session)


@pytest.mark.slow
@pytest.mark.parametrize("over", OVER, ids=lambda over: over.__name__)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_tunnel_that_does_not_come_about(ways: Ways, over: Over, fault: Callable[[Ways], None]) -> None:
    async with over(ways) as session:
        fault(ways)
        stalls = FAULTS[fault] is CallTimeoutError
        hasty = session.with_options(timeouts=SHORT) if stalls else session
        for _ in range(2):
            with pytest.raises(FAULTS[fault]) as caught:
                await hasty.status.get_groups_status(all=True)
            assert type(caught.value) is FAULTS[fault]
            assert caught.value.outcome is Outcome.NOT_SENT
        await until(lambda: not ways.proxy.open)
        mend(ways)
        await assert_usable(session)
    assert ways.untrusted.requests == 0
    assert ways.good.requests == 1


@pytest.mark.slow
@pytest.mark.parametrize("over", OVER, ids=lambda over: over.__name__)
@pytest.mark.parametrize("fault", [a_stalled_handshake, a_silent_proxy], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("hangs_up", [False, True])
async def test_a_call_that_is_cancelled_before_its_tunnel_fails(
    ways: Ways, over: Over, fault: Callable[[Ways], None], hangs_up: bool
) -> None:
    async with over(ways) as session:
        fault(ways)
        hasty = session.with_options(timeouts=SHORT)
        task = asyncio.create_task(hasty.status.get_groups_status(all=True))
        await until(lambda: ways.proxy.open == 1)
        await ticks(20)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        if hangs_up:
            ways.proxy.hang_up()
        mend(ways)
        await assert_usable(session)


@pytest.mark.slow
@pytest.mark.parametrize("cancel", [natively, by_scope], ids=lambda cancel: cancel.__name__)
async def test_a_tunnel_cancelled_in_any_turn(
    ways: Ways, cancel: Callable[[AsyncCustomerSession, int], asyncio.Future[None]]
) -> None:
    for turn in range(TURNS):
        async with over_its_own_client(ways) as session:
            await cancel(session, turn)
            await assert_usable(session)
