"""`livechat-customer chat`: a conversation in the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Final, cast

import attrs
import typer
from rich.console import Console

from ._chat_commands import Role
from ._chat_loop import ChatLoop
from ._conversation import Conversation
from ._exit_codes import ExitCode, reporting
from ._interrupts import InterruptedCalls
from ._line_input import LineInput
from ._options import SessionOptions, with_session_options
from ._parsers import choice
from ._terminal import end_interrupted_line, err, out, print_error

_LICENSE_ID: Final = 1520
_TOKEN: Final = "dal-visitor"  # noqa: S105 - the sandbox accepts any token


@with_session_options
def chat(
    options: SessionOptions,
    chat_id: Annotated[
        str | None,
        typer.Option("--chat", "-c", metavar="ID", help="Chat to continue. Default: the most recent, or a new one."),
    ] = None,
    role: Annotated[
        str,
        typer.Option(
            "--as",
            parser=choice("customer", "agent"),
            autocompletion=lambda: ["customer", "agent"],
            metavar="customer|agent",
            help="Who you are. The agent can speak in a sandbox only.",
        ),
    ] = "customer",
    sandbox: Annotated[
        bool, typer.Option("--sandbox", metavar="", help="Start a sandbox, even if credentials are set.")
    ] = False,
    agent: Annotated[
        bool, typer.Option("--agent/--no-agent", metavar="", help="Whether an agent of the started sandbox replies.")
    ] = True,
) -> None:
    """Chat in the terminal.

    New messages appear as they arrive. Without credentials, the chat is with a sandbox that ends with it. To join a
    sandbox that is running, set the environment variables that it printed.

    Every line is sent as a message; /help lists the commands. Ctrl-D, Ctrl-C or /quit ends the chat. Standard input may
    be a script. The exit code is the highest of the messages that failed.
    """
    interrupted = InterruptedCalls("send_event")
    with reporting():
        try:
            code = asyncio.run(_chat(options, chat_id, cast("Role", role), sandbox, agent, interrupted))
        except KeyboardInterrupt:
            code = _end_interrupted(interrupted)
    raise typer.Exit(code)


async def _chat(
    options: SessionOptions, chat_id: str | None, role: Role, sandbox: bool, agent: bool, interrupted: InterruptedCalls
) -> ExitCode:
    started = sandbox or (options.license_id is None and options.access_token is None and options.base_url is None)
    if role == "agent" and not started and options.base_url is None:
        raise typer.BadParameter("the agent can speak in a sandbox only; add --sandbox", param_hint="--as")
    lines, console = LineInput(), err()
    replies = agent and role == "customer"
    async with AsyncExitStack() as stack:
        if started:
            options = attrs.evolve(options, **await stack.enter_async_context(_sandbox(replies)))
        session = options.session(console, interrupted, trust_env=not started)
        await stack.enter_async_context(session)
        conversation = await Conversation.open(role, session, chat_id, options.base_url)
        _greet(console, conversation, started=started, interactive=lines.interactive)
        loop = ChatLoop(conversation, lines, out())
        with lines.terminal_restored():
            await loop.run()
    return loop.exit_code


@asynccontextmanager
async def _sandbox(replies: bool) -> AsyncGenerator[dict[str, Any]]:
    """Start a sandbox. Yields the options of a session with it."""
    from ..sandbox import Sandbox, friendly_agent, serve  # noqa: PLC0415 - needs an extra

    async with serve(Sandbox(agent=friendly_agent if replies else None)) as server:
        yield {"license_id": _LICENSE_ID, "access_token": _TOKEN, "region": None, "base_url": server.url}


def _greet(console: Console, conversation: Conversation, *, started: bool, interactive: bool) -> None:
    place = "a sandbox in this process" if started else conversation.sandbox_url or "LiveChat"
    console.print(f"Chat {conversation.chat.id} with {place}. You are the {conversation.role}.", style="dim")
    if interactive:
        console.print("Type a message and press Enter. /help lists the commands, /quit ends the chat.\n", style="dim")


def _end_interrupted(interrupted: InterruptedCalls) -> ExitCode:
    """Ctrl-C ends a chat as it should, unless it interrupted a message."""
    end_interrupted_line()
    if not str(interrupted):
        return ExitCode.OK
    print_error(f"interrupted: {interrupted}")
    return ExitCode.INTERRUPTED
