"""Chats: list, read, start, activate, close."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import attrs

from .._base.checks import between, check_bool, check_id, check_ids, check_int, optional, required
from .._call.action import Action, Caller, Replay, nothing, under
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
from ._paging import Walk

MAX_CHATS_PAGE = 25
MAX_CHATS_OFFSET = 100
MAX_THREADS_PAGE = 100
# An offset of at most 100 and a page of at most 25.
CHAT_WINDOW = MAX_CHATS_OFFSET + MAX_CHATS_PAGE


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _GetChatsSummary:
    offset: int | None = attrs.field(default=None, validator=optional(between(0, MAX_CHATS_OFFSET)))
    limit: int | None = attrs.field(default=None, validator=optional(between(None, MAX_CHATS_PAGE)))


@attrs.frozen(eq=False, repr=False)
class _GetChatThreadsSummary:
    chat_id: str = attrs.field(validator=required(check_id))
    offset: int | None = attrs.field(default=None, kw_only=True, validator=optional(check_int))
    limit: int | None = attrs.field(default=None, kw_only=True, validator=optional(between(None, MAX_THREADS_PAGE)))


@attrs.frozen(eq=False, repr=False)
class _GetChatThreads:
    chat_id: str = attrs.field(validator=required(check_id))
    thread_ids: Sequence[str] | None = attrs.field(default=None, kw_only=True, validator=optional(check_ids))


def _customer_has_id(_instance: object, _attribute: object, value: Any) -> None:
    if isinstance(value, Customer):
        check_id(value.id, "users.id")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _StartChat:
    access: Access | None = None
    properties: NewProperties | None = None
    users: Customer | None = attrs.field(default=None, validator=_customer_has_id)
    thread: NewThread | None = None
    continuous: bool | None = attrs.field(default=None, validator=optional(check_bool))


@attrs.frozen(eq=False, repr=False)
class _ActivateChat:
    chat_id: str = attrs.field(validator=required(check_id))
    access: Access | None = attrs.field(default=None, kw_only=True)
    properties: NewProperties | None = attrs.field(default=None, kw_only=True)
    thread: NewThread | None = attrs.field(default=None, kw_only=True)
    continuous: bool | None = attrs.field(default=None, kw_only=True, validator=optional(check_bool))


@attrs.frozen(eq=False, repr=False)
class _CloseThread:
    chat_id: str = attrs.field(validator=required(check_id))


def _within_chat(fields: dict[str, Any]) -> dict[str, Any]:
    """Put all but `continuous` under `chat`, where the id is called `id` and the one user is a list of one."""
    payload = {"continuous": fields.pop("continuous")} if "continuous" in fields else {}
    if "chat_id" in fields:
        fields["id"] = fields.pop("chat_id")
    if "users" in fields:
        fields["users"] = [fields["users"]]
    return {"chat": fields, **payload} if fields else payload


GET_CHATS_SUMMARY = Action("get_chats_summary", _GetChatsSummary, ChatsSummary, replay=Replay.SAFE)
GET_CHAT_THREADS_SUMMARY = Action(
    "get_chat_threads_summary", _GetChatThreadsSummary, ThreadsSummary, replay=Replay.SAFE
)
GET_CHAT_THREADS = Action("get_chat_threads", _GetChatThreads, Chat, unwrap=under("chat"), replay=Replay.SAFE)
START_CHAT = Action("start_chat", _StartChat, Chat, unwrap=under("chat"), arrange=_within_chat)
ACTIVATE_CHAT = Action("activate_chat", _ActivateChat, Chat, unwrap=under("chat"), arrange=_within_chat)
CLOSE_THREAD = Action("close_thread", _CloseThread, type(None), unwrap=nothing)


class ChatsActions:
    """`session.chats`: list, read, start, activate and close chats."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def get_chats_summary(self, *, offset: int | None = None, limit: int | None = None) -> ChatsSummary:
        """Return one page of the customer's chats in short, newest first.

        Reference: Customer Chat Web API v3.0, Get Chats Summary. No more than the 125 newest chats can be reached;
        `iter_chats_summary` walks over them.

        Args:
            offset: chats to leave out, 0..100; `None`: none.
            limit: most chats to return, at most 25; `None`: 10.

        Raises:
            InvalidRequestError: an argument is out of bounds or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_CHATS_SUMMARY, offset=offset, limit=limit)

    async def get_chat_threads_summary(
        self, chat_id: str, *, offset: int | None = None, limit: int | None = None
    ) -> ThreadsSummary:
        """Return one page of a chat's threads in short, newest first.

        Reference: Customer Chat Web API v3.0, Get Chat Threads Summary.

        Args:
            chat_id: the chat.
            offset: threads to leave out; `None`: none.
            limit: most threads to return, at most 100; `None`: 25.

        Raises:
            InvalidRequestError: an argument is out of bounds or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_CHAT_THREADS_SUMMARY, chat_id, offset=offset, limit=limit)

    async def get_chat_threads(self, chat_id: str, *, thread_ids: Sequence[str] | None = None) -> Chat:
        """Return a chat with threads and their events.

        Reference: Customer Chat Web API v3.0, Get Chat Threads.

        Args:
            chat_id: the chat.
            thread_ids: the threads; `None`: all of them.

        Raises:
            InvalidRequestError: an id is empty or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_CHAT_THREADS, chat_id, thread_ids=thread_ids)

    async def start_chat(
        self,
        *,
        access: Access | None = None,
        properties: NewProperties | None = None,
        users: Customer | Mapping[str, Any] | None = None,
        thread: NewThread | None = None,
        continuous: bool | None = None,
    ) -> Chat:
        """Start a chat and return it, its new thread in `thread`.

        Reference: Customer Chat Web API v3.0, Start Chat.

        Args:
            access: groups that see it; `None`: all agents.
            properties: of the chat; `None`: none.
            users: the one existing customer to add; `None`: nobody.
            thread: its first events and the thread's properties; `None`: an empty thread.
            continuous: whether the chat goes on without an agent, which needs no group online; `None`: it does not.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            GroupOfflineError, GroupUnavailableError: nobody is there to take it.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(
            START_CHAT,
            access=access,
            properties=properties,
            users=users,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
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
        """Start a new thread in a chat that has no active one, and return the chat with just that one in `threads`.

        Reference: Customer Chat Web API v3.0, Activate Chat.

        Args:
            chat_id: the chat.
            access: groups that see it; `None`: as it was.
            properties: of the chat; `None`: none.
            thread: its first events and the thread's properties; `None`: an empty thread.
            continuous: whether the chat goes on without an agent; `None`: as it was.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            GroupOfflineError, GroupUnavailableError: nobody is there to take it.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(
            ACTIVATE_CHAT, chat_id, access=access, properties=properties, thread=thread, continuous=continuous
        )

    async def close_thread(self, chat_id: str) -> None:
        """Close the active thread of a chat; it takes no more messages.

        Reference: Customer Chat Web API v3.0, Close Thread.

        Args:
            chat_id: the chat.

        Raises:
            InvalidRequestError: the id is empty or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        await self._call(CLOSE_THREAD, chat_id)

    def iter_chats_summary(self, *, page_size: int = MAX_CHATS_PAGE) -> AsyncIterator[ChatSummary]:
        """Walk over the customer's chats in short, newest first, each once although pages shift meanwhile.

        Args:
            page_size: chats to ask for at a time, 1..25.

        Raises:
            ChatWindowError: at the end, where there are more chats than the 125 that the server shows.
            InvalidRequestError: the page size is out of bounds.
            LiveChatError: a call failed; its subclass and `outcome` say how.
        """
        between(1, MAX_CHATS_PAGE)(page_size, "page_size")
        return self._walk_over_chats(page_size)

    def iter_chat_threads_summary(
        self, chat_id: str, *, page_size: int = MAX_THREADS_PAGE
    ) -> AsyncIterator[ThreadSummary]:
        """Walk over a chat's threads in short, newest first, each once although pages shift meanwhile.

        Args:
            chat_id: the chat.
            page_size: threads to ask for at a time, 1..100.

        Raises:
            InvalidRequestError: the id is empty or the page size is out of bounds.
            LiveChatError: a call failed; its subclass and `outcome` say how.
        """
        check_id(chat_id, "chat_id")
        between(1, MAX_THREADS_PAGE)(page_size, "page_size")

        async def fetch(offset: int, limit: int) -> tuple[Sequence[ThreadSummary], int]:
            page = await self.get_chat_threads_summary(chat_id, offset=offset, limit=limit)
            return page.threads_summary, page.total_threads

        return Walk(page_size=page_size).rows(fetch)

    async def _walk_over_chats(self, page_size: int) -> AsyncIterator[ChatSummary]:
        async def fetch(offset: int, limit: int) -> tuple[Sequence[ChatSummary], int]:
            page = await self.get_chats_summary(offset=offset, limit=limit)
            return page.chats_summary, page.total_chats

        walk = Walk(page_size=page_size, last_offset=MAX_CHATS_OFFSET, last_page_size=MAX_CHATS_PAGE)
        async for chat in walk.rows(fetch):
            yield chat
        if walk.reached < walk.total > CHAT_WINDOW:
            raise ChatWindowError(
                f"the server shows its {CHAT_WINDOW} newest chats only: {walk.reached} of {walk.total} were reached",
                reached=walk.reached,
                total=walk.total,
                action=GET_CHATS_SUMMARY.name,
            )
