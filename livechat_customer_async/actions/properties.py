"""Properties of chats, threads and events."""

from collections.abc import Mapping, Sequence

import attrs

from .._base import checks
from .._base.checks import check_id, required
from .._call.action import Action, Caller, Replay, nothing
from ..models import NewProperties


def _names(value: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return checks.check_property_names(value, "properties")


@attrs.frozen(eq=False, repr=False)
class _OfChat:
    chat_id: str = attrs.field(validator=required(check_id))


@attrs.frozen(eq=False, repr=False)
class _OfThread(_OfChat):
    thread_id: str = attrs.field(validator=required(check_id))


@attrs.frozen(eq=False, repr=False)
class _OfEvent(_OfThread):
    event_id: str = attrs.field(validator=required(check_id))


@attrs.frozen(eq=False, repr=False)
class _UpdateChat(_OfChat):
    properties: NewProperties


@attrs.frozen(eq=False, repr=False)
class _UpdateThread(_OfThread):
    properties: NewProperties


@attrs.frozen(eq=False, repr=False)
class _UpdateEvent(_OfEvent):
    properties: NewProperties


@attrs.frozen(eq=False, repr=False)
class _DeleteChat(_OfChat):
    properties: Mapping[str, Sequence[str]] = attrs.field(converter=_names)


@attrs.frozen(eq=False, repr=False)
class _DeleteThread(_OfThread):
    properties: Mapping[str, Sequence[str]] = attrs.field(converter=_names)


@attrs.frozen(eq=False, repr=False)
class _DeleteEvent(_OfEvent):
    properties: Mapping[str, Sequence[str]] = attrs.field(converter=_names)


# All of them set an absolute state: doing one twice is doing it once.
UPDATE_CHAT_PROPERTIES = Action("update_chat_properties", _UpdateChat, type(None), unwrap=nothing, replay=Replay.SAFE)
DELETE_CHAT_PROPERTIES = Action("delete_chat_properties", _DeleteChat, type(None), unwrap=nothing, replay=Replay.SAFE)
UPDATE_CHAT_THREAD_PROPERTIES = Action(
    "update_chat_thread_properties", _UpdateThread, type(None), unwrap=nothing, replay=Replay.SAFE
)
DELETE_CHAT_THREAD_PROPERTIES = Action(
    "delete_chat_thread_properties", _DeleteThread, type(None), unwrap=nothing, replay=Replay.SAFE
)
UPDATE_EVENT_PROPERTIES = Action(
    "update_event_properties", _UpdateEvent, type(None), unwrap=nothing, replay=Replay.SAFE
)
DELETE_EVENT_PROPERTIES = Action(
    "delete_event_properties", _DeleteEvent, type(None), unwrap=nothing, replay=Replay.SAFE
)


class PropertiesActions:
    """`session.properties`: set and delete properties of chats, threads and events.

    Properties to set are `{namespace: {name: value}}` with values of type str, int or bool; properties to delete are
    `{namespace: [name, …]}`. Deleting needs the scope `chats.conversation--all:write` or `--my:write`. Every method
    raises `InvalidRequestError` for an argument of the wrong type or an empty id, before anything is sent, and else
    the `LiveChatError` that its call ended with.
    """

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def update_chat_properties(self, chat_id: str, properties: NewProperties) -> None:
        """Set properties of a chat. Reference: Customer Chat Web API v3.0, Update Chat Properties."""
        await self._call(UPDATE_CHAT_PROPERTIES, chat_id, properties)

    async def delete_chat_properties(self, chat_id: str, properties: Mapping[str, Sequence[str]]) -> None:
        """Delete properties of a chat. Reference: Customer Chat Web API v3.0, Delete Chat Properties."""
        await self._call(DELETE_CHAT_PROPERTIES, chat_id, properties)

    async def update_chat_thread_properties(self, chat_id: str, thread_id: str, properties: NewProperties) -> None:
        """Set properties of a thread. Reference: Customer Chat Web API v3.0, Update Chat Thread Properties."""
        await self._call(UPDATE_CHAT_THREAD_PROPERTIES, chat_id, thread_id, properties)

    async def delete_chat_thread_properties(
        self, chat_id: str, thread_id: str, properties: Mapping[str, Sequence[str]]
    ) -> None:
        """Delete properties of a thread. Reference: Customer Chat Web API v3.0, Delete Chat Thread Properties."""
        await self._call(DELETE_CHAT_THREAD_PROPERTIES, chat_id, thread_id, properties)

    async def update_event_properties(
        self, chat_id: str, thread_id: str, event_id: str, properties: NewProperties
    ) -> None:
        """Set properties of an event. Reference: Customer Chat Web API v3.0, Update Event Properties."""
        await self._call(UPDATE_EVENT_PROPERTIES, chat_id, thread_id, event_id, properties)

    async def delete_event_properties(
        self, chat_id: str, thread_id: str, event_id: str, properties: Mapping[str, Sequence[str]]
    ) -> None:
        """Delete properties of an event. Reference: Customer Chat Web API v3.0, Delete Event Properties."""
        await self._call(DELETE_EVENT_PROPERTIES, chat_id, thread_id, event_id, properties)
