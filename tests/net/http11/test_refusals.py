"""What two readers could understand differently, or what could fill memory, is refused and ends its connection."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncGenerator

import attrs
import httpx
import pytest

from livechat_customer_async._net.http11.fields import encode
from tests.helpers.byte_server import OK, Peer, answering, serving
from tests.net.http11.conftest import Ours

pytestmark = pytest.mark.asyncio

HEAD = b"HTTP/1.1 200 OK\r\n"
NO_LIMITS = {"connect": None, "read": None, "write": None}
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

SMUGGLING = {
    "lengths that conflict": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "one length twice": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\nok",
    "negative length": HEAD + b"Content-Length: -2\r\n\r\nok",
    "signed length": HEAD + b"Content-Length: +2\r\n\r\nok",
    "hexadecimal length": HEAD + b"Content-Length: 0x2\r\n\r\nok",
    "length with underscore": HEAD + b"Content-Length: 0_2\r\n\r\nok",
    "empty length": HEAD + b"Content-Length:\r\n\r\nok",
    "length beyond 64 bits": HEAD + b"Content-Length: 99999999999999999999\r\n\r\nok",
    "length, then chunked": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked, then length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked, then identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "gzip as transfer coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "unknown transfer coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "length in the trailers": CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n",
    "folded header": HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare LF in a header": HEAD + b"X: a\nContent-Length: 2\r\n\r\nok",
    "bare LF before the body": HEAD + b"Content-Length: 2\r\n\nok",
    "bare CR": HEAD + b"X: a\rContent-Length: 2\r\n\r\nok",
    "CR CR LF": HEAD + b"Content-Length: 2\r\n\r\r\nok",
    "NUL in a header": HEAD + b"X: a\0\r\nContent-Length: 2\r\n\r\nok",
    "space before the colon": HEAD + b"Content-Length : 2\r\n\r\nok",
    "no colon": HEAD + b"Content-Length\r\n\r\nok",
    "no name": HEAD + b": 2\r\n\r\nok",
    "chunk size missing": CHUNKED + b"\r\nok\r\n0\r\n\r\n",
    "chunk size negative": CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"1ffffffffffffffff\r\nok\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
    "chunk ends late": CHUNKED + b"2\r\nokk\r\n0\r\n\r\n",
    "chunk with bare LF": CHUNKED + b"2\nok\n0\n\n",
    "LF in a chunk extension": CHUNKED + b'2;a="\n"\r\nok\r\n0\r\n\r\n',
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "RTSP": b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "empty lines first": b"\r\n\r\n" + OK,
    "switching protocols": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nwhat",
    "switching without a header": b"HTTP/1.1 101 Switching\r\n\r\n" + OK,
    "nine informational answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 9 + OK,
    "a second answer": OK + OK,
    "bytes after the body": OK + b"x",
    "a line end after the body": OK + b"\r\n",
    "bytes after an answer that closes": HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nokx",
    "bytes after the chunks": CHUNKED + b"2\r\nok\r\n0\r\n\r\nx",
    "an answer after the chunks": CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + OK,
    "half a line end after the chunks": CHUNKED + b"2\r\nok\r\n0\r\n\r\n\n",
    "a line end after the chunks": CHUNKED + b"2\r\nok\r\n0\r\n\r\n\r\n",
    "a body on 204": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "a body on 304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok",
    "a body where none is declared": HEAD + b"Content-Length: 0\r\n\r\nok",
}


@pytest.mark.parametrize("answer", SMUGGLING.values(), ids=SMUGGLING)
async def test_smuggling_is_refused(ours: Ours, answer: bytes) -> None:
    async with serving(_first_badly(answer)) as server, httpx.AsyncClient(transport=ours()) as client:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.post(server.url, content=b"x")
        assert str(caught.value)
        assert (await client.post(server.url, content=b"x")).text == "ok"
        assert server.accepted == 2


def _first_badly(answer: bytes):
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer if peer.number == 1 else OK)

    return script


async def test_bytes_after_the_answer_in_a_later_read(ours: Ours) -> None:
    """The answer counts, since it was whole when it was read; the connection is closed before anything else uses it."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await go.wait()
            await peer.send(OK)
        await peer.gone()

    go = asyncio.Event()
    transport = ours()
    async with serving(script) as server, httpx.AsyncClient(transport=transport) as client:
        assert (await client.post(server.url)).text == "ok"
        assert transport.connections == 1
        go.set()
        await server.until_open(0)
        assert transport.connections == 0
        assert (await client.post(server.url)).text == "ok"
        assert server.accepted == 2


async def test_an_answer_before_the_request_was_sent_whole(ours: Ours) -> None:
    """It may have been meant for something else: it counts, but the connection is not used again."""

    async def parts():
        yield b"x"
        await answered.wait()
        yield b"y"

    async def script(peer: Peer) -> None:
        await peer.send(OK)
        await peer.request()
        answered.set()
        await peer.gone()

    answered = asyncio.Event()
    transport = ours()
    async with serving(script) as server, httpx.AsyncClient(transport=transport) as client:
        asyncio.get_running_loop().call_later(0.05, answered.set)
        assert (await client.post(server.url, content=parts())).text == "ok"
        assert transport.connections == 0


def _endless(start: bytes, piece: bytes):
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(start)
        while True:
            await peer.send(piece * (1 + 16_384 // len(piece)))

    return script


@pytest.mark.slow
@pytest.mark.parametrize(
    "start, piece",
    [
        (HEAD, b"X-Header: value\r\n"),
        (HEAD, b"a" * 1000),
        (HEAD + b"X: ", b"a" * 1000),
        (b"HTTP/1.1 200 ", b"O" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n", b"X-Header: value\r\n"),
        (CHUNKED, b"0" * 1000),
        (CHUNKED + b"5;", b"a" * 1000),
        (CHUNKED + b"0\r\n", b"X-Trailer: value\r\n"),
        (CHUNKED + b"0\r\nX: ", b"a" * 1000),
        (CHUNKED, b"1;" + b"e" * 1000 + b"\r\nx\r\n"),
        (CHUNKED, b"f000\r\n" + b"x" * 0xF000 + b"\r\n"),
        (HEAD + b"\r\n", b"x" * 10_000),
    ],
)
async def test_endless_answers_are_cut_off(ours: Ours, start: bytes, piece: bytes) -> None:
    transport = ours(max_body_bytes=1_000_000)
    tracemalloc.start()
    try:
        async with serving(_endless(start, piece)) as server, httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(server.url)
            await server.until_open(0)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_declared_size_is_refused_before_it_comes(ours: Ours) -> None:
    transport = ours(max_body_bytes=1000)
    async with serving(answering(HEAD + b"Content-Length: 1001\r\n\r\n")) as server:
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.RemoteProtocolError, match="larger than 1000 bytes"):
                await client.post(server.url)


async def test_an_answer_at_its_limits_is_accepted(ours: Ours) -> None:
    body = b"x" * 1000
    head = b"Content-Length: 1000\r\n\r\n"
    filler = b"X: " + b"y" * (1000 - len(HEAD) - len(head) - 5) + b"\r\n"
    answer = HEAD + filler + head + body
    assert len(answer) == 2000
    async with serving(answering(answer, then="serve")) as server:
        async with httpx.AsyncClient(transport=ours(max_header_bytes=1000, max_body_bytes=1000)) as client:
            assert (await client.post(server.url)).content == body
        async with httpx.AsyncClient(transport=ours(max_header_bytes=999, max_body_bytes=1000)) as client:
            with pytest.raises(httpx.RemoteProtocolError, match="more than 999 bytes of head and framing"):
                await client.post(server.url)


async def test_many_small_chunks_are_accepted(ours: Ours) -> None:
    answer = CHUNKED + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"
    async with serving(answering(answer)) as server, httpx.AsyncClient(transport=ours()) as client:
        assert len((await client.post(server.url)).content) == 50_000


# -- compression


def _bomb(coding: str, size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(size // 2**20)), packer.flush()])


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("framing", ["by length", "in chunks"])
async def test_zip_bombs(ours: Ours, coding: str, framing: str) -> None:
    bomb = _bomb(coding, 50 * 2**20)
    head = HEAD + f"Content-Encoding: {coding}\r\n".encode()
    if framing == "by length":
        answer = head + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb
    else:
        answer = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)
    async with serving(answering(answer)) as server:
        async with httpx.AsyncClient(transport=ours(max_body_bytes=2**20)) as client:
            tracemalloc.start()
            with pytest.raises(httpx.DecodingError, match="inflates to more than"):
                await client.post(server.url)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peak < 20 * 2**20


BROKEN_BODIES = {
    "gzip without its last byte": (b"gzip", gzip.compress(b"hello")[:-1]),
    "gzip header cut short": (b"gzip", gzip.compress(b"hello")[:5]),
    "bytes after gzip": (b"gzip", gzip.compress(b"hello") + b"x"),
    "two gzip members": (b"gzip", gzip.compress(b"hello") * 2),
    "not gzip": (b"gzip", b"hello"),
    "deflate without its last byte": (b"deflate", zlib.compress(b"hello")[:-1]),
    "deflate header cut short": (b"deflate", zlib.compress(b"hello")[:1]),
    "not deflate": (b"deflate", b"\xff\xff\xff\xff"),
    "unknown coding": (b"br", b"hello"),
    "gzip twice": (b"gzip, gzip", gzip.compress(gzip.compress(b"hello"))),
}


@pytest.mark.parametrize("coding, body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
async def test_compressed_bodies_that_are_not_whole(ours: Ours, coding: bytes, body: bytes, split: bool) -> None:
    """Stricter than httpx, which overlooks a cut or doubled stream and leaves unknown codings as they are."""
    head = HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(head)
            if split:
                await asyncio.sleep(0)
            await peer.send(body)

    transport = ours()
    async with serving(script) as server, httpx.AsyncClient(transport=transport) as client:
        for _ in range(2):
            with pytest.raises(httpx.DecodingError):
                await client.post(server.url)


async def test_identity_and_empty_bodies_are_left_alone(ours: Ours) -> None:
    for coding, body in ((b"identity", b"ok"), (b"gzip", b""), (b"deflate", b"")):
        answer = HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (coding, len(body), body)
        async with serving(answering(answer)) as server, httpx.AsyncClient(transport=ours()) as client:
            assert (await client.post(server.url)).content == body


async def test_decoded_answers_say_so(ours: Ours) -> None:
    packed = gzip.compress(b"hello")
    answer = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\nX: y\r\n\r\n%b" % (len(packed), packed)
    async with serving(answering(answer)) as server, httpx.AsyncClient(transport=ours()) as client:
        response = await client.post(server.url)
    assert dict(response.headers) == {"x": "y"}
    assert response.content == b"hello"


@pytest.mark.parametrize(
    "pair",
    [
        (b"Content-Length", b"1"),
        (b"transfer-encoding", b"chunked"),
        (b"X-A", b"a\r\nX-B: b"),
        (b"X-A", b"a\0b"),
        (b"X-A", b"a\nb"),
        (b"X A", b"a"),
        (b"X-A:", b"a"),
        (b"", b"a"),
    ],
    ids=["length", "transfer coding", "another header", "NUL", "LF", "space in a name", "colon in a name", "no name"],
)
async def test_headers_that_a_server_could_misread_are_refused(pair: tuple[bytes, bytes]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        encode([(b"X-Good", b"1"), pair])


async def test_headers_are_sent_as_given_and_without_host() -> None:
    assert encode([(b"Host", b"a"), (b"X-Latin", b"\xe9"), (b"X-Empty", b"")]) == b"X-Latin: \xe9\r\nX-Empty: \r\n"


@attrs.frozen
class Url:
    """As much of a URL as the engine looks at; httpx's own cannot be made like this."""

    netloc: bytes
    raw_path: bytes


@pytest.mark.parametrize(
    "host, path", [(b"a\r\nX-B: b", b"/"), (b"", b"/"), (b"a", b"/ HTTP/1.1\r\nX-B: b"), (b"a", b"/\n"), (b"a", b"")]
)
async def test_urls_that_a_server_could_misread_are_refused(ours: Ours, host: bytes, path: bytes) -> None:
    engine = ours().engine(httpx.URL("http://127.0.0.1:1/"))
    url = Url(host, path)
    with pytest.raises(httpx.LocalProtocolError, match="invalid URL"):
        await engine.post(url, b"", b"", NO_LIMITS, lambda: None)  # type: ignore[arg-type]


async def _parts(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part


@pytest.mark.parametrize("declared", [3, 5])
async def test_a_body_of_another_length_than_declared_is_not_sent_as_whole(ours: Ours, declared: int) -> None:
    transport = ours()
    async with serving(answering(OK)) as server:
        engine, url = transport.engine(httpx.URL(server.url)), httpx.URL(server.url)
        with pytest.raises(httpx.LocalProtocolError, match="than its declared length"):
            await engine.upload(url, b"", _parts(b"ab", b"cd"), declared, NO_LIMITS, lambda: None)
        await server.until_open(0)
        assert not server.seen
        assert transport.connections == 0
