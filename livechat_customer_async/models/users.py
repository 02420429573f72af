"""Users of a chat: customers, agents, and kinds that this version does not know."""

from datetime import datetime
from typing import Any, Literal, TypeAlias

import attrs

from .._base.value import Value

__all__ = ["Agent", "Customer", "UnknownUser", "User"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Customer(Value):
    """A customer. Composed, it names the one existing customer of a new chat.

    Attributes:
        name: `None` where it was never given; likewise `email` and `avatar` (a URL).
        fields: custom fields; `None` where left out, as in archived chats.
        present: whether the customer takes part in the chat now.
        last_seen_timestamp: UTC; when the customer last saw the chat.
    """

    id: str
    type: Literal["customer"] = "customer"
    name: str | None = None
    email: str | None = None
    avatar: str | None = None
    fields: dict[str, Any] | None = None
    present: bool | None = None
    last_seen_timestamp: datetime | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Agent(Value):
    """An agent.

    Attributes:
        avatar: a URL, which may lack its scheme.
        is_bot: whether a bot speaks.
        last_seen_timestamp: UTC; when the agent last saw the chat.
    """

    id: str
    name: str
    type: Literal["agent"] = "agent"
    email: str | None = None
    avatar: str | None = None
    job_title: str | None = None
    is_bot: bool | None = None
    present: bool | None = None
    last_seen_timestamp: datetime | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UnknownUser(Value):
    """A user of a type that this version does not know.

    Attributes:
        raw: the whole object as received.
    """

    id: str | None = None
    type: str | None = None
    raw: dict[str, Any] = attrs.field(factory=dict[str, Any])


User: TypeAlias = Customer | Agent | UnknownUser
"""Any user of a chat."""
