"""Models to plain data: the types of their values are checked when they are made; nothing is coerced."""

import enum
from collections import UserDict
from datetime import datetime
from typing import Any

import attrs
import pytest

import livechat_customer_async as sdk
from livechat_customer_async import Chat, Customer, InvalidRequestError, Message, unstructure


class Color(enum.StrEnum):
    RED = "red"


def test_plain_values_pass_and_others_are_refused() -> None:
    assert unstructure({"a": (1, UserDict({Color.RED: None}))}) == {"a": [1, {"red": None}]}
    assert unstructure("x") == "x"
    for value in (object(), {1}, Message, len, b"x"):
        with pytest.raises(InvalidRequestError, match="expected a JSON value") as caught:
            unstructure(value)
        assert caught.value.parameter is None


NAIVE = datetime(2020, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    "cls, fields, parameter, message",
    [
        (sdk.Chat, {"id": 5}, "id", "expected a str, got int"),
        (sdk.Chat, {"id": None}, "id", "expected a str, got None"),
        (sdk.Chat, {"id": "c", "order": True}, "order", "expected an int, got bool"),
        (sdk.Chat, {"id": "c", "order": 2**64}, "order", "an int of 65 bits; the limit is 64"),
        (sdk.Chat, {"id": "c", "is_followed": 0}, "is_followed", "expected a bool, got int"),
        (sdk.Chat, {"id": "c", "access": sdk.Customer(id="x")}, "access", "expected Access, got Customer"),
        (sdk.Chat, {"id": "c", "access": {"group_ids": (1,)}}, "access", "expected Access, got dict"),
        (sdk.Chat, {"id": "c", "users": [5]}, "users[0]", "expected Customer or Agent or UnknownUser, got int"),
        (sdk.Chat, {"id": "c", "users": [{"id": "u"}]}, "users[0]", "expected Customer or Agent or UnknownUser"),
        (sdk.Chat, {"id": "c", "users": None}, "users", "expected a list or tuple, got None"),
        (sdk.Chat, {"id": "c", "properties": 5}, "properties", "expected a mapping, got int"),
        (sdk.Chat, {"id": "c", "properties": {"ns": 5}}, "properties.ns", "expected a mapping, got int"),
        (sdk.Chat, {"id": "c", "properties": {"ns": {5: 1}}}, "properties.ns", "expected keys of type str, got int"),
        (sdk.Chat, {"id": "c", "properties": {"ns": {"a": {1}}}}, "properties.ns.a", "expected a JSON value"),
        (sdk.Thread, {"id": "t", "user_ids": "abc"}, "user_ids", "expected a list or tuple, got str"),
        (sdk.Thread, {"id": "t", "events": 5}, "events", "expected a list or tuple, got int"),
        (sdk.Thread, {"id": "t", "timestamp": 5}, "timestamp", "expected an aware datetime, got int"),
        (
            sdk.Thread,
            {"id": "t", "timestamp": NAIVE},
            "timestamp",
            "a naive datetime is ambiguous",
        ),
        (sdk.Access, {"group_ids": [1, "2"]}, "group_ids[1]", "expected an int, got str"),
        (sdk.Message, {"id": "e", "text": "x", "type": "file"}, "type", "expected 'message', got str"),
        (sdk.Message, {"id": "e", "text": "x", "type": ["message"]}, "type", "expected 'message', got list"),
        (sdk.LastEvent, {"thread_id": 5}, "thread_id", "expected a str, got int"),
        (sdk.LastEvent, {"event": 5}, "event", "expected Message or File or"),
        (sdk.LastEvent, {"restricted_access": 1}, "restricted_access", "expected a bool, got int"),
        (sdk.ChatSummary, {"id": "c", "last_event_per_type": {"m": 5}}, "last_event_per_type.m", "expected LastEvent"),
        (
            sdk.ChatSummary,
            {"id": "c", "last_event_per_type": {5: sdk.LastEvent()}},
            "last_event_per_type",
            "expected keys",
        ),
        (sdk.Customer, {"id": "c", "fields": {"a": [b"x"]}}, "fields.a[0]", "expected a JSON value"),
        (sdk.FilledField, {"answer": b"x"}, "answer", "expected FieldAnswer or GroupAnswer or a str or a bool"),
        (sdk.FilledField, {"answer": "\ud800"}, "answer", "a lone surrogate cannot be encoded as UTF-8"),
        (sdk.SentEvent, {"thread_id": "t", "event": None}, "event", "expected Message or File or"),
        (sdk.UnknownEvent, {"raw": 5}, "raw", "expected a mapping, got int"),
        (sdk.UnknownUser, {"raw": {1: 2}}, "raw", "expected keys of type str, got int"),
    ],
)
def test_a_model_checks_the_types_of_its_values(cls: Any, fields: dict[str, Any], parameter: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        cls(**fields)
    assert caught.value.parameter == parameter
    assert caught.value.message.startswith(message)
    assert caught.value.__cause__ is None


def test_a_model_takes_any_sequence_and_mapping_and_keeps_plain_ones() -> None:
    fields = UserDict({"a": (1, UserDict({Color.RED: None}))})
    untyped: Any = Customer
    customer = untyped(id="c", fields=fields)
    fields["a"] = object()
    assert customer.fields == {"a": [1, {"red": None}]}
    assert unstructure(customer) == {"id": "c", "type": "customer", "fields": {"a": [1, {"red": None}]}}
    chat = Chat(id="c", users=[customer])  # type: ignore[arg-type]
    assert chat.users == (customer,)


def test_plain_data_of_a_model_is_a_copy() -> None:
    customer = Customer(id="c", fields={"a": [1]})
    unstructure(customer)["fields"]["a"].append(2)
    assert customer.fields == {"a": [1]}


def test_a_value_that_equals_everything_is_not_a_type() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    with pytest.raises(InvalidRequestError) as caught:
        Message(id="e", text="x", type=Odd())  # type: ignore[arg-type]
    assert caught.value.parameter == "type"


def test_a_class_of_the_caller_may_hold_json_only() -> None:
    @attrs.frozen
    class Mine:
        free: Any
        unnamed: object

    assert unstructure(Mine({"a": (1,)}, 1.5)) == {"free": {"a": [1]}, "unnamed": 1.5}
    for wrong in (Mine({1}, 1), Mine(1, {1}), Mine(1, float("nan"))):
        with pytest.raises(InvalidRequestError):
            unstructure(wrong)
