"""What a caller composes: events and threads to be sent. `None` means "not sent"."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import attrs

from .._base.checks import at_most_bytes, check_id, tuple_of, tuple_or_none
from ..errors import InvalidRequestError
from ._base import Model, NewProperties, Tagged
from ._checks import check_for
from .events import FieldAnswer, FilledField, GroupAnswer, MessagePostback, RichElement

__all__ = [
    "NewCustom",
    "NewEvent",
    "NewFile",
    "NewFilledForm",
    "NewMessage",
    "NewRichMessage",
    "NewSystemMessage",
    "NewThread",
    "Postback",
]

# The reference says 16 KB without saying which kilobyte.
MAX_TEXT_BYTES = 16 * 1024
MAX_ELEMENTS = 10
MAX_BUTTONS = 11

Id: TypeAlias = Annotated[str, check_id]


def _fields(value: Iterable[FilledField]) -> tuple[FilledField, ...]:
    return tuple_of(value)


def _elements(value: Iterable[RichElement] | None) -> tuple[RichElement, ...] | None:
    """Make a tuple; a received message without elements or buttons has empty ones, which must not be sent."""
    elements = tuple_or_none(value)
    if not isinstance(elements, tuple):
        return elements
    return tuple(_without_empty_buttons(element) for element in elements) or None


def _without_empty_buttons(element: RichElement) -> RichElement:
    empty = isinstance(element, RichElement) and element.buttons == ()
    return attrs.evolve(element, buttons=None) if empty else element


# ---- checks of the parts, of which the server leaves out what a caller must not


def _check_postback(value: object, parameter: str) -> MessagePostback:
    postback: MessagePostback = check_for(MessagePostback)(value, parameter)
    _require_ids(postback, parameter, "id", "thread_id", "event_id")
    if (postback.type is None) != (postback.value is None):
        missing = "type" if postback.type is None else "value"
        raise InvalidRequestError("type and value must be given together", parameter=f"{parameter}.{missing}")
    return postback


def _check_elements(value: object, parameter: str) -> tuple[RichElement, ...] | None:
    elements: tuple[RichElement, ...] | None = check_for(tuple[RichElement, ...] | None)(value, parameter)
    if elements is not None:
        _check_count(elements, MAX_ELEMENTS, parameter)
        for index, element in enumerate(elements):
            _check_element(element, f"{parameter}[{index}]")
    return elements


def _check_element(element: RichElement, path: str) -> None:
    if element.image is not None:
        _require(element.image, f"{path}.image", "url")
    if element.buttons is not None:
        _check_count(element.buttons, MAX_BUTTONS, f"{path}.buttons")
        for index, button in enumerate(element.buttons):
            _require(button, f"{path}.buttons[{index}]", "text")
            _require_ids(button, f"{path}.buttons[{index}]", "postback_id")


def _check_fields(value: object, parameter: str) -> tuple[FilledField, ...]:
    fields: tuple[FilledField, ...] = check_for(tuple[FilledField, ...])(value, parameter)
    for index, field in enumerate(fields):
        path = f"{parameter}[{index}]"
        _require(field, path, "type", "label")
        _require_ids(field, path, "id")
        _check_answer(field.answer, f"{path}.answer")
        for number, answer in enumerate(field.answers or ()):
            _check_answer(answer, f"{path}.answers[{number}]")
    return fields


def _check_answer(answer: object, path: str) -> None:
    if isinstance(answer, FieldAnswer):
        _require(answer, path, "id", "label")
    elif isinstance(answer, GroupAnswer):
        _require(answer, path, "group_id", "label")


def _check_count(items: tuple[object, ...], maximum: int, parameter: str) -> None:
    if not 1 <= len(items) <= maximum:
        raise InvalidRequestError(f"{len(items)} items; the limit is 1..{maximum}", parameter=parameter)


def _require(part: object, path: str, *names: str) -> None:
    for name in names:
        if getattr(part, name) is None:
            raise InvalidRequestError("required field is missing", parameter=f"{path}.{name}")


def _require_ids(part: object, path: str, *names: str) -> None:
    _require(part, path, *names)
    for name in names:
        check_id(getattr(part, name), f"{path}.{name}")


# ---- the events


@attrs.frozen(kw_only=True, init=False)
class _NewEventBase(Model):
    """What every event to be sent may have.

    Attributes:
        custom_id: your own tag; it comes back with the event.
        recipients: `all` or `agents`.
        properties: `{namespace: {name: value}}`.
    """

    custom_id: str | None = None
    recipients: str | None = None
    properties: NewProperties | None = None


@attrs.frozen(kw_only=True)
class NewMessage(_NewEventBase):
    """A text message of at most 16 KB (16,384 bytes) of UTF-8.

    Attributes:
        postback: the button of a rich message that this message answers.
    """

    type: Literal["message"] = "message"
    text: Annotated[str, at_most_bytes(MAX_TEXT_BYTES)]
    postback: Annotated[MessagePostback, _check_postback] | None = None


@attrs.frozen(kw_only=True)
class NewFile(_NewEventBase):
    """A file that was uploaded with `upload_file`, by its URL."""

    type: Literal["file"] = "file"
    url: str


@attrs.frozen(kw_only=True)
class NewFilledForm(_NewEventBase):
    """A filled form."""

    type: Literal["filled_form"] = "filled_form"
    form_id: Id
    fields: Annotated[tuple[FilledField, ...], _check_fields] = attrs.field(converter=_fields)


@attrs.frozen(kw_only=True)
class NewRichMessage(_NewEventBase):
    """A rich message of 1 to 10 elements, or of none, each with 1 to 11 buttons or none.

    Attributes:
        template_id: `cards`, `quick_replies`, `sticker` or another one.
    """

    type: Literal["rich_message"] = "rich_message"
    template_id: Id
    elements: Annotated[tuple[RichElement, ...] | None, _check_elements] = attrs.field(
        default=None, converter=_elements
    )


@attrs.frozen(kw_only=True)
class NewCustom(_NewEventBase):
    """An event that you define.

    Attributes:
        content: any JSON object.
    """

    type: Literal["custom"] = "custom"
    content: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class NewSystemMessage(_NewEventBase):
    """A message of the system.

    Attributes:
        text_vars: variables that the server puts into the text.
    """

    type: Literal["system_message"] = "system_message"
    text: str
    system_message_type: str
    text_vars: Mapping[str, str] | None = None


NewEvent: TypeAlias = Annotated[
    NewMessage | NewFile | NewFilledForm | NewRichMessage | NewCustom | NewSystemMessage | Mapping[str, Any],
    Tagged("type"),
]
"""Any event to be sent; a mapping is sent as it is."""


def _events(value: Iterable[NewEvent] | None) -> tuple[NewEvent, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True)
class NewThread(Model):
    """The first thread of a chat, or the next one.

    Attributes:
        events: its first events, in order.
        properties: `{namespace: {name: value}}`.
    """

    events: tuple[NewEvent, ...] | None = attrs.field(default=None, converter=_events)
    properties: NewProperties | None = None


@attrs.frozen(kw_only=True)
class Postback(Model):
    """A press of a rich message's button.

    Attributes:
        id: `postback_id` of the button.
        toggled: whether the button is on now.
    """

    id: Id
    toggled: bool
