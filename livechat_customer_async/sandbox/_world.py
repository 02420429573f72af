"""The whole state of the sandbox, and the few ways to change it that keep it consistent."""

import string
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from random import Random
from typing import Any, Final

from attrs import evolve, frozen

from ._customers import Customers
from ._errors import Refusal, invalid
from ._files import Files
from ._state import AgentProfile, Chat, Customer, Event, Group, Properties, SentPostback, SneakPeek, Thread

_ID_LETTERS: Final = string.ascii_uppercase + string.digits
_ID_LENGTH: Final = 10
_COMMON_KEYS: Final = frozenset({"type", "custom_id", "recipients", "properties"})
_FIRST_ORDER: Final = 2**53 + 1  # odd and beyond 53 bits: a client that reads an order as a double sees it change


@frozen(kw_only=True)
class Draft:
    """An event that was accepted and not yet stored."""

    type: str
    content: dict[str, Any]
    custom_id: str | None = None
    recipients: str = "all"
    properties: Properties
    file_id: str | None = None


class World:
    """Customers, chats, groups, forms, files: everything a customer can reach."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        rng: Random,
        tokens: Iterable[str] | None = None,
        groups: Mapping[int, Group] | None = None,
        agent: AgentProfile | None = None,
        keep_file_bytes: bool = True,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._last_order = _FIRST_ORDER
        self.customers = Customers(rng, tokens)
        self.agent = agent or AgentProfile()
        self.groups: dict[int, Group] = {0: Group()} if groups is None else dict(groups)
        self.chats: dict[str, Chat] = {}
        self.files = Files(now=self.now, new_id=self.new_id, keep_bytes=keep_file_bytes)
        self.forms: dict[tuple[int, str], dict[str, Any]] = {}
        self.goals: dict[str, str] = {}
        self.url_details: dict[str, dict[str, Any]] = {}
        self.sneak_peeks: list[SneakPeek] = []
        self.postbacks: list[SentPostback] = []

    def now(self) -> int:
        """The time in whole Unix seconds."""
        return int(self._clock())

    def new_id(self) -> str:
        """A fresh id, such as `PJ0MRSHTDG`."""
        return "".join(self._rng.choices(_ID_LETTERS, k=_ID_LENGTH))

    def next_order(self) -> int:
        """An order after every other: nanoseconds of the clock where they suffice; always odd."""
        self._last_order = max(self._last_order + 2, int(self._clock() * 1_000_000_000) | 1)
        return self._last_order

    def own_chat(self, customer: Customer, chat_id: str) -> Chat:
        """The customer's chat; `validation` for no chat, `authorization` for somebody else's."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise invalid("chat_id", "is not the id of a chat")
        if customer.id not in chat.customer_ids:
            raise Refusal("authorization", "The chat belongs to another customer")
        return chat

    def chats_of(self, customer: Customer) -> list[Chat]:
        """The customer's chats, the most recently used first."""
        own = [chat for chat in self.chats.values() if customer.id in chat.customer_ids]
        return sorted(own, key=lambda chat: chat.order, reverse=True)

    def group(self, group_id: int) -> Group:
        """The group, or `group_not_found`."""
        if group_id not in self.groups:
            raise Refusal("group_not_found", f"Group {group_id} not found")
        return self.groups[group_id]

    def open_chat(self, customer: Customer, *, group_ids: list[int], properties: Properties, continuous: bool) -> Chat:
        """A new chat of the customer, without a thread yet."""
        chat = Chat(
            id=self.new_id(),
            order=self.next_order(),
            customer_ids=[customer.id],
            group_ids=group_ids,
            properties=deepcopy(properties),
            continuous=continuous,
        )
        self.chats[chat.id] = chat
        return chat

    def open_thread(self, chat: Chat, properties: Properties | None = None) -> Thread:
        """A new active thread; the agent joins when the chat's group is there for it."""
        if any(self.groups[group_id].status == "online" for group_id in chat.group_ids if group_id in self.groups):
            self.join_agent(chat)
        thread = Thread(
            id=self.new_id(),
            order=self.next_order(),
            timestamp=self.now(),
            user_ids=[*chat.customer_ids, *chat.agent_ids],
            group_ids=list(chat.group_ids),
            properties=deepcopy(properties or {}),
        )
        chat.threads.append(thread)
        chat.order = thread.order
        return thread

    def join_agent(self, chat: Chat) -> None:
        """Put the agent among the chat's users."""
        if self.agent.id not in chat.agent_ids:
            chat.agent_ids.append(self.agent.id)

    def append(self, chat: Chat, thread: Thread, draft: Draft, author_id: str | None) -> Event:
        """Store a drafted event as the thread's newest."""
        event = Event(
            id=f"{thread.id}_{len(thread.events) + 1}",
            type=draft.type,
            order=self.next_order(),
            timestamp=self.now(),
            author_id=author_id,
            custom_id=draft.custom_id,
            recipients=draft.recipients,
            properties=deepcopy(draft.properties),
            content=deepcopy(draft.content),
        )
        if draft.file_id is not None:
            self.files.by_id[draft.file_id].used = True
        if author_id is not None and author_id not in thread.user_ids:
            thread.user_ids.append(author_id)
        thread.events.append(event)
        chat.order = event.order
        return event

    def draft(self, given: Mapping[str, Any], parameter: str = "event") -> Draft:
        """Make ready a customer's event that the rules accepted; only its file may still be refused."""
        draft = free_draft(given)
        if draft.type != "file":
            return draft
        url: str = given["url"]
        file = self.files.by_url(url, f"{parameter}.url")
        content = {"name": file.name, "url": url, "content_type": file.content_type, "size": file.size}
        return evolve(draft, content=content, file_id=file.id)


def free_draft(given: Mapping[str, Any]) -> Draft:
    """Make ready an event of any type, just as it is given."""
    return Draft(
        type=given["type"],
        content={key: value for key, value in given.items() if key not in _COMMON_KEYS},
        custom_id=given.get("custom_id"),
        recipients=given.get("recipients", "all"),
        properties=given.get("properties", {}),
    )
