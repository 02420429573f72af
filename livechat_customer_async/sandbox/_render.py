"""The state as JSON data of the API."""

from typing import Any

import attrs

from ._answers import AnswerShapes
from ._state import AgentProfile, Chat, Customer, Event, Properties, Thread
from ._world import World

Json = dict[str, Any]


@attrs.frozen
class Renderer:
    """Converts records to JSON objects of the API."""

    world: World
    shapes: AnswerShapes

    def chat(self, chat: Chat) -> Json:
        """Return what all forms of a chat have: id, order, users, properties, access, is_followed."""
        return {
            "id": chat.id,
            "order": chat.order,
            "users": self.users(chat),
            "properties": self.properties(chat.properties),
            "access": {"group_ids": list(chat.group_ids)},
            "is_followed": chat.is_followed,
        }

    def chat_with_thread(self, chat: Chat, thread: Thread) -> Json:
        """Return a chat in the form of `start_chat`."""
        return {**self.chat(chat), "thread": self.thread(thread)}

    def chat_with_threads(self, chat: Chat, threads: list[Thread]) -> Json:
        """Return a chat in the form of `get_chat_threads` and `activate_chat`."""
        # Unlike in `get_chat_threads_summary`, the ID is called `thread_id`.
        rows = [{"thread_id": one.id, "order": one.order, "total_events": len(one.events)} for one in threads]
        return {**self.chat(chat), "threads": [self.thread(one) for one in threads], "threads_summary": rows}

    def chat_summary(self, chat: Chat) -> Json:
        """Return an item of `get_chats_summary`."""
        last = chat.threads[-1]
        last_thread_summary = {
            "id": last.id,
            "order": last.order,
            "timestamp": last.timestamp,
            "user_ids": list(last.user_ids),
            "properties": self.properties(last.properties),
            "tags": list(last.tags),
            "active": last.active,
        }
        return {
            **self.chat(chat),
            "last_thread_id": last.id,
            "last_thread_summary": last_thread_summary,
            "last_event_per_type": self._last_events(chat),
        }

    def thread_summary(self, thread: Thread) -> Json:
        """Return an item of `get_chat_threads_summary`."""
        return {"id": thread.id, "order": thread.order, "total_events": len(thread.events)}

    def thread(self, thread: Thread) -> Json:
        """Return a thread, without its events if the customer may not see them."""
        shown: Json = {
            "id": thread.id,
            "order": thread.order,
            "timestamp": thread.timestamp,
            "active": thread.active,
            "user_ids": list(thread.user_ids),
            "properties": self.properties(thread.properties),
            "access": {"group_ids": list(thread.group_ids)},
        }
        if thread.restricted_access:
            return {**shown, "restricted_access": True}
        events = [self.event(event) for event in thread.events]
        return {**shown, "events": events[::-1] if self.shapes.unsorted_events else events}

    def event(self, event: Event) -> Json:
        """Return an event, without unset optional fields."""
        shown: Json = {
            "id": event.id,
            "type": event.type,
            "order": event.order,
            "timestamp": event.timestamp,
            "recipients": event.recipients,
            **event.content,
        }
        if event.author_id is not None:
            shown["author_id"] = event.author_id
        if event.custom_id is not None:
            shown["custom_id"] = event.custom_id
        if event.properties:
            shown["properties"] = self.properties(event.properties)
        return shown

    def users(self, chat: Chat) -> list[Json]:
        """Return the users of a chat: its customers, then its agents."""
        customers = [self.customer(self.world.customers.by_id[id], chat) for id in chat.customer_ids]
        return customers + [self.agent_user(id, chat) for id in chat.agent_ids]

    def customer(self, customer: Customer, chat: Chat | None = None) -> Json:
        """Return a customer as a user of a chat; without a chat, in the form of `update_customer`."""
        given = {"name": customer.name, "email": customer.email, "avatar": customer.avatar}
        shown: Json = {"id": customer.id, "type": "customer"}
        shown |= {key: value for key, value in given.items() if value is not None}
        shown["fields"] = dict(customer.fields)
        if chat is not None:
            shown["present"] = True
            shown["last_seen_timestamp"] = chat.last_seen.get(customer.id, 0)
        return shown

    def agent_user(self, id: str, chat: Chat) -> Json:
        """Return an agent as a user of a chat. Only the ID of agents other than the sandbox's own is known."""
        known = self.world.agent
        profile = known if id == known.id else AgentProfile(id=id, name=id, email=None, avatar=None, job_title=None)
        return {**self.agent(profile), "present": True, "last_seen_timestamp": chat.last_seen.get(id, 0)}

    def agent(self, profile: AgentProfile) -> Json:
        """Return an agent in the form of `get_predicted_agent`."""
        given = {"email": profile.email, "avatar": profile.avatar, "job_title": profile.job_title}
        shown: Json = {"id": profile.id, "type": "agent", "name": profile.name, "is_bot": profile.is_bot}
        return shown | {key: value for key, value in given.items() if value is not None}

    def properties(self, properties: Properties) -> Json:
        """Return properties, with values wrapped as `{"value": v}` or bare."""
        wrap = self.shapes.property_values == "wrapped"
        return {
            namespace: {name: {"value": value} if wrap else value for name, value in values.items()}
            for namespace, values in properties.items()
        }

    def _last_events(self, chat: Chat) -> Json:
        last: Json = {}
        for thread in chat.threads:
            for event in thread.events:
                shown = {"restricted_access": True} if thread.restricted_access else self.event(event)
                last[event.type] = {"thread_id": thread.id, "thread_order": thread.order, "event": shown}
        return last
