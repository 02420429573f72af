"""Chats: list, read, start, activate, close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from .._base.checks import at_least, between, check_bool, check_id, check_ids, check_json, is_mapping
from .._call.action import Action, Caller, Replay, instance_of, nothing, optional, under
from ..errors import ChatWindowError
from ..models import (
    Access,
    Chat,
    ChatsSummary,
    ChatSummary,
    Customer,
    NewProperties,
    NewThread,
    ThreadsSummary,
    ThreadSummary,
)
from ._paging import Paginator

MAX_CHATS_PAGE = 25
MAX_CHATS_OFFSET = 100
MAX_THREADS_PAGE = 100
# An offset of at most 100 and a page of at most 25.
CHAT_WINDOW = MAX_CHATS_OFFSET + MAX_CHATS_PAGE


def _check_customer(value: object, parameter: str) -> Any:
    if is_mapping(value):
        return check_json(value, parameter)
    if isinstance(value, Customer):
        check_id(value.id, f"{parameter}.id")
    return instance_of(Customer)(value, parameter)


def _within_chat(fields: dict[str, Any]) -> dict[str, Any]:
    """Put all parameters but `continuous` under `chat`, where the id is called `id` and the user goes in a list."""
    payload = {"continuous": fields.pop("continuous")} if "continuous" in fields else {}
    if "chat_id" in fields:
        fields["id"] = fields.pop("chat_id")
    if "users" in fields:
        fields["users"] = [fields["users"]]
    return {"chat": fields, **payload} if fields else payload


_NEW_CHAT = {
    "access": optional(instance_of(Access)),
    "properties": optional(instance_of(NewProperties)),
    "users": optional(_check_customer),
    "thread": optional(instance_of(NewThread)),
    "continuous": optional(check_bool),
}

GET_CHATS_SUMMARY = Action(
    "get_chats_summary",
    {"offset": optional(between(0, MAX_CHATS_OFFSET)), "limit": optional(between(0, MAX_CHATS_PAGE))},
    ChatsSummary,
    replay=Replay.SAFE,
)
GET_CHAT_THREADS_SUMMARY = Action(
    "get_chat_threads_summary",
    {"chat_id": check_id, "offset": optional(at_least(0)), "limit": optional(between(0, MAX_THREADS_PAGE))},
    ThreadsSummary,
    replay=Replay.SAFE,
)
GET_CHAT_THREADS = Action(
    "get_chat_threads",
    {"chat_id": check_id, "thread_ids": optional(check_ids)},
    Chat,
    unwrap=under("chat"),
    replay=Replay.SAFE,
)
START_CHAT = Action("start_chat", _NEW_CHAT, Chat, unwrap=under("chat"), arrange=_within_chat)
ACTIVATE_CHAT = Action(
    "activate_chat",
    {"chat_id": check_id, **{name: check for name, check in _NEW_CHAT.items() if name != "users"}},
    Chat,
    unwrap=under("chat"),
    arrange=_within_chat,
)
CLOSE_THREAD = Action("close_thread", {"chat_id": check_id}, type(None), unwrap=nothing)


class ChatsActions:
    """`session.chats`: list, read, start, activate and close chats."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def get_chats_summary(self, *, offset: int | None = None, limit: int | None = None) -> ChatsSummary:
        """Return one page of summaries of the customer's chats, newest first.

        Reference: Customer Chat Web API v3.0, Get Chats Summary. Only the 125 newest chats can be reached;
        `iter_chats_summary` iterates over them.

        Args:
            offset: number of chats to skip, 0..100; `None`: 0.
            limit: maximum number of chats to return, 0..25; `None`: 10.

        Raises:
            InvalidRequestError: an argument is out of range or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_CHATS_SUMMARY, offset=offset, limit=limit)

    async def get_chat_threads_summary(
        self, chat_id: str, *, offset: int | None = None, limit: int | None = None
    ) -> ThreadsSummary:
        """Return one page of summaries of a chat's threads, newest first.

        Reference: Customer Chat Web API v3.0, Get Chat Threads Summary.

        Args:
            chat_id: the chat.
            offset: number of threads to skip; `None`: 0.
            limit: maximum number of threads to return, 0..100; `None`: 25.

        Raises:
            InvalidRequestError: an argument is out of range or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_CHAT_THREADS_SUMMARY, chat_id=chat_id, offset=offset, limit=limit)

    async def get_chat_threads(self, chat_id: str, *, thread_ids: Sequence[str] | None = None) -> Chat:
        """Return a chat with its threads and their events.

        Reference: Customer Chat Web API v3.0, Get Chat Threads.

        Args:
            chat_id: the chat.
            thread_ids: the threads; `None`: all of them.

        Raises:
            InvalidRequestError: an id is empty or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_CHAT_THREADS, chat_id=chat_id, thread_ids=thread_ids)

    async def start_chat(
        self,
        *,
        access: Access | None = None,
        properties: NewProperties | None = None,
        users: Customer | Mapping[str, Any] | None = None,
        thread: NewThread | None = None,
        continuous: bool | None = None,
    ) -> Chat:
        """Start a chat and return it; `thread` is its new thread.

        Reference: Customer Chat Web API v3.0, Start Chat.

        Args:
            access: groups that may see it; `None`: all agents.
            properties: properties of the chat; `None`: none.
            users: the one existing customer to add; `None`: nobody.
            thread: its first events and the thread's properties; `None`: an empty thread.
            continuous: whether the chat continues without an agent, which needs no group online; `None`: no.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            GroupOfflineError, GroupUnavailableError: no agent can take the chat.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(
            START_CHAT,
            access=access,
            properties=properties,
            users=users,
            thread=thread,
            continuous=continuous,
        )

    async def activate_chat(
        self,
        chat_id: str,
        *,
        access: Access | None = None,
        properties: NewProperties | None = None,
        thread: NewThread | None = None,
        continuous: bool | None = None,
    ) -> Chat:
        """Start a new thread in a chat without an active one, and return the chat with only that thread in `threads`.

        Reference: Customer Chat Web API v3.0, Activate Chat.

        Args:
            chat_id: the chat.
            access: groups that may see it; `None`: unchanged.
            properties: properties of the chat; `None`: none.
            thread: its first events and the thread's properties; `None`: an empty thread.
            continuous: whether the chat continues without an agent; `None`: unchanged.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            GroupOfflineError, GroupUnavailableError: no agent can take the chat.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(
            ACTIVATE_CHAT,
            chat_id=chat_id,
            access=access,
            properties=properties,
            thread=thread,
            continuous=continuous,
        )

    async def close_thread(self, chat_id: str) -> None:
        """Close the active thread of a chat; it accepts no more messages.

        Reference: Customer Chat Web API v3.0, Close Thread.

        Args:
            chat_id: the chat.

        Raises:
            InvalidRequestError: the id is empty or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        await self._call(CLOSE_THREAD, chat_id=chat_id)

    def iter_chats_summary(self, *, page_size: int = MAX_CHATS_PAGE) -> AsyncIterator[ChatSummary]:
        """Iterate over summaries of the customer's chats, newest first; each once even if pages shift meanwhile.

        Args:
            page_size: number of chats to request at a time, 1..25.

        Raises:
            ChatWindowError: at the end, if there are more chats than the 125 that the server returns.
            InvalidRequestError: the page size is out of range.
            LiveChatError: a call failed; its class and `outcome` say how.
        """
        between(1, MAX_CHATS_PAGE)(page_size, "page_size")
        return self._all_chats(page_size)

    def iter_chat_threads_summary(
        self, chat_id: str, *, page_size: int = MAX_THREADS_PAGE
    ) -> AsyncIterator[ThreadSummary]:
        """Iterate over summaries of a chat's threads, newest first; each once even if pages shift meanwhile.

        Args:
            chat_id: the chat.
            page_size: number of threads to request at a time, 1..100.

        Raises:
            InvalidRequestError: the id is empty or the page size is out of range.
            LiveChatError: a call failed; its class and `outcome` say how.
        """
        check_id(chat_id, "chat_id")
        between(1, MAX_THREADS_PAGE)(page_size, "page_size")

        async def fetch(offset: int, limit: int) -> tuple[Sequence[ThreadSummary], int]:
            page = await self.get_chat_threads_summary(chat_id, offset=offset, limit=limit)
            return page.threads_summary, page.total_threads

        return Paginator(page_size=page_size).rows(fetch)

    async def _all_chats(self, page_size: int) -> AsyncIterator[ChatSummary]:
        async def fetch(offset: int, limit: int) -> tuple[Sequence[ChatSummary], int]:
            page = await self.get_chats_summary(offset=offset, limit=limit)
            return page.chats_summary, page.total_chats

        pages = Paginator(page_size=page_size, last_offset=MAX_CHATS_OFFSET, last_page_size=MAX_CHATS_PAGE)
        items: list[ChatSummary] = []
        async for chat in pages.rows(fetch):
            items.append(chat)
            yield chat
        if pages.reached < pages.total > CHAT_WINDOW:
            raise ChatWindowError(
                f"the server returns only its {CHAT_WINDOW} newest chats: reached {pages.reached} of {pages.total}",
                reached=pages.reached,
                total=pages.total,
                items=tuple(items),
                action=GET_CHATS_SUMMARY.name,
            )
