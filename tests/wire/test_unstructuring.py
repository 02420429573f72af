"""Models to plain data: what a field does not allow is refused, by its path; nothing is coerced."""

import enum
from collections import UserDict
from typing import Any

import attrs
import pytest

import livechat_customer_async as sdk
from livechat_customer_async import Chat, InvalidRequestError, Message, unstructure

untyped: Any = sdk
"""For values that a type checker refuses too."""


class Color(enum.StrEnum):
    RED = "red"


def test_plain_values_pass_and_others_are_refused() -> None:
    assert unstructure({"a": (1, UserDict({Color.RED: None}))}) == {"a": [1, {"red": None}]}
    assert unstructure("x") == "x"
    for value in (object(), {1}, Message, len, b"x"):
        with pytest.raises(InvalidRequestError, match="expected a JSON value") as caught:
            unstructure(value)
        assert caught.value.parameter is None


def test_a_mapping_stands_for_a_user_and_for_no_other_model() -> None:
    chat: Any = Chat(id="c", users=[{"id": "u", "x": 1}])  # type: ignore[arg-type]
    assert unstructure(chat)["users"] == [{"id": "u", "x": 1}]
    wrong: Any = Chat(id="c", access={"group_ids": (1,)})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="access: expected Access, got dict"):
        unstructure(wrong)


@pytest.mark.parametrize(
    "model, parameter, message",
    [
        (untyped.Chat(id=5), "id", "expected a str, got int"),
        (untyped.Chat(id=None), "id", "expected a str, got None"),
        (untyped.Chat(id="c", order=True), "order", "expected an int, got bool"),
        (untyped.Chat(id="c", order=2**64), "order", "an int of 65 bits, the limit is 64"),
        (untyped.Chat(id="c", is_followed=0), "is_followed", "expected a bool, got int"),
        (untyped.Chat(id="c", access=untyped.Customer(id="x")), "access", "expected Access, got Customer"),
        (
            untyped.Chat(id="c", users=[5]),
            "users[0]",
            "expected Customer or Agent or UnknownUser or a mapping, got int",
        ),
        (
            untyped.Chat(id="c", users=[untyped.Access()]),
            "users[0]",
            "expected Customer or Agent or UnknownUser or a mapping, got Access",
        ),
        (untyped.Chat(id="c", users=None), "users", "expected a list or tuple, got None"),
        (
            untyped.Chat(id="c", threads=[untyped.Thread(id="t", user_ids="abc")]),
            "threads[0].user_ids",
            "expected a list or tuple, got str",
        ),
        (untyped.Thread(id="t", timestamp=5), "timestamp", "expected an aware datetime, got int"),
        (untyped.Access(group_ids=[1, "2"]), "group_ids[1]", "expected an int, got str"),
        (untyped.Message(id="e", text="x", type="file"), "type", "expected 'message', got str"),
        (untyped.Message(id="e", text="x", type=["message"]), "type", "expected 'message', got list"),
        (
            untyped.ChatSummary(id="c", last_event_per_type={"m": 5}),
            "last_event_per_type.m",
            "expected LastEvent, got int",
        ),
        (
            untyped.ChatSummary(id="c", last_event_per_type={5: untyped.LastEvent()}),
            "last_event_per_type",
            "expected keys of type str, got int",
        ),
        (untyped.Customer(id="c", fields={"a": [b"x"]}), "fields.a[0]", "expected a JSON value"),
        (
            untyped.SystemMessage(id="e", text="", system_message_type="", text_vars={"a": None}),
            "text_vars.a",
            "expected a str, got None",
        ),
        (untyped.SentEvent(thread_id="t", event=None), "event", "expected Message or File or"),
    ],
)
def test_what_a_field_does_not_allow_is_named(model: Any, parameter: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        unstructure(model)
    assert caught.value.parameter == parameter
    assert caught.value.message.startswith(message)
    assert caught.value.__cause__ is None


def test_what_equals_everything_is_still_no_type() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

    with pytest.raises(InvalidRequestError) as caught:
        unstructure(Message(id="e", text="x", type=Odd()))  # type: ignore[arg-type]
    assert caught.value.parameter == "type"


def test_a_class_of_the_callers_own_holds_json_only() -> None:
    @attrs.frozen
    class Mine:
        free: Any
        unnamed: object

    assert unstructure(Mine({"a": (1,)}, 1.5)) == {"free": {"a": [1]}, "unnamed": 1.5}
    for wrong in (Mine({1}, 1), Mine(1, {1}), Mine(1, float("nan"))):
        with pytest.raises(InvalidRequestError):
            unstructure(wrong)
