"""The loop of a chat: prints what arrives and sends what is typed."""

import asyncio
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from .. import Customer, Event, LiveChatError
from ._chat_commands import HELP, Command, Role, Say, parse_line
from ._conversation import AgentError, Conversation
from ._event_text import author_name, clock_time, event_lines, user_names
from ._exit_codes import ExitCode, error_message, exit_code
from ._line_input import LineInput
from ._terminal import print_error

_HISTORY: Final = 20
_FATAL: Final = frozenset({ExitCode.USAGE, ExitCode.DENIED})


class ChatLoop:
    """A chat on the terminal, or driven by a script.

    Args:
        conversation: the chat.
        lines: where lines are read from.
        console: where to print events.
        interval: seconds between two reads of the chat.

    Attributes:
        exit_code: the highest exit code of the messages that failed.
    """

    def __init__(
        self, conversation: Conversation, lines: LineInput, console: Console, *, interval: float = 1.0
    ) -> None:
        self.exit_code = ExitCode.OK
        self._conversation = conversation
        self._lines = lines
        self._console = console
        self._interval = interval
        self._poll_error: str | None = None

    async def run(self) -> None:
        """Run until the end of input or `/quit`.

        Raises:
            LiveChatError: the chat can no longer be read, as when the token was revoked.
        """
        self._print(self._conversation.unseen()[-_HISTORY:])
        tasks = [asyncio.create_task(self._poll_forever()), asyncio.create_task(self._read_lines())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll_forever(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._poll()

    async def _poll(self) -> None:
        """Print new events. An error is printed once, not every time."""
        try:
            await self._conversation.refresh()
        except LiveChatError as error:
            if exit_code(error) in _FATAL:
                raise
            if self._poll_error != type(error).__name__:
                self._print_error(error_message(error))
            self._poll_error = type(error).__name__
            return
        self._poll_error = None
        events = self._conversation.unseen()
        # A terminal shows already what was typed.
        self._print([one for one in events if not (self._lines.interactive and self._conversation.is_own(one))])

    async def _read_lines(self) -> None:
        while (line := await self._lines.read()) is not None:
            try:
                command = parse_line(line, self._conversation.role)
            except ValueError as error:
                self._fail(str(error), ExitCode.USAGE)
                continue
            if command == "quit":
                return
            await self._perform(command)

    async def _perform(self, command: Command | None) -> None:
        match command:
            case Say(role, text):
                await self._say(role, text)
                await self._poll()
            case "help":
                self._console.print(HELP, soft_wrap=True)
            case _:
                pass

    async def _say(self, role: Role, text: str) -> None:
        try:
            await self._conversation.say(role, text)
        except LiveChatError as error:
            self._fail(error_message(error), exit_code(error))
        except AgentError as error:
            self._fail(str(error), ExitCode.REJECTED)

    def _fail(self, message: str, code: ExitCode) -> None:
        self.exit_code = max(self.exit_code, code)
        self._print_error(message)

    def _print_error(self, message: str) -> None:
        with self._lines.printing():
            print_error(message)

    def _print(self, events: Sequence[Event]) -> None:
        if not events:
            return
        with self._lines.printing():
            for event in events:
                self._console.print(self._line(event), soft_wrap=not self._console.is_terminal)

    def _line(self, event: Event) -> Text:
        chat = self._conversation.chat
        names = user_names(chat)
        customers = {user.id for user in chat.users if isinstance(user, Customer)}
        style = "bold cyan" if event.author_id in customers else "bold green"
        content = Text("\n    ").join(event_lines(event, ascii_only=self._console.options.ascii_only))
        header = ((f"{clock_time(event)} ", "dim"), (author_name(event, names), style))
        return Text.assemble(*header, ": ", content)
