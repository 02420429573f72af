"""The body on the wire: what another parser reads in it, its length, its progress, and how it ends when it fails."""

import asyncio
import contextlib
import hashlib
import os
import random
import re

import anyio
import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livechat_customer_async._uploads.multipart import MultipartBody
from livechat_customer_async.errors import InvalidRequestError
from tests.helpers.uploads import (
    CHUNK,
    KINDS,
    LIMIT,
    ONE_SHOT,
    content,
    descriptors,
    made,
    opened,
    parse,
    post,
    serving,
    upload,
    upload_threads,
)

pytestmark = pytest.mark.asyncio

FIELDS = [("payload.chat_id", "PJ0MRSHTDG"), ("payload.custom_id", "a\r\n--b\r\nContent-Length: 3\n\r\n\r\n")]


async def sent(body):
    return b"".join([chunk async for chunk in body.stream()])


def client():
    # Without the environment's proxies and certificates: the first takes no time, the second would take 20 ms each.
    return httpx.AsyncClient(trust_env=False, verify=False)


# ---- as it is written


async def test_the_layout_byte_for_byte():
    async with opened(b"content", filename="receipt.pdf") as source:
        body = MultipartBody([("payload.chat_id", "PJ0")], "payload.file", source, boundary="boundary")
        assert body.content_type == "multipart/form-data; boundary=boundary"
        assert await sent(body) == (
            b"--boundary\r\n"
            b'Content-Disposition: form-data; name="payload.chat_id"\r\n'
            b"\r\n"
            b"PJ0\r\n"
            b"--boundary\r\n"
            b'Content-Disposition: form-data; name="payload.file"; filename="receipt.pdf"\r\n'
            b"Content-Type: application/pdf\r\n"
            b"\r\n"
            b"content\r\n"
            b"--boundary--\r\n"
        )


async def test_boundaries_cannot_be_guessed():
    async with opened(b"") as source:
        bodies = [MultipartBody([], "payload.file", source) for _ in range(100)]
    assert len({body.content_type for body in bodies}) == 100
    assert all(len(body.content_type.partition("boundary=")[2]) == 32 for body in bodies)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, LIMIT])
async def test_the_length_is_exact(size):
    async with opened(content(size), filename="naïve 🧾") as source:
        body = MultipartBody(FIELDS, "payload.file", source)
        assert body.content_length == len(await sent(body))


async def test_the_length_of_an_unknown_size_is_none():
    async with opened(iter([b"a"])) as source:
        assert MultipartBody(FIELDS, "payload.file", source).content_length is None


@pytest.mark.parametrize("kind", KINDS)
async def test_every_pass_is_the_same_bytes(kind, tmp_path):
    async with made(kind, tmp_path, content(CHUNK + 1)) as file, opened(file, keep=True) as source:
        body = MultipartBody(FIELDS, "payload.file", source)
        first = await sent(body)
        stopped = body.stream()
        await anext(stopped)
        await anext(stopped)
        assert await sent(body) == first
        await stopped.aclose()


async def test_a_value_that_utf_8_cannot_carry():
    async with opened(b"") as source:
        with pytest.raises(InvalidRequestError) as caught:
            MultipartBody([("payload.custom_id", "\ud800")], "payload.file", source)
    assert caught.value.parameter == "custom_id"


# ---- as another parser reads it


HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("\"\\\r\n;=:-%/\0 \t'<>"), st.characters(exclude_categories=["Cs"])), max_size=80
)


def as_browsers_do(name):
    name = re.sub(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", "\ufffd", name)
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


@given(filename=HOSTILE, value=HOSTILE, name=HOSTILE)
async def test_no_name_and_no_value_can_add_a_part_or_a_header(filename, value, name):
    last = filename.replace("\\", "/").rpartition("/")[2]
    assume(last not in {"", ".", ".."})
    async with opened(b"content", filename=filename) as source:
        body = MultipartBody([(name, value)], "payload.file", source)
        written = await sent(body)
    assert len(written) == body.content_length
    part, file = parse(body.content_type, written)
    assert [header for header, _ in part.headers] == ["content-disposition"]
    assert [header for header, _ in file.headers] == ["content-disposition", "content-type"]
    assert (bytes(part.data), bytes(file.data)) == (value.encode(), b"content")
    assert file.option("name") == b"payload.file"
    disposition = file.headers[0][1].encode("latin-1")
    assert disposition == b'form-data; name="payload.file"; filename="' + as_browsers_do(last) + b'"'


@pytest.mark.parametrize(
    "filename, read",
    [
        ("receipt.pdf", b"receipt.pdf"),
        ("naïve 🧾.txt", "naïve 🧾.txt".encode()),
        ('a"; filename="b', b"a%22; filename=%22b"),
        ("a\r\nX-Evil: 1\r\n\r\nb", b"a%0D%0AX-Evil: 1%0D%0A%0D%0Ab"),
        ("../../etc/passwd", b"passwd"),
        ("nul\0name\x7f\x85.txt", "nul\ufffdname\ufffd\ufffd.txt".encode()),
        ("C:\\secret\\a.txt", b"a.txt"),
    ],
)
async def test_names_as_another_parser_reads_them(filename, read):
    async with opened(b"", filename=filename) as source:
        body = MultipartBody(FIELDS, "payload.file", source)
        parts = parse(body.content_type, await sent(body))
    assert [part.option("name") for part in parts] == [b"payload.chat_id", b"payload.custom_id", b"payload.file"]
    assert parts[-1].option("filename") == read
    assert [bytes(part.data).decode() for part in parts[:2]] == [value for _, value in FIELDS]


# ---- progress


def recorder():
    calls = []
    return calls, lambda sent, total: calls.append((sent, total))


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 7])
async def test_progress_ends_at_the_size(size):
    calls, on_progress = recorder()
    async with opened(content(size)) as source:
        await sent(MultipartBody(FIELDS, "payload.file", source, on_progress=on_progress))
    assert calls == [(min(done, size), size) for done in range(0, size + CHUNK, CHUNK)]


@pytest.mark.parametrize("size", [0, 1, 2 * CHUNK + 7])
async def test_the_total_is_none_until_the_end_is_reached(size):
    calls, on_progress = recorder()
    async with opened(iter([content(size)])) as source:
        await sent(MultipartBody([], "payload.file", source, on_progress=on_progress))
    assert calls == [*((min(done, size), None) for done in range(0, size + CHUNK, CHUNK)), (size, size)]


async def test_a_chunk_counts_when_the_next_one_is_asked_for():
    calls, on_progress = recorder()
    async with opened(content(CHUNK + 1)) as source:
        stream = MultipartBody([], "payload.file", source, on_progress=on_progress).stream()
        assert [len(calls) async for _ in stream] == [1, 1, 2, 3]


async def test_progress_begins_again_with_each_pass():
    calls, on_progress = recorder()
    async with opened(b"content") as source:
        body = MultipartBody([], "payload.file", source, on_progress=on_progress)
        await sent(body)
        await sent(body)
    assert calls == [(0, 7), (7, 7)] * 2


async def test_progress_may_be_async():
    calls = []

    async def on_progress(sent, total):
        await asyncio.sleep(0)
        calls.append((sent, total))

    async with opened(b"content") as source:
        await sent(MultipartBody([], "payload.file", source, on_progress=on_progress))
    assert calls == [(0, 7), (7, 7)]


async def fails_async(sent, total):
    if sent:
        raise KeyError("what nobody may read")


def fails(sent, total):
    if sent:
        raise KeyError("what nobody may read")


@pytest.mark.parametrize("on_progress", [fails, fails_async])
async def test_an_exception_in_it_ends_the_upload(on_progress):
    async with opened(content(CHUNK)) as source:
        body = MultipartBody([], "payload.file", source, on_progress=on_progress)
        with pytest.raises(InvalidRequestError, match="it raised KeyError, which ended the upload") as caught:
            await sent(body)
    assert caught.value.parameter == "on_progress"
    assert isinstance(caught.value.__cause__, KeyError)
    assert "nobody" not in str(caught.value)


# ---- over a socket


def hashed(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_arrives_whole_over_a_socket(kind, tmp_path):
    data = content(2 * CHUNK + 5)
    async with serving() as server, client() as http:
        async with made(kind, tmp_path, data) as file:
            await upload(http, server.url, file, filename="receipt.pdf")
        [request] = server.requests
        [part] = request.parts
    assert hashed(part.data) == hashed(data)
    assert part.option("filename") == b"receipt.pdf"
    if kind in ONE_SHOT:
        assert (request.headers.get("transfer-encoding"), "content-length" in request.headers) == ("chunked", False)
    else:
        assert (int(request.headers["content-length"]), "transfer-encoding" in request.headers) == (
            len(request.body),
            False,
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["path", "own file type", "generator", "async generator"])
async def test_ten_megabytes_arrive_over_a_socket(kind, tmp_path):
    data = content(LIMIT)
    async with serving() as server, client() as http:
        async with made(kind, tmp_path, data) as file:
            await upload(http, server.url, file)
        [request] = server.requests
        [part] = request.parts
    assert hashed(part.data) == hashed(data)


async def test_a_second_attempt_is_byte_identical_on_the_wire(tmp_path):
    for kind in KINDS:
        folder = tmp_path / kind
        folder.mkdir()
        async with serving() as server, client() as http, made(kind, folder, content(CHUNK + 1)) as file:
            async with opened(file, keep=True) as source:
                body = MultipartBody(FIELDS, "payload.file", source)
                await post(http, server.url, body)
                await post(http, server.url, body)
            first, second = server.requests
        assert (first.body, first.headers) == (second.body, second.headers)


@pytest.mark.parametrize("known", [True, False])
async def test_a_source_that_fails_leaves_no_complete_request_and_no_connection(known, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(content(3 * CHUNK))

    async def grow(sent, total):
        await asyncio.to_thread(os.truncate, log, 4 * CHUNK)

    file, on_progress, hint = (log, grow, "grew") if known else ((bytes(CHUNK) for _ in range(100)), None, "more than")
    async with serving() as server, client() as http:
        with pytest.raises(InvalidRequestError, match=hint):
            await upload(http, server.url, file, on_progress=on_progress)
        await server.all_closed()
        assert [request.complete for request in server.requests] == [False]


async def test_a_source_is_read_no_further_than_it_is_sent():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield bytes(CHUNK)

    async with opened(items(), succeeded=False) as source:
        stream = MultipartBody([], "payload.file", source).stream()
        for sent in range(1, 5):
            await anext(stream)
            assert len(taken) <= sent
        await stream.aclose()


@pytest.mark.parametrize("kind", ["path", "own file type", "unseekable file", "async generator"])
async def test_uploads_cancelled_at_random_points_leave_nothing(kind, tmp_path):
    rng = random.Random(kind)
    data = content(6 * CHUNK)
    async with opened(b""):
        pass
    before = descriptors()
    outcomes = []
    async with serving() as server:
        for number in range(25):
            turns, native = rng.randrange(60), rng.random() < 0.5
            folder = tmp_path / str(number)
            folder.mkdir()
            async with client() as http, made(kind, folder, data) as file:
                scope = anyio.CancelScope()

                async def run(scope=scope, http=http, file=file):
                    with scope:
                        await upload(http, server.url, file)

                task = asyncio.create_task(run())
                for _ in range(turns):
                    await asyncio.sleep(0)
                (task.cancel if native else scope.cancel)()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                outcomes.append(scope.cancelled_caught or task.cancelled())
        await server.all_closed()
    assert outcomes.count(True) > 15
    assert upload_threads() == []
    assert not {name for name in descriptors() - before if "source.bin" in name or "socket" in name}
