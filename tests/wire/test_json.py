"""The converter by hand-written cases: strict types, the odd shapes of the wire, paths, bytes."""

import gc
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

import livechat_customer_async as sdk
from livechat_customer_async import (
    Access,
    Chat,
    ChatSummary,
    Customer,
    DecodeError,
    InvalidRequestError,
    LastEvent,
    Message,
    NewMessage,
    NewThread,
    Thread,
    UnknownEvent,
    UnknownUser,
    structure,
    unstructure,
)
from livechat_customer_async._wire.converter import dumps, loads, structure_in_place

# One value of each JSON type, by the name an error gives it.
KINDS: dict[str, Any] = {
    "a str": "x",
    "an int": 7,
    "a float": 1.5,
    "a bool": True,
    "an object": {"a": 1},
    "a list": ["a"],
    "null": None,
}


@pytest.mark.parametrize(
    "type_, takes",
    [
        (str, {"a str"}),
        (int, {"an int"}),
        (float, {"an int", "a float"}),
        (bool, {"a bool"}),
        (dict[str, Any], {"an object"}),
        (dict[str, int], {"an object"}),
        (tuple[str, ...], {"a list"}),
        (list[str], {"a list"}),
        (object, set(KINDS)),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_coerced(type_: Any, takes: set[str], kind: str) -> None:
    value = KINDS[kind]
    if kind in takes:
        result: Any = structure(value, type_)
        assert result == (tuple(value) if type_ == tuple[str, ...] else value)
        return
    with pytest.raises(DecodeError) as caught:
        structure(value, type_)
    assert caught.value.message.endswith(f", got {kind}")
    assert (caught.value.path, caught.value.__cause__) == ("$", None)


def test_a_number_is_a_float() -> None:
    assert type(structure(7, float)) is float


@pytest.mark.parametrize("value", [b"x", (), {1}, object(), datetime.now(UTC)])
def test_python_objects_are_not_json(value: Any) -> None:
    for type_ in (str, int, Chat, tuple[str, ...], dict[str, Any]):
        with pytest.raises(DecodeError, match=f"got {type(value).__name__}$"):
            structure(value, type_)


# ---- groups, timestamps


def test_group_ids_are_ints() -> None:
    data = {"0": "online", "19": "offline", "-1": "online_for_queue", "98765432109876543210": "new"}
    assert structure(data, dict[int, str]) == {
        0: "online",
        19: "offline",
        -1: "online_for_queue",
        98765432109876543210: "new",
    }


@pytest.mark.parametrize("key", ["", "a", " 7", "7 ", "+7", "7_0", "7.0", "--7", "-", "٣", "²", "9" * 5000])
def test_a_key_that_is_no_group_id(key: str) -> None:
    with pytest.raises(DecodeError, match="expected a key that is an int") as caught:
        structure({key: "online"}, dict[int, str])
    assert caught.value.path == f"$.{key[:40]}"


def test_a_wrong_status_is_named_by_its_group() -> None:
    with pytest.raises(DecodeError) as caught:
        structure({"1": "online", "2": 5}, dict[int, str], path="$.groups_status")
    assert caught.value.path == "$.groups_status.2"


@pytest.mark.parametrize("seconds", [0, -1, 1, 2**31, 253_402_300_799])
def test_timestamps(seconds: int) -> None:
    moment = structure(seconds, datetime)
    assert (moment.tzinfo, moment.timestamp()) == (UTC, seconds)


@pytest.mark.parametrize("seconds", [253_402_300_800, 10**18, 10**300, -(10**12)])
def test_timestamps_no_date_can_hold(seconds: int) -> None:
    with pytest.raises(DecodeError, match="up to the year 9999"):
        structure(seconds, datetime)


# ---- properties


@pytest.mark.parametrize(
    "on_the_wire, read",
    [
        ({}, {}),
        ({"ns": {}}, {"ns": {}}),
        ({"ns": {"a": {"value": 1}}}, {"ns": {"a": 1}}),
        ({"ns": {"a": 1, "b": "x", "c": False}}, {"ns": {"a": 1, "b": "x", "c": False}}),
        ({"ns": {"a": {"value": 1}, "b": 2}}, {"ns": {"a": 1, "b": 2}}),
        ({"ns": {"value": 1}}, {"ns": {"value": 1}}),
        ({"ns": {"value": {"value": 1}}}, {"ns": {"value": 1}}),
        ({"value": {"value": {"value": "v"}}}, {"value": {"value": "v"}}),
        ({"ns": {"a": {"value": None}}}, {"ns": {"a": None}}),
        ({"ns": {"a": {"value": {"value": 1}}}}, {"ns": {"a": {"value": 1}}}),
        ({"ns": {"a": {"value": 1, "x": 2}}}, {"ns": {"a": {"value": 1, "x": 2}}}),
        ({"ns": {"a": {}, "b": [], "c": None, "d": 1.5}}, {"ns": {"a": {}, "b": [], "c": None, "d": 1.5}}),
    ],
)
@pytest.mark.parametrize("cls", [Chat, Thread, ChatSummary, sdk.LastThreadSummary])
def test_properties_wrapped_and_bare(cls: Any, on_the_wire: Any, read: Any) -> None:
    model = structure({"id": "x", "properties": on_the_wire}, cls)
    assert model.properties == read
    assert structure(unstructure(model), cls) == model


def test_received_properties_go_out_bare_unless_they_would_be_misread() -> None:
    given = {"ns": {"value": 1, "a": {"value": 2}, "b": {"value": 3, "x": 4}}}
    assert unstructure(Chat(id="c", properties=given))["properties"] == {
        "ns": {"value": 1, "a": {"value": {"value": 2}}, "b": {"value": 3, "x": 4}}
    }


# ---- what is left out, and what is not


def test_only_none_is_left_out() -> None:
    assert unstructure(Customer(id="", name="", fields={}, present=False)) == {
        "id": "",
        "type": "customer",
        "name": "",
        "fields": {},
        "present": False,
    }
    assert unstructure(Thread(id="t", order=0)) == {
        "id": "t",
        "order": 0,
        "user_ids": [],
        "events": [],
        "properties": {},
        "tags": [],
    }
    assert unstructure(Access()) == {"group_ids": []}


def test_a_null_inside_of_a_free_object_stays() -> None:
    assert unstructure(sdk.NewCustom(content={"a": None})) == {"type": "custom", "content": {"a": None}}
    event = sdk.structure_event({"id": "e", "type": "custom", "content": {"a": None}})
    assert unstructure(event)["content"] == {"a": None}


def test_null_does_not_change_what_was_given() -> None:
    data = {"id": "c", "order": None, "thread": {"id": "t", "events": None}}
    before = json.dumps(data)
    assert structure(data, Chat) == Chat(id="c", thread=Thread(id="t"))
    assert json.dumps(data) == before


# ---- last events


@pytest.mark.parametrize(
    "last, on_the_wire",
    [
        (LastEvent(), {"event": {}}),
        (LastEvent(thread_id="t", thread_order=5), {"thread_id": "t", "thread_order": 5, "event": {}}),
        (LastEvent(restricted_access=True), {"event": {"restricted_access": True}}),
        (
            LastEvent(event=Message(id="e", text="x"), restricted_access=False),
            {
                "event": {"id": "e", "type": "message", "text": "x", "properties": {}},
                "restricted_access": False,
            },
        ),
    ],
)
def test_a_last_event_both_ways(last: LastEvent, on_the_wire: dict[str, Any]) -> None:
    assert unstructure(last) == on_the_wire
    assert structure(on_the_wire, LastEvent) == last


def test_a_restriction_of_the_wrong_type() -> None:
    with pytest.raises(DecodeError, match="expected a bool, got a str"):
        structure({"event": {"restricted_access": "yes"}}, LastEvent)


# ---- unknown kinds


@pytest.mark.parametrize("cls", [UnknownEvent, UnknownUser])
def test_an_unknown_kind_goes_out_as_it_came(cls: Any) -> None:
    raw = {"id": "x", "type": "tomorrow", "deep": [{"a": None}], "raw": 5}
    model = structure(raw, cls)
    assert (model.id, model.type, model.raw) == ("x", "tomorrow", raw)
    assert unstructure(model) == raw
    with pytest.raises(DecodeError, match="expected an object"):
        structure([raw], cls)


# ---- plain data → what is composed


def test_composed_events_are_read_by_their_type() -> None:
    thread = structure(
        {"events": [{"type": "message", "text": "x", "properties": {"ns": {"a": 1}}}, {"type": "mine", "x": None}, {}]},
        NewThread,
    )
    assert thread == NewThread(
        events=[NewMessage(text="x", properties={"ns": {"a": 1}}), {"type": "mine", "x": None}, {}]
    )


@pytest.mark.parametrize(
    "data, cls, path",
    [
        ({"text": "a" * 16385}, NewMessage, "$.text"),
        ({}, NewMessage, "$.text"),
        ({"text": "x", "properties": {"ns": {"a": 1.5}}}, NewMessage, "$.properties.ns.a"),
        ({"text": "x", "properties": [1]}, NewMessage, "$.properties"),
        (
            {"text": "x", "postback": {"id": "p", "thread_id": "t", "event_id": "e", "type": "m"}},
            NewMessage,
            "$.postback.value",
        ),
        ({"text": "x", "type": "file"}, NewMessage, "$.type"),
        ({"text": "x", "type": 5}, NewMessage, "$.type"),
        ({"id": "", "toggled": True}, sdk.Postback, "$.id"),
        ({"content": [1]}, sdk.NewCustom, "$.content"),
        ({"template_id": "cards", "elements": [{}] * 11}, sdk.NewRichMessage, "$.elements"),
        ({"template_id": "c", "elements": [{}, {"buttons": [{}] * 12}]}, sdk.NewRichMessage, "$.elements[1].buttons"),
        ({"template_id": "c", "elements": [{"image": {}}]}, sdk.NewRichMessage, "$.elements[0].image.url"),
        ({"events": [{"type": "message", "text": 5}]}, NewThread, "$.events[0].text"),
        ({"events": [{"type": ["message"]}, 5]}, NewThread, "$.events[1]"),
        ({"text": "", "system_message_type": "", "text_vars": {"a": 5}}, sdk.NewSystemMessage, "$.text_vars.a"),
    ],
)
def test_composed_models_from_wrong_data(data: Any, cls: Any, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        structure(data, cls)
    assert caught.value.path == path


# ---- in place


def test_in_place_what_was_read_goes_as_its_models_come() -> None:
    # Python's collector looks at all that is new after some hundreds of objects: so these must not add up.
    event = {"id": "e", "type": "message", "text": "x", "properties": {"a": {"b": {"value": 1}}}}
    data = loads(dumps({"id": "t", "events": [event] * 500}))
    structure_in_place(loads(dumps({"id": "t", "events": [event]})), Thread)  # what is made once is not meant
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        thread = structure_in_place(data, Thread)
        added = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert len(thread.events) == 500
    assert added < 50


def test_in_place_the_raw_form_of_what_is_unknown_stays() -> None:
    event = {"id": "e", "type": "pigeon", "properties": {"a": {"b": {"value": 1}}}, "list": [{"type": "message"}]}
    thread = structure_in_place({"id": "t", "events": [json.loads(json.dumps(event))]}, Thread)
    assert isinstance(thread.events[0], UnknownEvent)
    assert thread.events[0].raw == event


# ---- bytes


def test_bytes() -> None:
    assert (
        dumps({"a": [1, None, "ż", 2**64 - 1, -(2**63)]})
        == '{"a":[1,null,"ż",18446744073709551615,-9223372036854775808]}'.encode()
    )
    assert loads(b'{"a": 1}') == {"a": 1}
    assert loads(b"") is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"nan",
        b"\xff",
        b"'a'",
        b'{"a": \xff}',
        b"\x00",
        b'{"a": "\\ud800"',
        b"[NaN]",
        b'["\\u0041", NaN]',
        b"[" * 5000,
    ],
)
def test_bytes_that_are_no_json(content: bytes) -> None:
    with pytest.raises(DecodeError, match=rf"the body is not valid JSON \({len(content)} bytes\)") as caught:
        loads(content)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content, value",
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf ["\\ud83d"]', ["\ufffd"]),
        (b'{"name": "hi \\ud83d"}', {"name": "hi \ufffd"}),
        (b'["\\ude00x", "\\ud83d\\ud83d\\ude00", "\\u017c"]', ["\ufffdx", "\ufffd\U0001f600", "\u017c"]),
        (b'{"\\udfff": "\\ud83d\\n\xc5\xbc"}', {"\ufffd": "\ufffd\n\u017c"}),
        (b'["\\ud800", 98765432109876543210]', ["\ufffd", 98765432109876543210.0]),
    ],
)
def test_a_byte_order_mark_is_skipped_and_a_lone_surrogate_replaced(content: bytes, value: Any) -> None:
    assert loads(content) == value


def test_the_error_of_bytes_does_not_hold_them() -> None:
    with pytest.raises(DecodeError) as caught:
        loads(b'{"text": "s3cret')
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "s3cret" not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "data, type_, value",
    [
        (7.0, int, 7),
        (-0.0, int, 0),
        (2.0**53, int, 2**53),
        ([1, None, 2.0], tuple[int, ...], (1, 2)),
        ([], dict[str, int], {}),
        (1.5, datetime, datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)),
    ],
)
def test_what_other_serializers_write_is_read(data: Any, type_: Any, value: Any) -> None:
    assert structure(data, type_) == value
    assert type(structure(data, type_)) is type(value)


@pytest.mark.parametrize("data", [7.5, 2.0**53 * 2, float("inf"), float("nan")])
def test_a_float_that_is_not_exactly_an_int(data: float) -> None:
    with pytest.raises(DecodeError, match="expected an int, got a float"):
        structure(data, int)


@pytest.mark.parametrize("data", [float("inf"), float("nan"), 1e300, True, "1"])
def test_what_is_not_a_time(data: Any) -> None:
    with pytest.raises(DecodeError, match="expected Unix seconds"):
        structure(data, datetime)


def test_what_the_converter_did_not_check_is_refused_all_the_same() -> None:
    for value in ({1: 2}, 2**64, "\ud800", object()):
        with pytest.raises(InvalidRequestError, match="the request cannot be encoded as JSON"):
            dumps(value)


def test_an_int_beyond_64_bits_is_no_int_any_more() -> None:
    with pytest.raises(DecodeError, match="expected an int, got a float") as caught:
        structure(loads(b'{"id": "t", "order": 98765432109876543210}'), Thread)
    assert caught.value.path == "$.order"


def test_structuring_takes_mappings_annotations_too() -> None:
    assert structure({"a": 1}, Mapping[str, int]) == {"a": 1}  # type: ignore[type-abstract]
