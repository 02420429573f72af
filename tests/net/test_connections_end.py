"""Connections that end or die unnoticed, and names looked up: over the engine and over httpx's own pool."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import httpx
import pytest
import trustme

from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    Limits,
    LiveChatError,
    NewMessage,
    Outcome,
    RetryPolicy,
    Timeouts,
    TransportError,
)
from livechat_customer_async._net.http11.fields import idle_limit
from livechat_customer_async._net.kept import KeptStreams
from livechat_customer_async._net.transport import ClientTransport, EngineTransport
from tests.helpers.byte_server import Peer, Script, serving, until

pytestmark = pytest.mark.asyncio

STATUS = b'{"groups_status":{"0":"online"}}'
every_engine = pytest.mark.parametrize("engine", ["auto", "httpx"])


def answer(body: bytes = STATUS, *, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, more, len(body), body)


def a_session(url: str, engine: str = "auto", **options: Any) -> AsyncCustomerSession:
    given = {"retry": RetryPolicy(base=0), "trust_env": False, "engine": engine, **options}
    return AsyncCustomerSession(1520, "dal:x", base_url=url.rstrip("/"), **given)


async def read(session: AsyncCustomerSession) -> None:
    assert await session.status.get_groups_status(all=True) == {0: "online"}


# ---- silence


class Vanishing:
    """Answers, but not on connections that it was told to silence."""

    def __init__(self) -> None:
        self.silenced: set[int] = set()
        self.held: int = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.held += 1
            await self.go.wait()
            self.held -= 1
            if peer.number in self.silenced:
                await peer.gone()
                return
            await peer.send(answer())


async def warm(session: AsyncCustomerSession, server: Vanishing, count: int) -> None:
    """Open so many connections at once, and leave them idle."""
    server.go.clear()
    calls = [asyncio.create_task(read(session)) for _ in range(count)]
    await until(lambda: server.held == count)
    server.go.set()
    await asyncio.gather(*calls)


@every_engine
async def test_a_read_time_out_on_a_reused_connection_condemns_the_idle_ones(engine: str) -> None:
    script = Vanishing()
    limits, timeouts = Limits(connections=20, keepalive=20), Timeouts(read=0.2)
    async with serving(script) as server, a_session(server.url, engine, limits=limits, timeouts=timeouts) as session:
        await warm(session, script, 20)
        assert server.accepted == 20
        script.silenced = set(range(1, 21))
        await read(session)
        assert (session.stats().retries, server.accepted) == (1, 21)


async def test_connections_that_were_heard_from_meanwhile_are_not_condemned() -> None:
    script = Vanishing()
    async with serving(script) as server, a_session(server.url, timeouts=Timeouts(read=0.2)) as session:
        await warm(session, script, 3)
        script.silenced = {3, 2, 1}
        slow = asyncio.create_task(read(session))
        await until(lambda: len(server.seen) == 4)
        silent = script.silenced.copy()
        script.silenced.clear()  # the others answer again, while that one stays silent
        await warm(session, script, 2)
        await slow
        assert silent
        assert session.stats().retries == 1
        assert server.accepted == 3
        assert session.stats().connections == 2


async def test_a_read_time_out_on_a_new_connection_condemns_nothing() -> None:
    script = Vanishing()
    async with serving(script) as server, a_session(server.url, timeouts=Timeouts(read=0.2)) as session:
        script.silenced = {2}
        script.go.clear()
        calls = [asyncio.create_task(read(session)) for _ in range(2)]
        await until(lambda: script.held == 2)
        script.go.set()
        await asyncio.gather(*calls)
        assert (session.stats().retries, session.stats().connections, server.accepted) == (1, 1, 2)


# ---- the idle limit of the server


@pytest.mark.parametrize(
    "header, seconds",
    [
        (b"timeout=5", 4.0),
        (b"timeout=5, max=100", 4.0),
        (b"max=100, timeout=60", 59.0),
        (b"Timeout = 2", 1.0),
        (b"timeout=1", 0.5),
        (b"timeout=0", 0.0),
        (b"", float("inf")),
        (b"max=5", float("inf")),
        (b"timeout=x", float("inf")),
        (b"notimeout=5", float("inf")),
    ],
)
async def test_the_idle_limit_that_a_header_announces(header: bytes, seconds: float) -> None:
    assert idle_limit(header) == seconds


async def test_streams_of_httpx_are_closed_by_the_clock_and_never_while_a_request_is_under_way() -> None:
    class Stream:
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    now = 0.0
    kept, stream = KeptStreams(lambda: now), Stream()
    headers = {"Keep-Alive": "timeout=5"}
    kept.answered(httpx.Response(200, headers=headers, extensions={"network_stream": stream}))
    now = 3.9
    assert not kept.expired
    await kept.close_expired()
    assert not stream.closed
    now = 4.0
    assert kept.expired
    kept.requests = 1
    await kept.close_expired()
    await kept.close_all()
    assert not stream.closed
    kept.requests = 0
    await kept.close_expired()
    assert stream.closed
    assert not kept.expired


def set_clock(session: AsyncCustomerSession, now: Callable[[], float]) -> None:
    transport = session._pool.transport
    if isinstance(transport, EngineTransport):
        transport._engine._pool._clock = now
    else:
        assert isinstance(transport, ClientTransport)
        transport._kept._clock = now


@every_engine
async def test_sends_about_as_often_as_the_server_closes_idle_connections(engine: str) -> None:
    """A connection is not used again when the server might close it in the very moment in which a request arrives."""
    now = 0.0

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"", more=b"Keep-Alive: timeout=1\r\n"))
        await peer.head()  # and closes, with the request unread

    async with serving(script) as server, a_session(server.url, engine) as session:
        set_clock(session, lambda: now)
        for now in (0.0, 0.9, 1.9):  # noqa: B007
            await session.chats.close_thread("c")
        assert server.accepted == 3


# ---- 408


LATE = answer(b"<html>408 Request Time-out</html>", status=b"408 Request Time-out", more=b"Connection: close\r\n")
OBJECT = answer(b'{"error":{"type":"request_timeout","message":"m"}}', status=b"408 Request Time-out")


def crossing(said: bytes, *, first: bool = False) -> Script:
    async def script(peer: Peer) -> None:
        if not first:
            await peer.request()
            await peer.send(answer())
        while True:
            await peer.request()
            await peer.send(said if peer.number == 1 else answer())

    return script


@every_engine
async def test_a_408_on_a_kept_connection_is_repeated_where_that_is_safe(engine: str) -> None:
    async with serving(crossing(LATE)) as server, a_session(server.url, engine) as session:
        for _ in range(2):
            await read(session)
        assert (session.stats().retries, server.accepted) == (1, 2)
    async with serving(crossing(LATE)) as server, a_session(server.url, engine) as session:
        await read(session)
        with pytest.raises(ApiError) as caught:
            await session.events.send_event("c", NewMessage(text="once"))
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.REJECTED, 1)


@every_engine
async def test_a_408_on_a_new_connection_is_an_answer(engine: str) -> None:
    async with serving(crossing(LATE, first=True)) as server, a_session(server.url, engine) as session:
        with pytest.raises(ApiError) as caught:
            await read(session)
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.REJECTED, 1)


# ---- client certificates


class Demanding:
    """A TLS server that demands a certificate of the client, and counts requests.

    It runs in a thread: asyncio's own drops the alert of a failed handshake.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self.version = context.maximum_version
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(5)
                with sock, contextlib.suppress(ssl.SSLError):
                    tls = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                    with tls:
                        self._refuse(tls)

    def _refuse(self, tls: ssl.SSLSocket) -> None:
        try:
            tls.do_handshake()
        except ssl.SSLError:
            raw = socket.socket(fileno=tls.detach())
            with raw, contextlib.suppress(OSError):
                raw.settimeout(5)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):  # else the system would send a reset, which discards the alert
                    pass
        else:
            self.requests += 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def demanding(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Demanding]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = request.param
    with Demanding(context) as server:
        yield server


@every_engine
@pytest.mark.parametrize("kind", ["none", "unknown authority"])
async def test_a_client_certificate_that_the_server_refuses(
    demanding: Demanding, engine: str, kind: str, authority: trustme.CA
) -> None:
    client = ssl.create_default_context()
    authority.configure_trust(client)
    if kind == "unknown authority":
        trustme.CA().issue_cert("client").configure_cert(client)
    async with a_session(demanding.url, engine, ssl_context=client) as session:
        with pytest.raises(TransportError) as caught:
            await session.events.send_event("c", NewMessage(text="once"))
    assert demanding.requests == 0
    assert caught.value.outcome is Outcome.NOT_SENT
    if kind == "none" and demanding.version is ssl.TLSVersion.TLSv1_2:  # which has no alert of its own for that
        assert "handshake failure" in str(caught.value)
    else:
        assert "the server refused the client certificate" in str(caught.value)
        assert caught.value.attempts == 1


# ---- names


async def test_a_name_is_looked_up_once_for_a_burst_of_first_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    lookups: list[str] = []
    go = asyncio.Event()

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        lookups.append(host)
        await go.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    script = Vanishing()
    async with serving(script) as server:
        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        async with a_session(server.url.replace("127.0.0.1", "localhost")) as session:
            calls = [asyncio.create_task(read(session)) for _ in range(50)]
            await until(lambda: lookups)
            calls[0].cancel()  # the first to ask does not take the answer from the others
            await asyncio.sleep(0)
            go.set()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results if result is not None] == [asyncio.CancelledError]
            assert lookups == ["localhost"]
            script.silenced.clear()


async def test_a_lookup_ends_with_the_last_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    ended: list[str] = []
    started = asyncio.Event()

    async def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        started.set()
        try:
            await loop.create_future()
        finally:
            ended.append(host)
        raise AssertionError

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    async with a_session("http://localhost:9") as session:
        calls = [asyncio.create_task(read(session)) for _ in range(3)]
        await started.wait()
        for call in calls:
            assert not ended
            call.cancel()
            await asyncio.wait([call])
        await until(lambda: ended)
        assert ended == ["localhost"]


async def test_a_lookup_that_fails_fails_all_who_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = 0

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        nonlocal lookups
        lookups += 1
        await asyncio.sleep(0)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with a_session("https://nowhere.invalid", retry=RetryPolicy.none()) as session:
        results = await asyncio.gather(*(read(session) for _ in range(5)), return_exceptions=True)
    assert lookups == 1
    assert all(isinstance(one, LiveChatError) and one.outcome is Outcome.NOT_SENT for one in results)
