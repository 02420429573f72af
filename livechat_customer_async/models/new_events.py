"""What a caller composes: events and threads to be sent.

`None` means: not sent. The limits that the wire states are checked when an object is made; its types when it is sent.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from .._base.checks import (
    at_most_bytes,
    check_bool,
    check_id,
    check_json,
    check_mapping,
    check_sequence,
    is_sequence,
    required,
    tuple_of,
    tuple_or_none,
)
from .._base.value import Value
from ..errors import InvalidRequestError
from ._base import NewProperties
from .events import FilledField, MessagePostback, RichButton, RichElement

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


def _fields(value: Iterable[FilledField]) -> tuple[FilledField, ...]:
    return tuple_of(value)


def _elements(value: Iterable[RichElement] | None) -> tuple[RichElement, ...] | None:
    return tuple_or_none(value)


def _postback_is_paired(_instance: object, _attribute: object, value: Any) -> None:
    if not isinstance(value, MessagePostback):
        return
    for name in ("id", "thread_id", "event_id"):
        _not_empty(getattr(value, name), f"postback.{name}")
    if (value.type is None) != (value.value is None):
        missing = "type" if value.type is None else "value"
        raise InvalidRequestError("type and value come together, and one is missing", parameter=f"postback.{missing}")


def _elements_are_within_limits(_instance: object, _attribute: object, value: Any) -> None:
    if value is None:
        return
    elements = check_sequence(value, "elements")
    _count_within("elements", len(elements), MAX_ELEMENTS)
    for index, element in enumerate(elements):
        if isinstance(element, RichElement) and element.buttons is not None:
            path = f"elements[{index}].buttons"
            _count_within(path, len(check_sequence(element.buttons, path)), MAX_BUTTONS)
            for number, button in enumerate(element.buttons):
                if isinstance(button, RichButton):
                    _not_empty(button.postback_id, f"{path}[{number}].postback_id")


def _fields_have_ids(_instance: object, _attribute: object, value: Any) -> None:
    for index, field in enumerate(value if is_sequence(value) else ()):
        if isinstance(field, FilledField):
            _not_empty(field.id, f"fields[{index}].id")


def _not_empty(value: Any, parameter: str) -> None:
    """Refuse an empty id; its type is checked when it is sent."""
    if value == "":
        raise InvalidRequestError("it is empty", parameter=parameter)


def _count_within(parameter: str, count: int, high: int) -> None:
    if not 1 <= count <= high:
        raise InvalidRequestError(f"{count} items, the limit is 1..{high}", parameter=parameter)


def _json_object(_instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        check_json(check_mapping(value, attribute.name), attribute.name)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _NewEventBase(Value):
    """What every event to be sent may have.

    Attributes:
        custom_id: your own tag; it comes back with the event.
        recipients: `all` or `agents`.
        properties: `{namespace: {name: value}}`.
    """

    custom_id: str | None = None
    recipients: str | None = None
    properties: NewProperties | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewMessage(_NewEventBase):
    """A text message of at most 16 KB (16,384 bytes) of UTF-8.

    Attributes:
        postback: the rich message's button that this message answers.
    """

    type: Literal["message"] = "message"
    text: str = attrs.field(validator=required(at_most_bytes(MAX_TEXT_BYTES)))
    postback: MessagePostback | None = attrs.field(default=None, validator=_postback_is_paired)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewFile(_NewEventBase):
    """A file that `upload_file` gave a URL."""

    type: Literal["file"] = "file"
    url: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewFilledForm(_NewEventBase):
    """A form, filled in."""

    type: Literal["filled_form"] = "filled_form"
    form_id: str = attrs.field(validator=required(check_id))
    fields: tuple[FilledField, ...] = attrs.field(converter=_fields, validator=_fields_have_ids)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewRichMessage(_NewEventBase):
    """A rich message of 1 to 10 elements, each with 1 to 11 buttons where it has any.

    Attributes:
        template_id: `cards`, `quick_replies`, `sticker`, …; an open set.
    """

    type: Literal["rich_message"] = "rich_message"
    template_id: str = attrs.field(validator=required(check_id))
    elements: tuple[RichElement, ...] | None = attrs.field(
        default=None, converter=_elements, validator=_elements_are_within_limits
    )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewCustom(_NewEventBase):
    """An event of your own making.

    Attributes:
        content: any JSON object.
    """

    type: Literal["custom"] = "custom"
    content: Mapping[str, Any] | None = attrs.field(default=None, validator=_json_object)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewSystemMessage(_NewEventBase):
    """A message of the system.

    Attributes:
        text_vars: what the server puts into the text.
    """

    type: Literal["system_message"] = "system_message"
    text: str
    system_message_type: str
    text_vars: Mapping[str, str] | None = None


NewEvent: TypeAlias = (
    NewMessage | NewFile | NewFilledForm | NewRichMessage | NewCustom | NewSystemMessage | Mapping[str, Any]
)
"""Any event to be sent; a mapping is sent as it is."""


def _events(value: Iterable[NewEvent] | None) -> tuple[NewEvent, ...] | None:
    return tuple_or_none(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NewThread(Value):
    """The first thread of a chat, or the next one.

    Attributes:
        events: its first events, in order.
        properties: `{namespace: {name: value}}`.
    """

    events: tuple[NewEvent, ...] | None = attrs.field(default=None, converter=_events)
    properties: NewProperties | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Postback(Value):
    """A press on a rich message's button.

    Attributes:
        id: `postback_id` of the button.
        toggled: whether it is on now.
    """

    id: str = attrs.field(validator=required(check_id))
    toggled: bool = attrs.field(validator=required(check_bool))
