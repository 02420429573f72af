"""When an upload has ended, nothing is read any more, and nothing that it opened stays open, however it ended."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from livechat_customer_async import AsyncCustomerSession
from livechat_customer_async._uploads import runners as _runners
from livechat_customer_async._uploads.readers import MemoryReader, SpooledReader
from livechat_customer_async.errors import InvalidRequestError
from tests.helpers.uploads import CHUNK, content, descriptors, made, open_source, read, recorded_spools, upload_threads

pytestmark = pytest.mark.asyncio

DATA = content(3 * CHUNK + 5)


async def closed_while_its_read_waits_for_its_turn(file: Any) -> None:
    """Read a source, and close it while the read waits behind those of other uploads."""
    source = await open_source(file, keep=True)
    turns = _runners._turns[asyncio.get_running_loop()]
    for _ in range(_runners._AT_ONCE):
        await turns.acquire()
    reading = asyncio.create_task(read(source))
    for _ in range(10):
        await asyncio.sleep(0)
    await source.aclose(succeeded=False)
    for _ in range(_runners._AT_ONCE):
        turns.release()
    with pytest.raises(InvalidRequestError, match="the upload has already finished"):
        await reading


async def test_a_read_that_comes_after_the_end_keeps_nothing_and_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spools = recorded_spools(monkeypatch)
    into, out_of = os.pipe()
    os.write(out_of, b"what is still to be read")
    os.close(out_of)
    with os.fdopen(into, "rb") as pipe:
        await closed_while_its_read_waits_for_its_turn(pipe)
        assert upload_threads() == []
        assert spools == []
        assert pipe.read() == b"what is still to be read"


async def test_a_read_that_comes_after_the_end_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    before = descriptors()
    await closed_while_its_read_waits_for_its_turn(path)
    assert upload_threads() == []
    assert descriptors() == before


@pytest.mark.parametrize("kind", ["file", "BytesIO", "own file type", "async file"])
async def test_a_pass_that_goes_on_after_the_end_moves_no_file_of_the_caller(kind: str, tmp_path: Path) -> None:
    async with made(kind, tmp_path, DATA) as file:
        source = await open_source(file, keep=False)
        chunks = source.chunks()
        await anext(chunks)
        await source.aclose(succeeded=False)
        with pytest.raises(InvalidRequestError, match="the upload has already finished"):
            await anext(chunks)
        left = file.read()
        assert (await left if asyncio.iscoroutine(left) else left) == DATA


class Unhurried(httpx.AsyncBaseTransport):
    """Reads a body in its own time. Nothing tells that it has begun, so a cancelled call leaves it running."""

    def __init__(self) -> None:
        self.reads, self.go, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        parts = aiter(request.stream)
        try:
            for _ in range(3):
                await anext(parts)
            self.reads.set()
            await self.go.wait()
            async for _ in parts:
                pass
            return httpx.Response(200, json={"payload": {"url": "https://cdn.example/f"}})
        finally:
            self.ended.set()


async def test_a_file_is_put_back_for_good_when_a_call_is_cancelled_and_its_transport_reads_on() -> None:
    transport = Unhurried()
    file = io.BytesIO(DATA)
    async with AsyncCustomerSession(1520, "dal:canary", transport=transport) as session:
        call = asyncio.create_task(session.events.upload_file(file))
        await transport.reads.wait()
        call.cancel()
        await asyncio.wait({call})
        assert call.cancelled()
        transport.go.set()
        await transport.ended.wait()
        assert upload_threads() == []
        assert file.tell() == 0


# ---- where closing itself has a hard time


@pytest.mark.parametrize("kind", ["path", "unseekable file", "generator", "async generator"])
async def test_what_is_open_is_closed_where_no_thread_can_be_started(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    spools = recorded_spools(monkeypatch)
    async with made(kind, tmp_path, DATA) as file:
        before = descriptors()
        source = await open_source(file, keep=True)
        chunks = source.chunks()
        await anext(chunks)
        await chunks.aclose()
        assert upload_threads() == [], "or it would be the one to close"
        assert descriptors() != before or not spools[0].closed
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            await source.aclose(succeeded=False)
        assert descriptors() == before
        assert all(spool.closed for spool in spools)


class TroubleError(Exception):
    """What a source raises."""


def troubled() -> Iterator[bytes]:
    try:
        while True:
            yield DATA
    finally:
        raise TroubleError


async def test_a_source_that_fails_to_close_where_no_thread_can_be_started_does_not_hide_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    source = await open_source(troubled(), keep=False)
    assert upload_threads() == []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        await source.aclose(succeeded=False)
    assert [type(error) for error in told] == [TroubleError]


async def test_a_source_is_closed_where_what_was_kept_of_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def close(self) -> None:
            super().close()
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    ended: list[str] = []

    def items() -> Iterator[bytes]:
        try:
            while True:
                yield DATA
        finally:
            ended.append("sync")

    async def async_items() -> AsyncIterator[bytes]:
        try:
            while True:
                yield DATA
        finally:
            ended.append("async")

    for file in (items(), async_items()):
        source = await open_source(file, keep=True)
        await source.aclose(succeeded=False)
    assert ended == ["sync", "async"]
    assert [type(error) for error in told] == [OSError, OSError]


@pytest.mark.parametrize("kind", ["async file", "async generator"])
async def test_a_read_fails_where_the_task_that_reads_was_cancelled(kind: str, tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with made(kind, tmp_path, DATA) as file:
        source = await open_source(file, keep=False)
        [task] = asyncio.all_tasks() - before
        task.cancel()
        with pytest.raises(InvalidRequestError, match=r"the upload has already finished|raised CancelledError"):
            await read(source)
        await source.aclose(succeeded=False)
        assert asyncio.all_tasks() == before


async def test_a_copy_that_could_not_be_kept_is_not_taken_for_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go = threading.Event(), threading.Event()

    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, _: Any) -> int:
            writing.set()
            assert go.wait(10)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    reader = SpooledReader(MemoryReader((DATA,)))
    reading = asyncio.create_task(reader.read())
    await asyncio.to_thread(writing.wait, 10)
    reading.cancel()
    await asyncio.wait({reading})
    go.set()
    with pytest.raises(InvalidRequestError, match="the copy kept for a retry is incomplete"):
        await reader.read()
    await reader.aclose(succeeded=False)
