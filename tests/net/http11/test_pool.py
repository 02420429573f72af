"""Ages and ends of connections, and what is reported of sending."""

import asyncio
import functools
import gc
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from livechat_customer_async._net.http11.connection import Connection
from tests.helpers.byte_server import OK, Peer, answering, serve, serving, until
from tests.net.http11.conftest import Ours, OverEngine

pytestmark = pytest.mark.asyncio


async def send(transport: OverEngine, url: str, **extensions: object) -> httpx.Response:
    response = await transport.handle_async_request(httpx.Request("POST", url, content=b"x", extensions=extensions))
    await response.aread()
    return response


async def test_idle_connections_expire_by_the_clock(ours: Ours) -> None:
    now = 0.0
    transport = ours(expiry=30.0, clock=lambda: now)
    async with serving(serve()) as server:
        for now, accepted in ((0.0, 1), (29.0, 1), (58.9, 1), (89.0, 2), (200.0, 3)):  # noqa: B007
            await send(transport, server.url)
            assert (server.accepted, transport.connections) == (accepted, 1)


async def test_an_announced_idle_limit_is_heeded_by_the_clock(ours: Ours) -> None:
    now = 0.0
    transport = ours(expiry=30.0, clock=lambda: now)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: timeout=5\r\n\r\n"))

    async with serving(script) as server, httpx.AsyncClient(transport=transport) as client:
        for now, accepted in ((0.0, 1), (3.9, 1), (7.8, 1), (11.9, 2)):  # noqa: B007
            await client.post(server.url)
            assert server.accepted == accepted


async def test_idle_connections_expire_unasked(ours: Ours) -> None:
    transport = ours(expiry=0.05)
    async with serving(serve()) as server:
        await asyncio.gather(*(send(transport, server.url) for _ in range(5)))
        assert transport.connections == 5
        await server.until_open(0)
        assert transport.connections == 0
        await send(transport, server.url)


async def test_no_more_idle_connections_than_allowed(ours: Ours) -> None:
    for allowed in (0, 2):
        transport = ours(keepalive=allowed)
        async with serving(serve()) as server:
            await asyncio.gather(*(send(transport, server.url) for _ in range(5)))
            assert transport.connections == allowed
            await server.until_open(allowed)


async def test_an_idle_connection_that_dies_is_known_at_once(ours: Ours) -> None:
    transport = ours()
    drop = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await drop.wait()

    async with serving(script) as server:
        await send(transport, server.url)
        assert transport.connections == 1
        drop.set()
        await until(lambda: not transport.connections)
        await send(transport, server.url)
        assert server.accepted == 2


async def test_failures_leave_nothing_behind(ours: Ours, server_tls: ssl.SSLContext) -> None:
    """After each way to fail, no connection is left behind, and the next call is served."""
    transport = ours(max_body_bytes=100)
    async with serving(serve()) as good, serving(answering(b"", then="close")) as bad, serving(answering(b"")) as mute:
        wrong = [
            (bad.url, httpx.RemoteProtocolError),
            (mute.url, httpx.ReadTimeout),
            (mute.url.replace("http:", "https:") + "mute", httpx.ConnectTimeout),
            ("http://127.0.0.1:1/", httpx.ConnectError),
            ("http://127.0.0.1:99999/", httpx.ConnectError),
        ]
        for url, error in wrong * 2:
            with pytest.raises(error):
                await send(transport, url, timeout={"read": 0.05, "connect": 0.05 if "mute" in url else 5})
            assert (await send(transport, good.url, timeout={})).status_code == 200


async def test_sockets_stay_alive_and_do_not_wait(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    options: list[tuple[int, int]] = []

    async def sock_connect(sock: socket.socket, address: tuple[str, int]) -> None:
        keep_alive = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        options.append((keep_alive, sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with serving(serve()) as server:
        await send(ours(), server.url)
    assert [(bool(alive), bool(at_once)) for alive, at_once in options] == [(True, True)]


async def test_fails_over_between_addresses(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address refuses, the second takes it; IPv6 and IPv4 alternate."""
    async with serving(serve()) as server:

        async def getaddrinfo(*_args: object, **_kwargs: object) -> list[object]:
            return [(2, 1, 6, "", ("127.0.0.1", 1)), (2, 1, 6, "", ("127.0.0.1", server.port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        assert (await send(ours(), f"http://some.example:{server.port}/")).status_code == 200


async def test_a_silent_address_does_not_hold_up_the_next(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    dropped: list[object] = []

    async def sock_connect(sock: object, address: tuple[str, int]) -> None:
        if address[1] == 1:
            try:
                await loop.create_future()
            finally:
                dropped.append(sock)
        await connect(sock, address)  # type: ignore[arg-type]

    async with serving(serve()) as server:

        async def getaddrinfo(*_args: object, **_kwargs: object) -> list[object]:
            return [(10, 1, 6, "", ("::1", 1, 0, 0)), (2, 1, 6, "", ("127.0.0.1", server.port))]

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(loop, "sock_connect", sock_connect)
        assert (await send(ours(), f"http://some.example:{server.port}/")).status_code == 200
        assert [sock.fileno() for sock in dropped] == [-1]  # type: ignore[attr-defined]
        monkeypatch.setattr(loop, "getaddrinfo", _nothing)
        with pytest.raises(httpx.ConnectError):
            await send(ours(), "http://some.example/")


async def _nothing(*_args: object, **_kwargs: object) -> list[object]:
    return []


async def test_close(ours: Ours) -> None:
    transport = ours()
    async with serving(answering(b"")) as server, serving(answering(b"")) as mute:
        reading = asyncio.create_task(send(transport, server.url))
        await until(lambda: server.seen)
        dialling = asyncio.create_task(send(transport, mute.url.replace("http:", "https:")))
        await until(lambda: mute.accepted)
        await transport.aclose()
        await transport.aclose()
        assert transport.connections == 0
        with pytest.raises(httpx.ReadError, match="transport was closed"):
            await reading
        with pytest.raises(httpx.ConnectError):
            await dialling
        with pytest.raises(httpx.ConnectError, match="the transport is closed"):
            await send(transport, server.url)
        await server.until_open(0)
        await mute.until_open(0)


async def test_a_slow_source_is_not_taken_for_a_slow_server(ours: Ours) -> None:
    """The head begins to arrive while the body is still being produced: the read limit does not apply yet."""
    go = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"x"
        asyncio.get_running_loop().call_later(0.15, go.set)
        await go.wait()

    async def script(peer: Peer) -> None:
        if peer.server.seen:
            await peer.head()
            await peer.send(OK[:5])
            await go.wait()
            await peer.send(OK[5:])
            await peer.gone()
        await peer.request()
        await peer.send(OK)
        await script(peer)

    transport = ours()
    async with serving(script) as server:
        await send(transport, server.url, timeout={"read": 0.05})
        extensions = {"timeout": {"read": 0.05}}
        request = httpx.Request("POST", server.url, content=parts(), extensions=extensions)
        assert (await transport.handle_async_request(request)).status_code == 200


async def test_the_tls_context_is_asked_for_late(client_tls: ssl.SSLContext, server_tls: ssl.SSLContext) -> None:
    asked: list[bool] = []

    def context() -> ssl.SSLContext:
        asked.append(True)
        return client_tls

    transport = OverEngine(context)
    async with serving(serve()) as plain, serving(serve(), server_tls) as secure:
        await send(transport, plain.url)
        assert not asked
        await send(transport, secure.url)
        assert asked
        await transport.aclose()


async def test_h2_is_never_spoken(ours: Ours, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    """A context shared with an HTTP/2 client offers h2; ours must not."""
    server_tls.set_alpn_protocols(["h2", "http/1.1"])
    client_tls.set_alpn_protocols(["h2", "http/1.1"])
    async with serving(serve(), server_tls) as server:
        assert (await send(ours(), server.url)).status_code == 200
        chosen: list[str | None] = []

        async def script(peer: Peer) -> None:
            chosen.append(peer.writer.get_extra_info("ssl_object").selected_alpn_protocol())
            await peer.request()
            await peer.send(OK)

    async with serving(script, server_tls) as server:
        await send(ours(), server.url)
        assert chosen == ["http/1.1"]


# -- what `sent` tells


@pytest.mark.parametrize("kind", ["bytes", "stream"])
async def test_sent_is_told_when_the_first_byte_leaves(ours: Ours, kind: str) -> None:
    transport = ours()
    sent: list[int] = []

    async def parts() -> AsyncIterator[bytes]:
        assert not sent
        yield b"a"
        assert sent
        yield b"b"

    async with serving(serve()) as server:
        content = b"ab" if kind == "bytes" else parts()
        request = httpx.Request(
            "POST", server.url, content=content, extensions={"sent": lambda: sent.append(transport.connections)}
        )
        await transport.handle_async_request(request)
    assert sent == [1]


async def test_not_sent(ours: Ours) -> None:
    sent: list[bool] = []
    transport = ours()

    async def failing() -> AsyncIterator[bytes]:
        if sent is not None:
            raise OSError("unreadable")
        yield b""

    async with serving(answering(b"")) as server:
        extensions = {"sent": lambda: sent.append(True), "timeout": {"connect": 0.05}}
        with pytest.raises(OSError, match="unreadable"):
            await transport.handle_async_request(
                httpx.Request("POST", server.url, content=failing(), extensions=extensions)
            )
        assert server.accepted == 0
        with pytest.raises(httpx.ConnectError):
            await send(transport, "http://127.0.0.1:1/", **extensions)
        with pytest.raises(httpx.ConnectTimeout):
            await send(transport, server.url.replace("http:", "https:"), **extensions)
        assert not sent


async def test_sent_is_known_after_a_cancellation(ours: Ours) -> None:
    """Cancelled after any number of turns, a call whose `sent` was not told reached no server."""
    marks = 0
    for turns in range(40):
        told: list[bool] = []
        transport = ours()
        async with serving(answering(b"")) as server:
            task = asyncio.create_task(send(transport, server.url, sent=functools.partial(told.append, True)))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert transport.connections == 0
            await server.until_open(0)
            assert bool(server.seen) <= bool(told)
            marks += bool(told)
    assert 0 < marks < 40


@pytest.mark.slow
async def test_cancelled_calls_leave_no_cycles_behind(ours: Ours) -> None:
    """What a call used is freed when it ends, not when the collector comes by."""
    transport = ours(keepalive=0)
    async with serving(serve()) as server:
        await send(transport, server.url)
        await server.until_open(0)
        gc.collect()
        gc.disable()
        try:
            before = len([item for item in gc.get_objects() if type(item).__name__ == "Connection"])
            for _ in range(10):
                await send(transport, server.url)
            await server.until_open(0)
            after = len([item for item in gc.get_objects() if type(item).__name__ == "Connection"])
        finally:
            gc.enable()
    assert after <= before + 2


class Aborted:
    """A transport of which only the end is of interest."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, _: str) -> socket.socket:
        return self.socket

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock


async def test_a_connection_that_ends_before_it_is_made_is_not_used() -> None:
    """Inside a tunnel, data or the end may come right after the handshake."""
    for early in (lambda one: one.data_received(b"x"), lambda one: one.eof_received()):
        connection = Connection(1000, 1000)
        early(connection)
        with socket.socket() as sock:
            transport = Aborted(sock)
            connection.connection_made(transport)  # type: ignore[arg-type]
        assert transport.aborted
        with pytest.raises(httpx.ConnectError, match="closed before it was used"):
            connection.begin()
