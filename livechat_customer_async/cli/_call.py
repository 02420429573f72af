"""`livechat-customer call`: call any action with a JSON payload and print its result as JSON."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from .. import AsyncCustomerSession, Replay
from ._exit_codes import reporting
from ._interrupts import InterruptedCalls
from ._options import SessionOptions, with_session_options
from ._parsers import choice
from ._payload import read_payload
from ._terminal import err, print_json

_UPLOADS: Final = frozenset({"send_file", "upload_file"})


@with_session_options
def call(
    options: SessionOptions,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Name of the action, such as start_chat.")],
    payload: Annotated[
        str,
        typer.Option("--payload", "-p", metavar="JSON", help="JSON object of parameters, @FILE, or - for stdin."),
    ] = "{}",
    replay: Annotated[
        str,
        typer.Option(
            parser=choice("safe", "unsafe"),
            metavar="safe|unsafe",
            help="safe: performing the action twice does no harm, so retry it even if it may have been performed.",
        ),
    ] = "unsafe",
) -> None:
    """Call an action of the API and print its result as JSON.

    The output is indented and coloured on a terminal, and a single line otherwise.
    """
    if action in _UPLOADS:
        raise typer.BadParameter("to send a file, use livechat-customer upload", param_hint="ACTION")
    interrupted = InterruptedCalls()
    with reporting(interrupted):
        parameters = read_payload(payload)
        session = options.session(err(), interrupted)
        print_json(asyncio.run(_call(session, action, parameters, Replay(replay))))


async def _call(session: AsyncCustomerSession, action: str, payload: Mapping[str, Any], replay: Replay) -> Any:
    async with session:
        return await session.call(action, payload, replay=replay)
