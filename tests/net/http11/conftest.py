import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
import trustme

from livechat_customer_async._net.http11.engine import Engine
from livechat_customer_async._net.http11.fields import encode
from livechat_customer_async._net.http11.tunnel import Hop, Route


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


PORTS = {"http": 80, "https": 443}
FRAMING = (b"content-length", b"transfer-encoding")


class OverEngine(httpx.AsyncBaseTransport):
    """The engine as a transport of httpx, for POST requests: one engine for each origin."""

    def __init__(
        self, tls: Callable[[], ssl.SSLContext], *, expiry: float = 5.0, keepalive: int = 10, **options: Any
    ) -> None:
        self._tls = tls
        self._options = {"keepalive_expiry": expiry, "max_keepalive": keepalive, **options}
        self.engines: dict[tuple[str, str, int], Engine] = {}

    @property
    def connections(self) -> int:
        return sum(engine.connections for engine in self.engines.values())

    def engine(self, url: httpx.URL) -> Engine:
        host, port = url.raw_host.decode(), url.port or PORTS[url.scheme]
        origin = (url.scheme, host, port)
        if origin not in self.engines:
            route = Route(Hop(host, port, self._tls if url.scheme == "https" else None))
            self.engines[origin] = Engine(route, **self._options)
        return self.engines[origin]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        engine = self.engine(request.url)
        fields = encode([pair for pair in request.headers.raw if pair[0].lower() not in FRAMING])
        timeout = {"connect": None, "read": None, "write": None, **request.extensions.get("timeout", {})}
        sending = request.extensions.get("sent", lambda: None)
        if isinstance(request.stream, httpx.ByteStream):
            response = await engine.post(request.url, fields, b"".join(request.stream), timeout, sending)
        else:
            parts = aiter(request.stream)  # type: ignore[arg-type]
            assert isinstance(parts, AsyncGenerator)
            declared = request.headers.get("content-length")
            length = None if declared is None else int(declared)
            response = await engine.upload(request.url, fields, parts, length, timeout, sending)
        coded = any(name == b"content-encoding" for name, _ in response.headers)
        dropped = (b"content-encoding", b"content-length", b"transfer-encoding") if coded else ()
        headers = [pair for pair in response.headers if pair[0] not in dropped]
        return httpx.Response(response.status, headers=headers, stream=httpx.ByteStream(engine.content(response)))

    async def aclose(self) -> None:
        for engine in self.engines.values():
            await engine.aclose()


Make = Callable[..., httpx.AsyncClient]
Ours = Callable[..., OverEngine]


@pytest_asyncio.fixture(params=["ours", "httpx"])
async def make(request: pytest.FixtureRequest, client_tls: ssl.SSLContext) -> AsyncIterator[Make]:
    """Make clients over our engine, or over httpx's own transport."""
    clients: list[httpx.AsyncClient] = []

    def make(connections: int = 10, **kwargs: Any) -> httpx.AsyncClient:
        transport: httpx.AsyncBaseTransport
        if request.param == "ours":
            transport = OverEngine(lambda: client_tls)
        else:
            limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
            transport = httpx.AsyncHTTPTransport(verify=client_tls, limits=limits)
        client = httpx.AsyncClient(transport=transport, **kwargs)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture
async def ours(client_tls: ssl.SSLContext) -> AsyncIterator[Ours]:
    """Make transports over the engine."""
    made: list[OverEngine] = []

    def make(**options: Any) -> OverEngine:
        transport = OverEngine(lambda: client_tls, **options)
        made.append(transport)
        return transport

    yield make
    for transport in made:
        await transport.aclose()


@pytest.fixture
def is_ours(request: pytest.FixtureRequest) -> bool:
    """Return whether `make` makes clients over our engine."""
    return bool(request.node.callspec.params["make"] == "ours")
