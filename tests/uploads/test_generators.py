"""Async generators that hold cancel scopes, timeouts and task groups across their yields, over every transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from random import Random
from typing import Any

import anyio
import pytest

from livechat_customer_async import AsyncCustomerSession
from livechat_customer_async._uploads.source import Upload
from livechat_customer_async.errors import InvalidRequestError
from tests.helpers.sessions import TOKEN, ticks, until
from tests.helpers.storm import Over, over_a_callers_client, over_auto, over_httpx
from tests.helpers.uploads import CHUNK, content, serving

pytestmark = pytest.mark.asyncio

BLOCK = 50_000
DATA = content(12 * BLOCK)
BLOCKS = [DATA[offset : offset + BLOCK] for offset in range(0, len(DATA), BLOCK)]


class Life:
    """What happened to a generator."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any] | None] = set()
        self.begun = self.ended = 0

    def note(self) -> None:
        self.tasks.add(asyncio.current_task())


async def blocks(life: Life) -> AsyncGenerator[bytes, None]:
    """Yield the data; note in which task, and that the end was reached, by whatever way."""
    life.begun += 1
    try:
        for block in BLOCKS:
            life.note()
            await asyncio.sleep(0)
            yield block
    finally:
        life.note()
        life.ended += 1


async def in_a_scope(life: Life) -> AsyncIterator[bytes]:
    with anyio.fail_after(60):
        async with aclosing(blocks(life)) as given:
            async for block in given:
                yield block


async def in_a_timeout(life: Life) -> AsyncIterator[bytes]:
    async with asyncio.timeout(60), aclosing(blocks(life)) as given:
        async for block in given:
            yield block


async def from_a_task(life: Life) -> AsyncIterator[bytes]:
    """What a task of its own reads ahead."""
    send, receive = anyio.create_memory_object_stream[bytes](1)

    async def produce() -> None:
        async with send:
            for block in BLOCKS:
                await send.send(block)

    life.begun += 1
    try:
        async with receive, anyio.create_task_group() as group:
            group.start_soon(produce)
            async for block in receive:
                life.note()
                yield block
    finally:
        life.note()
        life.ended += 1


async def from_an_asyncio_task(life: Life) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue(1)

    async def produce() -> None:
        for block in [*BLOCKS, b""]:
            await queue.put(block)

    life.begun += 1
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            while block := await queue.get():
                life.note()
                yield block
    finally:
        life.note()
        life.ended += 1


GENERATORS = [in_a_scope, in_a_timeout, from_a_task, from_an_asyncio_task]
ENGINES = [over_auto, over_httpx, over_a_callers_client]
Generator = Callable[[Life], AsyncIterator[bytes]]

over_each = pytest.mark.parametrize("over", ENGINES, ids=lambda over: over.__name__)
each_generator = pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)


async def closed(session: AsyncCustomerSession, over: Over) -> None:
    await session.aclose()
    if over is over_a_callers_client:
        await session._pool.transport._client.aclose()  # type: ignore[attr-defined]


@over_each
@each_generator
async def test_it_is_opened_read_and_closed_in_one_task(over: Over, generator: Generator) -> None:
    life = Life()
    async with serving() as server:
        session = over(server.base_url, TOKEN)
        sent = await session.events.upload_file(generator(life))
        await closed(session, over)
        [request] = server.requests
    assert sent.url == "https://cdn.example/file"
    assert bytes(request.parts[-1].data) == DATA
    assert (len(life.tasks), life.begun, life.ended) == (1, 1, 1)


@pytest.mark.slow
@over_each
@each_generator
@pytest.mark.parametrize("native", [True, False], ids=["natively", "by_scope"])
async def test_a_cancellation_is_just_that(native: bool, over: Over, generator: Generator) -> None:
    rng = Random(f"{native} {over.__name__} {generator.__name__}")
    tasks, lives, ends = asyncio.all_tasks(), [], set()
    async with asyncio.timeout(30), serving() as server:
        session = over(server.base_url, TOKEN)
        for _ in range(150):
            lives.append(life := Life())
            ends.add(await ended(session, generator(life), native, rng.randrange(120)))
            await until(lambda: life.ended == life.begun)
        assert (await session.events.upload_file(b"still usable")).url
        await closed(session, over)
    await until(lambda: asyncio.all_tasks() == tasks)
    assert ends == {"cancelled", "sent"}
    assert all(len(life.tasks) <= 1 for life in lives)


async def ended(session: AsyncCustomerSession, file: AsyncIterator[bytes], native: bool, moment: int) -> str:
    """Upload a file, cancel that after some turns of the loop, and return how it ended."""
    scope = anyio.CancelScope()

    async def upload() -> str:
        with scope:
            await session.events.upload_file(file)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await ticks(3)  # raises, were the task still cancelled
        return "cancelled" if scope.cancelled_caught else "sent"

    task = asyncio.create_task(upload())
    await ticks(moment)
    (task.cancel if native else scope.cancel)()
    await asyncio.wait({task})
    return "cancelled" if task.cancelled() else task.result()


# ---- a scope of the generator's that ends between two reads, while the generator waits at its `yield`


async def one_piece_then(file: AsyncIterator[bytes], happens: Callable[[], object]) -> InvalidRequestError | bytes:
    """Take a piece of a source, let something happen, and return the rest, or why there is none."""
    source = await Upload(file).open(keep=False)
    chunks = source.chunks()
    try:
        await anext(chunks)
        happens()
        await ticks(10)
        return b"".join([chunk async for chunk in chunks])
    except InvalidRequestError as error:
        return error
    finally:
        await chunks.aclose()
        await source.aclose(succeeded=False)


async def test_a_time_limit_that_ends_meanwhile_is_the_failure() -> None:
    scopes: list[anyio.CancelScope] = []

    async def file() -> AsyncIterator[bytes]:
        with anyio.fail_after(60) as scope:
            scopes.append(scope)
            for _ in range(3):
                yield bytes(CHUNK)

    error = await one_piece_then(file(), lambda: setattr(scopes[0], "deadline", 0.0))
    assert str(error) == "file: reading the file failed: TimeoutError"


async def test_an_asyncio_timeout_that_ends_meanwhile_is_the_failure() -> None:
    timeouts: list[asyncio.Timeout] = []

    async def file() -> AsyncIterator[bytes]:
        async with asyncio.timeout(60) as timeout:
            timeouts.append(timeout)
            for _ in range(3):
                yield bytes(CHUNK)

    error = await one_piece_then(file(), lambda: timeouts[0].reschedule(0.0))
    assert str(error) == "file: reading the file failed: TimeoutError"


async def test_a_task_that_fails_meanwhile_is_the_failure() -> None:
    go = asyncio.Event()

    async def fail() -> None:
        await go.wait()
        raise KeyError

    async def file() -> AsyncIterator[bytes]:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            for _ in range(3):
                yield bytes(CHUNK)

    error = await one_piece_then(file(), go.set)
    assert isinstance(error, InvalidRequestError)
    assert isinstance(error.__cause__, ExceptionGroup)
    assert isinstance(error.__cause__.exceptions[0], KeyError)


async def test_a_scope_that_ends_meanwhile_may_end_the_file_or_go_on() -> None:
    scopes: list[anyio.CancelScope] = []

    async def file(last: bytes) -> AsyncIterator[bytes]:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            while True:
                yield bytes(CHUNK)
        if last:
            yield last

    assert await one_piece_then(file(b"rest"), lambda: scopes[0].cancel()) == b"rest"  # noqa: PLW0108 - filled later
    assert await one_piece_then(file(b""), lambda: scopes[1].cancel()) == b""  # noqa: PLW0108


async def test_an_iterator_that_is_no_generator_fails_when_its_task_is_cancelled() -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    class Items:
        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            tasks.append(asyncio.current_task())
            return bytes(CHUNK)

    error = await one_piece_then(Items(), lambda: tasks[0].cancel())  # type: ignore[union-attr]  # noqa: PLW0108
    assert str(error) == "file: the upload has already finished"


# ---- the end of the program


async def test_an_event_loop_that_ends_ends_an_upload() -> None:
    life = Life()

    async def main() -> None:
        source = await Upload(in_a_scope(life)).open(keep=False)
        asyncio.get_running_loop().call_later(60, source.aclose)  # keeps it alive, and never comes
        assert await anext(source.chunks())

    await asyncio.to_thread(asyncio.run, main())
    assert (life.begun, life.ended) == (1, 1)
