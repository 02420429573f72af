"""What a session believes of transports, wrappers and hooks that are not its own: what was sent, and how much came."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    InvalidRequestError,
    LiveChatError,
    NewMessage,
    Outcome,
    TransportError,
)
from tests.helpers.byte_server import Peer, Server, serving

pytestmark = pytest.mark.asyncio

TOKEN = "dal:canary-of-a-token"
OPTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "auto": dict,
    "httpx": lambda: {"engine": "httpx"},
    "http_client": lambda: {"http_client": httpx.AsyncClient()},
    "transport": lambda: {"transport": httpx.AsyncHTTPTransport()},
}


@contextlib.asynccontextmanager
async def session_to(server: Server, **options: Any) -> AsyncIterator[AsyncCustomerSession]:
    async with AsyncCustomerSession(1520, TOKEN, base_url=server.url.rstrip("/"), **options) as session:
        yield session
    if "http_client" in options:
        await options["http_client"].aclose()


async def read_and_reset(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def sent_again(request: httpx.Request) -> None:
    """A hook that gives the request a stream of its own."""
    request.stream = httpx.ByteStream(await request.aread())


class Copying(httpx.AsyncHTTPTransport):
    """Builds the request anew, as wrappers do that sign or record."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        copied = httpx.Request(
            request.method, request.url, headers=request.headers, content=content, extensions=request.extensions
        )
        return await super().handle_async_request(copied)


class Translating(httpx.AsyncBaseTransport):
    """Is over another library, and takes a lost answer for a failed connect."""

    def __init__(self) -> None:
        self.performed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.performed += 1
        try:
            raise ConnectionResetError("after the request was read")
        except OSError as lost:
            raise httpx.ConnectError("the connection failed") from lost


class Changing(httpx.AsyncHTTPTransport):
    """Sends by httpcore, or by something that tells nothing."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("send_event"):
            return await super().handle_async_request(request)
        await request.aread()
        raise httpx.ReadError("after the request was read")


@pytest.mark.parametrize(
    "options",
    [
        lambda: {"http_client": httpx.AsyncClient(event_hooks={"request": [sent_again]})},
        lambda: {"http_client": httpx.AsyncClient(transport=Copying())},
        lambda: {"transport": Copying()},
    ],
)
async def test_what_a_server_has_read_is_not_sent_again(options: Callable[[], dict[str, Any]]) -> None:
    async with serving(read_and_reset) as server, session_to(server, **options()) as session:
        with pytest.raises(TransportError) as caught:
            await session.events.send_event("c", NewMessage(text="once"))
    assert (caught.value.outcome, caught.value.attempts, len(server.seen)) == (Outcome.UNKNOWN, 1, 1)


async def test_another_library_s_word_for_a_failed_connect_is_not_believed() -> None:
    transport = Translating()
    async with AsyncCustomerSession(1520, TOKEN, transport=transport) as session:
        with pytest.raises(TransportError) as caught:
            await session.events.send_event("c", NewMessage(text="once"))
    assert (caught.value.outcome, transport.performed) == (Outcome.UNKNOWN, 1)


async def test_what_one_request_told_is_not_taken_for_the_next() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await peer.gone()

    async with serving(script) as server, session_to(server, transport=Changing()) as session:
        await session.chats.close_thread("c")
        with pytest.raises(TransportError) as caught:
            await session.events.send_event("c", NewMessage(text="once"))
    assert (caught.value.outcome, caught.value.attempts) == (Outcome.UNKNOWN, 1)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
async def test_an_answer_that_inflates_without_end_is_refused(options: Callable[[], dict[str, Any]]) -> None:
    bomb = gzip.compress(bytes(65 * 1024 * 1024))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head + bomb)

    async with serving(script) as server, session_to(server, **options()) as session:
        with pytest.raises(TransportError, match=r"DecodingError: the response (body is larger|inflates to more)"):
            await session.events.send_event("c", NewMessage(text="x"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
async def test_why_a_source_failed_is_kept(options: Callable[[], dict[str, Any]]) -> None:
    failed = ValueError("where it went wrong")

    def source() -> Any:
        yield bytes(300_000)
        raise failed

    async def script(peer: Peer) -> None:
        await peer.gone()

    async with serving(script) as server, session_to(server, **options()) as session:
        with pytest.raises(InvalidRequestError) as caught:
            await session.events.upload_file(source())
    assert caught.value.__cause__ is failed


ECHOES = [
    b"%s\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n%s\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    b"HTTP/9.9 200 %s\r\n\r\n",
]


@pytest.mark.parametrize("answer", ECHOES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
async def test_garbage_that_repeats_the_token_is_not_in_a_logged_traceback(
    options: Callable[[], dict[str, Any]], answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(peer: Peer) -> None:
        seen = await peer.request()
        await peer.send(answer % seen.headers[b"authorization"])

    caplog.set_level(logging.DEBUG, "livechat_customer_async")
    async with serving(script) as server, session_to(server, **options()) as session:
        try:
            await session.events.send_event("c", NewMessage(text="x"))
        except LiveChatError:
            logging.getLogger("a.user").exception("it failed")
    assert "Traceback" in caplog.text
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    formatter = logging.Formatter()
    assert not [record for record in ours if "canary" in formatter.format(record)]


async def test_a_reason_phrase_that_repeats_the_token_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def script(peer: Peer) -> None:
        seen = await peer.request()
        await peer.send(b"HTTP/1.1 500 %s\r\nContent-Length: 0\r\n\r\n" % seen.headers[b"authorization"])

    caplog.set_level(logging.DEBUG)
    async with serving(script) as server, session_to(server) as session:
        with pytest.raises(ApiError):
            await session.events.send_event("c", NewMessage(text="x"))
    assert "canary" not in caplog.text


class Reading(httpx.AsyncBaseTransport):
    """Takes the body, and never answers."""

    def __init__(self) -> None:
        self.has_body = asyncio.Event()
        self.ended = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async for _ in request.stream:  # type: ignore[union-attr]
            pass
        self.has_body.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
        raise AssertionError


async def test_a_cancellation_reaches_a_transport_that_took_the_body() -> None:
    transport = Reading()
    async with AsyncCustomerSession(1520, TOKEN, transport=transport) as session:
        calling = asyncio.create_task(session.events.upload_file(iter([b"piece"])))
        await transport.has_body.wait()
        calling.cancel()
        await asyncio.wait([calling])
        assert transport.ended  # and not a second later
        assert calling.cancelled()
