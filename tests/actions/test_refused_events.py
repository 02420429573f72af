"""What events to be sent refuse: when they are made, or at the latest when they are sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from livechat_customer_async import (
    Access,
    AsyncCustomerSession,
    Customer,
    FilledField,
    InvalidRequestError,
    Message,
    MessagePostback,
    NewCustom,
    NewFile,
    NewFilledForm,
    NewMessage,
    NewRichMessage,
    NewSystemMessage,
    NewThread,
    Postback,
    RichButton,
    RichElement,
    RichImage,
)
from tests.actions.conftest import Refused, Sent

pytestmark = pytest.mark.asyncio

BUTTON = RichButton(text="yes", postback_id="yes")
LIMIT = 16 * 1024


def card(*elements: Any) -> NewRichMessage:
    return NewRichMessage(template_id="cards", elements=elements)


@pytest.mark.parametrize("text", ["x" * (LIMIT + 1), "ż" * (LIMIT // 2) + "x", "🐢" * (LIMIT // 4 + 1)])
async def test_a_text_has_at_most_16_kb_of_utf_8(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        NewMessage(text=text)
    assert caught.value.parameter == "text"
    assert str(len(text.encode())) in str(caught.value)
    assert str(LIMIT) in str(caught.value)


@pytest.mark.parametrize("text", ["", "x" * LIMIT, "ż" * (LIMIT // 2), "🐢" * (LIMIT // 4)])
async def test_a_text_up_to_16_kb_is_sent(sent: Sent, text: str) -> None:
    payload = await sent(lambda s: s.events.send_event("c", NewMessage(text=text)))
    assert payload["event"] == {"type": "message", "text": text}


@pytest.mark.parametrize("count, good", [(1, True), (10, True), (11, False)])
async def test_a_rich_message_has_1_to_10_elements(sent: Sent, count: int, good: bool) -> None:
    elements = [RichElement(title="x")] * count
    if good:
        payload = await sent(lambda s: s.events.send_event("c", card(*elements)))
        assert payload["event"]["elements"] == [{"title": "x"}] * count
        return
    with pytest.raises(InvalidRequestError, match=rf"elements: {count} .*1\.\.10"):
        card(*elements)


@pytest.mark.parametrize("count, good", [(1, True), (11, True), (12, False)])
async def test_an_element_has_1_to_11_buttons_where_it_has_any(sent: Sent, count: int, good: bool) -> None:
    element = RichElement(buttons=(BUTTON,) * count)
    if good:
        payload = await sent(lambda s: s.events.send_event("c", card(RichElement(title="x"), element)))
        assert len(payload["event"]["elements"][1]["buttons"]) == count
        return
    with pytest.raises(InvalidRequestError, match=rf"elements\[1\]\.buttons: {count} .*1\.\.11"):
        card(RichElement(title="x"), element)


@pytest.mark.parametrize("given, missing", [({"type": "message"}, "value"), ({"value": "yes"}, "type")])
async def test_a_postback_s_type_and_value_come_together(given: dict[str, str], missing: str) -> None:
    postback = MessagePostback(id="yes", thread_id="t", event_id="e", **given)
    with pytest.raises(InvalidRequestError) as caught:
        NewMessage(text="yes", postback=postback)
    assert caught.value.parameter == f"postback.{missing}"


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("event", lambda: None),
    ("event", lambda: 7),
    ("event", lambda: ["hello"]),
    ("event", lambda: Message(id="e", text="a received one")),
    ("event", lambda: Postback(id="p", toggled=True)),
]


@pytest.mark.parametrize("parameter, make", WRONG)
async def test_what_is_not_an_event_is_refused_by_its_path(
    refused: Refused, parameter: str, make: Callable[[], Any]
) -> None:
    error = await refused(lambda s: s.events.send_event("c", make()), parameter)
    assert error.action == "send_event"
    with pytest.raises(InvalidRequestError) as caught:
        NewThread(events=(NewMessage(text="good"), make()))
    assert caught.value.parameter == "events[1]"


async def test_no_elements_and_no_buttons_are_as_if_not_given(sent: Sent) -> None:
    payload = await sent(lambda s: s.events.send_event("c", card()))
    assert payload["event"] == {"type": "rich_message", "template_id": "cards"}
    payload = await sent(lambda s: s.events.send_event("c", card(RichElement(title="x", buttons=()))))
    assert payload["event"]["elements"] == [{"title": "x"}]


AT_ONCE: list[tuple[str, Callable[[], Any]]] = [
    ("text", lambda: NewMessage(text=7)),  # type: ignore[arg-type]
    ("text", lambda: NewMessage(text="\ud800")),
    ("form_id", lambda: NewFilledForm(form_id="", fields=())),
    ("template_id", lambda: NewRichMessage(template_id="")),
    ("elements", lambda: NewRichMessage(template_id="cards", elements="abc")),  # type: ignore[arg-type]
    ("content", lambda: NewCustom(content=[])),  # type: ignore[arg-type]
    ("id", lambda: Postback(id="", toggled=True)),
    ("toggled", lambda: Postback(id="p", toggled=1)),  # type: ignore[arg-type]
    ("custom_id", lambda: NewMessage(text="x", custom_id=7)),  # type: ignore[arg-type]
    ("recipients", lambda: NewMessage(text="x", recipients=True)),  # type: ignore[arg-type]
    ("properties", lambda: NewMessage(text="x", properties=[])),  # type: ignore[arg-type]
    ("properties.ns.name", lambda: NewMessage(text="x", properties={"ns": {"name": 1.5}})),  # type: ignore[dict-item]
    ("postback", lambda: NewMessage(text="x", postback="yes")),  # type: ignore[arg-type]
    ("id", lambda: NewMessage(text="x", postback=MessagePostback(id=7, thread_id="t", event_id="e"))),  # type: ignore[arg-type]
    ("url", lambda: NewFile(url=None)),  # type: ignore[arg-type]
    ("url", lambda: NewFile(url="\ud800")),
    ("fields", lambda: NewFilledForm(form_id="f", fields="abc")),  # type: ignore[arg-type]
    ("fields[0]", lambda: NewFilledForm(form_id="f", fields=("abc",))),  # type: ignore[arg-type]
    ("label", lambda: NewFilledForm(form_id="f", fields=(FilledField(type="name", id="1", label=7),))),  # type: ignore[arg-type]
    ("elements[0]", lambda: card("abc")),
    ("title", lambda: card(RichElement(title=7))),  # type: ignore[arg-type]
    ("url", lambda: card(RichElement(image=RichImage(url=7)))),  # type: ignore[arg-type]
    ("size", lambda: card(RichElement(image=RichImage(url="u", size=True)))),
    ("elements[0].buttons[0].text", lambda: card(RichElement(buttons=(RichButton(text=None, postback_id="p"),)))),  # type: ignore[arg-type]
    (
        "user_ids",
        lambda: card(RichElement(buttons=(RichButton(text="x", postback_id="p", user_ids="abc"),))),
    ),  # type: ignore[arg-type]
    ("text", lambda: NewSystemMessage(text=7, system_message_type="x")),  # type: ignore[arg-type]
    ("system_message_type", lambda: NewSystemMessage(text="x", system_message_type=None)),  # type: ignore[arg-type]
    ("text_vars.who", lambda: NewSystemMessage(text="x", system_message_type="x", text_vars={"who": 7})),  # type: ignore[dict-item]
]


@pytest.mark.parametrize("parameter, make", AT_ONCE)
async def test_limits_and_types_are_checked_when_an_object_is_made(parameter: str, make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        make()
    assert caught.value.parameter == parameter


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(300):
        value = [value]
    return value


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


NO_JSON: list[tuple[Any, str]] = [
    (math.nan, "NaN"),
    (-math.inf, "-Infinity"),
    ({1, 2}, "set"),
    (object(), "object"),
    (b"x", "bytes"),
    (1j, "complex"),
    ("\udc00", "surrogate"),
    (2**64, "64"),
    ({1: "x"}, "int"),
]


@pytest.mark.parametrize("value, word", NO_JSON)
async def test_what_json_has_no_form_for_is_refused_by_its_path(refused: Refused, value: Any, word: str) -> None:
    content = {"good": [1, {"bad": value}]}
    await refused(lambda s: s.events.send_event("c", NewCustom(content=content)), "content.good[1].bad", word)
    event = {"type": "custom", "content": content}
    await refused(lambda s: s.events.send_event("c", event), "event.content.good[1].bad", word)
    await refused(lambda s: s.call("send_event", event), "payload.content.good[1].bad", word)


@pytest.mark.parametrize("value", [deep(), endless()])
async def test_what_is_nested_without_end_is_refused(unused: AsyncCustomerSession, value: Any) -> None:
    for call in (
        lambda s: s.events.send_event("c", NewCustom(content={"bad": value})),
        lambda s: s.events.send_event("c", {"type": "custom", "content": value}),
        lambda s: s.call("send_event", {"bad": value}),
    ):
        with pytest.raises(InvalidRequestError, match="200 levels"):
            await call(unused)


@pytest.mark.parametrize(
    "parameter, call",
    [
        ("access", lambda s: s.chats.start_chat(access=[0])),
        ("group_ids[0]", lambda s: s.chats.start_chat(access=Access(group_ids=(True,)))),
        ("group_ids", lambda s: s.chats.activate_chat("c", access=Access(group_ids="12"))),
        ("users", lambda s: s.chats.start_chat(users=[Customer(id="a")])),
        ("users", lambda s: s.chats.start_chat(users="a")),
        ("id", lambda s: s.chats.start_chat(users=Customer(id=7))),  # type: ignore[arg-type]
        ("thread", lambda s: s.chats.start_chat(thread={1, 2})),
        ("events", lambda s: s.chats.start_chat(thread=NewThread(events="abc"))),  # type: ignore[arg-type]
        ("properties", lambda s: s.chats.start_chat(thread=NewThread(properties=[]))),  # type: ignore[arg-type]
        ("postback", lambda s: s.events.send_rich_message_postback("c", "t", "e", "yes")),
        ("on_unknown", lambda s: s.events.send_event("c", NewMessage(text="x"), on_unknown="retry")),
    ],
)
async def test_a_chat_s_parts_are_checked(refused: Refused, parameter: str, call: Any) -> None:
    await refused(call, parameter)
