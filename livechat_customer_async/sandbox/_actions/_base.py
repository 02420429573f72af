"""The arguments and the result of every action."""

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from .._agent import Heard
from .._errors import invalid
from .._render import Renderer
from .._state import Chat, Customer, Event, Thread
from .._world import World


@attrs.frozen(kw_only=True)
class Caller:
    """The customer who sent the request, the base URL they used, and their browser's headers."""

    customer: Customer
    base_url: str
    user_agent: str | None = None
    referrer: str | None = None


@attrs.frozen
class Context:
    """What an action reads and changes."""

    world: World
    caller: Caller
    render: Renderer

    @property
    def customer(self) -> Customer:
        """The customer who sent the request."""
        return self.caller.customer

    def chat(self, payload: dict[str, Any]) -> Chat:
        """Return the chat named by the payload. It must belong to the caller."""
        return self.world.own_chat(self.customer, payload["chat_id"])

    def thread(self, payload: dict[str, Any]) -> tuple[Chat, Thread]:
        """Return the chat and the thread named by the payload."""
        chat = self.chat(payload)
        for thread in chat.threads:
            if thread.id == payload["thread_id"]:
                return chat, thread
        raise invalid("thread_id", "is not the id of a thread of the chat")

    def event(self, payload: dict[str, Any]) -> tuple[Chat, Thread, Event]:
        """Return the chat, the thread and the event named by the payload."""
        chat, thread = self.thread(payload)
        for event in thread.events:
            if event.id == payload["event_id"]:
                return chat, thread, event
        raise invalid("event_id", "is not the id of an event of the thread")


@attrs.frozen
class Outcome:
    """The result of an action (`None` if it has none), and what the agent hears of it."""

    result: dict[str, Any] | None = None
    heard: tuple[Heard, ...] = attrs.field(default=(), kw_only=True)


Handler: TypeAlias = Callable[[Context, dict[str, Any]], Outcome]
"""An action: performs its payload, or raises a `Refusal` without changing anything."""
