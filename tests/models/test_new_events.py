"""What a caller composes: the wire's form of it, the limits, and the converters from lists."""

from collections import UserDict, deque
from collections.abc import Callable
from typing import Any

import attrs
import pytest

import livechat_customer_async as sdk
from livechat_customer_async import (
    FieldAnswer,
    FilledField,
    GroupAnswer,
    InvalidRequestError,
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
    RichMessage,
    structure_event,
    unstructure,
)

COMMON: dict[str, Any] = {
    "custom_id": "c",
    "recipients": "agents",
    "properties": {"ns": {"s": "x", "i": 0, "b": False}},
}
BUTTON = RichButton(text="Yes", postback_id="yes", user_ids=["u"], type="message", value="yes")
ELEMENT = RichElement(title="T")
untyped: Any = sdk
"""For values that a type checker refuses too."""
evolved: Any = attrs.evolve
FIELD = FilledField(type="name", id="1", label="Name", answer="Tom")

ON_THE_WIRE: list[tuple[Any, dict[str, Any]]] = [
    (NewMessage(text="hello"), {"type": "message", "text": "hello"}),
    (NewMessage(text="", **COMMON), {"type": "message", "text": "", **COMMON}),
    (
        NewMessage(text="y", postback=MessagePostback(id="p", thread_id="t", event_id="e", type="message", value="y")),
        {
            "type": "message",
            "text": "y",
            "postback": {"id": "p", "thread_id": "t", "event_id": "e", "type": "message", "value": "y"},
        },
    ),
    (
        NewMessage(text="y", postback=MessagePostback(id="p", thread_id="t", event_id="e")),
        {"type": "message", "text": "y", "postback": {"id": "p", "thread_id": "t", "event_id": "e"}},
    ),
    (NewFile(url="u"), {"type": "file", "url": "u"}),
    (
        NewFilledForm(
            form_id="f",
            fields=[
                FIELD,
                FilledField(type="radio", id="2", label="l", answer=FieldAnswer(id="0", label="One")),
                FilledField(type="group_chooser", id="3", label="l", answer=GroupAnswer(group_id=0, label="All")),
                FilledField(type="checkbox", id="4", label="l", answers=[FieldAnswer(id="0", label="One")]),
                FilledField(type="checkbox", id="5", label="l", answers=[]),
            ],
        ),
        {
            "type": "filled_form",
            "form_id": "f",
            "fields": [
                {"type": "name", "id": "1", "label": "Name", "answer": "Tom"},
                {"type": "radio", "id": "2", "label": "l", "answer": {"id": "0", "label": "One"}},
                {"type": "group_chooser", "id": "3", "label": "l", "answer": {"group_id": 0, "label": "All"}},
                {"type": "checkbox", "id": "4", "label": "l", "answers": [{"id": "0", "label": "One"}]},
                {"type": "checkbox", "id": "5", "label": "l", "answers": []},
            ],
        },
    ),
    (NewRichMessage(template_id="sticker"), {"type": "rich_message", "template_id": "sticker"}),
    (
        NewRichMessage(
            template_id="cards",
            elements=[RichElement(title="T", subtitle="", image=RichImage(url="u", size=0), buttons=[BUTTON])],
        ),
        {
            "type": "rich_message",
            "template_id": "cards",
            "elements": [
                {
                    "title": "T",
                    "subtitle": "",
                    "image": {"url": "u", "size": 0},
                    "buttons": [
                        {"text": "Yes", "postback_id": "yes", "user_ids": ["u"], "type": "message", "value": "yes"}
                    ],
                }
            ],
        },
    ),
    (NewCustom(), {"type": "custom"}),
    (NewCustom(content={}), {"type": "custom", "content": {}}),
    (NewCustom(content=UserDict({"a": (1, None)})), {"type": "custom", "content": {"a": [1, None]}}),
    (
        NewSystemMessage(text="t", system_message_type="mine", text_vars={"a": ""}),
        {"type": "system_message", "text": "t", "system_message_type": "mine", "text_vars": {"a": ""}},
    ),
    (NewThread(), {}),
    (NewThread(events=[], properties={}), {"events": [], "properties": {}}),
    (
        NewThread(events=[NewMessage(text="a"), {"type": "mine", "x": None}], properties={"ns": {"a": 1}}),
        {"events": [{"type": "message", "text": "a"}, {"type": "mine", "x": None}], "properties": {"ns": {"a": 1}}},
    ),
    (Postback(id="p", toggled=False), {"id": "p", "toggled": False}),
]


@pytest.mark.parametrize("model, wire", ON_THE_WIRE)
def test_the_form_on_the_wire(model: Any, wire: dict[str, Any]) -> None:
    assert unstructure(model) == wire


def refusal(make: Callable[[], object]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        make()
    return caught.value


@pytest.mark.parametrize("text", ["a" * 16384, "ż" * 8192, "👋" * 4096, ""])
def test_a_text_of_sixteen_kilobytes(text: str) -> None:
    assert NewMessage(text=text).text == text


@pytest.mark.parametrize("text, size", [("a" * 16385, 16385), ("ż" * 8193, 16386), ("👋" * 4097, 16388)])
def test_a_text_that_is_too_long(text: str, size: int) -> None:
    error = refusal(lambda: NewMessage(text=text))
    assert (error.parameter, error.message) == ("text", f"{size} bytes of UTF-8; the limit is 16384")


@pytest.mark.parametrize("count", [1, 10])
def test_elements_within_limits(count: int) -> None:
    assert NewRichMessage(template_id="cards", elements=[ELEMENT] * count).elements == (ELEMENT,) * count


@pytest.mark.parametrize("count", [11])
def test_elements_outside_limits(count: int) -> None:
    error = refusal(lambda: NewRichMessage(template_id="cards", elements=[ELEMENT] * count))
    assert (error.parameter, error.message) == ("elements", f"{count} items; the limit is 1..10")


@pytest.mark.parametrize("count", [1, 11])
def test_buttons_within_limits(count: int) -> None:
    element = RichElement(buttons=[BUTTON] * count)
    assert NewRichMessage(template_id="cards", elements=[element]).elements == (element,)


@pytest.mark.parametrize("count", [12])
def test_buttons_outside_limits(count: int) -> None:
    elements = [ELEMENT, RichElement(buttons=[BUTTON] * count)]
    error = refusal(lambda: NewRichMessage(template_id="cards", elements=elements))
    assert (error.parameter, error.message) == ("elements[1].buttons", f"{count} items; the limit is 1..11")


@pytest.mark.parametrize("given, missing", [({"type": "message"}, "value"), ({"value": "x"}, "type")])
def test_a_postbacks_type_and_value_come_together(given: dict[str, str], missing: str) -> None:
    postback = MessagePostback(id="p", thread_id="t", event_id="e", **given)
    error = refusal(lambda: NewMessage(text="x", postback=postback))
    assert error.parameter == f"postback.{missing}"


@pytest.mark.parametrize(
    "make, parameter",
    [
        (lambda: untyped.NewMessage(text=None), "text"),
        (lambda: untyped.NewMessage(text=b"x"), "text"),
        (lambda: untyped.NewMessage(text="\ud800"), "text"),
        (lambda: untyped.NewFilledForm(form_id="", fields=[]), "form_id"),
        (lambda: untyped.NewFilledForm(form_id=5, fields=[]), "form_id"),
        (lambda: untyped.NewRichMessage(template_id=""), "template_id"),
        (lambda: untyped.NewRichMessage(template_id="cards", elements="abc"), "elements"),
        (lambda: untyped.NewRichMessage(template_id="cards", elements={ELEMENT}), "elements"),
        (
            lambda: untyped.NewRichMessage(template_id="cards", elements=[untyped.RichElement(buttons="abc")]),
            "buttons",
        ),
        (lambda: untyped.NewCustom(content=[1]), "content"),
        (lambda: untyped.NewCustom(content="x"), "content"),
        (lambda: untyped.NewCustom(content={"a": {1}}), "content.a"),
        (lambda: untyped.NewCustom(content={"a": [float("nan")]}), "content.a[0]"),
        (lambda: untyped.NewCustom(content={5: 1}), "content"),
        (lambda: untyped.Postback(id="", toggled=True), "id"),
        (lambda: untyped.Postback(id="p", toggled=1), "toggled"),
        (lambda: untyped.Postback(id="p", toggled=None), "toggled"),
        (lambda: untyped.NewMessage(text="x", custom_id=5), "custom_id"),
        (lambda: untyped.NewMessage(text="x", recipients=["all"]), "recipients"),
        (lambda: untyped.NewMessage(text="x", properties=[]), "properties"),
        (lambda: untyped.NewMessage(text="x", properties={"ns": {"a": 1.5}}), "properties.ns.a"),
        (lambda: untyped.NewMessage(text="x", properties={"ns": {"a": None}}), "properties.ns.a"),
        (lambda: untyped.NewMessage(text="x", properties={5: {}}), "properties"),
        (lambda: untyped.NewMessage(text="x", postback="p"), "postback"),
        (
            lambda: untyped.NewMessage(text="x", postback=untyped.MessagePostback(id=5, thread_id="t", event_id="e")),
            "id",
        ),
        (lambda: untyped.NewMessage(text="x", type="file"), "type"),
        (lambda: untyped.NewFile(url=None), "url"),
        (lambda: untyped.NewFile(url=b"u"), "url"),
        (lambda: untyped.NewFilledForm(form_id="f", fields="abc"), "fields"),
        (lambda: untyped.NewFilledForm(form_id="f", fields=[FIELD, "x"]), "fields[1]"),
        (lambda: untyped.NewFilledForm(form_id="f", fields=[evolved(FIELD, answer=b"x")]), "answer"),
        (lambda: untyped.NewFilledForm(form_id="f", fields=[evolved(FIELD, answers=["x"])]), "answers[0]"),
        (lambda: untyped.NewRichMessage(template_id="cards", elements=[untyped.RichElement(title=5)]), "title"),
        (lambda: untyped.NewRichMessage(template_id="cards", elements=["x"]), "elements[0]"),
        (
            lambda: untyped.NewRichMessage(
                template_id="c", elements=[untyped.RichElement(buttons=[evolved(BUTTON, user_ids="u")])]
            ),
            "user_ids",
        ),
        (lambda: untyped.NewSystemMessage(text=5, system_message_type="x"), "text"),
        (lambda: untyped.NewSystemMessage(text="", system_message_type="x", text_vars={"a": 5}), "text_vars.a"),
        (lambda: untyped.NewThread(events="abc"), "events"),
        (lambda: untyped.NewThread(events=[untyped.NewMessage(text="x", custom_id=5)]), "custom_id"),
        (lambda: untyped.NewThread(events=[{}, "x"]), "events[1]"),
        (lambda: untyped.NewThread(events=[{"x": {1}}]), "events[0].x"),
        (lambda: untyped.NewThread(properties={"ns": 5}), "properties.ns"),
        (lambda: NewFilledForm(form_id="f", fields=[FilledField(label="l", id="1")]), "fields[0].type"),
        (lambda: NewFilledForm(form_id="f", fields=[evolved(FIELD, id=None)]), "fields[0].id"),
        (lambda: NewFilledForm(form_id="f", fields=[evolved(FIELD, id="")]), "fields[0].id"),
        (lambda: NewFilledForm(form_id="f", fields=[evolved(FIELD, answer=FieldAnswer())]), "fields[0].answer.id"),
        (
            lambda: NewFilledForm(form_id="f", fields=[evolved(FIELD, answer=GroupAnswer())]),
            "fields[0].answer.group_id",
        ),
        (
            lambda: NewFilledForm(form_id="f", fields=[evolved(FIELD, answers=[FieldAnswer(id="1")])]),
            "fields[0].answers[0].label",
        ),
        (
            lambda: NewRichMessage(template_id="c", elements=[ELEMENT, RichElement(image=RichImage())]),
            "elements[1].image.url",
        ),
        (
            lambda: NewRichMessage(template_id="c", elements=[RichElement(buttons=[RichButton(postback_id="p")])]),
            "elements[0].buttons[0].text",
        ),
        (
            lambda: NewRichMessage(template_id="c", elements=[RichElement(buttons=[BUTTON, RichButton(text="x")])]),
            "elements[0].buttons[1].postback_id",
        ),
        (lambda: NewMessage(text="x", postback=MessagePostback(id="p", thread_id="t")), "postback.event_id"),
        (lambda: NewMessage(text="x", postback=MessagePostback(id="", thread_id="t", event_id="e")), "postback.id"),
    ],
)
def test_refused_when_it_is_made(make: Callable[[], object], parameter: str) -> None:
    assert refusal(make).parameter == parameter


def test_empty_elements_and_buttons_are_not_given() -> None:
    received = structure_event({"id": "e", "type": "rich_message", "template_id": "cards"})
    assert isinstance(received, RichMessage)
    assert unstructure(NewRichMessage(template_id="cards", elements=received.elements)) == {
        "type": "rich_message",
        "template_id": "cards",
    }
    message = NewRichMessage(template_id="cards", elements=[RichElement(title="T", buttons=())])
    assert message.elements == (ELEMENT,)


def test_what_was_read_is_checked_when_it_is_sent_again() -> None:
    elements = [{"buttons": [{"text": "x"}]}]
    received = structure_event({"id": "e", "type": "rich_message", "template_id": "cards", "elements": elements})
    assert isinstance(received, RichMessage)
    error = refusal(lambda: NewRichMessage(template_id="cards", elements=received.elements))
    assert (error.parameter, error.message) == ("elements[0].buttons[0].postback_id", "required field is missing")


def test_lists_and_other_sequences_become_tuples() -> None:
    assert NewThread(events=[{"type": "x"}]).events == ({"type": "x"},)
    assert NewThread(events=deque([NewMessage(text="x")])).events == (NewMessage(text="x"),)
    assert NewFilledForm(form_id="f", fields=[FIELD]).fields == (FIELD,)
    assert FilledField(type="c", id="1", label="l", answers=[FieldAnswer(id="0", label="l")]).answers == (
        FieldAnswer(id="0", label="l"),
    )
    assert RichElement(buttons=[BUTTON]).buttons == (BUTTON,)
    assert BUTTON.user_ids == ("u",)


MODELS = [
    getattr(sdk, name)
    for name in sdk.__all__
    if attrs.has(getattr(sdk, name)) and "models" in getattr(sdk, name).__module__
]


@pytest.mark.parametrize("cls", MODELS)
def test_every_model_is_frozen_with_slots_and_keywords(cls: Any) -> None:
    fields = attrs.fields(cls)
    assert all(field.kw_only for field in fields)
    assert not any("__dict__" in base.__dict__ for base in cls.__mro__[:-1])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(cls.__new__(cls), fields[0].name, 1)
    with pytest.raises(TypeError):
        cls("positional")
