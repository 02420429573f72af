"""What a proxy is sent, and what its answers mean: forwarded requests, tunnels, credentials, refusals."""

from __future__ import annotations

import base64
import logging
import ssl
from random import Random
from typing import Any

import pytest
import trustme

from livechat_customer_async import ApiError, AsyncCustomerSession, Outcome, RetryPolicy, Timeouts, TransportError
from livechat_customer_async._net.http11.tunnel import Hop
from tests.helpers.byte_server import Peer, answering, serve, serving
from tests.helpers.proxies import TunnelProxy
from tests.helpers.quick_server import QuickServer
from tests.helpers.sessions import a_session

pytestmark = pytest.mark.asyncio

CREDENTIALS = b"Proxy-Authorization: Basic " + base64.b64encode("user:pä@ss".encode()) + b"\r\n"
PATH = b"/v3.0/customer/action/close_thread?license_id=1520"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def with_credentials(url: str) -> str:
    return url.replace("://", "://user:p%C3%A4%40ss@")


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
async def test_a_tunnel_carries_many_calls(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, secure: bool
) -> None:
    async with (
        TunnelProxy(server_tls if secure else None) as proxy,
        QuickServer(Random(1), slowest=2, tls=server_tls) as server,
        a_session(server.url, proxy=with_credentials(proxy.url), ssl_context=client_tls) as session,
    ):
        for _ in range(5):
            assert await session.status.get_groups_status(all=True) == {0: "online"}
        assert session.stats().connections == 1
    target = server.url.removeprefix("https://").encode()
    assert proxy.heads == [b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, CREDENTIALS)]


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
async def test_a_forwarded_request(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, secure: bool) -> None:
    async with serving(serve(b"HTTP/1.1 204 No\r\n\r\n"), server_tls if secure else None) as proxy:
        options = {"proxy": with_credentials(proxy.url), "ssl_context": client_tls}
        async with a_session("http://127.0.0.1:9", **options) as session:
            for _ in range(3):
                await session.chats.close_thread("c")
    assert proxy.accepted == 1
    seen = proxy.seen[-1]
    assert seen.line == b"POST http://127.0.0.1:9" + PATH + b" HTTP/1.1"
    assert seen.headers[b"host"] == b"127.0.0.1:9"
    assert seen.headers[b"proxy-authorization"] == CREDENTIALS.partition(b": ")[2].strip()
    assert seen.headers[b"authorization"].startswith(b"Bearer ")


def refusal(status: bytes, *, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


REFUSALS = {
    "407": (refusal(b"407 user:p4ss"), "the proxy refused the connection (407 Proxy Authentication Required)", 1),
    "with a body": (refusal(b"407 No", body=b"p4ss"), "(407 Proxy Authentication Required)", 1),
    "403": (refusal(b"403 p4ss"), "the proxy refused the connection (403 Forbidden)", 3),
    "an odd status": (refusal(b"599 p4ss"), "the proxy refused the connection (599)", 3),
    "after an informational one": (b"HTTP/1.1 100 p4ss\r\n\r\n" + refusal(b"502 p4ss"), "(502 Bad Gateway)", 3),
    "a redirect": (refusal(b"302 Found\r\nLocation: http://p4ss/"), "(302 Found)", 3),
    "not HTTP": (b"SSH-2.0-p4ss\r\n\r\n", "the proxy refused the connection", 3),
    "nothing": (b"", "the proxy refused the connection", 3),
    "data after the head": (b"HTTP/1.1 200 OK\r\n\r\np4ss", "the proxy refused the connection", 3),
}


@pytest.mark.parametrize("said, text, attempts", REFUSALS.values(), ids=REFUSALS)
async def test_a_proxy_that_makes_no_tunnel(
    said: bytes, text: str, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(said)

    async with serving(script) as proxy:
        url = proxy.url.replace("://", "://user:p4ss@")
        async with a_session("https://127.0.0.1:9", proxy=url, timeouts=Timeouts(connect=5)) as session:
            with pytest.raises(TransportError) as caught:
                await session.chats.close_thread("c")
            assert session.stats().connections == 0
        await proxy.until_open(0)
    error = caught.value
    assert text in str(error)
    assert (error.outcome, error.attempts, proxy.accepted) == (Outcome.NOT_SENT, attempts, attempts)
    logging.getLogger("a.user").error("failed", exc_info=error)
    assert "p4ss" not in caplog.text
    assert "p4ss" not in repr(error)


async def test_a_407_over_httpx_s_own_transport() -> None:
    async with serving(answering(refusal(b"407 p4ss"))) as proxy:
        async with a_session("https://127.0.0.1:9", proxy=proxy.url, engine="httpx") as session:
            with pytest.raises(TransportError) as caught:
                await session.chats.close_thread("c")
    assert "the proxy refused the connection (407 Proxy Authentication Required)" in str(caught.value)
    assert (caught.value.outcome, caught.value.attempts, proxy.accepted) == (Outcome.NOT_SENT, 1, 1)


@pytest.mark.parametrize("options", [{}, {"engine": "httpx"}], ids=["auto", "httpx"])
async def test_a_forwarded_request_that_the_proxy_refuses_was_not_sent(options: dict[str, Any]) -> None:
    async with serving(answering(refusal(b"407 No"), then="serve")) as proxy:
        async with a_session("http://127.0.0.1:9", proxy=proxy.url, **options) as session:
            with pytest.raises(TransportError, match=r"the proxy refused the connection \(407 Proxy Auth") as caught:
                await session.chats.close_thread("c")
    assert (caught.value.outcome, caught.value.attempts, len(proxy.seen)) == (Outcome.NOT_SENT, 1, 1)


async def test_a_407_of_the_server_itself_is_an_answer() -> None:
    async with serving(answering(refusal(b"407 No"))) as server, a_session(server.url.rstrip("/")) as session:
        with pytest.raises(ApiError) as caught:
            await session.chats.close_thread("c")
    assert (caught.value.status_code, caught.value.outcome) == (407, Outcome.REJECTED)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "https://127.0.0.1:9"])
async def test_a_proxy_that_is_not_there(base_url: str, closed_port: int) -> None:
    options = {"proxy": f"http://127.0.0.1:{closed_port}", "retry": RetryPolicy.none()}
    async with AsyncCustomerSession(1520, "dal:x", base_url=base_url, **options) as session:  # type: ignore[arg-type]
        with pytest.raises(TransportError, match="no connection was made") as caught:
            await session.chats.close_thread("c")
    assert caught.value.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "host, port, authority", [("api.example.com", 443, b"api.example.com:443"), ("::1", 8443, b"[::1]:8443")]
)
async def test_the_authority_of_a_server(host: str, port: int, authority: bytes) -> None:
    assert Hop(host, port, None).authority == authority
