"""A chat of the API, as its customer and, in a sandbox, as its agent."""

from __future__ import annotations

import uuid

import attrs
import httpx

from .. import AsyncCustomerSession, Chat, Event, NewMessage
from ._chat_commands import Role

_NOT_FOUND = 404


class AgentError(Exception):
    """The agent could not speak."""


@attrs.define(eq=False)
class Conversation:
    """Sends messages to a chat and returns its new events.

    Attributes:
        role: who the person at the terminal is.
        session: the session of the customer.
        chat: the chat as last read.
        sandbox_url: the base URL of the sandbox; `None` for the public API.
    """

    role: Role
    session: AsyncCustomerSession
    chat: Chat
    sandbox_url: str | None
    _seen: set[object] = attrs.field(factory=set[object], init=False)
    _own: set[str] = attrs.field(factory=set[str], init=False)

    @classmethod
    async def open(
        cls, role: Role, session: AsyncCustomerSession, chat_id: str | None, sandbox_url: str | None
    ) -> Conversation:
        """Open the given chat, or else the most recent one, or else a new one."""
        if chat_id is None:
            recent = (await session.chats.get_chats_summary(limit=1)).chats_summary
            chat_id = recent[0].id if recent else (await session.chats.start_chat(continuous=True)).id
        return cls(role, session, await session.chats.get_chat_threads(chat_id), sandbox_url)

    def unseen(self) -> list[Event]:
        """Return the events of `chat` that were not returned before, oldest first."""
        threads = sorted(self.chat.threads, key=lambda thread: thread.order or 0)
        found = {(thread.id, event.id or event.order): event for thread in threads for event in thread.events}
        new = [event for key, event in found.items() if key not in self._seen]
        self._seen |= found.keys()
        return new

    def is_own(self, event: Event) -> bool:
        """Return whether the person at the terminal sent the event."""
        return event.custom_id in self._own

    async def refresh(self) -> None:
        """Read the chat again."""
        self.chat = await self.session.chats.get_chat_threads(self.chat.id)

    async def say(self, role: Role, text: str) -> None:
        """Send a message.

        Raises:
            AgentError: the agent cannot speak here.
            LiveChatError: the call failed.
        """
        custom_id = str(uuid.uuid4())
        if role == self.role:
            self._own.add(custom_id)
        if role == "agent":
            await self._say_as_agent({"type": "message", "text": text, "custom_id": custom_id})
        else:
            message = NewMessage(text=text, custom_id=custom_id)
            await self.session.events.send_event(self.chat.id, message, on_unknown="verify")

    async def _say_as_agent(self, event: dict[str, str]) -> None:
        if self.sandbox_url is None:
            raise AgentError("only a sandbox lets you speak as the agent")
        body = {"chat_id": self.chat.id, "event": event}
        try:
            async with httpx.AsyncClient(base_url=self.sandbox_url, trust_env=False) as client:
                answer = await client.post("/sandbox/say", json=body)
        except httpx.HTTPError as error:
            raise AgentError(f"no answer from {self.sandbox_url}: {type(error).__name__}") from error
        if answer.status_code == _NOT_FOUND:
            raise AgentError(f"{self.sandbox_url} is not a sandbox, or does not know the chat")
        if answer.is_error:
            raise AgentError(f"the sandbox refused the message with status {answer.status_code}")
