"""The actions on chats and threads."""

from typing import Any

from .._agent import Heard
from .._errors import Refusal, invalid
from .._state import Chat, Thread
from .._world import Draft, World
from ._base import Context, Outcome

_WINDOW = 125


def get_chats_summary(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return a page of the customer's chats, most recently used first. Only the first 125 can be reached."""
    offset, limit = payload.get("offset", 0), payload.get("limit", 10)
    chats = context.world.chats_of(context.customer)
    page = chats[:_WINDOW][offset : offset + limit]
    rows = [context.render.chat_summary(chat) for chat in page]
    return Outcome({"chats_summary": rows, "total_chats": len(chats)})


def get_chat_threads_summary(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return a page of a chat's threads, newest first."""
    offset, limit = payload.get("offset", 0), payload.get("limit", 25)
    threads = context.chat(payload).threads
    newest_first = sorted(threads, key=lambda thread: thread.order, reverse=True)
    rows = [context.render.thread_summary(thread) for thread in newest_first[offset : offset + limit]]
    return Outcome({"threads_summary": rows, "total_threads": len(threads)})


def get_chat_threads(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return a chat with the named threads, or with all."""
    chat = context.chat(payload)
    by_id = {thread.id: thread for thread in chat.threads}
    wanted: list[str] = payload.get("thread_ids", list(by_id))
    for index, thread_id in enumerate(wanted):
        if thread_id not in by_id:
            raise invalid(f"thread_ids[{index}]", "is not the id of a thread of the chat")
    return Outcome({"chat": context.render.chat_with_threads(chat, [by_id[id] for id in wanted])})


def start_chat(context: Context, payload: dict[str, Any]) -> Outcome:
    """Start a chat with its first thread."""
    world, given = context.world, payload.get("chat", {})
    continuous: bool = payload.get("continuous", False)
    group_ids = _group_ids(given, default=[0])
    _require_groups(world, group_ids, continuous=continuous)
    invited = _invited(world, given)
    drafts = _drafts(world, given)
    chat = world.open_chat(
        context.customer, group_ids=group_ids, properties=given.get("properties", {}), continuous=continuous
    )
    chat.customer_ids += [id for id in invited if id not in chat.customer_ids]
    thread, heard = _begin_thread(context, chat, given, drafts)
    return Outcome({"chat": context.render.chat_with_thread(chat, thread)}, heard=heard)


def activate_chat(context: Context, payload: dict[str, Any]) -> Outcome:
    """Start a new thread in a chat that has no active one."""
    world, given = context.world, payload["chat"]
    chat = world.own_chat(context.customer, given["id"])
    if chat.active_thread is not None:
        raise invalid("chat.id", "is the id of a chat that is active")
    continuous: bool = payload.get("continuous", chat.continuous)
    group_ids = _group_ids(given, default=chat.group_ids)
    _require_groups(world, group_ids, continuous=continuous)
    drafts = _drafts(world, given)
    chat.continuous, chat.group_ids = continuous, group_ids
    for namespace, values in given.get("properties", {}).items():
        chat.properties.setdefault(namespace, {}).update(values)
    thread, heard = _begin_thread(context, chat, given, drafts)
    return Outcome({"chat": context.render.chat_with_threads(chat, [thread])}, heard=heard)


def close_thread(context: Context, payload: dict[str, Any]) -> Outcome:
    """Close the active thread of a chat."""
    thread = context.chat(payload).active_thread
    if thread is None:
        raise invalid("chat_id", "is the id of a chat without an active thread")
    thread.active = False
    return Outcome()


def _group_ids(given: dict[str, Any], default: list[int]) -> list[int]:
    return list(given.get("access", {}).get("group_ids", default))


def _require_groups(world: World, group_ids: list[int], *, continuous: bool) -> None:
    """Refuse a chat if no agent of its groups is available, unless it is continuous."""
    groups = [world.group(group_id) for group_id in group_ids]
    if continuous or not groups:
        return
    reachable = [group for group in groups if group.status != "offline"]
    if not reachable:
        raise Refusal("group_offline")
    if not any(group.available for group in reachable):
        raise Refusal("group_unavailable")


def _invited(world: World, given: dict[str, Any]) -> list[str]:
    for index, user in enumerate(given.get("users", [])):
        if user["id"] not in world.customers.by_id:
            raise invalid(f"chat.users[{index}].id", "is not the id of an existing customer")
    return [user["id"] for user in given.get("users", [])]


def _drafts(world: World, given: dict[str, Any]) -> list[Draft]:
    events = given.get("thread", {}).get("events", [])
    return [world.draft(event, f"chat.thread.events[{index}]") for index, event in enumerate(events)]


def _begin_thread(
    context: Context, chat: Chat, given: dict[str, Any], drafts: list[Draft]
) -> tuple[Thread, tuple[Heard, ...]]:
    world, customer = context.world, context.customer
    thread = world.open_thread(chat, given.get("thread", {}).get("properties"))
    events = [world.append(chat, thread, draft, customer.id) for draft in drafts]
    return thread, tuple(Heard(customer=customer, chat=chat, thread=thread, event=event) for event in events)
