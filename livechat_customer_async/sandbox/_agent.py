"""The agent: the type of its scripts, and a friendly script."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

import attrs

from ._state import Chat, Customer, Event, SentPostback, Thread
from ._world import World, unchecked_draft


@attrs.frozen(kw_only=True)
class Heard:
    """What the agent hears: an event sent by a customer, or a button pressed by one.

    Attributes:
        customer: The customer.
        chat: The chat.
        thread: The thread of the event.
        event: The event; for a postback, the rich message with the button.
        postback: The pressed button; `None` for an event.
    """

    customer: Customer
    chat: Chat
    thread: Thread
    event: Event
    postback: SentPostback | None = None


Reply: TypeAlias = str | Mapping[str, Any]
"""The text of a message, or an event as JSON data."""

AgentScript: TypeAlias = Callable[[Heard], Reply | Iterable[Reply] | None]
"""A callable that returns the agent's replies to an event or a postback. `None` means no reply."""


def friendly_agent(heard: Heard) -> Reply | Iterable[Reply] | None:
    """Greet the customer, repeat messages, acknowledge files, forms and buttons. Ignore everything else."""
    if heard.postback is not None:
        return f"You chose {heard.postback.id!r}." if heard.postback.toggled else None
    if heard.event.type == "message":
        return _answer_to_text(heard)
    if heard.event.type == "file":
        content = heard.event.content
        return f"Thank you, I received {content['name']} ({content['size']:,} bytes)."
    return "Thank you, I received your form." if heard.event.type == "filled_form" else None


def _answer_to_text(heard: Heard) -> str:
    name = heard.customer.name or "there"
    first = not any(event.author_id in heard.chat.agent_ids for event in heard.thread.events)
    greeting = f"Hello {name}, this is the sandbox. " if first else ""
    return f"{greeting}You said: {heard.event.content['text']}"


def as_events(replies: Reply | Iterable[Reply] | None) -> list[dict[str, Any]]:
    """Return the replies of a script as JSON events."""
    if replies is None:
        return []
    if isinstance(replies, str):
        return [{"type": "message", "text": replies}]
    if isinstance(replies, Mapping):
        return [dict(cast("Mapping[str, Any]", replies))]
    return [event for reply in replies for event in as_events(reply)]


def say(world: World, chat: Chat, thread: Thread, event: Mapping[str, Any], author_id: str | None) -> Event:
    """Append an event of any type, by somebody other than the customer.

    Raises:
        ValueError: The event has no type.
    """
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a `type`")  # noqa: TRY004 - the JSON type is wrong, not the Python type
    if author_id == world.agent.id:
        world.join_agent(chat)
    return world.append(chat, thread, unchecked_draft(event), author_id)


def reply(world: World, script: AgentScript, heard: Heard) -> list[Event]:
    """Call the script and append its replies to the thread of the event."""
    events = as_events(script(heard))
    return [say(world, heard.chat, heard.thread, event, world.agent.id) for event in events]
