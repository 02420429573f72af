"""Users of a chat: customers, agents, and unknown kinds."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import attrs

from ._base import Model, Tagged, Unknown

__all__ = ["Agent", "Customer", "UnknownUser", "User"]


@attrs.frozen(kw_only=True)
class Customer(Model):
    """A customer. In `start_chat` it names the existing customer to add.

    Attributes:
        name: `None` if it was never set; likewise `email` and `avatar` (a URL).
        fields: custom fields; `None` if left out, as in archived chats.
        present: whether the customer is in the chat now.
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


@attrs.frozen(kw_only=True)
class Agent(Model):
    """An agent.

    Attributes:
        avatar: a URL; its scheme may be missing.
        is_bot: whether the agent is a bot.
        last_seen_timestamp: UTC; when the agent last saw the chat.
    """

    id: str
    type: Literal["agent"] = "agent"
    name: str | None = None
    email: str | None = None
    avatar: str | None = None
    job_title: str | None = None
    is_bot: bool | None = None
    present: bool | None = None
    last_seen_timestamp: datetime | None = None


@attrs.frozen(kw_only=True)
class UnknownUser(Unknown):
    """A user of an unknown type, or one that does not fit its type.

    Attributes:
        id: `None` if missing or not a `str`; likewise `type` and `name`.
        raw: the object as received.
        problem: path and reason if it does not fit its type; `None` if the type is unknown.
    """

    id: str | None = None
    type: str | None = None
    name: str | None = None
    raw: dict[str, Any] = attrs.field(factory=dict[str, Any])
    problem: str | None = None


User: TypeAlias = Annotated[Customer | Agent | UnknownUser, Tagged("type", unknown=UnknownUser)]
"""Any user of a chat."""
