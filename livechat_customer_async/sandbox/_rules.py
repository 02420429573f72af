"""The payloads that each action accepts: checks that need no state."""

from collections.abc import Mapping
from typing import Any, Final

from ._checks import Check, anything, array_of, as_object, boolean, inside, integer, map_of, object_of, one_of, string
from ._errors import Refusal, invalid

MAX_TEXT_BYTES: Final = 16 * 1024
MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_ELEMENTS: Final = 10
MAX_BUTTONS: Final = 11

UPLOADS: Final = frozenset({"send_file", "upload_file"})


def _property_value(value: object, parameter: str) -> None:
    if not isinstance(value, bool | int | str):
        raise invalid(parameter, "must be an integer, a boolean or a string")


_ID = string()
_PROPERTIES = map_of(map_of(_property_value))
_PROPERTY_NAMES = map_of(array_of(string()))
_FIELDS = map_of(string())
_ACCESS = object_of(optional={"group_ids": array_of(integer(0))})
_POSTBACK = object_of({"id": _ID, "toggled": boolean})

_EVENT_COMMON: Final[dict[str, Check]] = {
    "type": string(),
    "custom_id": string(),
    "recipients": one_of("all", "agents"),
    "properties": _PROPERTIES,
}


def _message_postback(value: object, parameter: str) -> None:
    object_of({"id": _ID, "thread_id": _ID, "event_id": _ID}, {"type": string(), "value": string()})(value, parameter)
    given = as_object(value, parameter)
    if ("type" in given) != ("value" in given):
        missing = "value" if "type" in given else "type"
        raise invalid(inside(parameter, missing), "is required: `type` and `value` must be given together")


_CHOICE = object_of({"id": _ID, "label": string()})
_GROUP_CHOICE = object_of({"group_id": integer(0), "label": string()})
_ANSWERS: Final[dict[str, dict[str, Check]]] = {
    **{kind: {"answer": string()} for kind in ("name", "email", "question", "textarea")},
    **{kind: {"answer": _CHOICE} for kind in ("radio", "select")},
    "checkbox": {"answers": array_of(_CHOICE)},
    "group_chooser": {"answer": _GROUP_CHOICE},
}
_ANY_ANSWER: Final[dict[str, Check]] = {"answer": anything, "answers": array_of(anything)}


def _filled_field(value: object, parameter: str) -> None:
    kind = as_object(value, parameter).get("type")
    answers = _ANSWERS.get(kind, _ANY_ANSWER) if isinstance(kind, str) else _ANY_ANSWER
    common: dict[str, Check] = {"type": string(), "id": _ID, "label": string()}
    object_of(common, {**answers, "value": string()})(value, parameter)


_IMAGE = object_of(
    {"url": string()},
    {"name": string(), "content_type": string(), "size": integer(0), "width": integer(0), "height": integer(0)},
)
_BUTTON = object_of(
    {"text": string(), "postback_id": _ID, "user_ids": array_of(string())},
    {"type": string(), "value": string(), "webview_height": one_of("compact", "tall", "full")},
)
_ELEMENT = object_of(
    optional={
        "title": string(),
        "subtitle": string(),
        "image": _IMAGE,
        "buttons": array_of(_BUTTON, minimum=1, maximum=MAX_BUTTONS),
    }
)
_FILE_DETAILS: Final[dict[str, Check]] = {
    **dict.fromkeys(("name", "content_type", "thumbnail_url", "thumbnail2x_url"), string()),
    **dict.fromkeys(("size", "width", "height"), integer(0)),
}


def _event_kind(required: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None) -> Check:
    return object_of(required, _EVENT_COMMON | dict(optional or {}))


# The events that a customer may send. Annotations come only from the server.
_EVENTS: Final[dict[str, Check]] = {
    "message": _event_kind({"text": string(max_bytes=MAX_TEXT_BYTES)}, {"postback": _message_postback}),
    "file": _event_kind({"url": string()}, _FILE_DETAILS),
    "filled_form": _event_kind({"form_id": _ID, "fields": array_of(_filled_field)}),
    "rich_message": _event_kind(
        {"template_id": string()}, {"elements": array_of(_ELEMENT, minimum=1, maximum=MAX_ELEMENTS)}
    ),
    "custom": _event_kind(optional={"content": map_of(anything)}),
    "system_message": _event_kind({"text": string(), "system_message_type": string()}, {"text_vars": map_of(string())}),
}


def check_event(value: object, parameter: str = "event") -> None:
    """Refuse an event that a customer may not send."""
    kind = as_object(value, parameter).get("type")
    if kind is None:
        raise invalid(inside(parameter, "type"), "is required")
    if not isinstance(kind, str) or kind not in _EVENTS:
        raise invalid(inside(parameter, "type"), f"must be one of {', '.join(_EVENTS)}")
    _EVENTS[kind](value, parameter)


_NEW_THREAD = object_of(optional={"events": array_of(check_event), "properties": _PROPERTIES})
_EXISTING_CUSTOMER = object_of(
    {"id": _ID, "type": one_of("customer")},
    {
        **dict.fromkeys(("name", "email", "avatar"), string()),
        "fields": _FIELDS,
        "present": boolean,
        "last_seen_timestamp": integer(),
    },
)
_CHAT_PARTS: Final[dict[str, Check]] = {"access": _ACCESS, "properties": _PROPERTIES, "thread": _NEW_THREAD}
_IN_CHAT: Final[dict[str, Check]] = {"chat_id": _ID}
_IN_THREAD: Final[dict[str, Check]] = {**_IN_CHAT, "thread_id": _ID}
_IN_EVENT: Final[dict[str, Check]] = {**_IN_THREAD, "event_id": _ID}


def _customer_update(value: object, parameter: str) -> None:
    optional: dict[str, Check] = {**dict.fromkeys(("name", "email", "avatar"), string()), "fields": _FIELDS}
    object_of(optional=optional)(value, parameter)
    if not value:
        raise Refusal("validation", "at least one of `name`, `email`, `avatar`, `fields` is required")


_RULES: Final[dict[str, Check]] = {
    "get_chats_summary": object_of(optional={"offset": integer(0, 100), "limit": integer(0, 25)}),
    "get_chat_threads_summary": object_of(_IN_CHAT, {"offset": integer(0), "limit": integer(0, 100)}),
    "get_chat_threads": object_of(_IN_CHAT, {"thread_ids": array_of(_ID)}),
    "start_chat": object_of(
        optional={
            "chat": object_of(optional={**_CHAT_PARTS, "users": array_of(_EXISTING_CUSTOMER, maximum=1)}),
            "continuous": boolean,
        }
    ),
    "activate_chat": object_of({"chat": object_of({"id": _ID}, _CHAT_PARTS)}, {"continuous": boolean}),
    "close_thread": object_of(_IN_CHAT),
    "send_event": object_of(
        {**_IN_CHAT, "event": check_event}, {"attach_to_last_thread": boolean, "require_active_thread": boolean}
    ),
    "send_file": object_of(
        {**_IN_CHAT, "file": anything}, {"custom_id": string(), "require_active_thread": one_of("true", "false")}
    ),
    "upload_file": object_of({"file": anything}),
    "send_rich_message_postback": object_of({**_IN_EVENT, "postback": _POSTBACK}),
    "send_sneak_peek": object_of({**_IN_CHAT, "sneak_peek_text": string()}),
    "update_chat_properties": object_of({**_IN_CHAT, "properties": _PROPERTIES}),
    "delete_chat_properties": object_of({**_IN_CHAT, "properties": _PROPERTY_NAMES}),
    "update_chat_thread_properties": object_of({**_IN_THREAD, "properties": _PROPERTIES}),
    "delete_chat_thread_properties": object_of({**_IN_THREAD, "properties": _PROPERTY_NAMES}),
    "update_event_properties": object_of({**_IN_EVENT, "properties": _PROPERTIES}),
    "delete_event_properties": object_of({**_IN_EVENT, "properties": _PROPERTY_NAMES}),
    "update_customer": _customer_update,
    "set_customer_fields": object_of({"fields": _FIELDS}),
    "get_groups_status": object_of(optional={"all": boolean, "groups": array_of(integer())}),
    "check_goals": object_of({"page_url": string(), "customer_fields": _FIELDS, "group_id": integer(0)}),
    "get_form": object_of({"group_id": integer(0), "type": one_of("prechat", "postchat")}),
    "get_predicted_agent": object_of(optional={"group_id": integer(0)}),
    "get_url_details": object_of({"url": string()}),
    "update_last_seen_timestamp": object_of(_IN_CHAT, {"timestamp": integer(0)}),
}


def check_payload(action: str, payload: dict[str, Any]) -> None:
    """Refuse a payload that the action does not accept; the message names the parameter."""
    _RULES[action](payload, "")
