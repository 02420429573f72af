"""`livechat-customer call`: call any action with a JSON payload and print its result as JSON."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .. import AsyncCustomerSession, Replay, replay_of
from ._actions import check_action, complete_action, is_known
from ._exit_codes import reporting
from ._interrupts import InterruptedCalls
from ._options import SessionOptions, with_session_options
from ._parsers import choice
from ._payload import read_payload
from ._terminal import err, print_json, print_note


@with_session_options
def call(
    options: SessionOptions,
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION", autocompletion=complete_action, help="Name of the action, see the list below."
        ),
    ],
    payload: Annotated[
        str,
        typer.Option("--payload", "-p", metavar="JSON", help="JSON object of parameters, @FILE, or - for stdin."),
    ] = "{}",
    replay: Annotated[
        str | None,
        typer.Option(
            parser=choice("safe", "unsafe"),
            autocompletion=lambda: ["safe", "unsafe"],
            metavar="safe|unsafe",
            help="safe: performing the action twice does no harm, so retry it even if it may have been performed. "
            "Default: as known of the action.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Call ACTION even if it looks like a typing error.")
    ] = False,
) -> None:
    """Call an action and print its result as JSON.

    The output is indented and coloured on a terminal, and a single line otherwise.
    """
    check_action(action, force=force)
    interrupted = InterruptedCalls()
    with reporting(interrupted):
        parameters = read_payload(payload, action)
        session = options.session(err(), interrupted)
        if not is_known(action):
            print_note(f"{action} is not a documented action of this API version; calling it anyway")
        replayed = replay_of(action) if replay is None else Replay(replay)
        print_json(asyncio.run(_call(session, action, parameters, replayed)))


async def _call(session: AsyncCustomerSession, action: str, payload: Mapping[str, Any], replay: Replay) -> Any:
    async with session:
        return await session.call(action, payload, replay=replay)
