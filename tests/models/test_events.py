"""Received events, by hand-written samples of the wire."""

from datetime import UTC, datetime
from typing import Any

import pytest

from livechat_customer_async import (
    Annotation,
    Custom,
    DecodeError,
    FieldAnswer,
    File,
    FilledField,
    FilledForm,
    GroupAnswer,
    Message,
    MessagePostback,
    RichButton,
    RichElement,
    RichImage,
    RichMessage,
    SystemMessage,
    UnknownEvent,
    structure_event,
    unstructure,
)

COMMON: dict[str, Any] = {
    "id": "Q20N9CKRX2_1",
    "order": 343_544_565_000_001,
    "timestamp": 1_473_433_500,
    "author_id": "b7eff798",
    "custom_id": "31-0C-1C",
    "recipients": "all",
    "properties": {"0805e283": {"string": {"value": "s"}, "value": {"value": 0}, "bare": False}},
}
READ: dict[str, Any] = {
    **COMMON,
    "timestamp": datetime(2016, 9, 9, 15, 5, tzinfo=UTC),
    "properties": {"0805e283": {"string": "s", "value": 0, "bare": False}},
}
POSTBACK = {"id": "action_call", "thread_id": "t", "event_id": "e", "type": "button", "value": "yes"}
IMAGE = {"url": "u", "name": "n", "content_type": "image/png", "size": 1, "width": 640, "height": 480}
BUTTON = {
    "type": "webview",
    "text": "Open",
    "postback_id": "open",
    "user_ids": ["b7eff798"],
    "value": "https://example.com",
    "webview_height": "tall",
}

SAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "message": (
        {**COMMON, "type": "message", "text": "hello", "postback": POSTBACK},
        Message(
            **READ,
            text="hello",
            postback=MessagePostback(id="action_call", thread_id="t", event_id="e", type="button", value="yes"),
        ),
    ),
    "file": (
        {
            **COMMON,
            "type": "file",
            "name": "image.png",
            "url": "https://example.com/image.png",
            "content_type": "image/png",
            "size": 123_444,
            "width": 640,
            "height": 480,
            "thumbnail_url": "https://example.com/thumb.png",
            "thumbnail2x_url": "https://example.com/thumb2x.png",
        },
        File(
            **READ,
            name="image.png",
            url="https://example.com/image.png",
            content_type="image/png",
            size=123_444,
            width=640,
            height=480,
            thumbnail_url="https://example.com/thumb.png",
            thumbnail2x_url="https://example.com/thumb2x.png",
        ),
    ),
    "filled_form": (
        {
            **COMMON,
            "type": "filled_form",
            "form_id": "f1",
            "fields": [
                {"type": "name", "id": "1", "label": "Name", "answer": "Tom"},
                {"type": "email", "id": "2", "label": "Email", "answer": ""},
                {"type": "radio", "id": "3", "label": "Pick", "answer": {"id": "0", "label": "One"}},
                {"type": "select", "id": "4", "label": "Pick", "answer": {"id": "1", "label": "Two"}},
                {"type": "checkbox", "id": "5", "label": "Any", "answers": [{"id": "0", "label": "One"}]},
                {"type": "checkbox", "id": "6", "label": "None", "answers": []},
                {"type": "group_chooser", "id": "7", "label": "Team", "answer": {"group_id": 0, "label": "All"}},
                {"type": "question", "id": "8", "label": "Old", "value": "recorded"},
                {"type": "textarea", "id": "9", "label": "Empty"},
            ],
        },
        FilledForm(
            **READ,
            form_id="f1",
            fields=(
                FilledField(type="name", id="1", label="Name", answer="Tom"),
                FilledField(type="email", id="2", label="Email", answer=""),
                FilledField(type="radio", id="3", label="Pick", answer=FieldAnswer(id="0", label="One")),
                FilledField(type="select", id="4", label="Pick", answer=FieldAnswer(id="1", label="Two")),
                FilledField(type="checkbox", id="5", label="Any", answers=(FieldAnswer(id="0", label="One"),)),
                FilledField(type="checkbox", id="6", label="None", answers=()),
                FilledField(type="group_chooser", id="7", label="Team", answer=GroupAnswer(group_id=0, label="All")),
                FilledField(type="question", id="8", label="Old", value="recorded"),
                FilledField(type="textarea", id="9", label="Empty"),
            ),
        ),
    ),
    "rich_message": (
        {
            **COMMON,
            "type": "rich_message",
            "template_id": "cards",
            "elements": [
                {"title": "T", "subtitle": "S", "image": IMAGE, "buttons": [BUTTON]},
                {"image": {"url": "u"}, "buttons": [{"text": "No", "postback_id": "no", "user_ids": []}]},
                {},
            ],
        },
        RichMessage(
            **READ,
            template_id="cards",
            elements=(
                RichElement(
                    title="T",
                    subtitle="S",
                    image=RichImage(url="u", name="n", content_type="image/png", size=1, width=640, height=480),
                    buttons=(
                        RichButton(
                            type="webview",
                            text="Open",
                            postback_id="open",
                            user_ids=("b7eff798",),
                            value="https://example.com",
                            webview_height="tall",
                        ),
                    ),
                ),
                RichElement(image=RichImage(url="u"), buttons=(RichButton(text="No", postback_id="no"),)),
                RichElement(),
            ),
        ),
    ),
    "custom": (
        {**COMMON, "type": "custom", "content": {"a": {"b": [None, 1.5, True, "x"]}}},
        Custom(**READ, content={"a": {"b": [None, 1.5, True, "x"]}}),
    ),
    "system_message": (
        {
            **COMMON,
            "type": "system_message",
            "text": "%agent% was assigned",
            "system_message_type": "routing.assigned",
            "text_vars": {"agent": "Ann"},
        },
        SystemMessage(
            **READ,
            text="%agent% was assigned",
            system_message_type="routing.assigned",
            text_vars={"agent": "Ann"},
        ),
    ),
    "annotation": (
        {**COMMON, "type": "annotation", "annotation_type": "rating", "text": "good"},
        Annotation(**READ, annotation_type="rating", text="good"),
    ),
}
LEAST: dict[str, tuple[dict[str, Any], Any]] = {
    "message": ({"text": ""}, Message(id="e", text="")),
    "file": ({"url": "u"}, File(id="e", url="u")),
    "filled_form": ({}, FilledForm(id="e")),
    "rich_message": ({"template_id": "sticker"}, RichMessage(id="e", template_id="sticker")),
    "custom": ({}, Custom(id="e")),
    "system_message": (
        {"system_message_type": "new_kind"},
        SystemMessage(id="e", system_message_type="new_kind"),
    ),
    "annotation": ({"annotation_type": "rating"}, Annotation(id="e", annotation_type="rating")),
}


@pytest.mark.parametrize("type_", SAMPLES)
def test_a_full_event(type_: str) -> None:
    data, event = SAMPLES[type_]
    assert structure_event(data) == event
    assert event.type == type_


@pytest.mark.parametrize("type_", LEAST)
def test_the_least_an_event_holds(type_: str) -> None:
    own, event = LEAST[type_]
    read = structure_event({"id": "e", "type": type_, **own})
    assert read == event
    assert (read.order, read.custom_id) == (None, None)


@pytest.mark.parametrize("type_", SAMPLES)
def test_unknown_keys_are_ignored(type_: str) -> None:
    data, event = SAMPLES[type_]
    assert structure_event({**data, "__priv_lc2": {"a": 1}, "raw": 5, "new": [None]}) == event


@pytest.mark.parametrize("type_", SAMPLES)
def test_null_is_absent_in_every_optional_field(type_: str) -> None:
    own, event = LEAST[type_]
    least = {"id": "e", "type": type_, **own}
    nulls = dict.fromkeys(SAMPLES[type_][0].keys() - least.keys())
    assert structure_event({**least, **nulls}) == event


@pytest.mark.parametrize("type_", SAMPLES)
def test_what_is_required_is_required(type_: str) -> None:
    own, _ = LEAST[type_]
    least = {"id": "e", "type": type_, **own}
    for key in ("id", *own):
        for incomplete in ({k: v for k, v in least.items() if k != key}, {**least, key: None}):
            event = structure_event(incomplete)
            assert isinstance(event, UnknownEvent)
            assert (event.raw, event.problem) == (incomplete, f"{key}: required field is missing")


@pytest.mark.parametrize(
    "data",
    [
        {"id": "e", "type": "hologram", "order": 5, "custom_id": "c", "text": 7, "properties": "odd"},
        {"id": "e", "type": "Message", "text": "case matters"},
        {"id": "e", "type": ""},
        {"id": "e"},
        {"id": None, "type": None, "order": None, "x": None},
        {},
    ],
)
def test_an_event_of_another_type_is_kept_whole(data: dict[str, Any]) -> None:
    facts = {key: data.get(key) for key in ("id", "type", "order", "custom_id")}
    assert structure_event(data) == UnknownEvent(**facts, raw=data)


@pytest.mark.parametrize(
    "type_, key, value, place",
    [
        ("message", "text", 5, "text"),
        ("message", "id", 5, "id"),
        ("message", "order", "343", "order"),
        ("message", "order", 1.5, "order"),
        ("message", "order", True, "order"),
        ("message", "timestamp", "now", "timestamp"),
        ("message", "author_id", False, "author_id"),
        ("message", "properties", [1], "properties"),
        ("message", "properties", {"ns": 5}, "properties.ns"),
        ("message", "postback", "p", "postback"),
        ("message", "postback", {**POSTBACK, "value": 5}, "postback.value"),
        ("file", "size", "123", "size"),
        ("filled_form", "fields", {}, "fields"),
        ("filled_form", "fields", ["x"], "fields[0]"),
        ("filled_form", "fields", [{"type": "a", "id": 1, "label": "l"}], "fields[0].id"),
        (
            "filled_form",
            "fields",
            [{"type": "a", "id": "1", "label": "l", "answer": {"id": 5, "label": "l"}}],
            "fields[0].answer.id",
        ),
        (
            "filled_form",
            "fields",
            [{"type": "a", "id": "1", "label": "l", "answer": {"group_id": "5", "label": "l"}}],
            "fields[0].answer.group_id",
        ),
        (
            "filled_form",
            "fields",
            [{"type": "a", "id": "1", "label": "l", "answers": [{"id": "1", "label": "l"}, "x"]}],
            "fields[0].answers[1]",
        ),
        ("rich_message", "elements", [{}, {"buttons": [BUTTON, {"text": 5}]}], "elements[1].buttons[1].text"),
        (
            "rich_message",
            "elements",
            [{"buttons": [{**BUTTON, "user_ids": [5]}]}],
            "elements[0].buttons[0].user_ids[0]",
        ),
        (
            "rich_message",
            "elements",
            [{"buttons": [{**BUTTON, "user_ids": "abc"}]}],
            "elements[0].buttons[0].user_ids",
        ),
        ("custom", "content", [1], "content"),
        ("custom", "content", "x", "content"),
        ("annotation", "annotation_type", 5, "annotation_type"),
    ],
)
def test_an_event_that_does_not_fit_its_type_is_kept_whole(type_: str, key: str, value: Any, place: str) -> None:
    data = {**SAMPLES[type_][0], key: value}
    event = structure_event(data)
    assert isinstance(event, UnknownEvent)
    assert event.raw == data
    assert str(event.problem).startswith(f"{place}: expected ")
    assert unstructure(event) == data
    for name in READ.keys() - {key}:
        assert getattr(event, name) == READ[name]


@pytest.mark.parametrize("data", [None, "message", 5, [], True, 1.5])
def test_an_event_is_an_object(data: Any) -> None:
    with pytest.raises(DecodeError, match="expected an object") as caught:
        structure_event(data)
    assert caught.value.path == "$"


@pytest.mark.parametrize("value", [[5], True, {"a": 1}])
def test_an_unknown_event_has_every_common_field_that_fits(value: Any) -> None:
    data = {**COMMON, "type": "hologram"}
    assert structure_event(data) == UnknownEvent(**READ, type="hologram", raw=data)
    for key in ("id", "order", "timestamp", "author_id", "custom_id", "recipients"):
        event = structure_event({**data, key: value})
        assert event == UnknownEvent(**{**READ, key: None}, type="hologram", raw={**data, key: value})
    odd = structure_event({**data, "properties": [value]})
    assert odd == UnknownEvent(**{**READ, "properties": {}}, type="hologram", raw={**data, "properties": [value]})


def test_a_type_that_is_not_a_str() -> None:
    event = structure_event({**COMMON, "type": 5})
    assert event == UnknownEvent(**READ, raw={**COMMON, "type": 5}, problem="type: expected a str, got an int")


def test_a_recorded_pre_chat_form() -> None:
    fields = [{"label": "Name:", "type": "name", "value": "x"}]
    data = {"type": "filled_form", "id": "T_1", "fields": fields, "properties": {"lc2": {"form_type": "prechat"}}}
    assert structure_event(data) == FilledForm(
        id="T_1",
        fields=(FilledField(type="name", label="Name:", value="x"),),
        properties={"lc2": {"form_type": "prechat"}},
    )


@pytest.mark.parametrize(
    "answer, read",
    [
        (True, True),
        (5, 5),
        (1.5, 1.5),
        ({"id": "0", "label": "One"}, FieldAnswer(id="0", label="One")),
        ({"label": "One"}, FieldAnswer(label="One")),
        ({}, FieldAnswer()),
        ({"group_id": 0, "label": "All"}, GroupAnswer(group_id=0, label="All")),
        ({"group_id": 0, "id": "0", "label": "All"}, GroupAnswer(group_id=0, id="0", label="All")),
        ({"group_id": 0, "id": 7}, GroupAnswer(group_id=0, id=7)),
        (None, None),
    ],
)
def test_an_answer_of_any_kind(answer: Any, read: Any) -> None:
    event = structure_event({"id": "e", "type": "filled_form", "fields": [{"answer": answer}]})
    assert event == FilledForm(id="e", fields=(FilledField(answer=read),))


def test_an_answer_that_is_a_list_is_kept_as_it_is() -> None:
    event = structure_event({"id": "e", "type": "filled_form", "fields": [{"answer": ["a", None]}]})
    assert isinstance(event, FilledForm)
    assert event.fields[0].answer == ["a", None]


def test_answers_in_the_older_form_are_kept() -> None:
    options = [{"value": "support", "checked": True}, {"label": "Sales", "checked": False}]
    event = structure_event({"id": "e", "type": "filled_form", "fields": [{"type": "radio", "options": options}]})
    assert event == FilledForm(id="e", fields=(FilledField(type="radio", options=tuple(options)),))


@pytest.mark.parametrize(
    "data, event",
    [
        (
            {"type": "system_message", "system_message_type": "x", "text_vars": {"duration": 15, "agent": None}},
            SystemMessage(id="e", system_message_type="x", text_vars={"duration": 15, "agent": None}),
        ),
        ({"type": "file", "url": "u", "width": 640.0}, File(id="e", url="u", width=640)),
        (
            {"type": "message", "text": "x", "postback": {"id": "p"}},
            Message(id="e", text="x", postback=MessagePostback(id="p")),
        ),
        (
            {
                "type": "rich_message",
                "template_id": "cards",
                "elements": [None, {"buttons": [{"role": "primary", "target": "new"}], "image": {}}],
            },
            RichMessage(
                id="e",
                template_id="cards",
                elements=(RichElement(buttons=[RichButton(role="primary", target="new")], image=RichImage()),),
            ),
        ),
        ({"type": "message", "text": "x", "properties": []}, Message(id="e", text="x")),
    ],
)
def test_what_some_servers_send_instead(data: dict[str, Any], event: Any) -> None:
    assert structure_event({"id": "e", **data}) == event
