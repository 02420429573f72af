"""The properties of chats, threads and events."""

from typing import Any

from .._state import Properties
from ._base import Context, Outcome


def update_chat_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set properties of a chat."""
    return _update(context.chat(payload).properties, payload)


def delete_chat_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Remove properties of a chat."""
    return _delete(context.chat(payload).properties, payload)


def update_chat_thread_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set properties of a thread."""
    _, thread = context.thread(payload)
    return _update(thread.properties, payload)


def delete_chat_thread_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Remove properties of a thread."""
    _, thread = context.thread(payload)
    return _delete(thread.properties, payload)


def update_event_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set properties of an event."""
    _, _, event = context.event(payload)
    return _update(event.properties, payload)


def delete_event_properties(context: Context, payload: dict[str, Any]) -> Outcome:
    """Remove properties of an event."""
    _, _, event = context.event(payload)
    return _delete(event.properties, payload)


def _update(properties: Properties, payload: dict[str, Any]) -> Outcome:
    for namespace, values in payload["properties"].items():
        properties.setdefault(namespace, {}).update(values)
    return Outcome()


def _delete(properties: Properties, payload: dict[str, Any]) -> Outcome:
    """Remove the named properties, and each namespace left empty. Missing ones are ignored."""
    for namespace, names in payload["properties"].items():
        for name in names:
            properties.get(namespace, {}).pop(name, None)
        if not properties.get(namespace):
            properties.pop(namespace, None)
    return Outcome()
