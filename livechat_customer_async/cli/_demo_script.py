"""The conversation of the demo, through a real session."""

import struct
import zlib
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

import attrs

from .. import AsyncCustomerSession, CallEnd, Chat, NewMessage, NewThread, Observer, Postback, RichMessage
from ..sandbox import Heard, Reply, friendly_agent

NAME: Final = "Ada"
PHOTO: Final = "jacket.png"
_QUESTION: Final = "What do you need from me?"
_CHOICE: Final[dict[str, Any]] = {
    "type": "rich_message",
    "template_id": "quick_replies",
    "elements": [
        {
            "title": "What would you like?",
            "buttons": [
                {"text": "Money back", "postback_id": "money back", "user_ids": []},
                {"text": "Another size", "postback_id": "another size", "user_ids": []},
            ],
        }
    ],
}

OnProgress = Callable[[int, int | None], None]


def agent(heard: Heard) -> Reply | Iterable[Reply] | None:
    """Reply like the friendly agent of the sandbox, with a card for one question."""
    if heard.event.content.get("text") == _QUESTION:
        return ["A photo of it, please, and your choice:", _CHOICE]
    return friendly_agent(heard)


@attrs.define
class CallTimes(Observer):
    """Records every call."""

    calls: list[CallEnd] = attrs.field(factory=list[CallEnd])

    def on_call_end(self, event: CallEnd) -> None:
        """Record a call."""
        self.calls.append(event)


@attrs.frozen(kw_only=True)
class Story:
    """The chat as read back at the end, and the purpose of each call."""

    chat: Chat
    steps: list[str]


async def converse(session: AsyncCustomerSession, photo: bytes, on_progress: OnProgress) -> Story:
    """Have the conversation."""
    steps = ["says who she is"]
    await session.customers.update_customer(name=NAME, email="ada@example.com")

    steps.append("starts a chat with a message")
    greeting = NewMessage(text="Hello! I would like to return a jacket.")
    chat = await session.chats.start_chat(continuous=True, thread=NewThread(events=(greeting,)))

    steps.append("sends a message")
    await session.events.send_event(chat.id, NewMessage(text=_QUESTION))

    steps.append("reads the reply")
    thread, card = _last_rich_message(await session.chats.get_chat_threads(chat.id))

    steps.append("presses a button")
    pressed = Postback(id="another size", toggled=True)
    await session.events.send_rich_message_postback(chat.id, thread, card, pressed)

    percentages: list[str] = []

    def record(sent: int, total: int | None) -> None:
        if sent:
            percentages.append(f"{sent / len(photo):.0%}")
        on_progress(sent, total)

    await session.events.send_file(chat.id, photo, filename=PHOTO, on_progress=record)
    steps.append(f"sends a photo: {', '.join(percentages)}")

    steps.append("sends a message")
    await session.events.send_event(chat.id, NewMessage(text="Thank you, Sandy!"))

    steps.append("reads the history")
    return Story(chat=await session.chats.get_chat_threads(chat.id), steps=steps)


def _last_rich_message(chat: Chat) -> tuple[str, str]:
    """Return the thread ID and the event ID of the newest rich message."""
    found = [(thread.id, one.id) for thread in chat.threads for one in thread.events if isinstance(one, RichMessage)]
    return found[-1]


def draw_photo(width: int = 640, height: int = 480) -> bytes:
    """Return a PNG of noise, as large as a photo and identical in every run."""
    noise = Random(width)  # noqa: S311 - not a secret
    rows = b"".join(b"\0" + noise.randbytes(width * 3) for _ in range(height))  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
