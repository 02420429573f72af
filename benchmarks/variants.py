"""The clients that `calls` compares. Each makes the same call as its documentation shows, and reads the response.

All have at most 100 connections, and the defaults of their makers in everything else; time limits are raised, not taken
away. The peers' result is the plain JSON; ours is the model.
"""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bodies import CHAT_ID, QUESTION
from benchmarks.load import AsyncCall, Call
from livechat_customer_async import AsyncCustomerSession, Limits, NewMessage

TOKEN = "dal-benchmark"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CONNECTIONS = 100


@dataclass(frozen=True)
class Target:
    """The server to call. `ca_file` is for TLS; the response's `size` in KB selects the action."""

    url: str
    ca_file: str
    size: str

    @property
    def action(self) -> str:
        return "send_event" if self.size == "1.3" else "get_chat_threads"

    @cached_property
    def payload(self) -> dict[str, Any]:
        if self.action == "send_event":
            return {"payload": {"chat_id": CHAT_ID, "event": {"type": "message", "text": QUESTION}}}
        return {"payload": {"chat_id": CHAT_ID}}

    @property
    def endpoint(self) -> str:
        return f"{self.url}/v3.0/customer/action/{self.action}?license_id=1520"

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https:") else None

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """The `verify` argument of httpx and similar clients. Their default costs 20 ms a client, before the window."""
        return self.tls or True


# ---- peers


@contextlib.asynccontextmanager
async def raw(target: Target) -> AsyncIterator[AsyncCall]:
    async with httpx.AsyncClient(headers=BEARER, verify=target.verify, timeout=60) as client:
        yield lambda: _post_json(client, target)


@contextlib.asynccontextmanager
async def httpx2(target: Target) -> AsyncIterator[AsyncCall]:
    import httpx2 as package

    async with package.AsyncClient(headers=BEARER, verify=target.verify, timeout=60) as client:
        yield lambda: _post_json(client, target)


@contextlib.asynccontextmanager
async def httpx_aiohttp(target: Target) -> AsyncIterator[AsyncCall]:
    from httpx_aiohttp import AiohttpTransport

    transport = AiohttpTransport(verify=target.verify)
    async with httpx.AsyncClient(headers=BEARER, transport=transport, timeout=60) as client:
        yield lambda: _post_json(client, target)


@contextlib.asynccontextmanager
async def httpx_pyreqwest(target: Target) -> AsyncIterator[AsyncCall]:
    from pyreqwest.compatibility.httpx import HttpxTransport

    transport = HttpxTransport(_pyreqwest_client(target))
    async with httpx.AsyncClient(headers=BEARER, transport=transport, timeout=60) as client:
        yield lambda: _post_json(client, target)


async def _post_json(client: Any, target: Target) -> object:
    response = await client.post(target.endpoint, json=target.payload)
    return response.json()


@contextlib.asynccontextmanager
async def pyreqwest(target: Target) -> AsyncIterator[AsyncCall]:
    async with _pyreqwest_client(target) as client:

        async def call() -> object:
            response = await client.post(target.endpoint).body_json(target.payload).build().send()
            return await response.json()

        yield call


def _pyreqwest_client(target: Target) -> Any:
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().max_connections(CONNECTIONS).default_headers(BEARER).timeout(timedelta(seconds=60))
    if target.tls is not None:
        builder = builder.add_root_certificate_pem(Path(target.ca_file).read_bytes())
    return builder.build()


@contextlib.asynccontextmanager
async def aiohttp(target: Target) -> AsyncIterator[AsyncCall]:
    import aiohttp as package

    connector = package.TCPConnector(limit=CONNECTIONS, ssl=target.verify)
    async with package.ClientSession(headers=BEARER, connector=connector) as session:

        async def call() -> object:
            async with session.post(target.endpoint, json=target.payload) as response:
                return await response.json()

        yield call


@contextlib.contextmanager
def vendor(target: Target) -> Iterator[Call]:
    """The vendor's SDK uses another version of the API; the server sends the same responses.

    It takes a host for its base URL and says https itself: for plain HTTP its public attribute `api_url` is changed.
    Its logging, which is on by default, is switched off, as its documents advise for production.
    """
    from livechat.customer.web.base import CustomerWeb

    host = target.url.partition("://")[2]
    client = CustomerWeb.get_client(
        access_token=f"Bearer {TOKEN}",
        base_url=host,
        verify=target.verify,
        organization_id="b7eff798-f8df-4364-8059-649c35c9ed0c",
        disable_logging=True,
        timeout=60,
    )
    client.api_url = client.api_url.replace(f"https://{host}", target.url)
    event = target.payload["payload"].get("event")

    def call() -> object:
        response = client.get_chat(chat_id=CHAT_ID) if event is None else client.send_event(CHAT_ID, event)
        return response.json()

    with client.session:
        yield call


# ---- ours


def ours(target: Target) -> AbstractAsyncContextManager[AsyncCall]:
    return ours_with(target, ssl_context=target.tls)


def ours_200(target: Target) -> AbstractAsyncContextManager[AsyncCall]:
    """Configured for 1,000 concurrent calls: 100 connections allow at most 5,000 calls/s at 20 ms."""
    return ours_with(target, ssl_context=target.tls, limits=Limits(connections=200))


def ours_engine_httpx(target: Target) -> AbstractAsyncContextManager[AsyncCall]:
    return ours_with(target, ssl_context=target.tls, engine="httpx")


@contextlib.asynccontextmanager
async def ours_callers_client(target: Target) -> AsyncIterator[AsyncCall]:
    async with (
        httpx.AsyncClient(verify=target.verify, timeout=60) as client,
        ours_with(target, http_client=client) as call,
    ):
        yield call


@contextlib.asynccontextmanager
async def ours_with(target: Target, **options: Any) -> AsyncIterator[AsyncCall]:
    async with AsyncCustomerSession(1520, TOKEN, base_url=target.url, **options) as session:
        if target.action == "send_event":
            yield lambda: session.events.send_event(CHAT_ID, NewMessage(text=QUESTION))
        else:
            yield lambda: session.chats.get_chat_threads(CHAT_ID)


# ---- the table of them


@dataclass(frozen=True)
class Variant:
    """A client. `threads` is the most threads it uses; 0 means none."""

    opened: Callable[[Target], Any]
    requires: tuple[str, ...] = ()
    threads: int = 0


FLOOR = "floor: asyncio.Protocol"
RAW = "raw: httpx + sniffio"
AIOHTTP = "aiohttp"
VENDOR_64 = "lc-sdk-python, 64 threads"
OURS = "ours"
OURS_200 = "ours, 200 connections"
OURS_CLIENT = "ours, caller's httpx client"

VARIANTS = {
    AIOHTTP: Variant(aiohttp, ("aiohttp",)),
    "pyreqwest": Variant(pyreqwest, ("pyreqwest",)),
    RAW: Variant(raw, ("sniffio",)),
    "httpx2": Variant(httpx2, ("httpx2",)),
    "httpx + httpx-aiohttp": Variant(httpx_aiohttp, ("httpx_aiohttp",)),
    "httpx + pyreqwest transport": Variant(httpx_pyreqwest, ("pyreqwest",)),
    "lc-sdk-python, 16 threads": Variant(vendor, ("livechat", "loguru"), threads=16),
    VENDOR_64: Variant(vendor, ("livechat", "loguru"), threads=64),
    OURS: Variant(ours),
    OURS_200: Variant(ours_200),
    'ours, engine="httpx"': Variant(ours_engine_httpx),
    OURS_CLIENT: Variant(ours_callers_client),
}

ThreadedOpener = Callable[[Target], AbstractContextManager[Call]]


def request_bytes(target: Target) -> bytes:
    """Return the bytes of our session's request, for the floor to send."""
    body = json.dumps(target.payload).encode()
    head = (
        f"POST {target.endpoint.partition('://')[2].partition('/')[2].join(('/', ''))} HTTP/1.1\r\n"
        f"Host: {target.url.partition('://')[2]}\r\nAuthorization: Bearer {TOKEN}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
