"""Sources among other uploads, other tasks and other event loops."""

import asyncio
import contextlib
import gc
import io
import weakref

import pytest

from livechat_customer_async.errors import InvalidRequestError
from tests.helpers.uploads import CHUNK, LIMIT, AsyncOneShot, OneShot, Seekable, open_source

SHARED = "another call is uploading this very object"


def iterator_of(data):
    return iter([data])


async def async_iterator_of(data):
    yield data


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [io.BytesIO, Seekable, OneShot, AsyncOneShot, iterator_of, async_iterator_of])
async def test_what_one_call_uploads_no_other_may_read(make):
    file = make(b"whole")
    source = await open_source(file, keep=False)
    with pytest.raises(InvalidRequestError, match=SHARED):
        await open_source(file, keep=False)
    assert [chunk async for chunk in source.chunks()] == [b"whole"]
    await source.aclose(succeeded=False)
    again = await open_source(file, keep=False)
    await again.aclose(succeeded=False)


@pytest.mark.asyncio
async def test_what_was_refused_may_be_uploaded_later():
    file = io.BytesIO(bytes(LIMIT + 1))
    with pytest.raises(InvalidRequestError, match="the limit is"):
        await open_source(file, keep=False)
    file.truncate(3)
    source = await open_source(file, keep=False)
    assert source.size == 3
    await source.aclose(succeeded=True)


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [lambda path: path, lambda path: path.read_bytes(), lambda path: [path.read_bytes()]])
async def test_paths_and_bytes_may_be_uploaded_by_many_calls(make, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    sources = [await open_source(make(path), keep=False) for _ in range(3)]
    for source in sources:
        assert b"".join([chunk async for chunk in source.chunks()]) == b"whole"
        await source.aclose(succeeded=True)


@pytest.mark.asyncio
async def test_an_async_source_that_gives_nothing_leaves_others_their_turn():
    turns = []

    async def nothing():
        while len(turns) < 5:
            yield b""
        yield b"at last"

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    async with asyncio.timeout(10):
        source = await open_source(nothing(), keep=False)
        assert b"".join([chunk async for chunk in source.chunks()]) == b"at last"
    counting.cancel()
    await source.aclose(succeeded=True)


@pytest.mark.asyncio
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_generator_that_a_server_did_not_want_whole_is_closed(asynchronous):
    ended = []

    def blocks():
        try:
            yield bytes(CHUNK)
            yield bytes(CHUNK)
        finally:
            ended.append(True)

    async def async_blocks():
        with contextlib.closing(blocks()) as given:
            for block in given:
                yield block

    generator = async_blocks() if asynchronous else blocks()
    source = await open_source(generator, keep=False)
    chunks = source.chunks()
    await anext(chunks)
    await chunks.aclose()
    await source.aclose(succeeded=True)
    assert ended == [True]


def test_event_loops_are_let_go():
    async def uploads():
        async def upload():
            source = await open_source(iter([bytes(CHUNK)] * 3), keep=False)
            async for _ in source.chunks():
                pass
            await source.aclose(succeeded=True)

        await asyncio.gather(*(upload() for _ in range(20)))
        return weakref.ref(asyncio.get_running_loop())

    loops = [asyncio.run(uploads()) for _ in range(3)]
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3
