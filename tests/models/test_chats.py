"""Chats, threads and summaries, by hand-written samples of the wire."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from livechat_customer_async import (
    Access,
    Agent,
    Chat,
    ChatsSummary,
    ChatSummary,
    Customer,
    DecodeError,
    LastEvent,
    LastThreadSummary,
    Message,
    SentEvent,
    Thread,
    ThreadsSummary,
    ThreadSummary,
    UnknownEvent,
    UnknownUser,
    structure,
)
from livechat_customer_async._wire import reading

WHEN, MOMENT = 1_473_433_500, datetime(2016, 9, 9, 15, 5, tzinfo=UTC)
WRAPPED, BARE = {"routing": {"idle": {"value": False}, "count": 3}}, {"routing": {"idle": False, "count": 3}}


def message(id: str, order: int | None = None) -> dict[str, Any]:
    return {"id": id, "type": "message", "text": id} | ({} if order is None else {"order": order})


THREAD = {
    "id": "K600PKZON8",
    "order": 129_847_129_847,
    "timestamp": WHEN,
    "active": True,
    "user_ids": ["c", "a"],
    "events": [message("K_2", 2), message("K_1", 1)],
    "properties": WRAPPED,
    "access": {"group_ids": [0, 19]},
}
READ_THREAD = Thread(
    id="K600PKZON8",
    order=129_847_129_847,
    timestamp=MOMENT,
    active=True,
    user_ids=("c", "a"),
    events=(Message(id="K_1", text="K_1", order=1), Message(id="K_2", text="K_2", order=2)),
    properties=BARE,
    access=Access(group_ids=(0, 19)),
)


def test_a_thread() -> None:
    assert structure(THREAD, Thread) == READ_THREAD


def test_the_least_of_each() -> None:
    assert structure({"id": "t"}, Thread) == Thread(id="t")
    assert structure({"id": "c"}, Chat) == Chat(id="c")
    assert structure({"id": "c"}, ChatSummary) == ChatSummary(id="c")
    assert structure({"id": "t"}, LastThreadSummary) == LastThreadSummary(id="t")
    assert structure({}, LastEvent) == LastEvent()
    assert structure({}, Access) == Access(group_ids=())
    chat = Chat(id="c")
    assert (chat.users, chat.threads, chat.threads_summary, chat.properties) == ((), (), (), {})
    assert (chat.thread, chat.order, chat.access, chat.is_followed) == (None, None, None, None)


def test_a_thread_without_access_to_its_events() -> None:
    assert structure({"id": "t", "restricted_access": True}, Thread) == Thread(id="t", restricted_access=True)


def test_events_are_sorted_by_order_those_without_one_last() -> None:
    orders = [1, 2, 3, 10**15, 10**15 + 1]
    for seed in range(20):
        data = [message(str(order), order) for order in orders]
        data += [message("none"), {"id": "odd", "type": "hologram", "order": -1}]
        random.Random(seed).shuffle(data)
        events = structure({"id": "t", "events": data}, Thread).events
        assert [event.id for event in events] == ["odd", *map(str, orders), "none"]


def test_events_of_one_order_and_of_none_keep_theirs() -> None:
    data = [message("c"), message("a", 1), message("d"), message("b", 1)]
    assert [event.id for event in structure({"id": "t", "events": data}, Thread).events] == ["a", "b", "c", "d"]


def test_threads_and_summaries_keep_the_servers_order() -> None:
    rows = [{"id": "b", "order": 1}, {"id": "a", "order": 9}, {"id": "c", "order": 5}]
    chat = structure({"id": "c", "threads": rows, "threads_summary": rows}, Chat)
    assert [thread.id for thread in chat.threads] == ["b", "a", "c"]
    assert [row.id for row in chat.threads_summary] == ["b", "a", "c"]


def test_a_chat() -> None:
    data = {
        "id": "PJ0MRSHTDG",
        "order": 343_544_565,
        "users": [{"id": "c", "type": "customer"}, {"id": "a", "type": "agent", "name": "Ann"}],
        "thread": THREAD,
        "properties": WRAPPED,
        "access": {},
        "is_followed": False,
        "__priv": 1,
    }
    assert structure(data, Chat) == Chat(
        id="PJ0MRSHTDG",
        order=343_544_565,
        users=(Customer(id="c"), Agent(id="a", name="Ann")),
        thread=READ_THREAD,
        properties=BARE,
        access=Access(),
        is_followed=False,
    )


def test_a_chat_with_threads_and_rows_keyed_by_thread_id() -> None:
    data = {
        "id": "c",
        "threads": [THREAD],
        "threads_summary": [
            {"thread_id": "t2", "order": 2, "total_events": 3},
            {"id": None, "thread_id": "t1", "order": 1},
            {"id": "t0", "thread_id": "other", "order": 0},
        ],
    }
    assert structure(data, Chat) == Chat(
        id="c",
        threads=(READ_THREAD,),
        threads_summary=(
            ThreadSummary(id="t2", order=2, total_events=3),
            ThreadSummary(id="t1", order=1),
            ThreadSummary(id="t0", order=0),
        ),
    )


def test_threads_summary() -> None:
    data = {"threads_summary": [{"id": "t", "order": 1, "total_events": 0}], "total_threads": 6}
    row = ThreadSummary(id="t", order=1, total_events=0)
    assert structure(data, ThreadsSummary) == ThreadsSummary(threads_summary=(row,), total_threads=6)


SUMMARY = {
    "id": "c",
    "order": 5,
    "users": [{"id": "c", "type": "customer"}],
    "last_thread_id": "t",
    "last_thread_summary": {
        "id": "t",
        "order": 5,
        "timestamp": WHEN,
        "user_ids": ["c"],
        "properties": WRAPPED,
        "tags": ["vip"],
        "active": False,
    },
    "last_event_per_type": {
        "message": {"thread_id": "t", "thread_order": 5, "event": message("t_1", 1)},
        "hologram": {"thread_id": "t", "thread_order": 5, "event": {"type": "hologram", "x": 1}},
        "file": {"thread_id": "t", "thread_order": 5, "event": {"restricted_access": True}},
        "custom": {"thread_id": "t", "event": {}},
        "annotation": {"event": None},
        "system_message": {},
    },
    "properties": WRAPPED,
    "access": {"group_ids": [1]},
    "is_followed": True,
}


def test_a_chat_summary() -> None:
    hologram = UnknownEvent(type="hologram", raw={"type": "hologram", "x": 1})
    assert structure({"chats_summary": [SUMMARY], "total_chats": 200}, ChatsSummary) == ChatsSummary(
        chats_summary=(
            ChatSummary(
                id="c",
                order=5,
                users=(Customer(id="c"),),
                last_thread_id="t",
                last_thread_summary=LastThreadSummary(
                    id="t",
                    order=5,
                    timestamp=MOMENT,
                    user_ids=("c",),
                    properties=BARE,
                    tags=("vip",),
                    active=False,
                ),
                last_event_per_type={
                    "message": LastEvent(thread_id="t", thread_order=5, event=Message(id="t_1", text="t_1", order=1)),
                    "hologram": LastEvent(thread_id="t", thread_order=5, event=hologram),
                    "file": LastEvent(thread_id="t", thread_order=5, restricted_access=True),
                    "custom": LastEvent(thread_id="t"),
                    "annotation": LastEvent(),
                    "system_message": LastEvent(),
                },
                properties=BARE,
                access=Access(group_ids=(1,)),
                is_followed=True,
            ),
        ),
        total_chats=200,
    )


def test_restricted_access_next_to_the_event() -> None:
    data = {"thread_id": "t", "restricted_access": False, "event": message("e")}
    assert structure(data, LastEvent) == LastEvent(
        thread_id="t", restricted_access=False, event=Message(id="e", text="e")
    )


def test_a_sent_event() -> None:
    sent = structure({"thread_id": "t", "event": message("e", 1)}, SentEvent)
    assert sent == SentEvent(thread_id="t", event=Message(id="e", text="e", order=1))


@pytest.mark.parametrize(
    "data, cls, path",
    [
        ({"id": "c", "thread": {**THREAD, "order": "x"}}, Chat, "$.thread.order"),
        ({"id": "c", "threads": [THREAD, 5]}, Chat, "$.threads[1]"),
        ({"id": "c", "threads": {}}, Chat, "$.threads"),
        ({"id": "c", "threads": "abc"}, Chat, "$.threads"),
        ({"id": "c", "is_followed": "false"}, Chat, "$.is_followed"),
        ({"id": "c", "access": {"group_ids": [1, "2"]}}, Chat, "$.access.group_ids[1]"),
        ({"id": "c", "access": [1]}, Chat, "$.access"),
        ({"id": "c", "properties": {"a": {"b": 1}, "c": [1]}}, Chat, "$.properties.c"),
        ({"id": "t", "user_ids": ["a", 5]}, Thread, "$.user_ids[1]"),
        ({"id": "t", "timestamp": True}, Thread, "$.timestamp"),
        ({"chats_summary": []}, ChatsSummary, "$.total_chats"),
        ({"total_chats": 0}, ChatsSummary, "$.chats_summary"),
        ({"chats_summary": [SUMMARY, {"order": 1}], "total_chats": 2}, ChatsSummary, "$.chats_summary[1].id"),
        (
            {"id": "c", "last_event_per_type": {"m": {"thread_order": "5"}}},
            ChatSummary,
            "$.last_event_per_type.m.thread_order",
        ),
        ({"id": "c", "last_event_per_type": {"m": 5}}, ChatSummary, "$.last_event_per_type.m"),
        ({"id": "c", "last_thread_summary": {"id": "t", "tags": [5]}}, ChatSummary, "$.last_thread_summary.tags[0]"),
        ({"threads_summary": [{"order": 1}], "total_threads": 1}, ThreadsSummary, "$.threads_summary[0].id"),
        ({"thread_id": "t"}, SentEvent, "$.event"),
        ({"event": message("e")}, SentEvent, "$.thread_id"),
    ],
)
def test_the_wrong_type_is_named_by_its_path(data: Any, cls: type, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        structure(data, cls)
    assert caught.value.path == path


def test_composed_sequences_become_tuples() -> None:
    events = [Message(id="b", text="", order=2), Message(id="a", text="", order=1)]
    assert Thread(id="t", events=events).events == tuple(reversed(events))
    assert Access(group_ids=[1, 2]).group_ids == (1, 2)


@pytest.mark.parametrize(
    "data, cls, read",
    [
        ({"id": "c", "users": [{"id": "a", "type": "agent"}, None]}, Chat, Chat(id="c", users=(Agent(id="a"),))),
        ({"id": "c", "properties": []}, Chat, Chat(id="c")),
        ({"id": "c", "properties": {"ns": []}}, Chat, Chat(id="c", properties={"ns": {}})),
        ({"id": "c", "last_event_per_type": []}, ChatSummary, ChatSummary(id="c")),
        ({"chats_summary": [None], "total_chats": 1.0}, ChatsSummary, ChatsSummary(chats_summary=(), total_chats=1)),
        ({"id": "t", "order": 5.0}, Thread, Thread(id="t", order=5)),
        ({"id": "t", "timestamp": 1.5}, Thread, Thread(id="t", timestamp=datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC))),
        ({"id": "t", "user_ids": ["a", None]}, Thread, Thread(id="t", user_ids=("a",))),
        ({"id": "t", "tags": ["vip"]}, Thread, Thread(id="t", tags=("vip",))),
        ({"id": "t", "active": False}, ThreadSummary, ThreadSummary(id="t", active=False)),
        ({"id": "c", "active": True}, ChatSummary, ChatSummary(id="c", active=True)),
        (message("e", 1), LastEvent, LastEvent(event=Message(id="e", text="e", order=1))),
        ({"type": "hologram"}, LastEvent, LastEvent(event=UnknownEvent(type="hologram", raw={"type": "hologram"}))),
        ({"event": []}, LastEvent, LastEvent(event=UnknownEvent(problem="expected an object, got a list"))),
    ],
)
def test_what_some_servers_send_instead(data: Any, cls: Any, read: Any) -> None:
    assert structure(data, cls) == read


def test_an_odd_event_costs_no_other() -> None:
    odd = {"id": "o", "type": "message", "text": "x", "order": "7", "author_id": "a", "timestamp": WHEN}
    thread = structure({"id": "t", "events": [message("a", 1), odd, "x", None, message("b", 2)]}, Thread)
    assert thread.events == (
        Message(id="a", text="a", order=1),
        Message(id="b", text="b", order=2),
        UnknownEvent(
            id="o",
            type="message",
            author_id="a",
            timestamp=MOMENT,
            raw=odd,
            problem="order: expected an int, got a str",
        ),
        UnknownEvent(problem="expected an object, got a str"),
    )


def test_an_odd_event_of_a_summary_costs_no_chat() -> None:
    odd = {"id": "o", "type": "message", "order": 5}
    summary = structure({**SUMMARY, "last_event_per_type": {"message": {"thread_id": "t", "event": odd}}}, ChatSummary)
    unknown = UnknownEvent(id="o", type="message", order=5, raw=odd, problem="text: required field is missing")
    assert summary.last_event_per_type == {"message": LastEvent(thread_id="t", event=unknown)}


def test_an_odd_user_costs_no_other() -> None:
    odd = {"id": "o", "type": "agent", "name": "Bo", "is_bot": "no"}
    chat = structure({"id": "c", "users": [odd, {"id": "c", "type": "customer"}]}, Chat)
    unknown = UnknownUser(id="o", type="agent", name="Bo", raw=odd, problem="is_bot: expected a bool, got a str")
    assert chat.users == (unknown, Customer(id="c"))


def test_a_problem_is_logged_once_for_its_kind_and_path(caplog: pytest.LogCaptureFixture) -> None:
    def element(url: Any) -> dict[str, Any]:
        return {"image": {"url": url}}

    def rich(*elements: Any) -> dict[str, Any]:
        return {"id": "s3cret", "type": "rich_message", "template_id": "cards", "elements": list(elements)}

    reading._LOGGED.clear()
    events = [rich(element(5)), rich(element("u"), element(6)), {**message("s3cret"), "text": ["s3cret"]}]
    for _ in range(2):
        structure({"id": "t", "events": events}, Thread)
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "livechat_customer_async",
            "WARNING",
            "read as UnknownEvent: rich_message: elements[].image.url: expected a str, got an int",
        ),
        ("livechat_customer_async", "WARNING", "read as UnknownEvent: message: text: expected a str, got a list"),
    ]
