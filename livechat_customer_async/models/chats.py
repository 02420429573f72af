"""Chats, threads and their summaries."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from .._base.checks import tuple_of
from .._base.value import Value
from ._base import Properties
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
    events = tuple(events)
    try:
        return tuple(sorted(events, key=_order))
    except TypeError:  # some have none
        return tuple(sorted(events, key=_order_or_last))


_order = attrgetter("order")


def _order_or_last(event: Event) -> tuple[bool, int]:
    return (True, 0) if event.order is None else (False, event.order)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Access(Value):
    """Which groups see a chat or thread; group 0 is all agents."""

    group_ids: tuple[int, ...] = attrs.field(default=(), converter=_ints)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Thread(Value):
    """A thread.

    Attributes:
        order: an int beyond 32 bits, for sorting only.
        timestamp: UTC.
        active: whether it takes messages.
        events: sorted by `order`, those without one last; empty where access is restricted.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ThreadSummary(Value):
    """A thread in short; `total_events` is `None` where left out."""

    id: str
    order: int
    total_events: int | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ThreadsSummary(Value):
    """One page of a chat's threads, newest first, and how many there are in all."""

    threads_summary: tuple[ThreadSummary, ...]
    total_threads: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Chat(Value):
    """A chat.

    Attributes:
        thread: the new thread, where the call made one.
        threads: the threads that were asked for, in the server's order.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LastThreadSummary(Value):
    """The newest thread of a chat in short."""

    id: str
    order: int | None = None
    timestamp: datetime | None = None
    user_ids: tuple[str, ...] = ()
    properties: Properties = attrs.field(factory=dict[str, dict[str, Any]])
    tags: tuple[str, ...] = ()
    active: bool | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LastEvent(Value):
    """The newest event of one type.

    Attributes:
        event: `None` where this customer may not see it.
        restricted_access: whether it was left out for that reason.
    """

    thread_id: str | None = None
    thread_order: int | None = None
    event: Event | None = None
    restricted_access: bool | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChatSummary(Value):
    """A chat in short.

    Attributes:
        last_event_per_type: newest event of each type, by the type.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ChatsSummary(Value):
    """One page of the customer's chats, and how many there are in all."""

    chats_summary: tuple[ChatSummary, ...]
    total_chats: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SentEvent(Value):
    """A sent event as the server keeps it, and the thread it went to."""

    thread_id: str
    event: Event
