"""What every action is given and gives back."""

from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import field, frozen

from .._agent import Heard
from .._errors import invalid
from .._render import Renderer
from .._state import Chat, Customer, Event, Thread
from .._world import World


@frozen(kw_only=True)
class Caller:
    """Who calls, from where, and the base URL under which they reached the server."""

    customer: Customer
    base_url: str
    user_agent: str | None = None
    referrer: str | None = None


@frozen
class Context:
    """What an action works with."""

    world: World
    caller: Caller
    render: Renderer

    @property
    def customer(self) -> Customer:
        """The customer who calls."""
        return self.caller.customer

    def chat(self, payload: dict[str, Any]) -> Chat:
        """The caller's chat that the payload names."""
        return self.world.own_chat(self.customer, payload["chat_id"])

    def thread(self, payload: dict[str, Any]) -> tuple[Chat, Thread]:
        """The caller's chat and its thread that the payload names."""
        chat = self.chat(payload)
        for thread in chat.threads:
            if thread.id == payload["thread_id"]:
                return chat, thread
        raise invalid("thread_id", "is not the id of a thread of the chat")

    def event(self, payload: dict[str, Any]) -> tuple[Chat, Thread, Event]:
        """The caller's chat, its thread and the event that the payload names."""
        chat, thread = self.thread(payload)
        for event in thread.events:
            if event.id == payload["event_id"]:
                return chat, thread, event
        raise invalid("event_id", "is not the id of an event of the thread")


@frozen
class Outcome:
    """What an action did: its result (`None` where it has none) and what the agent heard of it."""

    result: dict[str, Any] | None = None
    heard: tuple[Heard, ...] = field(default=(), kw_only=True)


Handler: TypeAlias = Callable[[Context, dict[str, Any]], Outcome]
"""An action: does what its payload says, at once, or raises a refusal having done nothing."""
