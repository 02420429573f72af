"""Received events and their parts. What is composed to be sent stands in `new_events.py`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from .._base.checks import tuple_of, tuple_or_none
from .._base.value import Value
from ._base import Properties

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


# One converter for each type of item: mypy does not solve a generic one.
def _strs(value: Iterable[str]) -> tuple[str, ...]:
    return tuple_of(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class MessagePostback(Value):
    """The postback that a message answers; `type` and `value` come together or not at all.

    Attributes:
        id: postback id of the button.
        thread_id: thread of the rich message.
        event_id: the rich message.
    """

    id: str
    thread_id: str
    event_id: str
    type: str | None = None
    value: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FieldAnswer(Value):
    """The option that a radio, select or checkbox field was answered with."""

    id: str
    label: str


def _answers(value: Iterable[FieldAnswer] | None) -> tuple[FieldAnswer, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class GroupAnswer(Value):
    """The group that a group_chooser field was answered with."""

    group_id: int
    label: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FilledField(Value):
    """One field of a filled form.

    Attributes:
        answer: text of a name, email, question or textarea field; the option of a radio or select one; the group of
            a group_chooser; `None` where left out.
        answers: options of a checkbox field; `None` elsewhere.
        value: text that some recorded bodies hold in place of `answer`.
    """

    type: str
    id: str
    label: str
    answer: str | FieldAnswer | GroupAnswer | None = None
    answers: tuple[FieldAnswer, ...] | None = attrs.field(default=None, converter=_answers)
    value: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RichImage(Value):
    """Image of a rich message's element; sizes in bytes and pixels."""

    url: str
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RichButton(Value):
    """Button of a rich message's element.

    Attributes:
        type: what it does: `message`, `phone`, `url`, `webview`, `cancel`, …; an open set.
        user_ids: users who toggled it.
        webview_height: `compact`, `tall` or `full`.
    """

    text: str
    postback_id: str
    user_ids: tuple[str, ...] = attrs.field(default=(), converter=_strs)
    type: str | None = None
    value: str | None = None
    webview_height: str | None = None


def _buttons(value: Iterable[RichButton] | None) -> tuple[RichButton, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RichElement(Value):
    """Element of a rich message, with 1 to 11 buttons where it has any (`None`: none)."""

    title: str | None = None
    subtitle: str | None = None
    image: RichImage | None = None
    buttons: tuple[RichButton, ...] | None = attrs.field(default=None, converter=_buttons)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _EventBase(Value):
    """What every known event has.

    Attributes:
        order: an int beyond 32 bits, for sorting only.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Message(_EventBase):
    """A text message."""

    type: Literal["message"] = "message"
    text: str
    postback: MessagePostback | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class File(_EventBase):
    """A file; size in bytes, width and height in pixels. The last four are there for images only."""

    type: Literal["file"] = "file"
    name: str
    url: str
    content_type: str
    size: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None
    thumbnail2x_url: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FilledForm(_EventBase):
    """A form as it was filled in."""

    type: Literal["filled_form"] = "filled_form"
    form_id: str
    fields: tuple[FilledField, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RichMessage(_EventBase):
    """A rich message.

    Attributes:
        template_id: `cards`, `quick_replies`, `sticker`, …; an open set.
    """

    type: Literal["rich_message"] = "rich_message"
    template_id: str
    elements: tuple[RichElement, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Custom(_EventBase):
    """An event of the sender's own making; `content` is any JSON object, `None` where left out."""

    type: Literal["custom"] = "custom"
    content: dict[str, Any] | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SystemMessage(_EventBase):
    """A message of the system.

    Attributes:
        system_message_type: `routing.assigned`, `customer_banned`, …; an open set.
        text_vars: what was put into the text.
    """

    type: Literal["system_message"] = "system_message"
    text: str
    system_message_type: str
    text_vars: dict[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Annotation(_EventBase):
    """A note on the chat, such as its rating."""

    type: Literal["annotation"] = "annotation"
    annotation_type: str
    text: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UnknownEvent(Value):
    """An event of a type that this version does not know; `type` is `None` where the server named none.

    Attributes:
        raw: the whole object as received.
    """

    id: str | None = None
    type: str | None = None
    order: int | None = None
    custom_id: str | None = None
    raw: dict[str, Any] = attrs.field(factory=dict[str, Any])


Event: TypeAlias = Message | File | FilledForm | RichMessage | Custom | SystemMessage | Annotation | UnknownEvent
"""Any event of a thread."""
