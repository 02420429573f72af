"""Turns, ages and ends of connections."""

import asyncio
import functools
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from livechat_customer_async._net.http11 import Http11Transport
from tests.helpers.byte_server import OK, Peer, answering, serve, serving, until

pytestmark = pytest.mark.asyncio

Ours = Callable[..., Http11Transport]


async def send(transport: Http11Transport, url: str, **extensions: object) -> httpx.Response:
    response = await transport.handle_async_request(httpx.Request("POST", url, content=b"x", extensions=extensions))
    await response.aread()
    return response


async def test_the_oldest_waiter_comes_first(ours: Ours) -> None:
    """500 calls over 3 connections finish in the order in which they came, but for the 3 that overlap."""
    finished: list[int] = []
    transport = ours(max_connections=3)

    async def call(number: int) -> None:
        await send(transport, server.url)
        finished.append(number)

    async with serving(serve()) as server:
        await asyncio.gather(*(call(number) for number in range(500)))
        assert server.accepted == 3
    assert max(abs(place - number) for place, number in enumerate(finished)) <= 3


async def test_a_newcomer_does_not_overtake(ours: Ours) -> None:
    """A call made in the very turn in which a connection becomes free waits behind those who waited before."""
    transport = ours(max_connections=1)
    order: list[str] = []

    async def call(name: str) -> None:
        await send(transport, server.url)
        order.append(name)
        if name == "first":
            tasks.append(asyncio.create_task(call("newcomer")))

    async with serving(serve()) as server:
        tasks = [asyncio.create_task(call(name)) for name in ("first", "second", "third")]
        for task in tasks:
            await task
    assert order == ["first", "second", "third", "newcomer"]


async def test_waiters_for_several_origins_take_turns(ours: Ours) -> None:
    transport = ours(max_connections=2)
    async with serving(serve()) as one, serving(serve()) as two:
        await asyncio.gather(*(send(transport, (one, two)[number % 2].url) for number in range(60)))
        assert len(one.seen) == len(two.seen) == 30
        assert transport.connections <= 2


async def test_an_idle_connection_makes_room_for_another_origin(ours: Ours) -> None:
    transport = ours(max_connections=1)
    async with serving(serve()) as one, serving(serve()) as two:
        for _ in range(3):
            for server in (one, two):
                await send(transport, server.url, timeout={"pool": 0.5})
                assert transport.connections == 1
        assert one.accepted == two.accepted == 3


async def test_idle_connections_expire_by_the_clock(ours: Ours) -> None:
    now = 0.0
    transport = ours(keepalive_expiry=30.0, clock=lambda: now)
    async with serving(serve()) as server:
        for now, accepted in ((0.0, 1), (29.0, 1), (58.9, 1), (89.0, 2), (200.0, 3)):  # noqa: B007
            await send(transport, server.url)
            assert (server.accepted, transport.connections) == (accepted, 1)


async def test_idle_connections_expire_unasked(ours: Ours) -> None:
    transport = ours(keepalive_expiry=0.05)
    async with serving(serve()) as server:
        await asyncio.gather(*(send(transport, server.url) for _ in range(5)))
        assert transport.connections == 5
        await server.until_open(0)
        assert transport.connections == 0
        await send(transport, server.url)


async def test_no_more_idle_connections_than_allowed(ours: Ours) -> None:
    for allowed in (0, 2):
        transport = ours(max_keepalive=allowed)
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


async def test_a_slot_survives_every_failure(ours: Ours, server_tls: ssl.SSLContext) -> None:
    """One slot; after each way to fail it is still there."""
    transport = ours(max_connections=1, max_body_bytes=100)
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
                await send(transport, url, timeout={"pool": 1, "read": 0.05, "connect": 0.05 if "mute" in url else 5})
            assert (await send(transport, good.url, timeout={"pool": 1})).status_code == 200


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
    transport = ours(max_connections=2)
    async with serving(answering(b"")) as server, serving(answering(b"")) as mute:
        reading = asyncio.create_task(send(transport, server.url))
        await until(lambda: server.seen)
        dialling = asyncio.create_task(send(transport, mute.url.replace("http:", "https:")))
        await until(lambda: mute.accepted)
        waiting = asyncio.create_task(send(transport, server.url))
        await asyncio.sleep(0)
        await transport.aclose()
        await transport.aclose()
        assert transport.connections == 0
        with pytest.raises(httpx.ReadError, match="transport was closed"):
            await reading
        with pytest.raises(httpx.ConnectError):
            await dialling
        with pytest.raises(RuntimeError, match="the transport is closed"):
            await waiting
        with pytest.raises(RuntimeError, match="the transport is closed"):
            await send(transport, server.url)
        await server.until_open(0)
        await mute.until_open(0)


async def test_close_while_a_body_is_being_read(ours: Ours) -> None:
    transport = ours()
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx")) as server:
        response = await transport.handle_async_request(httpx.Request("GET", server.url))
        body = aiter(response.stream)
        assert await anext(body) == b"x"
        await transport.aclose()
        with pytest.raises(httpx.ReadError):
            await anext(body)
        with pytest.raises(httpx.StreamConsumed):
            await anext(aiter(response.stream))


@pytest.mark.parametrize("kind", ["read", "closed"])
async def test_a_body_that_would_end_with_the_connection_is_not_whole_when_we_end_it(ours: Ours, kind: str) -> None:
    transport = ours()
    async with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nx")) as server:
        request = httpx.Request("GET", server.url, extensions={"timeout": {"read": 0.05}})
        response = await transport.handle_async_request(request)
        if kind == "closed":
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(transport.aclose()))
        with pytest.raises((httpx.ReadTimeout, httpx.ReadError)):
            await response.aread()


async def test_a_slow_source_is_no_slow_server(ours: Ours) -> None:
    """The head begins to arrive while the body is still being made: nobody waits for the server yet."""
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


async def test_another_event_loop_is_refused(ours: Ours) -> None:
    transport = ours()
    async with serving(serve(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) as server:
        await send(transport, server.url)
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, send(transport, server.url))


async def test_the_tls_context_is_asked_for_late(client_tls: ssl.SSLContext, server_tls: ssl.SSLContext) -> None:
    asked: list[bool] = []

    def context() -> ssl.SSLContext:
        asked.append(True)
        return client_tls

    transport = Http11Transport(ssl_context=context)
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
    transport = ours(max_connections=1)
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
    transport = ours(max_connections=1)

    async def failing() -> AsyncIterator[bytes]:
        if sent is not None:
            raise OSError("unreadable")
        yield b""

    async with serving(answering(b"")) as server:
        extensions = {"sent": lambda: sent.append(True), "timeout": {"pool": 0.05, "connect": 0.05}}
        with pytest.raises(OSError, match="unreadable"):
            await transport.handle_async_request(
                httpx.Request("POST", server.url, content=failing(), extensions=extensions)
            )
        assert server.accepted == 0
        with pytest.raises(httpx.ConnectError):
            await send(transport, "http://127.0.0.1:1/", **extensions)
        with pytest.raises(httpx.ConnectTimeout):
            await send(transport, server.url.replace("http:", "https:"), **extensions)
        stuck = asyncio.create_task(send(transport, server.url))
        await until(lambda: server.seen)
        with pytest.raises(httpx.PoolTimeout):
            await send(transport, server.url, **extensions)
        waiting = asyncio.create_task(send(transport, server.url, **extensions))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert not sent
        stuck.cancel()
        await asyncio.wait([stuck])


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
    transport = ours(max_keepalive=0)
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
