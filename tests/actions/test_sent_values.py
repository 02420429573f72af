"""What is given is sent, falsy values too; what is not given is left out."""

from __future__ import annotations

from collections import UserDict, deque
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from livechat_customer_async import (
    Access,
    Customer,
    NewCustom,
    NewMessage,
    NewRichMessage,
    NewThread,
    RichButton,
    RichElement,
)
from tests.actions.conftest import Refused, Sent

pytestmark = pytest.mark.asyncio

FALSY: list[tuple[Any, dict[str, Any]]] = [
    (lambda s: s.chats.get_chats_summary(offset=0, limit=0), {"offset": 0, "limit": 0}),
    (lambda s: s.chats.get_chats_summary(limit=0), {"limit": 0}),
    (lambda s: s.chats.get_chat_threads_summary("c", offset=0, limit=0), {"chat_id": "c", "offset": 0, "limit": 0}),
    (lambda s: s.chats.get_chat_threads("c", thread_ids=()), {"chat_id": "c", "thread_ids": []}),
    (
        lambda s: s.chats.start_chat(access=Access(), continuous=False),
        {"chat": {"access": {"group_ids": []}}, "continuous": False},
    ),
    (lambda s: s.chats.start_chat(thread=NewThread()), {"chat": {"thread": {}}}),
    (lambda s: s.chats.start_chat(users={}), {"chat": {"users": [{}]}}),
    (lambda s: s.chats.start_chat(properties={"ns": {}}), {"chat": {"properties": {"ns": {}}}}),
    (lambda s: s.events.send_event("c", {}), {"chat_id": "c", "event": {}}),
    (
        lambda s: s.events.send_event("c", NewCustom(content={})),
        {"chat_id": "c", "event": {"type": "custom", "content": {}}},
    ),
    (
        lambda s: s.events.send_event("c", NewMessage(text="", custom_id="", recipients="", properties={})),
        {"chat_id": "c", "event": {"type": "message", "text": "", "custom_id": "", "recipients": "", "properties": {}}},
    ),
    (lambda s: s.customers.update_customer(email=""), {"email": ""}),
    (lambda s: s.customers.update_customer(fields={}), {"fields": {}}),
    (lambda s: s.status.get_groups_status(all=False, groups=[]), {"all": False, "groups": []}),
    (lambda s: s.other.get_predicted_agent(group_id=0), {"group_id": 0}),
    (lambda s: s.other.get_form(-1, " "), {"group_id": -1, "type": " "}),
    (lambda s: s.other.get_url_details(""), {"url": ""}),
    (lambda s: s.other.update_last_seen_timestamp("c", timestamp=0), {"chat_id": "c", "timestamp": 0}),
    (lambda s: s.call("anything_new", {}), {}),
    (lambda s: s.call("anything_new", {"a": None, "b": 0, "c": [None]}), {"a": None, "b": 0, "c": [None]}),
]


@pytest.mark.parametrize("call, payload", FALSY)
async def test_falsy_values_are_sent(sent: Sent, call: Any, payload: dict[str, Any]) -> None:
    assert await sent(call) == payload


LEFT_OUT: list[tuple[Any, dict[str, Any]]] = [
    (lambda s: s.chats.get_chats_summary(offset=None, limit=None), {}),
    (lambda s: s.chats.start_chat(access=None, properties=None, users=None, thread=None, continuous=None), {}),
    (
        lambda s: s.chats.activate_chat("c", thread=NewThread(events=None, properties=None)),
        {"chat": {"id": "c", "thread": {}}},
    ),
    (
        lambda s: s.chats.start_chat(users=Customer(id="a", name=None)),
        {"chat": {"users": [{"id": "a", "type": "customer"}]}},
    ),
    (
        lambda s: s.events.send_event(
            "c", NewMessage(text="x", custom_id=None), attach_to_last_thread=None, on_unknown="raise"
        ),
        {"chat_id": "c", "event": {"type": "message", "text": "x"}},
    ),
    (
        lambda s: s.events.send_event("c", NewRichMessage(template_id="sticker", elements=None)),
        {"chat_id": "c", "event": {"type": "rich_message", "template_id": "sticker"}},
    ),
    (
        lambda s: s.events.send_event("c", NewRichMessage(template_id="cards", elements=(RichElement(),))),
        {"chat_id": "c", "event": {"type": "rich_message", "template_id": "cards", "elements": [{}]}},
    ),
    (lambda s: s.events.send_event("c", NewCustom()), {"chat_id": "c", "event": {"type": "custom"}}),
    (lambda s: s.customers.update_customer(name="x", email=None, avatar=None, fields=None), {"name": "x"}),
    (lambda s: s.other.update_last_seen_timestamp("c", timestamp=None), {"chat_id": "c"}),
]


@pytest.mark.parametrize("call, payload", LEFT_OUT)
async def test_none_is_left_out(sent: Sent, call: Any, payload: dict[str, Any]) -> None:
    assert await sent(call) == payload


async def test_a_mapping_is_sent_as_it_is(sent: Sent) -> None:
    event = {"type": "poll", "question": None, "options": ("a", {"b": 1.5}), "nested": MappingProxyType({"x": [True]})}
    payload = await sent(lambda s: s.events.send_event("c", UserDict(event)))
    assert payload["event"] == {"type": "poll", "question": None, "options": ["a", {"b": 1.5}], "nested": {"x": [True]}}


async def test_any_sequence_and_any_mapping_will_do(sent: Sent) -> None:
    assert await sent(lambda s: s.status.get_groups_status(groups=range(3))) == {"groups": [0, 1, 2]}
    payload = await sent(lambda s: s.chats.get_chat_threads("c", thread_ids=deque(["t", "u"])))
    assert payload["thread_ids"] == ["t", "u"]
    payload = await sent(lambda s: s.customers.set_customer_fields(MappingProxyType({"plan": "gold"})))
    assert payload == {"fields": {"plan": "gold"}}
    element = RichElement(buttons=[RichButton(text="x", postback_id="p")])  # type: ignore[arg-type]
    payload = await sent(lambda s: s.events.send_event("c", NewRichMessage(template_id="cards", elements=[element])))
    assert payload["event"]["elements"] == [{"buttons": [{"text": "x", "postback_id": "p", "user_ids": []}]}]


@pytest.mark.parametrize(
    "moment, seconds",
    [
        (datetime(2020, 6, 4, 12, 55, tzinfo=UTC), 1591275300),
        (datetime(2020, 6, 4, 14, 55, 0, 999_999, tzinfo=timezone(timedelta(hours=2))), 1591275300),
        (datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC), 0),
        (0, 0),
        (253_402_300_799, 253_402_300_799),
    ],
)
async def test_a_moment_is_sent_as_whole_unix_seconds(sent: Sent, moment: datetime | int, seconds: int) -> None:
    payload = await sent(lambda s: s.other.update_last_seen_timestamp("c", timestamp=moment))
    assert payload["timestamp"] == seconds


async def test_ints_of_64_bits_are_sent_whole(sent: Sent) -> None:
    numbers = {"largest": 2**64 - 1, "smallest": -(2**63)}
    assert await sent(lambda s: s.call("anything_new", numbers)) == numbers


LIMIT = 10 * 1024 * 1024
UPLOADS: list[Any] = [
    lambda s, file, **more: s.events.send_file("c", file, **more),
    lambda s, file, **more: s.events.upload_file(file, **more),
]


@pytest.mark.parametrize("call", UPLOADS)
async def test_a_file_over_10_mb_is_refused_where_its_size_is_known(
    refused: Refused, tmp_path: Path, call: Any
) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LIMIT + 1)
    for source in (path, bytes(LIMIT + 1), bytearray(LIMIT + 1), memoryview(bytes(LIMIT + 1))):
        await refused(lambda s, source=source: call(s, source), "file", str(LIMIT + 1), str(LIMIT))


@pytest.mark.parametrize("call", UPLOADS)
async def test_a_wrong_source_is_refused(refused: Refused, tmp_path: Path, call: Any) -> None:
    await refused(lambda s: call(s, "receipt.pdf"), "file", "pathlib.Path")
    for bad in (None, 7, object()):
        await refused(lambda s, bad=bad: call(s, bad), "file")
    await refused(lambda s: call(s, tmp_path / "missing.pdf"), "file")
    await refused(lambda s: call(s, tmp_path), "file")
    await refused(lambda s: call(s, b"x", filename=7), "filename", "int")
    await refused(lambda s: call(s, b"x", content_type=7), "content_type", "int")
    await refused(lambda s: call(s, b"x", on_progress=7), "on_progress", "int")
