"""Properties of chats, threads and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._base.checks import check_id, check_properties, check_property_names
from .._call.action import Action, Caller, Check, Replay, nothing
from ..models import NewProperties

_CHAT: dict[str, Check] = {"chat_id": check_id}
_THREAD: dict[str, Check] = {**_CHAT, "thread_id": check_id}
_EVENT: dict[str, Check] = {**_THREAD, "event_id": check_id}


def _updates(name: str, target: dict[str, Check]) -> Action[None]:
    # It sets an absolute state: doing it twice is doing it once.
    return Action(name, {**target, "properties": check_properties}, type(None), unwrap=nothing, replay=Replay.SAFE)


def _deletes(name: str, target: dict[str, Check]) -> Action[None]:
    return Action(name, {**target, "properties": check_property_names}, type(None), unwrap=nothing, replay=Replay.SAFE)


UPDATE_CHAT_PROPERTIES = _updates("update_chat_properties", _CHAT)
DELETE_CHAT_PROPERTIES = _deletes("delete_chat_properties", _CHAT)
UPDATE_CHAT_THREAD_PROPERTIES = _updates("update_chat_thread_properties", _THREAD)
DELETE_CHAT_THREAD_PROPERTIES = _deletes("delete_chat_thread_properties", _THREAD)
UPDATE_EVENT_PROPERTIES = _updates("update_event_properties", _EVENT)
DELETE_EVENT_PROPERTIES = _deletes("delete_event_properties", _EVENT)


class PropertiesActions:
    """`session.properties`: set and delete properties of chats, threads and events.

    Properties to set are `{namespace: {name: value}}` with values of type str, int or bool; properties to delete are
    `{namespace: [name, …]}`. Deleting needs the scope `chats.conversation--all:write` or `--my:write`. Every method
    raises `InvalidRequestError` before anything is sent if an argument is of the wrong type or an id is empty, and
    another `LiveChatError` if the call fails.
    """

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def update_chat_properties(self, chat_id: str, properties: NewProperties) -> None:
        """Set properties of a chat. Reference: Customer Chat Web API v3.0, Update Chat Properties."""
        await self._call(UPDATE_CHAT_PROPERTIES, chat_id=chat_id, properties=properties)

    async def delete_chat_properties(self, chat_id: str, properties: Mapping[str, Sequence[str]]) -> None:
        """Delete properties of a chat. Reference: Customer Chat Web API v3.0, Delete Chat Properties."""
        await self._call(DELETE_CHAT_PROPERTIES, chat_id=chat_id, properties=properties)

    async def update_chat_thread_properties(self, chat_id: str, thread_id: str, properties: NewProperties) -> None:
        """Set properties of a thread. Reference: Customer Chat Web API v3.0, Update Chat Thread Properties."""
        await self._call(UPDATE_CHAT_THREAD_PROPERTIES, chat_id=chat_id, thread_id=thread_id, properties=properties)

    async def delete_chat_thread_properties(
        self, chat_id: str, thread_id: str, properties: Mapping[str, Sequence[str]]
    ) -> None:
        """Delete properties of a thread. Reference: Customer Chat Web API v3.0, Delete Chat Thread Properties."""
        await self._call(DELETE_CHAT_THREAD_PROPERTIES, chat_id=chat_id, thread_id=thread_id, properties=properties)

    async def update_event_properties(
        self, chat_id: str, thread_id: str, event_id: str, properties: NewProperties
    ) -> None:
        """Set properties of an event. Reference: Customer Chat Web API v3.0, Update Event Properties."""
        await self._call(
            UPDATE_EVENT_PROPERTIES, chat_id=chat_id, thread_id=thread_id, event_id=event_id, properties=properties
        )

    async def delete_event_properties(
        self, chat_id: str, thread_id: str, event_id: str, properties: Mapping[str, Sequence[str]]
    ) -> None:
        """Delete properties of an event. Reference: Customer Chat Web API v3.0, Delete Event Properties."""
        await self._call(
            DELETE_EVENT_PROPERTIES, chat_id=chat_id, thread_id=thread_id, event_id=event_id, properties=properties
        )
