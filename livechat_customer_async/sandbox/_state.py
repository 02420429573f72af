"""What the sandbox keeps: plain records, without the rules of the API and without HTTP."""

from typing import Any, Literal

from attrs import define, field, frozen

GroupStatus = Literal["online", "offline", "online_for_queue"]
Properties = dict[str, dict[str, Any]]


@define(eq=False, kw_only=True)
class Customer:
    """A customer, known to the server by one or more tokens.

    `region` is the data centre where the customer lives; `online` says whether they are logged in over the RTM API.
    `user_agent` and `referrer` are what `set_customer_fields` last saw of the visitor's browser.
    """

    id: str
    name: str | None = None
    email: str | None = None
    avatar: str | None = None
    fields: dict[str, str] = field(factory=dict[str, str])
    region: str = "dal"
    online: bool = False
    banned: bool = False
    user_agent: str | None = None
    referrer: str | None = None
    goals: set[str] = field(factory=set[str])


@frozen(kw_only=True)
class AgentProfile:
    """The agent who takes the chats and whom `get_predicted_agent` names."""

    id: str = "agent@example.com"
    name: str = "Sandy"
    email: str | None = "agent@example.com"
    avatar: str | None = "example.com/sandy.png"
    job_title: str | None = "Support Agent"
    is_bot: bool = True


@define(eq=False, kw_only=True)
class Group:
    """A group of agents. `available=False` with an online status gives `group_unavailable`: nobody has room."""

    status: GroupStatus = "online"
    available: bool = True


@define(eq=False, kw_only=True)
class Event:
    """One event of a thread. `content` holds what its type adds to the common fields, as on the wire."""

    id: str
    type: str
    order: int
    timestamp: int
    author_id: str | None = None
    custom_id: str | None = None
    recipients: str = "all"
    properties: Properties = field(factory=dict[str, dict[str, Any]])
    content: dict[str, Any] = field(factory=dict[str, Any])


@define(eq=False, kw_only=True)
class Thread:
    """One thread of a chat. A `restricted_access` thread hides its events from the customer."""

    id: str
    order: int
    timestamp: int
    active: bool = True
    user_ids: list[str] = field(factory=list[str])
    group_ids: list[int] = field(factory=list[int])
    events: list[Event] = field(factory=list[Event])
    properties: Properties = field(factory=dict[str, dict[str, Any]])
    tags: list[str] = field(factory=list[str])
    restricted_access: bool = False


@define(eq=False, kw_only=True)
class Chat:
    """A chat: its threads, oldest first, and the ids of the customers and agents in it."""

    id: str
    order: int
    customer_ids: list[str]
    agent_ids: list[str] = field(factory=list[str])
    group_ids: list[int] = field(factory=list[int])
    threads: list[Thread] = field(factory=list[Thread])
    properties: Properties = field(factory=dict[str, dict[str, Any]])
    continuous: bool = False
    is_followed: bool = True
    last_seen: dict[str, int] = field(factory=dict[str, int])

    @property
    def active_thread(self) -> Thread | None:
        """The thread that takes messages now, or `None`."""
        last = self.threads[-1]
        return last if last.active else None

    @property
    def events(self) -> list[Event]:
        """All events of all threads, oldest first."""
        return [event for thread in self.threads for event in thread.events]


@define(eq=False, kw_only=True)
class StoredFile:
    """An uploaded file. `content` is `None` where the sandbox was told not to keep bytes."""

    id: str
    name: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: int
    content: bytes | None = field(default=None, repr=False)
    used: bool = False


@frozen(kw_only=True)
class SneakPeek:
    """What a customer was typing."""

    chat_id: str
    customer_id: str
    text: str


@frozen(kw_only=True)
class SentPostback:
    """A button of a rich message that a customer pressed."""

    chat_id: str
    thread_id: str
    event_id: str
    customer_id: str
    id: str
    toggled: bool
