"""`livechat-customer call`: any action, JSON in and JSON out."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from .. import AsyncCustomerSession, Replay
from ._access import (
    Access,
    AccessTokenOption,
    BaseUrlOption,
    LicenseIdOption,
    NoRetryOption,
    RegionOption,
    TimeoutOption,
    VerboseOption,
)
from ._exits import reporting
from ._interrupted import Interrupted
from ._terminal import err, print_json
from ._values import choice

_UPLOADS: Final = frozenset({"send_file", "upload_file"})


def call(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Its name on the wire, such as start_chat.")],
    payload: Annotated[
        str,
        typer.Option("--payload", "-p", metavar="JSON", help="Its parameters: a JSON object, @FILE, or - for stdin."),
    ] = "{}",
    license_id: LicenseIdOption = None,
    access_token: AccessTokenOption = None,
    base_url: BaseUrlOption = None,
    region: RegionOption = None,
    replay: Annotated[
        str,
        typer.Option(
            "--replay",
            parser=choice("safe", "unsafe"),
            metavar="safe|unsafe",
            help="safe: the call may be performed twice, so it is also tried again where its outcome is unknown.",
            rich_help_panel="Network",
        ),
    ] = "unsafe",
    timeout: TimeoutOption = None,
    no_retry: NoRetryOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make any call of the API and print its result as JSON.

    On a terminal the JSON is indented and coloured, elsewhere it is one line.
    """
    if action in _UPLOADS:
        raise typer.BadParameter("it takes a file, and so livechat-customer upload does it", param_hint="ACTION")
    access = Access(
        context=context,
        license_id=license_id,
        access_token=access_token,
        base_url=base_url,
        region=region,
        timeout=timeout,
        no_retry=no_retry,
        verbose=verbose,
    )
    interrupted = Interrupted()
    with reporting(interrupted):
        given = read_payload(payload)
        result = asyncio.run(_perform(access.session(err(), interrupted), action, given, Replay(replay)))
        print_json(result)


async def _perform(session: AsyncCustomerSession, action: str, payload: Mapping[str, Any], replay: Replay) -> Any:
    async with session:
        return await session.call(action, payload, replay=replay)


def read_payload(given: str) -> Mapping[str, Any]:
    """The payload that was given as text, or that the text says where to find."""
    # As bytes: json then finds out by itself whether a file is UTF-8 or one of the UTF-16 that Windows writes.
    try:
        payload: object = json.loads(_source(given))
    except OSError as error:
        source = "standard input" if given == "-" else given[1:]
        raise _refused(f"cannot read {source}: {error.strerror}") from error
    except ValueError as error:
        raise _refused(f"it is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise _refused("it is JSON, but not an object: expected {…}")
    return cast("dict[str, Any]", payload)


def _source(given: str) -> bytes | str:
    if given == "-":
        if sys.stdin is None:
            raise _refused("standard input is closed")
        return sys.stdin.buffer.read()
    return Path(given[1:]).read_bytes() if given.startswith("@") else given


def _refused(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="--payload")
