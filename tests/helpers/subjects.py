"""One action of each replay class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from livechat_customer_async import AsyncCustomerSession, NewMessage, Replay

FILE = b"%PDF-1.4 receipt" * 4096


@attrs.frozen
class Subject:
    """An action and the call that performs it."""

    action: str
    replay: Replay
    call: Callable[[AsyncCustomerSession, str], Awaitable[Any]]

    def __str__(self) -> str:
        return self.action


SUBJECTS = [
    Subject("get_groups_status", Replay.SAFE, lambda session, _: session.status.get_groups_status(all=True)),
    Subject("set_customer_fields", Replay.SAFE, lambda s, _: s.customers.set_customer_fields({"vip": "yes"})),
    Subject("send_event", Replay.UNSAFE, lambda s, chat_id: s.events.send_event(chat_id, NewMessage(text="hello"))),
    Subject("send_file", Replay.UNSAFE, lambda s, chat_id: s.events.send_file(chat_id, FILE, filename="r.pdf")),
    Subject("upload_file", Replay.SAFE, lambda session, _: session.events.upload_file(FILE, filename="r.pdf")),
]
ENGINES = ["auto", "httpx"]
