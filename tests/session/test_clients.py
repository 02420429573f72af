"""What carries a session's requests: the caller's own client, a transport, a proxy, either engine, TLS."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import httpx
import pytest
import pytest_asyncio
import trustme

from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    ConfigurationError,
    Outcome,
    RetryPolicy,
    SessionStateError,
    TransportError,
)
from livechat_customer_async._net.clients import shared_ssl_context
from livechat_customer_async.sandbox import Sandbox, SandboxServer, serve
from tests.helpers.recording import Recording

pytestmark = pytest.mark.asyncio

TOKEN = "dal:canary"
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy_around(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest_asyncio.fixture
async def server() -> AsyncIterator[SandboxServer]:
    async with serve(Sandbox()) as running:
        yield running


# ---- a caller's client


async def test_a_caller_s_client_runs_its_hooks_and_stays_open() -> None:
    heard: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        heard.append(f"request {request.url.path.rpartition('/')[2]}")
        request.headers["X-Hooked"] = "yes"

    async def on_response(response: httpx.Response) -> None:
        heard.append(f"response {response.status_code}")

    transport = Recording()
    hooks = {"request": [on_request], "response": [on_response]}
    async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
        async with AsyncCustomerSession(1520, TOKEN, http_client=client) as session:
            await session.chats.close_thread("c")
            assert session.stats().connections is None
        assert not client.is_closed
        assert transport.closed == 0
    assert heard == ["request close_thread", "response 200"]
    assert transport.last.headers["x-hooked"] == "yes"


async def test_a_caller_s_auth_does_not_replace_ours_and_its_headers_go_out() -> None:
    transport = Recording()
    async with (
        httpx.AsyncClient(
            transport=transport,
            auth=("user", "word"),
            headers={"X-Default": "1", "User-Agent": "Client/1", "Authorization": "Basic x", "Accept": "*/*"},
            base_url="https://elsewhere.example.com",
        ) as client,
        AsyncCustomerSession(1520, TOKEN, http_client=client, headers={"X-Ours": "2"}) as session,
    ):
        await session.chats.close_thread("c")
    headers = transport.last.headers
    assert headers.get_list("authorization") == [f"Bearer {TOKEN}"]
    assert (headers["x-default"], headers["x-ours"], headers["accept"]) == ("1", "2", "application/json")
    assert headers["user-agent"].startswith("livechat-customer-async/")
    assert headers.get_list("host") == ["api.livechatinc.com"]
    assert transport.last.url.host == "api.livechatinc.com"


@pytest.mark.parametrize("own_client", [True, False])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int, own_client: bool) -> None:
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://thief.example.com/"})

    transport = httpx.MockTransport(redirect)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        options = {"http_client": client} if own_client else {"transport": transport}
        async with AsyncCustomerSession(1520, TOKEN, **options) as session:  # type: ignore[arg-type]
            with pytest.raises(ApiError) as caught:
                await session.chats.close_thread("c")
    assert len(asked) == 1
    error = caught.value
    assert (error.status_code, error.type, error.outcome) == (status, None, Outcome.REJECTED)


async def test_a_caller_s_closed_client_is_told_of() -> None:
    client = httpx.AsyncClient(transport=Recording())
    async with AsyncCustomerSession(1520, TOKEN, http_client=client) as session:
        await session.chats.close_thread("c")
        await client.aclose()
        with pytest.raises(SessionStateError, match="http_client") as caught:
            await session.chats.close_thread("c")
        assert caught.value.outcome is Outcome.NOT_SENT
        assert session.stats().in_flight == 0


async def test_a_hook_that_raises_ends_its_call_alone() -> None:
    async def refuse(request: httpx.Request) -> None:
        raise PermissionError("not today")

    async with (
        httpx.AsyncClient(transport=Recording(), event_hooks={"request": [refuse]}) as client,
        AsyncCustomerSession(1520, TOKEN, http_client=client) as session,
    ):
        with pytest.raises(PermissionError, match="not today"):
            await session.chats.close_thread("c")
        client.event_hooks = {}
        await session.chats.close_thread("c")
        assert session.stats().in_flight == 0


async def test_a_transport_of_the_caller_is_closed_with_the_session() -> None:
    transport = Recording()
    async with AsyncCustomerSession(1520, TOKEN, transport=transport) as session:
        await session.chats.close_thread("c")
        assert session.stats().connections is None
    assert transport.closed == 1


# ---- engines and proxies


@pytest.mark.parametrize("engine, connections", [("auto", 1), ("httpx", None)])
async def test_an_engine_over_tcp(server: SandboxServer, engine: str, connections: int | None) -> None:
    async with AsyncCustomerSession(1520, TOKEN, base_url=server.url, engine=engine) as session:
        await session.chats.start_chat()
        await session.chats.get_chats_summary()
        assert session.stats().connections == connections
        assert server.accepted_connections == 1


@attrs.define
class Proxy:
    """What a proxy on loopback was asked for."""

    url: str
    targets: list[str] = attrs.field(factory=list[str])


@asynccontextmanager
async def a_proxy() -> AsyncIterator[Proxy]:
    """Run a proxy that notes each request's first line, answers a forwarded one itself, and refuses to tunnel."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.decode("latin-1").split(" ", 2)
        proxy.targets.append(f"{method} {target}")
        status = b"403 Forbidden" if method == "CONNECT" else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    running = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    host, port = running.sockets[0].getsockname()
    proxy = Proxy(f"http://{host}:{port}")
    async with running:
        yield proxy


PLAIN = "http://127.0.0.1:9"
FORWARDED = [f"POST {PLAIN}/v3.0/customer/action/close_thread?license_id=1520"]


@pytest.mark.parametrize("engine, connections", [("auto", 0), ("httpx", None)])
async def test_a_proxy_is_used(engine: str, connections: int | None) -> None:
    async with a_proxy() as proxy:
        async with AsyncCustomerSession(1520, TOKEN, base_url=PLAIN, proxy=proxy.url, engine=engine) as session:
            await session.chats.close_thread("c")
            assert session.stats().connections == connections
    assert proxy.targets == FORWARDED


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_the_environment_s_proxy_is_used(no_proxy_around: pytest.MonkeyPatch, variable: str) -> None:
    async with a_proxy() as proxy:
        no_proxy_around.setenv(variable, proxy.url)
        async with AsyncCustomerSession(1520, TOKEN, base_url=PLAIN) as session:
            await session.chats.close_thread("c")
    assert proxy.targets == FORWARDED


@pytest.mark.parametrize("trust_env, bypass", [(False, None), (True, "127.0.0.1"), (True, "*")])
async def test_the_environment_s_proxy_is_not_used(
    no_proxy_around: pytest.MonkeyPatch, server: SandboxServer, trust_env: bool, bypass: str | None
) -> None:
    async with a_proxy() as proxy:
        no_proxy_around.setenv("http_proxy", proxy.url)
        if bypass is not None:
            no_proxy_around.setenv("no_proxy", bypass)
        async with AsyncCustomerSession(1520, TOKEN, base_url=server.url, trust_env=trust_env) as session:
            await session.chats.start_chat()
            assert session.stats().connections == 1
    assert proxy.targets == []


async def test_a_proxy_of_another_scheme_is_not_used(
    no_proxy_around: pytest.MonkeyPatch, server: SandboxServer
) -> None:
    no_proxy_around.setenv("https_proxy", "http://127.0.0.1:9")
    async with AsyncCustomerSession(1520, TOKEN, base_url=server.url) as session:
        await session.chats.start_chat()
        assert session.stats().connections == 1


async def test_a_proxy_that_refuses_to_tunnel_means_nothing_was_sent() -> None:
    async with a_proxy() as proxy:
        options = {"proxy": proxy.url, "retry": RetryPolicy.none()}
        async with AsyncCustomerSession(1520, TOKEN, base_url="https://127.0.0.1:9", **options) as session:  # type: ignore[arg-type]
            with pytest.raises(TransportError, match="proxy") as caught:
                await session.chats.close_thread("c")
    assert proxy.targets == ["CONNECT 127.0.0.1:9"]
    assert "the proxy refused the connection (403 Forbidden)" in str(caught.value)
    assert caught.value.outcome is Outcome.NOT_SENT


# ---- TLS


@attrs.frozen
class Tls:
    trusting: ssl.SSLContext
    pem: Path


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    authority = trustme.CA()
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return Tls(trusting, pem)


@pytest.mark.parametrize("engine", ["auto", "httpx"])
async def test_a_ssl_context_carries_a_call(tls: Tls, engine: str) -> None:
    sandbox = Sandbox()
    async with (
        serve(sandbox, ssl_certfile=tls.pem) as server,
        AsyncCustomerSession(1520, TOKEN, base_url=server.url, ssl_context=tls.trusting, engine=engine) as session,
    ):
        assert server.url.startswith("https://")
        chat = await session.chats.start_chat()
        assert chat.id in sandbox.chats


@pytest.mark.parametrize("engine", ["auto", "httpx"])
async def test_a_certificate_of_an_unknown_authority_is_refused(tls: Tls, engine: str) -> None:
    async with (
        serve(Sandbox(), ssl_certfile=tls.pem) as server,
        AsyncCustomerSession(1520, TOKEN, base_url=server.url, engine=engine) as session,
    ):
        with pytest.raises(TransportError, match="certificate") as caught:
            await session.chats.start_chat()
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.NOT_SENT, 1)
        assert server.sandbox.requests == []


@pytest.mark.parametrize(
    "url, why",
    [
        ("gopher://user:word@x", "unsupported scheme"),
        ("socks5://user:word@x", "httpx[socks]"),
        ("http://user:word@x:port", "not a valid URL"),
        ("http://:1", "no host"),
    ],
)
async def test_a_bad_proxy_is_named_by_where_it_came_from(
    url: str, why: str, no_proxy_around: pytest.MonkeyPatch
) -> None:
    no_proxy_around.setitem(sys.modules, "socksio", None)  # as where it is not installed
    with pytest.raises(ConfigurationError) as caught:
        AsyncCustomerSession(1520, TOKEN, proxy=url)
    assert str(caught.value).startswith("proxy: ")
    assert why in str(caught.value)
    no_proxy_around.setenv("ALL_PROXY", url)
    with pytest.raises(ConfigurationError) as caught:
        AsyncCustomerSession(1520, TOKEN)
    assert str(caught.value).startswith("proxy from the environment (such as HTTPS_PROXY): ")
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("engine", ["auto", "httpx"])
async def test_certificates_that_the_environment_names_badly(
    no_proxy_around: pytest.MonkeyPatch, tmp_path: Path, engine: str
) -> None:
    shared_ssl_context.cache_clear()
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    for path, why in [(tmp_path / "missing.pem", "No such file"), (garbage, "")]:
        no_proxy_around.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(ConfigurationError, match=f"^SSL_CERT_FILE: .*{why}"):
            AsyncCustomerSession(1520, TOKEN, engine=engine)
        async with AsyncCustomerSession(1520, TOKEN, engine=engine, trust_env=False):
            pass
        async with AsyncCustomerSession(1520, TOKEN, engine=engine, ssl_context=ssl.create_default_context()):
            pass
