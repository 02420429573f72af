"""The records of the sandbox's state."""

from typing import Any, Literal

import attrs

GroupStatus = Literal["online", "offline", "online_for_queue"]
Properties = dict[str, dict[str, Any]]


@attrs.define(eq=False, kw_only=True)
class Customer:
    """A customer, with one or more access tokens.

    Attributes:
        region: The customer's data center.
        online: Whether the customer is logged in over the RTM API.
        user_agent: The browser's `User-Agent` in the last `set_customer_fields`.
        referrer: Its `Referer`.
    """

    id: str
    name: str | None = None
    email: str | None = None
    avatar: str | None = None
    fields: dict[str, str] = attrs.field(factory=dict[str, str])
    region: str = "dal"
    online: bool = False
    banned: bool = False
    user_agent: str | None = None
    referrer: str | None = None
    goals: set[str] = attrs.field(factory=set[str])


@attrs.frozen(kw_only=True)
class AgentProfile:
    """The agent who joins chats and whom `get_predicted_agent` returns."""

    id: str = "agent@example.com"
    name: str = "Sandy"
    email: str | None = "agent@example.com"
    avatar: str | None = "example.com/sandy.png"
    job_title: str | None = "Support Agent"
    is_bot: bool = True


@attrs.define(eq=False, kw_only=True)
class Group:
    """A group of agents. `available=False` means that all agents are busy: `group_unavailable`."""

    status: GroupStatus = "online"
    available: bool = True


@attrs.define(eq=False, kw_only=True)
class Event:
    """An event of a thread. `content` holds the JSON fields of its type."""

    id: str
    type: str
    order: int
    timestamp: int
    author_id: str | None = None
    custom_id: str | None = None
    recipients: str = "all"
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    content: dict[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.define(eq=False, kw_only=True)
class Thread:
    """A thread of a chat. If `restricted_access`, its events are hidden from the customer."""

    id: str
    order: int
    timestamp: int
    active: bool = True
    user_ids: list[str] = attrs.field(factory=list[str])
    group_ids: list[int] = attrs.field(factory=list[int])
    events: list[Event] = attrs.field(factory=list[Event])
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    tags: list[str] = attrs.field(factory=list[str])
    restricted_access: bool = False


@attrs.define(eq=False, kw_only=True)
class Chat:
    """A chat: its threads, oldest first, and the IDs of its customers and agents."""

    id: str
    order: int
    customer_ids: list[str]
    agent_ids: list[str] = attrs.field(factory=list[str])
    group_ids: list[int] = attrs.field(factory=list[int])
    threads: list[Thread] = attrs.field(factory=list[Thread])
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    continuous: bool = False
    is_followed: bool = True
    last_seen: dict[str, int] = attrs.field(factory=dict[str, int])

    @property
    def active_thread(self) -> Thread | None:
        """The active thread, or `None`."""
        last = self.threads[-1]
        return last if last.active else None

    @property
    def events(self) -> list[Event]:
        """All events of all threads, oldest first."""
        return [event for thread in self.threads for event in thread.events]


@attrs.define(eq=False, kw_only=True)
class StoredFile:
    """An uploaded file. `content` is `None` with `keep_file_bytes=False`."""

    id: str
    name: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: int
    content: bytes | None = attrs.field(default=None, repr=False)
    used: bool = False


@attrs.frozen(kw_only=True)
class SneakPeek:
    """A text that a customer was typing."""

    chat_id: str
    customer_id: str
    text: str


@attrs.frozen(kw_only=True)
class SentPostback:
    """A button of a rich message, pressed or released by a customer."""

    chat_id: str
    thread_id: str
    event_id: str
    customer_id: str
    id: str
    toggled: bool
