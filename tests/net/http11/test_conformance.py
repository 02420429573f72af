"""One suite over httpx's own transport and our engine, on real sockets; where they differ by design, a test says so."""

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from tests.helpers.byte_server import OK, Peer, answering, serve, serving
from tests.net.http11.conftest import Make, Ours

pytestmark = pytest.mark.asyncio

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CANNED = {
    "length": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": CHUNKED + b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: t\r\n\r\n",
    "informational": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("answer", CANNED.values(), ids=CANNED)
async def test_framing_in_every_split(make: Make, answer: bytes) -> None:
    cuts = list(range(1, len(answer)))

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            cut = cuts[len(peer.server.seen) - 1]
            await peer.send(answer[:cut])
            await asyncio.sleep(0)
            await peer.send(answer[cut:])

    async with serving(script) as server:
        client = make()
        for _ in cuts:
            response = await client.post(server.url, content=b"x")
            assert (response.status_code, response.text, response.reason_phrase) == (200, "hello", "OK")
        assert server.accepted == 1


@pytest.mark.parametrize("answer", CANNED.values(), ids=CANNED)
async def test_one_byte_at_a_time(make: Make, answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for byte in answer:
            await peer.send(bytes([byte]))
            await asyncio.sleep(0)
        await peer.gone()

    async with serving(script) as server:
        assert (await make().post(server.url)).text == "hello"


async def test_response_carries_what_the_wire_said(make: Make, is_ours: bool) -> None:
    answer = b"HTTP/1.1 207 So It Goes\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 0\r\n\r\n"
    async with serving(serve(answer)) as server:
        response = await make().post(server.url)
        assert response.status_code == 207
        assert response.reason_phrase == ("Multi-Status" if is_ours else "So It Goes")
        assert response.headers.get_list("x-two") == ["a", "b"]


async def test_request_as_the_server_sees_it(make: Make) -> None:
    async with serving(serve()) as server:
        await make().post(server.url + "p%20q?a=b#frag", content=b"body", headers={"X-Latin": b"\xe9"})
        (seen,) = server.seen
        assert seen.line == b"POST /p%20q?a=b HTTP/1.1"
        assert seen.headers[b"host"] == f"127.0.0.1:{server.port}".encode()
        assert seen.headers[b"x-latin"] == b"\xe9"
        assert seen.body == b"body"


async def test_bodies_without_end_marks_end_with_the_connection(make: Make) -> None:
    for head in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"):
        async with serving(answering(head + b"to the end", then="close")) as server:
            client = make()
            assert (await client.post(server.url)).text == "to the end"
            assert (await client.post(server.url)).text == "to the end"
            assert server.accepted == 2


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"0\r\n\r\n",
    ],
    ids=["no content", "not modified", "length 0", "no chunks"],
)
async def test_answers_without_a_body_leave_the_connection_usable(make: Make, head: bytes) -> None:
    async with serving(answering(head, OK, then="serve")) as server:
        client = make()
        assert (await client.post(server.url)).content == b""
        assert (await client.post(server.url)).text == "ok"
        assert server.accepted == 1


@pytest.mark.parametrize(
    "answer, reused",
    [
        (OK, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
    ],
)
async def test_keep_alive_rules(make: Make, answer: bytes, reused: bool) -> None:
    async with serving(serve(answer)) as server:
        client = make()
        for _ in range(2):
            assert (await client.post(server.url)).text == "ok"
        assert server.accepted == (1 if reused else 2)


async def test_keep_alive_of_http_1_0(make: Make, is_ours: bool) -> None:
    """httpx's parser never reuses an HTTP/1.0 connection; ours does where the server offers it."""
    answer = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
    async with serving(serve(answer)) as server:
        client = make()
        for _ in range(2):
            assert (await client.post(server.url)).text == "ok"
        assert server.accepted == (1 if is_ours else 2)


@pytest.mark.parametrize("size", [1, 65_536, 5_000_000])
async def test_large_bodies_both_ways(make: Make, size: int) -> None:
    async def script(peer: Peer) -> None:
        while True:
            body = (await peer.request()).body
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with serving(script) as server:
        client = make()
        body = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
        assert (await client.post(server.url, content=body)).content == body
        assert (await client.post(server.url, content=body)).content == body
        assert server.accepted == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate-raw"])
@pytest.mark.parametrize("size", [0, 1, 1_000_000])
async def test_compressed_answers(make: Make, coding: str, size: int) -> None:
    plain = b"0123456789" * (size // 10) + b"x" * (size % 10)
    if coding == "gzip":
        packed = gzip.compress(plain)
    elif coding == "deflate":
        packed = zlib.compress(plain)
    else:
        raw = zlib.compressobj(wbits=-15)
        packed = raw.compress(plain) + raw.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    answer = head % (coding.removesuffix("-raw").encode(), len(packed)) + packed
    async with serving(serve(answer)) as server:
        assert (await make().post(server.url)).content == plain


async def test_compressed_answers_in_pieces(make: Make) -> None:
    packed = gzip.compress(b"hello" * 1000)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: GZip\r\n\r\n"))
        for byte in packed:
            await peer.send(b"1\r\n%c\r\n" % byte)
            await asyncio.sleep(0)
        await peer.send(b"0\r\n\r\n")
        await peer.gone()

    async with serving(script) as server:
        assert (await make().post(server.url)).content == b"hello" * 1000


async def test_garbage_in_place_of_a_compressed_body(make: Make) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwhat"
    async with serving(serve(answer)) as server:
        with pytest.raises(httpx.DecodingError):
            await make().post(server.url)


@pytest.mark.parametrize(
    "answer, error",
    [
        (b"", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", httpx.RemoteProtocolError),
        (CHUNKED + b"5\r\nhel", httpx.RemoteProtocolError),
        (CHUNKED + b"5\r\nhello\r\n", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", httpx.RemoteProtocolError),
        (CHUNKED + b"zz\r\n", httpx.RemoteProtocolError),
    ],
)
async def test_answers_cut_short_or_malformed(make: Make, answer: bytes, error: type[Exception]) -> None:
    async with serving(answering(answer, then="close")) as server:
        with pytest.raises(error) as caught:
            await make().post(server.url, content=b"x")
        assert caught.value.request.url == server.url
        if not answer:
            assert str(caught.value) == "Server disconnected without sending a response."


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"])
async def test_resets(make: Make, answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()  # the body stays unread: the kernel answers it with a reset
        await peer.send(answer)
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        peer.reset()

    async with serving(script) as server:
        with pytest.raises((httpx.ReadError, httpx.WriteError)):
            await make().post(server.url, content=b"x")


async def test_a_reused_connection_that_closes_on_the_next_request(make: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async with serving(script) as server:
        client = make()
        await client.post(server.url)
        with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected without sending a response"):
            await client.post(server.url)


async def test_an_early_refusal_is_delivered(make: Make) -> None:
    """A server that does not want the upload answers and stops reading; httpx sends all of it all the same."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000
            await asyncio.sleep(0)

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await peer.gone()

    async with serving(script) as server:
        response = await make().post(server.url, content=parts())
        assert (response.status_code, response.text) == (413, "big")


async def test_an_early_refusal_arrives_before_the_reset_that_follows_it(ours: Ours) -> None:
    """A server that closes with bytes unread resets; httpx writes on, meets the reset, and loses the answer."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(256 * 1024)

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async with serving(script) as server:
        client = httpx.AsyncClient(transport=ours())
        for _ in range(30):
            response = await client.post(server.url, content=parts())
            assert (response.status_code, response.text) == (413, "big")


async def test_a_success_before_the_whole_request_is_a_failure(make: Make) -> None:
    closed = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield bytes(1000)
        await closed.wait()
        while True:
            yield bytes(256 * 1024)

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        peer.writer.close()
        closed.set()

    async with serving(script) as server:
        with pytest.raises((httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError)):
            await make().post(server.url, content=parts())


async def test_the_source_of_a_body_fails(make: Make) -> None:
    class SourceError(Exception):
        pass

    async def parts() -> AsyncIterator[bytes]:
        yield b"some"
        raise SourceError

    async with serving(serve()) as server:
        client = make(connections=1)
        with pytest.raises(SourceError):
            await client.post(server.url, content=parts())
        assert (await client.post(server.url)).text == "ok"


# -- time-outs


async def test_connection_refused(make: Make) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError):
            await make().post(f"http://127.0.0.1:{sock.getsockname()[1]}/")


async def test_unknown_host(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(httpx.ConnectError) as caught:
        await make().post("http://nowhere.invalid/")
    assert caught.value.__cause__ is not None


async def test_connect_timeout(make: Make, server_tls: ssl.SSLContext) -> None:
    """A server that accepts and never shakes hands."""

    async def script(peer: Peer) -> None:
        await peer.gone()

    async with serving(script) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(httpx.ConnectTimeout):
            await make(timeout=httpx.Timeout(5, connect=0.05)).post(url)
        await server.until_open(0)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
async def test_read_timeout(make: Make, start: bytes) -> None:
    async with serving(answering(start)) as server:
        client = make(timeout=httpx.Timeout(5, read=0.05))
        with pytest.raises(httpx.ReadTimeout):
            await client.post(server.url)
        await server.until_open(0)


@pytest.mark.slow
async def test_write_timeout(make: Make) -> None:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    stop = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.reader._limit = 1  # type: ignore[attr-defined]
        await stop.wait()

    for content in (parts(), b"x" * 50_000_000):
        async with serving(script) as server:
            client = make(timeout=httpx.Timeout(5, write=0.05))
            with pytest.raises(httpx.WriteTimeout):
                await client.post(server.url, content=content)


# -- TLS


async def test_tls(make: Make, server_tls: ssl.SSLContext) -> None:
    body = b"z" * 300_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with serving(serve(answer), server_tls) as server:
        client = make()
        for host in ("127.0.0.1", "localhost"):
            for _ in range(2):
                response = await client.post(server.url.replace("127.0.0.1", host), content=body)
                assert response.content == body
        assert server.accepted == 2
        assert server.seen[0].body == body


async def test_a_body_that_ends_with_a_tls_connection(make: Make, server_tls: ssl.SSLContext) -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nto the end", then="close"), server_tls) as server:
        assert (await make().post(server.url)).text == "to the end"


@pytest.mark.parametrize("fault", ["unknown authority", "wrong host"])
async def test_certificate_failures(make: Make, authority: trustme.CA, fault: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = trustme.CA() if fault == "unknown authority" else authority
    issuer.issue_cert("127.0.0.1" if fault == "unknown authority" else "other.example").configure_cert(context)
    async with serving(serve(), context) as server:
        with pytest.raises(httpx.ConnectError) as caught:
            await make().post(server.url)
        cause: BaseException | None = caught.value
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        assert isinstance(cause, ssl.SSLCertVerificationError)
        assert not server.seen


async def test_tls_to_a_server_without_tls(make: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(script) as server:
        with pytest.raises(httpx.ConnectError):
            await make().post(server.url.replace("http:", "https:"))


async def test_a_server_that_hangs_up_during_the_handshake(make: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)

    async with serving(script) as server:
        with pytest.raises(httpx.ConnectError):
            await make().post(server.url.replace("http:", "https:"))
