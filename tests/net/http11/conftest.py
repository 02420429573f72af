import ssl
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
import trustme

from livechat_customer_async._net.http11 import Http11Transport


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


Make = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture(params=["ours", "httpx"])
async def make(request: pytest.FixtureRequest, client_tls: ssl.SSLContext) -> AsyncIterator[Make]:
    """Makes clients over our transport, or over httpx's own, with the same limits."""
    clients: list[httpx.AsyncClient] = []

    def make(connections: int = 10, expiry: float | None = 5.0, **kwargs: object) -> httpx.AsyncClient:
        transport: httpx.AsyncBaseTransport
        if request.param == "ours":
            transport = Http11Transport(ssl_context=client_tls, max_connections=connections, keepalive_expiry=expiry)
        else:
            limits = httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=expiry
            )
            transport = httpx.AsyncHTTPTransport(verify=client_tls, limits=limits)
        client = httpx.AsyncClient(transport=transport, **kwargs)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture
async def ours(client_tls: ssl.SSLContext) -> AsyncIterator[Callable[..., Http11Transport]]:
    """Makes transports of ours alone."""
    made: list[Http11Transport] = []

    def make(**options: object) -> Http11Transport:
        transport = Http11Transport(ssl_context=client_tls, **options)  # type: ignore[arg-type]
        made.append(transport)
        return transport

    yield make
    for transport in made:
        await transport.aclose()


@pytest.fixture
def is_ours(request: pytest.FixtureRequest) -> bool:
    return request.node.callspec.params["make"] == "ours"
