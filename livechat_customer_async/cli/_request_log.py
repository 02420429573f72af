"""The log of a sandbox: one line for each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from ._streams import OutputError
from ._terminal import milliseconds, one_line

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from ..sandbox import Chat, Event, Sandbox

_ACTION_PATH: Final = "/v3.0/customer/action/"
_ACTION_WIDTH: Final = 29
_MAX_LENGTH: Final = 200
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


class RequestLog:
    """ASGI middleware that prints every request. If that fails, it stops the server.

    Args:
        sandbox: the sandbox, whose application it wraps.
        console: where to print.
        verbose: whether to print new events too.
        clock: measures durations.
    """

    def __init__(
        self, sandbox: Sandbox, console: Console, *, verbose: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.count = 0
        self.failure: OutputError | None = None
        self.server_task: asyncio.Task[Any] | None = None
        self._sandbox = sandbox
        self._app = sandbox.app
        self._console = console
        self._verbose = verbose
        self._clock = clock
        self._last_order = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and print how it was answered."""
        started = self._clock()
        status: int | None = None

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self.count += 1
            self._print(_line(scope["path"], status, self._clock() - started))
            if self._verbose:
                self._print_events()

    def _print_events(self) -> None:
        """Print the events added since the last request."""
        changed = [chat for chat in self._sandbox.chats.values() if chat.order > self._last_order]
        added = [(chat, event) for chat in changed for event in chat.events if event.order > self._last_order]
        for chat, event in sorted(added, key=lambda one: one[1].order):
            self._last_order = event.order
            self._print(self._event_line(chat, event))

    def _event_line(self, chat: Chat, event: Event) -> Text:
        text = event.content.get("text") or event.content.get("name")
        shown = f"[{event.type}] {text or ''}" if event.type != "message" else str(text)
        author = (self._author(event.author_id), "bold")
        return Text.assemble((f"{'':10}{chat.id}", "dim"), "  ", author, f": {one_line(shown)[:_MAX_LENGTH]}")

    def _author(self, author_id: str | None) -> str:
        agent, customer = self._sandbox.agent_profile, self._sandbox.customers.get(author_id or "")
        if customer is not None:
            return one_line(customer.name or "customer")
        return one_line(agent.name if author_id == agent.id else author_id or "system")

    def _print(self, line: Text) -> None:
        if self.failure is not None:
            return
        try:
            self._console.print(line, soft_wrap=True)
        except OutputError as error:
            self.failure = error
            if self.server_task is not None:
                self.server_task.cancel()


def _line(path: str, status: int | None, seconds: float) -> Text:
    # Neither the query nor a header: they may hold secrets.
    name = path.rpartition("/")[2] if path.startswith(_ACTION_PATH) else path
    action = one_line(name)[:_MAX_LENGTH].ljust(_ACTION_WIDTH)
    answer = ("no answer", "magenta") if status is None else (str(status), _style(status))
    took = f"{milliseconds(seconds):>8} ms"
    return Text.assemble((time.strftime("%H:%M:%S"), "dim"), f"  {action}  ", (answer[0].rjust(9), answer[1]), took)


def _style(status: int) -> str:
    if status < _CLIENT_ERROR:
        return "green"
    return "yellow" if status < _SERVER_ERROR else "red"
