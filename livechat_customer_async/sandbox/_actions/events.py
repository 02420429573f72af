"""The actions on events and files."""

from typing import Any

from .._agent import Heard
from .._errors import invalid
from .._files import file_path
from .._state import Chat, Event, SentPostback, SneakPeek, StoredFile, Thread
from .._world import Draft
from ._base import Context, Outcome


def send_event(context: Context, payload: dict[str, Any]) -> Outcome:
    """Add an event to the thread chosen by the flags."""
    chat = context.chat(payload)
    draft = context.world.draft(payload["event"])
    attach, require = payload.get("attach_to_last_thread", False), payload.get("require_active_thread", False)
    thread = _thread_for(context, chat, attach=attach, require=require)
    event = context.world.append(chat, thread, draft, context.customer.id)
    result = {"thread_id": thread.id, "event": context.render.event(event)}
    return Outcome(result, heard=(_heard(context, chat, thread, event),))


def send_file(context: Context, payload: dict[str, Any]) -> Outcome:
    """Store a file and add it to the chat as an event."""
    chat = context.chat(payload)
    thread = _thread_for(context, chat, attach=False, require=payload.get("require_active_thread") == "true")
    file = context.world.files.store(payload["file"])
    url = _url(context, file)
    content = {"name": file.name, "url": url, "content_type": file.content_type, "size": file.size}
    draft = Draft(type="file", content=content, custom_id=payload.get("custom_id"), properties={}, file_id=file.id)
    event = context.world.append(chat, thread, draft, context.customer.id)
    return Outcome({"url": url}, heard=(_heard(context, chat, thread, event),))


def upload_file(context: Context, payload: dict[str, Any]) -> Outcome:
    """Store a file temporarily, until an event uses it."""
    return Outcome({"url": _url(context, context.world.files.store(payload["file"]))})


def send_rich_message_postback(context: Context, payload: dict[str, Any]) -> Outcome:
    """Press or release a button of a rich message."""
    chat, thread, event = context.event(payload)
    given = payload["postback"]
    pressed = [button for button in _buttons(event) if button["postback_id"] == given["id"]]
    if not pressed:
        raise invalid("postback.id", "is not the id of a button of the event")
    for button in pressed:
        _toggle(button, context.customer.id, on=given["toggled"])
    postback = SentPostback(
        chat_id=chat.id,
        thread_id=thread.id,
        event_id=event.id,
        customer_id=context.customer.id,
        id=given["id"],
        toggled=given["toggled"],
    )
    context.world.postbacks.append(postback)
    return Outcome(heard=(_heard(context, chat, thread, event, postback),))


def send_sneak_peek(context: Context, payload: dict[str, Any]) -> Outcome:
    """Record what the customer is typing."""
    chat = context.chat(payload)
    peek = SneakPeek(chat_id=chat.id, customer_id=context.customer.id, text=payload["sneak_peek_text"])
    context.world.sneak_peeks.append(peek)
    return Outcome()


def _thread_for(context: Context, chat: Chat, *, attach: bool, require: bool) -> Thread:
    """Return the active thread. If there is none, the flags decide: refuse, use the last thread or start a new one."""
    if chat.active_thread is not None:
        return chat.active_thread
    if require:
        raise invalid("require_active_thread", "is true, but the chat has no active thread")
    if attach:
        return chat.threads[-1]
    return context.world.open_thread(chat)


def _buttons(event: Event) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = event.content.get("elements", []) if event.type == "rich_message" else []
    return [button for element in elements for button in element.get("buttons", [])]


def _toggle(button: dict[str, Any], user_id: str, *, on: bool) -> None:
    others = [one for one in button.get("user_ids", []) if one != user_id]
    button["user_ids"] = [*others, user_id] if on else others


def _heard(context: Context, chat: Chat, thread: Thread, event: Event, postback: SentPostback | None = None) -> Heard:
    return Heard(customer=context.customer, chat=chat, thread=thread, event=event, postback=postback)


def _url(context: Context, file: StoredFile) -> str:
    return context.caller.base_url + file_path(file)
