"""The state of the sandbox, and the operations that keep it consistent."""

import string
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from random import Random
from typing import Any, Final

import attrs

from ._customers import Customers
from ._errors import Refusal, invalid
from ._files import Files
from ._state import AgentProfile, Chat, Customer, Event, Group, Properties, SentPostback, SneakPeek, Thread

_ID_LETTERS: Final = string.ascii_uppercase + string.digits
_ID_LENGTH: Final = 10
_COMMON_KEYS: Final = frozenset({"type", "custom_id", "recipients", "properties"})
_FIRST_ORDER: Final = 2**53 + 1  # odd and over 53 bits: a client that parses it as a double corrupts it


@attrs.frozen(kw_only=True)
class Draft:
    """An accepted event that is not stored yet."""

    type: str
    content: dict[str, Any]
    custom_id: str | None = None
    recipients: str = "all"
    properties: Properties
    file_id: str | None = None


class World:
    """The customers, chats, groups, forms and files."""

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
        """Return the time in whole Unix seconds."""
        return int(self._clock())

    def new_id(self) -> str:
        """Return a new ID, such as `PJ0MRSHTDG`."""
        return "".join(self._rng.choices(_ID_LETTERS, k=_ID_LENGTH))

    def next_order(self) -> int:
        """Return an order greater than every other: the clock's nanoseconds if possible, always odd."""
        self._last_order = max(self._last_order + 2, int(self._clock() * 1_000_000_000) | 1)
        return self._last_order

    def own_chat(self, customer: Customer, chat_id: str) -> Chat:
        """Return the customer's chat. Refuse unknown chats and those of other customers."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise invalid("chat_id", "is not the id of a chat")
        if customer.id not in chat.customer_ids:
            raise Refusal("authorization", "The chat belongs to another customer")
        return chat

    def chats_of(self, customer: Customer) -> list[Chat]:
        """Return the customer's chats, most recently used first."""
        own = [chat for chat in self.chats.values() if customer.id in chat.customer_ids]
        return sorted(own, key=lambda chat: chat.order, reverse=True)

    def group(self, group_id: int) -> Group:
        """Return the group, or raise `group_not_found`."""
        if group_id not in self.groups:
            raise Refusal("group_not_found", f"Group {group_id} not found")
        return self.groups[group_id]

    def open_chat(self, customer: Customer, *, group_ids: list[int], properties: Properties, continuous: bool) -> Chat:
        """Create a chat without threads."""
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
        """Start an active thread. The agent joins if a group of the chat is online."""
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
        """Add the agent to the users of the chat."""
        if self.agent.id not in chat.agent_ids:
            chat.agent_ids.append(self.agent.id)

    def append(self, chat: Chat, thread: Thread, draft: Draft, author_id: str | None) -> Event:
        """Append an event to the thread."""
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
        """Return the draft of a customer's event. Refuse a file event without an uploaded file."""
        draft = unchecked_draft(given)
        if draft.type != "file":
            return draft
        url: str = given["url"]
        file = self.files.by_url(url, f"{parameter}.url")
        content = {"name": file.name, "url": url, "content_type": file.content_type, "size": file.size}
        return attrs.evolve(draft, content=content, file_id=file.id)


def unchecked_draft(given: Mapping[str, Any]) -> Draft:
    """Return the draft of an event of any type, as given."""
    return Draft(
        type=given["type"],
        content={key: value for key, value in given.items() if key not in _COMMON_KEYS},
        custom_id=given.get("custom_id"),
        recipients=given.get("recipients", "all"),
        properties=given.get("properties", {}),
    )
