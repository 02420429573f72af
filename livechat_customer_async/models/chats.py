"""Chats, threads and their summaries."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from .._base.checks import is_sequence, tuple_of
from ._base import Model, Properties
from .events import Event
from .users import User

__all__ = [
    "Access",
    "Chat",
    "ChatSummary",
    "ChatsSummary",
    "LastEvent",
    "LastThreadSummary",
    "SentEvent",
    "Thread",
    "ThreadSummary",
    "ThreadsSummary",
]


def _ints(value: Iterable[int]) -> tuple[int, ...]:
    return tuple_of(value)


def _by_order(events: Iterable[Event]) -> tuple[Event, ...]:
    if not is_sequence(events):
        return tuple_of(events)
    try:
        return tuple(sorted(events, key=_order))
    except (TypeError, AttributeError):  # some have no order, or are not events
        return tuple(sorted(events, key=_order_or_last))


_order = attrgetter("order")


def _order_or_last(event: Event) -> tuple[bool, int]:
    order = getattr(event, "order", None)
    return (True, 0) if order is None else (False, order)


@attrs.frozen(kw_only=True)
class Access(Model):
    """The groups that see a chat or thread; group 0 is all agents."""

    group_ids: tuple[int, ...] = attrs.field(default=(), converter=_ints)


@attrs.frozen(kw_only=True)
class Thread(Model):
    """A thread.

    Attributes:
        order: for sorting only; larger than 32 bits.
        timestamp: UTC.
        active: whether it accepts messages.
        events: sorted by `order`, those without one last; empty if access is restricted.
        restricted_access: whether the events were left out because this customer may not see them.
    """

    id: str
    order: int | None = None
    timestamp: datetime | None = None
    active: bool | None = None
    user_ids: tuple[str, ...] = ()
    # Events may arrive in any order, and timestamps are too coarse to sort by.
    events: tuple[Event, ...] = attrs.field(default=(), converter=_by_order)
    restricted_access: bool | None = None
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    access: Access | None = None
    tags: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ThreadSummary(Model):
    """A summary of a thread."""

    id: str
    order: int | None = None
    total_events: int | None = None
    active: bool | None = None


@attrs.frozen(kw_only=True)
class ThreadsSummary(Model):
    """One page of summaries of a chat's threads, newest first, and the number of all threads."""

    threads_summary: tuple[ThreadSummary, ...]
    total_threads: int


@attrs.frozen(kw_only=True)
class Chat(Model):
    """A chat.

    Attributes:
        thread: the new thread, if the call made one.
        threads: the requested threads, in the server's order.
    """

    id: str
    order: int | None = None
    users: tuple[User, ...] = ()
    thread: Thread | None = None
    threads: tuple[Thread, ...] = ()
    threads_summary: tuple[ThreadSummary, ...] = ()
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    access: Access | None = None
    is_followed: bool | None = None


@attrs.frozen(kw_only=True)
class LastThreadSummary(Model):
    """A summary of the newest thread of a chat."""

    id: str
    order: int | None = None
    timestamp: datetime | None = None
    user_ids: tuple[str, ...] = ()
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    tags: tuple[str, ...] = ()
    active: bool | None = None


@attrs.frozen(kw_only=True)
class LastEvent(Model):
    """The newest event of one type.

    Attributes:
        event: `None` if this customer may not see it.
        restricted_access: whether it was left out for that reason.
    """

    thread_id: str | None = None
    thread_order: int | None = None
    event: Event | None = None
    restricted_access: bool | None = None


@attrs.frozen(kw_only=True)
class ChatSummary(Model):
    """A summary of a chat.

    Attributes:
        last_event_per_type: the newest event of each type, by type.
    """

    id: str
    order: int | None = None
    users: tuple[User, ...] = ()
    last_thread_id: str | None = None
    last_thread_summary: LastThreadSummary | None = None
    last_event_per_type: dict[str, LastEvent] = attrs.field(factory=dict[str, LastEvent])
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    access: Access | None = None
    is_followed: bool | None = None
    active: bool | None = None


@attrs.frozen(kw_only=True)
class ChatsSummary(Model):
    """One page of summaries of the customer's chats, and the number of all chats."""

    chats_summary: tuple[ChatSummary, ...]
    total_chats: int


@attrs.frozen(kw_only=True)
class SentEvent(Model):
    """A sent event as the server stored it, and the thread that it was added to."""

    thread_id: str
    event: Event
