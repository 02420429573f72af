"""Whatever a server sends, a call ends with a response or with one of httpx's errors, and the pool stays usable."""

import asyncio
import contextlib
import gzip

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.byte_server import OK, Peer, serving
from tests.net.http11.conftest import OverEngine

PIECES = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 x\r\n",
    b"HTTP/1.1 204 No\r\n", b"HTTP/1.1 500 \r\n", b"HTTP/1.1 200\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Content-Length: 99\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: deflate\r\n", b"Content-Type: text/plain; charset=utf-16\r\n", b"Set-Cookie: a=b\r\n",
    b"Location: http://[/\r\n", b"\r\n", b"\n", b"\r", b"5\r\nhello\r\n", b"hello", b"0\r\n\r\n", b"5;x=y\r\n",
    b"ffffffffffffffff\r\n", b"X: \xff\r\n", b":", b"\0", gzip.compress(b"hello"), OK,
]  # fmt: skip
STREAMS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=12).map(b"".join)
SPLITS = st.lists(st.integers(1, 40), max_size=6)
LAX = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)


async def _exchange(answer: bytes, splits: list[int], end: str) -> None:
    async def script(peer: Peer) -> None:
        if peer.number > 1:
            await peer.request()
            await peer.send(OK)
            return
        await peer.head()
        rest = answer
        for size in splits:
            await peer.send(rest[:size])
            await asyncio.sleep(0)
            rest = rest[size:]
        await peer.send(rest)
        if end == "reset":
            peer.reset()
        elif end == "wait":
            await peer.gone()

    transport = OverEngine(_no_tls, max_body_bytes=10_000)
    timeout = httpx.Timeout(0.02) if end == "wait" else httpx.Timeout(5)
    async with serving(script) as server, httpx.AsyncClient(transport=transport, timeout=timeout) as client:
        with contextlib.suppress(httpx.RequestError):
            await client.post(server.url, content=b"x")
        # The first connection must not carry anything any more, unless its answer was whole and clean.
        for _ in range(2):
            try:
                probe = await client.post(server.url, content=b"", timeout=5 if server.accepted > 1 else 0.05)
            except httpx.RequestError:
                continue
            assert probe.status_code == 200
            break
        else:
            raise AssertionError("the pool is not usable")
    assert transport.connections == 0


def _no_tls():
    raise AssertionError("no TLS here")


@pytest.mark.slow
@LAX
@given(STREAMS, SPLITS, st.sampled_from(["close", "reset"]))
def test_any_bytes_and_then_the_end(answer: bytes, splits: list[int], end: str) -> None:
    asyncio.run(_exchange(answer, splits, end))


@pytest.mark.slow
@settings(LAX, max_examples=40)
@given(STREAMS, SPLITS)
def test_any_bytes_and_then_silence(answer: bytes, splits: list[int]) -> None:
    asyncio.run(_exchange(answer, splits, "wait"))


@pytest.mark.asyncio
@pytest.mark.parametrize("cut", range(0, len(OK), 5))
async def test_a_whole_answer_cut_anywhere(cut: int) -> None:
    await _exchange(OK[:cut], [], "reset")
