"""Received events and their parts. Events to be sent are in `new_events.py`.

A part that a caller makes is checked by the event that it is sent in: what the server leaves out must not be left out
there.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import attrs

from .._base.checks import tuple_of, tuple_or_none
from ._base import Model, Properties, Tagged, Unknown

__all__ = [
    "Annotation",
    "Custom",
    "Event",
    "FieldAnswer",
    "File",
    "FilledField",
    "FilledForm",
    "GroupAnswer",
    "Message",
    "MessagePostback",
    "RichButton",
    "RichElement",
    "RichImage",
    "RichMessage",
    "SystemMessage",
    "UnknownEvent",
]


# One converter for each type of item: mypy does not infer a generic one.
def _strs(value: Iterable[str]) -> tuple[str, ...]:
    return tuple_of(value)


@attrs.frozen(kw_only=True)
class MessagePostback(Model):
    """The postback that a message answers; `type` and `value` come together or not at all.

    Attributes:
        id: postback id of the button.
        thread_id: thread of the rich message.
        event_id: the rich message.
    """

    id: str | None = None
    thread_id: str | None = None
    event_id: str | None = None
    type: str | None = None
    value: str | None = None


@attrs.frozen(kw_only=True)
class FieldAnswer(Model):
    """The chosen option of a radio, select or checkbox field."""

    id: str | None = None
    label: str | None = None


def _answers(value: Iterable[FieldAnswer] | None) -> tuple[FieldAnswer, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True)
class GroupAnswer(Model):
    """The chosen group of a group_chooser field; some servers also send an `id`."""

    group_id: int | None = None
    label: str | None = None
    id: str | int | None = None


@attrs.frozen(kw_only=True)
class FilledField(Model):
    """One field of a filled form.

    Attributes:
        answer: text of a name, email, question or textarea field; chosen option of a radio or select; chosen group of
            a group_chooser; other fields have any JSON value, of which the type leaves out lists.
        answers: chosen options of a checkbox field; `None` for other fields.
        value: some servers send the text of `answer` here.
        options: the form of answers in an older API: all options of a radio, select or checkbox field, as
            `{"value" or "label": …, "checked": …}`.
    """

    type: str | None = None
    id: str | None = None
    label: str | None = None
    answer: str | FieldAnswer | GroupAnswer | bool | int | float | None = None
    answers: tuple[FieldAnswer, ...] | None = attrs.field(default=None, converter=_answers)
    value: str | None = None
    options: tuple[dict[str, Any], ...] | None = None


@attrs.frozen(kw_only=True)
class RichImage(Model):
    """The image of a rich message's element; sizes in bytes and pixels."""

    url: str | None = None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None


@attrs.frozen(kw_only=True)
class RichButton(Model):
    """A button of a rich message's element.

    Attributes:
        type: what it does: `message`, `phone`, `url`, `webview`, `cancel` or another one.
        user_ids: users who toggled it.
        webview_height: `compact`, `tall` or `full`.
        role: how it looks, such as `primary`.
        target: where a URL opens, such as `new`.
    """

    text: str | None = None
    postback_id: str | None = None
    user_ids: tuple[str, ...] = attrs.field(default=(), converter=_strs)
    type: str | None = None
    value: str | None = None
    webview_height: str | None = None
    role: str | None = None
    target: str | None = None


def _buttons(value: Iterable[RichButton] | None) -> tuple[RichButton, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True)
class RichElement(Model):
    """An element of a rich message, with 1 to 11 buttons or none (`None`)."""

    title: str | None = None
    subtitle: str | None = None
    image: RichImage | None = None
    buttons: tuple[RichButton, ...] | None = attrs.field(default=None, converter=_buttons)


@attrs.frozen(kw_only=True, init=False)
class _EventBase(Model):
    """What every known event has.

    Attributes:
        order: for sorting only; larger than 32 bits.
        timestamp: UTC.
        author_id: `None` for system messages.
        custom_id: the sender's own tag.
        recipients: `all` or `agents`.
    """

    id: str
    order: int | None = None
    timestamp: datetime | None = None
    author_id: str | None = None
    custom_id: str | None = None
    recipients: str | None = None
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])


@attrs.frozen(kw_only=True)
class Message(_EventBase):
    """A text message."""

    type: Literal["message"] = "message"
    text: str
    postback: MessagePostback | None = None


@attrs.frozen(kw_only=True)
class File(_EventBase):
    """A file; size in bytes, width and height in pixels. Only images have the last four fields."""

    type: Literal["file"] = "file"
    url: str
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None
    thumbnail2x_url: str | None = None


@attrs.frozen(kw_only=True)
class FilledForm(_EventBase):
    """A filled form."""

    type: Literal["filled_form"] = "filled_form"
    form_id: str | None = None
    fields: tuple[FilledField, ...] = ()


@attrs.frozen(kw_only=True)
class RichMessage(_EventBase):
    """A rich message.

    Attributes:
        template_id: `cards`, `quick_replies`, `sticker` or another one.
    """

    type: Literal["rich_message"] = "rich_message"
    template_id: str
    elements: tuple[RichElement, ...] = ()


@attrs.frozen(kw_only=True)
class Custom(_EventBase):
    """An event defined by its sender; `content` is any JSON object, or `None` if left out."""

    type: Literal["custom"] = "custom"
    content: dict[str, Any] | None = None


@attrs.frozen(kw_only=True)
class SystemMessage(_EventBase):
    """A message of the system.

    Attributes:
        system_message_type: `routing.assigned`, `customer_banned` or another one.
        text_vars: variables of the text.
    """

    type: Literal["system_message"] = "system_message"
    system_message_type: str
    text: str | None = None
    text_vars: dict[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.frozen(kw_only=True)
class Annotation(_EventBase):
    """A note on the chat, such as its rating."""

    type: Literal["annotation"] = "annotation"
    annotation_type: str
    text: str | None = None


@attrs.frozen(kw_only=True)
class UnknownEvent(Unknown):
    """An event of an unknown type, or one that does not fit its type.

    It has the fields that all events have; `None`, or no properties, stands for what is missing or does not fit.

    Attributes:
        raw: the object as received.
        problem: path and reason, such as `order: expected an int, got a str`, if it does not fit its type; `None` if
            the type is unknown.
    """

    id: str | None = None
    type: str | None = None
    order: int | None = None
    timestamp: datetime | None = None
    author_id: str | None = None
    custom_id: str | None = None
    recipients: str | None = None
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    raw: dict[str, Any] = attrs.field(factory=dict[str, Any])
    problem: str | None = None


Event: TypeAlias = Annotated[
    Message | File | FilledForm | RichMessage | Custom | SystemMessage | Annotation | UnknownEvent,
    Tagged("type", unknown=UnknownEvent),
]
"""Any event of a thread."""
