"""The two iterators over lists that change while they are read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async import (
    AsyncCustomerSession,
    AuthorizationError,
    ChatSummary,
    ChatWindowError,
    ThreadSummary,
)

pytestmark = pytest.mark.asyncio

Change = Callable[[list[str]], None]
WINDOW = 125


class FakeList:
    """A server of one list, newest first, that changes before given requests and shows no more than its window."""

    def __init__(self, count: int, *, window: int | None = WINDOW, most: int | None = None) -> None:
        self.rows = [f"row{i}" for i in range(count)]
        self.window = window
        self.most = most
        self.before: dict[int, Change] = {}
        self.asked: list[tuple[int, int]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        payload = json.loads(request.content)["payload"]
        offset, limit = payload["offset"], payload["limit"]
        self.asked.append((offset, limit))
        self.before.get(len(self.asked), lambda _: None)(self.rows)
        shown = self.rows[: self.window][offset : offset + min(limit, self.most or limit)]
        if request.url.path.endswith("get_chats_summary"):
            assert offset <= 100
            assert limit <= 25
            return httpx.Response(
                200, json={"chats_summary": [{"id": row} for row in shown], "total_chats": len(self.rows)}
            )
        assert payload["chat_id"] == "c"
        rows = [{"id": row, "order": 1} for row in shown]
        return httpx.Response(200, json={"payload": {"threads_summary": rows, "total_threads": len(self.rows)}})


@asynccontextmanager
async def session_over(server: FakeList) -> AsyncIterator[AsyncCustomerSession]:
    transport = httpx.MockTransport(server.answer)
    async with AsyncCustomerSession(1520, "dal:canary", transport=transport) as session:
        yield session


async def chats(server: FakeList, page_size: int = 25) -> list[str]:
    async with session_over(server) as session:
        return [chat.id async for chat in session.chats.iter_chats_summary(page_size=page_size)]


async def threads(server: FakeList, page_size: int = 100) -> list[str]:
    async with session_over(server) as session:
        return [row.id async for row in session.chats.iter_chat_threads_summary("c", page_size=page_size)]


async def keep_ids(walk: AsyncIterator[ChatSummary], seen: list[str]) -> None:
    """Keep also what comes before an error."""
    async for chat in walk:
        seen.append(chat.id)  # noqa: PERF401 - a comprehension would lose them


# ---- lists that stand still


@pytest.mark.parametrize("page_size", [1, 3, 7, 10, 24, 25])
@pytest.mark.parametrize("count", [0, 1, 25, 26, 99, 100, 101, 124, 125])
async def test_every_chat_once_in_the_server_s_order(count: int, page_size: int) -> None:
    server = FakeList(count)
    assert await chats(server, page_size) == [f"row{i}" for i in range(count)]
    assert len(set(server.asked)) == len(server.asked), "no page twice"


@pytest.mark.parametrize("page_size", [1, 7, 99, 100])
@pytest.mark.parametrize("count", [0, 1, 100, 101, 350])
async def test_every_thread_once_in_the_server_s_order(count: int, page_size: int) -> None:
    server = FakeList(count, window=None)
    assert await threads(server, page_size) == [f"row{i}" for i in range(count)]
    assert len(server.asked) == max(1, -(-count // page_size))


async def test_the_pages_are_the_largest_by_default() -> None:
    server = FakeList(60)
    await chats(server)
    assert server.asked == [(0, 25), (25, 25), (50, 25)]
    server = FakeList(250, window=None)
    await threads(server)
    assert server.asked == [(0, 100), (100, 100), (200, 100)]


async def test_the_rows_are_models() -> None:
    async with session_over(FakeList(1)) as session:
        assert [chat async for chat in session.chats.iter_chats_summary()] == [ChatSummary(id="row0")]
        rows = [row async for row in session.chats.iter_chat_threads_summary("c")]
        assert rows == [ThreadSummary(id="row0", order=1)]


# ---- the window


@pytest.mark.parametrize("page_size", [1, 7, 10, 25])
@pytest.mark.parametrize("count", [126, 127, 300])
async def test_the_window_ends_the_walk_with_an_error_never_silently(count: int, page_size: int) -> None:
    seen: list[str] = []
    async with session_over(FakeList(count)) as session:
        walk = session.chats.iter_chats_summary(page_size=page_size)
        with pytest.raises(ChatWindowError) as caught:
            await keep_ids(walk, seen)
    assert seen == [f"row{i}" for i in range(WINDOW)]
    error = caught.value
    assert (error.reached, error.total, error.action) == (WINDOW, count, "get_chats_summary")
    assert str(error).startswith("get_chats_summary: the server returns only its 125 newest chats")
    assert str(error).endswith(f"reached 125 of {count}")


async def test_a_server_that_shows_less_than_its_window_ends_with_the_error_too() -> None:
    async with session_over(FakeList(200, window=60)) as session:
        with pytest.raises(ChatWindowError) as caught:
            _ = [chat async for chat in session.chats.iter_chats_summary()]
    assert (caught.value.reached, caught.value.total) == (60, 200)


async def test_chats_that_shifted_into_the_window_count_as_reached() -> None:
    server = FakeList(126)
    server.before[5] = lambda rows: rows.remove("row0")  # before the last page
    assert sorted(await chats(server)) == sorted(f"row{i}" for i in range(126))


async def test_a_list_that_outgrows_the_window_meanwhile_ends_with_the_error() -> None:
    server = FakeList(125)
    server.before[3] = lambda rows: rows.insert(0, "new")
    with pytest.raises(ChatWindowError) as caught:
        await chats(server)
    assert caught.value.total == 126


# ---- lists that shift


def insert(rows: list[str]) -> None:
    rows.insert(0, f"new{len(rows)}")


def remove_first(rows: list[str]) -> None:
    del rows[:1]


def remove_last(rows: list[str]) -> None:
    del rows[-1:]


def move_last_to_front(rows: list[str]) -> None:
    rows.insert(0, rows.pop())


def move_second_to_front(rows: list[str]) -> None:
    rows.insert(0, rows.pop(1))


CHANGES: dict[str, Change] = {
    "insert": insert,
    "remove_first": remove_first,
    "remove_last": remove_last,
    "move_last": move_last_to_front,
    "move_second": move_second_to_front,
}


def assert_complete(seen: list[str], server: FakeList, before: list[str]) -> None:
    """Each row at most once; and none is missing of those that were there all the time."""
    assert len(set(seen)) == len(seen)
    assert set(before) & set(server.rows) <= set(seen)


@pytest.mark.parametrize("page_size", [2, 5])
@pytest.mark.parametrize("at", [2, 3])
@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", [*CHANGES, None])
async def test_rows_that_shift_are_found(first: str, second: str | None, at: int, page_size: int) -> None:
    for walk in (chats, threads):
        server = FakeList(12)
        before = list(server.rows)

        def change(rows: list[str]) -> None:
            CHANGES[first](rows)
            if second is not None:
                CHANGES[second](rows)

        server.before[at] = change
        assert_complete(await walk(server, page_size), server, before)


async def test_a_removal_does_not_hide_the_row_behind_it() -> None:
    server = FakeList(4, window=None)
    server.before[2] = remove_first
    assert sorted(await threads(server, 2)) == ["row0", "row1", "row2", "row3"]


@given(
    count=st.integers(0, 40),
    page_size=st.integers(1, 25),
    changes=st.dictionaries(
        st.integers(2, 60),
        st.lists(st.sampled_from([insert, remove_first, move_last_to_front]), max_size=3),
        max_size=2,
    ),
)
async def test_no_row_is_lost_or_doubled_however_they_shift(
    count: int, page_size: int, changes: dict[int, list[Change]]
) -> None:
    server = FakeList(count, window=None)
    before = list(server.rows)
    for at, several in changes.items():

        def change(rows: list[str], several: list[Change] = several) -> None:
            for one in several:
                if rows:
                    one(rows)

        server.before[at] = change
    assert_complete(await threads(server, page_size), server, before)


async def test_a_row_that_hides_in_two_passes_is_found_by_the_third() -> None:
    def move_row4_to_front(rows: list[str]) -> None:
        rows.remove("row4")
        rows.insert(0, "row4")

    server = FakeList(6, window=None)
    server.before[3] = remove_first  # pulls row4 onto the page that was read
    server.before[5] = move_row4_to_front  # and there is nothing to see of it in the count
    assert sorted(await threads(server, 2)) == [f"row{i}" for i in range(6)]


async def test_a_list_that_never_rests_is_not_read_for_ever() -> None:
    server = FakeList(30, window=None)
    for at in range(1, 1000):
        server.before[at] = insert
    seen = await threads(server, 10)
    assert len(set(seen)) == len(seen)
    assert {f"row{i}" for i in range(30)} <= set(seen)
    assert len(server.asked) < 50


# ---- odd pages


async def test_a_row_twice_on_a_page_comes_once() -> None:
    server = FakeList(0)
    server.rows = ["a", "a", "b", "a"]
    assert await chats(server) == ["a", "b"]


async def test_pages_shorter_than_asked_for_are_followed_by_others() -> None:
    server = FakeList(23, most=5)
    assert await chats(server) == [f"row{i}" for i in range(23)]


async def test_an_empty_page_ends_the_walk_though_the_total_promises_more() -> None:
    server = FakeList(60, window=30)
    assert await chats(server) == [f"row{i}" for i in range(30)]
    assert len(server.asked) < 10


async def test_breaking_off_asks_for_no_further_page() -> None:
    server = FakeList(100)
    async with session_over(server) as session:
        async for chat in session.chats.iter_chats_summary(page_size=10):
            if chat.id == "row12":
                break
        assert server.asked == [(0, 10), (10, 10)]
        assert session.stats().in_flight == 0
        again = [chat.id async for chat in session.chats.iter_chats_summary()]
    assert len(again) == 100


async def test_nothing_is_asked_before_the_first_step() -> None:
    server = FakeList(3)
    async with session_over(server) as session:
        walk = session.chats.iter_chats_summary()
        assert server.asked == []
        assert (await anext(walk)).id == "row0"
        assert server.asked == [(0, 25)]


async def test_a_failed_page_ends_the_walk_with_its_error() -> None:
    def refuse_second(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["payload"]["offset"] == 0:
            return server.answer(request)
        return httpx.Response(403, json={"error": {"type": "authorization", "message": "no"}})

    server = FakeList(50)
    seen: list[str] = []
    async with AsyncCustomerSession(1520, "dal:canary", transport=httpx.MockTransport(refuse_second)) as session:
        with pytest.raises(AuthorizationError) as caught:
            await keep_ids(session.chats.iter_chats_summary(), seen)
    assert len(seen) == 25
    error: Any = caught.value
    assert error.action == "get_chats_summary"
