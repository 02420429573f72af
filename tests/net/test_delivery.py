"""What is known of a request at each moment, for each kind of transport: the package's most important promise."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import attrs
import httpcore
import httpx
import pytest

from livechat_customer_async import Limits, Outcome, Timeouts
from livechat_customer_async._net.clients import TransportOptions
from livechat_customer_async._net.delivery import Delivery, Witness
from livechat_customer_async._net.failures import Failure
from livechat_customer_async._net.open import open_transport
from livechat_customer_async._net.outgoing import Answer, HeaderBlock, Outgoing, timeout_of
from livechat_customer_async._net.transport import Transport
from tests.helpers.byte_server import OK, Peer, answering, serve, serving, until

NOTHING, UNSURE, SENT = Delivery


def test_the_outcome_of_each_delivery() -> None:
    assert {one: one.outcome for one in Delivery} == {
        NOTHING: Outcome.NOT_SENT,
        UNSURE: Outcome.UNKNOWN,
        SENT: Outcome.UNKNOWN,
    }


# ---- the witness of an httpx client: what is reported, how the request ends, what is known then


def raised_by(cause: BaseException, error: httpx.HTTPError) -> httpx.HTTPError:
    error.__cause__ = cause
    return error


CONNECT, READ = httpx.ConnectError("x"), httpx.ReadError("x")
FROM_HTTPCORE = raised_by(httpcore.ConnectError("x"), httpx.ConnectError("x"))
FROM_ELSEWHERE = raised_by(ConnectionResetError("x"), httpx.ConnectError("x"))


def heard(witness: Witness, outgoing: Outgoing) -> None:
    witness.heard(outgoing)


def sending(witness: Witness, outgoing: Outgoing) -> None:
    witness.heard(outgoing)
    witness.sending(outgoing)


def failed(error: httpx.HTTPError) -> Callable[[Witness, Outgoing], None]:
    return lambda witness, outgoing: witness.failed(outgoing, error)


def cancelled(*, begun: bool) -> Callable[[Witness, Outgoing], None]:
    return lambda witness, outgoing: witness.cancelled(outgoing, begun=begun)


Step = Callable[[Witness, Outgoing], None]
JUDGED: dict[str, tuple[bool | None, list[Step], Delivery]] = {
    # the client's transport is httpcore's (True), is not (False), or has not shown it yet (None)
    "handed over": (None, [], UNSURE),
    "handed over to httpcore": (True, [], UNSURE),
    "connecting": (None, [heard], NOTHING),
    "sending": (None, [heard, sending], SENT),
    "a step after sending": (True, [sending, heard], SENT),
    "failed while connecting": (True, [heard, failed(CONNECT)], NOTHING),
    "failed while sending": (True, [sending, failed(READ)], SENT),
    "a connect error after sending": (True, [sending, failed(CONNECT)], SENT),
    "a read error before sending": (True, [heard, failed(READ)], NOTHING),
    "a mock's connect error": (None, [failed(CONNECT)], NOTHING),
    "a mock's connect time-out": (False, [failed(httpx.ConnectTimeout("x"))], NOTHING),
    "a mock's pool time-out": (False, [failed(httpx.PoolTimeout("x"))], NOTHING),
    "a mock's proxy error": (False, [failed(httpx.ProxyError("x"))], NOTHING),
    "a mock's read error": (None, [failed(READ)], UNSURE),
    "a mock's write error": (None, [failed(httpx.WriteError("x"))], UNSURE),
    "a mock's time-out": (None, [failed(httpx.ReadTimeout("x"))], UNSURE),
    "httpcore's connect error": (None, [failed(FROM_HTTPCORE)], NOTHING),
    "another library's connect error": (None, [failed(FROM_ELSEWHERE)], UNSURE),
    "another library's, though httpcore was seen": (True, [failed(FROM_ELSEWHERE)], UNSURE),
    "cancelled in httpcore's pool": (True, [cancelled(begun=False)], NOTHING),
    "cancelled, the body asked for": (True, [cancelled(begun=True)], UNSURE),
    "cancelled in an unknown transport": (None, [cancelled(begun=False)], UNSURE),
    "cancelled in another transport": (False, [cancelled(begun=False)], UNSURE),
    "cancelled while connecting": (True, [heard, cancelled(begun=True)], NOTHING),
    "cancelled while sending": (True, [sending, cancelled(begun=True)], SENT),
}


@pytest.mark.parametrize("traces, steps, known", JUDGED.values(), ids=JUDGED)
def test_what_a_witness_knows(traces: bool | None, steps: list[Step], known: Delivery) -> None:
    witness, outgoing = Witness(), an_outgoing("http://127.0.0.1/")
    witness.traces = traces
    witness.handed_over(outgoing)
    for step in steps:
        step(witness, outgoing)
    assert outgoing.delivery is known


@pytest.mark.parametrize(
    "before, reports, after", [(None, True, True), (None, False, False), (True, False, False), (False, True, False)]
)
def test_what_an_answer_shows_of_the_transport(before: bool | None, reports: bool, after: bool) -> None:
    witness, outgoing = Witness(), an_outgoing("http://127.0.0.1/")
    witness.traces = before
    witness.handed_over(outgoing)
    if reports:
        witness.heard(outgoing)
    witness.answered(outgoing)
    assert witness.traces is after


# ---- real sockets, over the engine and over httpx's own pool


@attrs.frozen
class Body:
    """An upload of two parts; the first is made only when `go` allows it."""

    go: asyncio.Event
    content_type: str = "text/plain"
    content_length: int | None = None

    async def stream(self) -> AsyncGenerator[bytes, None]:
        await self.go.wait()
        yield b"one"
        yield b"two"


def an_outgoing(url: str, body: Any = b"{}", **timeouts: float) -> Outgoing:
    parsed = httpx.URL(url)
    return Outgoing(parsed, HeaderBlock([(b"Host", parsed.netloc)]), body, timeout_of(Timeouts(**timeouts)))


@contextlib.asynccontextmanager
async def opened(engine: str, url: str) -> AsyncGenerator[Transport, None]:
    transport = open_transport(
        TransportOptions(
            base_url=httpx.URL(url),
            limits=Limits(),
            proxy=None,
            ssl_context=None,
            trust_env=False,
            engine=engine,
            transport=None,
            http_client=None,
        )
    )
    yield transport
    await transport.aclose()


every_engine = pytest.mark.parametrize("engine", ["auto", "httpx"])


@every_engine
@pytest.mark.asyncio
async def test_an_answer(engine: str) -> None:
    async with serving(serve()) as server, opened(engine, server.url) as transport:
        outgoing = an_outgoing(server.url)
        answer = await transport.send(outgoing)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.content, answer.headers["content-length"]) == (200, b"ok", "2")
        assert outgoing.delivery is SENT


@every_engine
@pytest.mark.asyncio
async def test_a_refused_connection(engine: str, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/"
    async with opened(engine, url) as transport:
        outgoing = an_outgoing(url)
        assert isinstance(await transport.send(outgoing), Failure)
        assert outgoing.delivery is NOTHING


async def hang_up(peer: Peer) -> None:
    await peer.request()


async def reset(peer: Peer) -> None:
    await peer.request()
    peer.reset()


@every_engine
@pytest.mark.parametrize("script", [hang_up, reset, answering(OK[:10]), answering(b"SSH-2.0\r\n")])
@pytest.mark.asyncio
async def test_an_answer_that_does_not_come(engine: str, script: Callable[[Peer], Awaitable[None]]) -> None:
    async with serving(script) as server, opened(engine, server.url) as transport:
        outgoing = an_outgoing(server.url, read=0.05)
        failure = await transport.send(outgoing)
        assert isinstance(failure, Failure)
        assert failure.error.outcome is Outcome.UNKNOWN
        assert outgoing.delivery is SENT


@every_engine
@pytest.mark.asyncio
async def test_a_call_cancelled_while_its_body_is_made_was_not_sent(engine: str) -> None:
    async with serving(serve()) as server, opened(engine, server.url) as transport:
        await transport.send(an_outgoing(server.url))
        body = Body(asyncio.Event())
        outgoing = an_outgoing(server.url, body)
        sending = asyncio.create_task(transport.send(outgoing))
        for _ in range(50):
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()
        # httpx sends the head first, and asks for the body then
        assert outgoing.delivery is (NOTHING if engine == "auto" else SENT)
        assert len(server.seen) == 1


@every_engine
@pytest.mark.asyncio
async def test_a_call_cancelled_in_any_turn_tells_the_truth(engine: str) -> None:
    known = set()
    for turns in range(40):
        async with serving(answering(b"")) as server, opened(engine, server.url) as transport:
            outgoing = an_outgoing(server.url)
            sending = asyncio.create_task(transport.send(outgoing))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.wait([sending])
            await until(lambda: server.accepted == 0 or server.open == 0)
            assert not (server.seen and outgoing.delivery is NOTHING)
            known.add(outgoing.delivery)
    assert {NOTHING, SENT} <= known
