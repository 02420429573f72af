"""What the plain parameters of the actions refuse, before anything is sent."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from livechat_customer_async import AsyncCustomerSession, NewMessage, Postback
from tests.actions.conftest import Refused

pytestmark = pytest.mark.asyncio

Session = AsyncCustomerSession
BAD_IDS: list[tuple[Any, str]] = [
    ("", "empty"),
    (None, "None"),
    (7, "int"),
    (True, "bool"),
    (b"id", "bytes"),
    (["id"], "list"),
    ("\ud800", "surrogate"),
]
TEXT = NewMessage(text="hello")
PRESS = Postback(id="yes", toggled=True)

ID_PARAMETERS: list[tuple[str, Any]] = [
    ("chat_id", lambda s, bad: s.chats.get_chat_threads_summary(bad)),
    ("chat_id", lambda s, bad: s.chats.get_chat_threads(bad)),
    ("thread_ids[1]", lambda s, bad: s.chats.get_chat_threads("c", thread_ids=["t", bad])),
    ("chat_id", lambda s, bad: s.chats.activate_chat(bad)),
    ("chat_id", lambda s, bad: s.chats.close_thread(bad)),
    ("chat_id", lambda s, bad: s.events.send_event(bad, TEXT)),
    ("chat_id", lambda s, bad: s.events.send_event(bad, TEXT, on_unknown="resend")),
    ("chat_id", lambda s, bad: s.events.send_event(bad, TEXT, on_unknown="verify")),
    ("chat_id", lambda s, bad: s.events.send_file(bad, b"x")),
    ("chat_id", lambda s, bad: s.events.send_sneak_peek(bad, "x")),
    ("chat_id", lambda s, bad: s.events.send_rich_message_postback(bad, "t", "e", PRESS)),
    ("thread_id", lambda s, bad: s.events.send_rich_message_postback("c", bad, "e", PRESS)),
    ("event_id", lambda s, bad: s.events.send_rich_message_postback("c", "t", bad, PRESS)),
    ("id", lambda s, bad: s.events.send_rich_message_postback("c", "t", "e", Postback(id=bad, toggled=True))),
    ("chat_id", lambda s, bad: s.properties.update_chat_properties(bad, {})),
    ("chat_id", lambda s, bad: s.properties.delete_chat_properties(bad, {})),
    ("chat_id", lambda s, bad: s.properties.update_chat_thread_properties(bad, "t", {})),
    ("thread_id", lambda s, bad: s.properties.update_chat_thread_properties("c", bad, {})),
    ("chat_id", lambda s, bad: s.properties.delete_chat_thread_properties(bad, "t", {})),
    ("thread_id", lambda s, bad: s.properties.delete_chat_thread_properties("c", bad, {})),
    ("chat_id", lambda s, bad: s.properties.update_event_properties(bad, "t", "e", {})),
    ("thread_id", lambda s, bad: s.properties.update_event_properties("c", bad, "e", {})),
    ("event_id", lambda s, bad: s.properties.update_event_properties("c", "t", bad, {})),
    ("chat_id", lambda s, bad: s.properties.delete_event_properties(bad, "t", "e", {})),
    ("thread_id", lambda s, bad: s.properties.delete_event_properties("c", bad, "e", {})),
    ("event_id", lambda s, bad: s.properties.delete_event_properties("c", "t", bad, {})),
    ("type", lambda s, bad: s.other.get_form(0, bad)),
    ("chat_id", lambda s, bad: s.other.update_last_seen_timestamp(bad)),
    ("chat_id", lambda s, bad: anext(s.chats.iter_chat_threads_summary(bad))),
]


@pytest.mark.parametrize("bad, word", BAD_IDS)
@pytest.mark.parametrize("parameter, call", ID_PARAMETERS)
async def test_an_id_is_a_text_that_is_not_empty(
    refused: Refused, parameter: str, call: Any, bad: Any, word: str
) -> None:
    await refused(lambda session: call(session, bad), parameter, parameter, word)


INT_PARAMETERS: list[tuple[str, Any]] = [
    ("offset", lambda s, bad: s.chats.get_chats_summary(offset=bad)),
    ("limit", lambda s, bad: s.chats.get_chats_summary(limit=bad)),
    ("offset", lambda s, bad: s.chats.get_chat_threads_summary("c", offset=bad)),
    ("limit", lambda s, bad: s.chats.get_chat_threads_summary("c", limit=bad)),
    ("page_size", lambda s, bad: anext(s.chats.iter_chats_summary(page_size=bad))),
    ("page_size", lambda s, bad: anext(s.chats.iter_chat_threads_summary("c", page_size=bad))),
    ("groups[1]", lambda s, bad: s.status.get_groups_status(groups=[0, bad])),
    ("group_id", lambda s, bad: s.other.check_goals("u", {}, bad)),
    ("group_id", lambda s, bad: s.other.get_form(bad, "prechat")),
    ("group_id", lambda s, bad: s.other.get_predicted_agent(group_id=bad)),
]


@pytest.mark.parametrize(
    "bad, word", [(True, "bool"), ("1", "str"), (1.0, "float"), (Decimal(1), "Decimal"), ([], "list")]
)
@pytest.mark.parametrize("parameter, call", INT_PARAMETERS)
async def test_an_int_is_no_bool_and_no_text(refused: Refused, parameter: str, call: Any, bad: Any, word: str) -> None:
    await refused(lambda session: call(session, bad), parameter, word)


@pytest.mark.parametrize("bad", [2**64, -(2**63) - 1, 10**30])
@pytest.mark.parametrize("parameter, call", [row for row in INT_PARAMETERS if row[0].startswith("group")])
async def test_an_int_has_at_most_64_bits(refused: Refused, parameter: str, call: Any, bad: int) -> None:
    await refused(lambda session: call(session, bad), parameter, "64", str(bad.bit_length()))


@pytest.mark.parametrize(
    "parameter, size, limit, call",
    [
        ("offset", "-1", "0..100", lambda s: s.chats.get_chats_summary(offset=-1)),
        ("offset", "101", "0..100", lambda s: s.chats.get_chats_summary(offset=101)),
        ("limit", "26", "25", lambda s: s.chats.get_chats_summary(limit=26)),
        ("limit", "101", "100", lambda s: s.chats.get_chat_threads_summary("c", limit=101)),
        ("page_size", "0", "25", lambda s: anext(s.chats.iter_chats_summary(page_size=0))),
        ("page_size", "26", "25", lambda s: anext(s.chats.iter_chats_summary(page_size=26))),
        ("page_size", "-1", "100", lambda s: anext(s.chats.iter_chat_threads_summary("c", page_size=-1))),
        ("page_size", "101", "100", lambda s: anext(s.chats.iter_chat_threads_summary("c", page_size=101))),
    ],
)
async def test_a_page_stays_within_its_bounds(
    refused: Refused, parameter: str, size: str, limit: str, call: Any
) -> None:
    await refused(call, parameter, size, limit)


BOOL_PARAMETERS: list[tuple[str, Any]] = [
    ("continuous", lambda s, bad: s.chats.start_chat(continuous=bad)),
    ("continuous", lambda s, bad: s.chats.activate_chat("c", continuous=bad)),
    ("attach_to_last_thread", lambda s, bad: s.events.send_event("c", TEXT, attach_to_last_thread=bad)),
    ("require_active_thread", lambda s, bad: s.events.send_event("c", TEXT, require_active_thread=bad)),
    ("require_active_thread", lambda s, bad: s.events.send_file("c", b"x", require_active_thread=bad)),
    ("all", lambda s, bad: s.status.get_groups_status(all=bad)),
    ("toggled", lambda s, bad: s.events.send_rich_message_postback("c", "t", "e", Postback(id="y", toggled=bad))),
]


@pytest.mark.parametrize("bad", [0, 1, "true", "", 0.0])
@pytest.mark.parametrize("parameter, call", BOOL_PARAMETERS)
async def test_a_flag_is_a_bool(refused: Refused, parameter: str, call: Any, bad: Any) -> None:
    await refused(lambda session: call(session, bad), parameter, type(bad).__name__)


TEXT_PARAMETERS: list[tuple[str, Any]] = [
    ("sneak_peek_text", lambda s, bad: s.events.send_sneak_peek("c", bad)),
    ("custom_id", lambda s, bad: s.events.send_file("c", b"x", custom_id=bad)),
    ("name", lambda s, bad: s.customers.update_customer(name=bad)),
    ("email", lambda s, bad: s.customers.update_customer(email=bad)),
    ("avatar", lambda s, bad: s.customers.update_customer(avatar=bad)),
    ("page_url", lambda s, bad: s.other.check_goals(bad, {}, 0)),
    ("url", lambda s, bad: s.other.get_url_details(bad)),
    ("fields.plan", lambda s, bad: s.customers.update_customer(fields={"plan": bad})),
    ("fields.plan", lambda s, bad: s.customers.set_customer_fields({"plan": bad})),
    ("customer_fields.plan", lambda s, bad: s.other.check_goals("u", {"plan": bad}, 0)),
]


@pytest.mark.parametrize(
    "bad, word",
    [(7, "int"), (False, "bool"), (b"x", "bytes"), ({}, "dict"), (math.nan, "float"), ("a\udfff", "surrogate")],
)
@pytest.mark.parametrize("parameter, call", TEXT_PARAMETERS)
async def test_a_text_is_a_str(refused: Refused, parameter: str, call: Any, bad: Any, word: str) -> None:
    await refused(lambda session: call(session, bad), parameter, word)


@pytest.mark.parametrize(
    "bad, word", [("abc", "str"), (b"abc", "bytes"), ({"a"}, "set"), ({"a": 1}, "dict"), (7, "int")]
)
@pytest.mark.parametrize(
    "parameter, call",
    [
        ("thread_ids", lambda s, bad: s.chats.get_chat_threads("c", thread_ids=bad)),
        ("groups", lambda s, bad: s.status.get_groups_status(groups=bad)),
        ("properties.ns", lambda s, bad: s.properties.delete_chat_properties("c", {"ns": bad})),
        ("properties.ns", lambda s, bad: s.properties.delete_chat_thread_properties("c", "t", {"ns": bad})),
        ("properties.ns", lambda s, bad: s.properties.delete_event_properties("c", "t", "e", {"ns": bad})),
    ],
)
async def test_a_list_is_no_text_and_no_set(refused: Refused, parameter: str, call: Any, bad: Any, word: str) -> None:
    await refused(lambda session: call(session, bad), parameter, word)


@pytest.mark.parametrize("bad", [None, [("plan", "gold")], "plan", 7])
@pytest.mark.parametrize(
    "parameter, call",
    [
        ("fields", lambda s, bad: s.customers.set_customer_fields(bad)),
        ("customer_fields", lambda s, bad: s.other.check_goals("u", bad, 0)),
        ("properties", lambda s, bad: s.properties.update_chat_properties("c", bad)),
        ("properties", lambda s, bad: s.properties.delete_chat_properties("c", bad)),
        ("properties.ns", lambda s, bad: s.properties.update_event_properties("c", "t", "e", {"ns": bad})),
        ("payload", lambda s, bad: s.call("close_thread", bad)),
    ],
)
async def test_a_mapping_is_one(refused: Refused, parameter: str, call: Any, bad: Any) -> None:
    await refused(lambda session: call(session, bad), parameter, "None" if bad is None else type(bad).__name__)


@pytest.mark.parametrize("key, word", [(7, "int"), (None, "None"), (b"x", "bytes"), ("\ud800", "surrogate")])
@pytest.mark.parametrize(
    "parameter, call",
    [
        ("fields", lambda s, key: s.customers.set_customer_fields({key: "x"})),
        ("properties", lambda s, key: s.properties.update_chat_properties("c", {key: {}})),
        ("properties.ns", lambda s, key: s.properties.update_chat_properties("c", {"ns": {key: "x"}})),
        ("properties", lambda s, key: s.properties.delete_chat_properties("c", {key: ["x"]})),
    ],
)
async def test_keys_are_texts(refused: Refused, parameter: str, call: Any, key: Any, word: str) -> None:
    await refused(lambda session: call(session, key), parameter, word)


@pytest.mark.parametrize(
    "value, word",
    [
        (None, "None"),
        (1.5, "float"),
        (math.nan, "float"),
        ([], "list"),
        ({}, "dict"),
        ({"value": 1}, "dict"),
        (b"x", "bytes"),
        (2**64, "64"),
        ("\ud800", "surrogate"),
    ],
)
async def test_a_property_is_a_text_an_int_or_a_bool(refused: Refused, value: Any, word: str) -> None:
    properties = {"ns": {"good": 1, "bad": value}}
    await refused(lambda s: s.properties.update_chat_properties("c", properties), "properties.ns.bad", word)
    await refused(lambda s: s.chats.start_chat(properties=properties), "properties.ns.bad", word)
    await refused(lambda s: s.chats.activate_chat("c", properties=properties), "properties.ns.bad", word)


@pytest.mark.parametrize("bad", ["", 7, None])
async def test_a_name_of_a_property_to_delete_is_a_text_that_is_not_empty(refused: Refused, bad: Any) -> None:
    await refused(lambda s: s.properties.delete_chat_properties("c", {"ns": ["good", bad]}), "properties.ns[1]")


async def test_update_customer_needs_something_to_update(refused: Refused) -> None:
    error = await refused(lambda s: s.customers.update_customer(), None, "name", "email", "avatar", "fields")
    assert error.action == "update_customer"


@pytest.mark.parametrize(
    "bad, word",
    [
        (datetime(2026, 1, 1), "naive"),  # noqa: DTZ001 - a naive one is the point
        (True, "bool"),
        (1.5, "float"),
        ("1591275300", "str"),
        (2**70, "year 9999"),
        (1_570_786_859_000, "milliseconds"),
        (-1, "minimum of 0"),
        (datetime(1969, 12, 31, tzinfo=UTC), "minimum of 0"),
    ],
)
async def test_a_time_is_aware_or_unix_seconds(refused: Refused, bad: Any, word: str) -> None:
    await refused(lambda s: s.other.update_last_seen_timestamp("c", timestamp=bad), "timestamp", word)


@pytest.mark.parametrize(
    "bad", ["", "Start_Chat", "start-chat", "start_chat/", "../x", "start_chat?a=b", "a1", "a\n", 7, None]
)
async def test_a_raw_action_is_a_name_of_small_letters(refused: Refused, bad: Any) -> None:
    await refused(lambda s: s.call(bad, {}), "action")


@pytest.mark.parametrize("bad", ["safe", True, None])
async def test_a_replay_class_is_a_replay(refused: Refused, bad: Any) -> None:
    await refused(lambda s: s.call("anything_new", {}, replay=bad), "replay", "Replay.SAFE")


async def test_a_refused_argument_names_its_action_and_begins_no_call(
    refused: Refused, unused: AsyncCustomerSession
) -> None:
    error = await refused(lambda s: s.chats.get_chats_summary(limit=26), "limit")
    assert error.action == "get_chats_summary"
    assert str(error).startswith("get_chats_summary: limit: ")
    assert unused.stats().calls == 0
