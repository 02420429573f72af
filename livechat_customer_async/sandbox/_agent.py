"""An agent that replies: what it hears, what it may say, and a friendly one."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

from attrs import frozen

from ._state import Chat, Customer, Event, SentPostback, Thread
from ._world import World, free_draft


@frozen(kw_only=True)
class Heard:
    """What the agent hears: a customer's event, or a button that the customer pressed on one.

    Attributes:
        customer: Who said it.
        chat: The chat, as it stands now.
        thread: The thread of the event.
        event: The event itself; for a postback, the rich message whose button was pressed.
        postback: The button, or `None` where an event was sent.
    """

    customer: Customer
    chat: Chat
    thread: Thread
    event: Event
    postback: SentPostback | None = None


Reply: TypeAlias = str | Mapping[str, Any]
"""A text, or an event in the wire's shape."""

AgentScript: TypeAlias = Callable[[Heard], Reply | Iterable[Reply] | None]
"""A callable that hears one thing at a time and returns what the agent says to it, if anything."""


def friendly_agent(heard: Heard) -> Reply | Iterable[Reply] | None:
    """A bot that greets, repeats what it was told and acknowledges files; says nothing to what it does not know."""
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


def replies(said: Reply | Iterable[Reply] | None) -> list[dict[str, Any]]:
    """What an agent's script returned, as events in the wire's shape."""
    if said is None:
        return []
    if isinstance(said, str):
        return [{"type": "message", "text": said}]
    if isinstance(said, Mapping):
        return [dict(cast("Mapping[str, Any]", said))]
    return [event for one in said for event in replies(one)]


def say(world: World, chat: Chat, thread: Thread, event: Mapping[str, Any], author_id: str | None) -> Event:
    """Append an event that is not the customer's. It may be of any type; `ValueError` where it has none."""
    if not isinstance(event.get("type"), str):
        raise ValueError("an event needs a `type`")  # noqa: TRY004 - its data is wrong, not its Python type
    if author_id == world.agent.id:
        world.join_agent(chat)
    return world.append(chat, thread, free_draft(event), author_id)


def let_reply(world: World, script: AgentScript, heard: Heard) -> list[Event]:
    """Give the script its turn and append what it says to the thread it heard."""
    said = replies(script(heard))
    return [say(world, heard.chat, heard.thread, event, world.agent.id) for event in said]
