"""`livechat-customer sandbox`: a sandbox that stays, and says what it is asked."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from ._exits import ExitCode, reporting
from ._streams import OutputError
from ._terminal import complain, milliseconds, out, printable
from ._values import choice, whole_number

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ..sandbox import Fault, Sandbox, SandboxServer

_ACTION_PATH: Final = "/v3.0/customer/action/"
_ACTION_WIDTH: Final = 29
_LONGEST: Final = 200
_LICENSE_ID: Final = 1520
_ANY_HOST: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
_PORT_NOT_FREE: Final = frozenset({errno.EACCES, errno.EADDRINUSE})
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


def sandbox(
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", parser=whole_number(0, 65535), metavar="PORT", help="The port; 0 finds a free one."
        ),
    ] = 8300,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", metavar="", help="Let --host be an address that other machines reach.")
    ] = False,
    license_id: Annotated[
        int | None,
        typer.Option(
            "--license-id",
            parser=whole_number(1),
            metavar="ID",
            help="The only license there is; by default any will do.",
        ),
    ] = None,
    region: Annotated[
        str,
        typer.Option(
            "--region",
            parser=choice("dal", "fra", "any"),
            metavar="dal|fra|any",
            help="The data centre that it is. Customers of the other are misdirected; any: none is.",
        ),
    ] = "dal",
    agent: Annotated[bool, typer.Option("--agent/--no-agent", metavar="", help="Whether an agent replies.")] = True,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            "-f",
            metavar="FAULT",
            help="What goes wrong, and for which action; any number of them. See above.",
        ),
    ] = None,
) -> None:
    """Keep a sandbox of the API running until Ctrl-C.

    It lets any token in, keeps everything in memory, and prints a line for each request.

    A fault is ACTION:KIND and any number of :NAME=VALUE, with * for any action, such as
    send_event:reset-after-performing:times=2 or '*:error:type=too_many_requests:retry_after=1'.
    A kind that does not exist is answered with a list of those that do.
    """
    with reporting():
        served = _build(
            license_id=license_id,
            region=None if region == "any" else region,
            agent=agent,
            faults=_faults(fault or []),
        )
        credentials = {
            "LIVECHAT_LICENSE_ID": str(license_id or _LICENSE_ID),
            "LIVECHAT_ACCESS_TOKEN": f"{'dal' if region == 'any' else region}-visitor",
        }
        _run(served, host, port, allow_remote=allow_remote, credentials=credentials)


def _faults(texts: list[str]) -> list[Fault]:
    from ..sandbox import parse_fault  # noqa: PLC0415 - an extra that other commands do without

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error


def _build(*, license_id: int | None, region: str | None, agent: bool, faults: list[Fault]) -> Sandbox:
    from ..sandbox import Sandbox, friendly_agent  # noqa: PLC0415 - as above

    replies = friendly_agent if agent else None
    try:
        return Sandbox(license_id=license_id, region=region, agent=replies, faults=faults, record_limit=100)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error


def _run(served: Sandbox, host: str, port: int, *, allow_remote: bool, credentials: dict[str, str]) -> None:
    from ..sandbox import run  # noqa: PLC0415 - as above

    console = out()
    log = RequestLog(served.app, console)
    served.app = log

    def ready(server: SandboxServer) -> None:
        log.serving = asyncio.current_task()
        _greet(console, server, credentials)

    try:
        with suppress(asyncio.CancelledError):  # by the log, where it cannot be written
            run(served, host, port, allow_remote=allow_remote, on_ready=ready)
    except ValueError as error:
        raise typer.BadParameter(
            f"{host} reaches beyond this machine: add --allow-remote", param_hint="--host"
        ) from error
    except OSError as error:
        complain(f"cannot listen on {host}:{port}: {_why_not(error)}")
        raise typer.Exit(ExitCode.USAGE) from error
    if log.failed is not None:
        raise log.failed
    console.print(f"\nStopped after {log.count:,} {'request' if log.count == 1 else 'requests'}.")


def _why_not(error: OSError) -> str:
    # Python goes on with the address, which was said already.
    why = (error.strerror or type(error).__name__).partition(" (while ")[0]
    return f"{why} (--port 0 finds a free port)" if error.errno in _PORT_NOT_FREE else why


def _greet(console: Console, server: SandboxServer, credentials: dict[str, str]) -> None:
    served = server.sandbox
    facts = ["nobody replies" if served.agent is None else "an agent replies"]
    if served.faults:
        facts.append(f"{len(served.faults)} {'fault waits' if len(served.faults) == 1 else 'faults wait'}")
    console.print(Text.assemble("Sandbox at ", (server.url, "bold cyan"), f" ({', '.join(facts)})."))
    console.print("Ctrl-C stops it. In another terminal:\n")
    url = f"http://127.0.0.1:{server.port}" if server.host in _ANY_HOST else server.url
    for line in example({"LIVECHAT_BASE_URL": url, **credentials}):
        console.print(f"  {line}", soft_wrap=True)
    console.print()


def example(variables: dict[str, str], *, windows: bool = os.name == "nt") -> list[str]:
    """Lines to paste into a shell (PowerShell on Windows): the environment, then a call."""
    template = '$env:{} = "{}"' if windows else "export {}={}"
    lines = [template.format(name, value) for name, value in variables.items()]
    # Older PowerShells lose the quotes inside an argument; there the payload comes over a pipe.
    payload = '{"continuous": true}'
    call = "livechat-customer call start_chat --payload"
    return [*lines, f"'{payload}' | {call} -" if windows else f"{call} '{payload}'"]


class RequestLog:
    """The sandbox's application, with a line for each request; where that cannot be written, it ends what serves it."""

    def __init__(self, app: ASGIApp, console: Console, clock: Callable[[], float] = time.perf_counter) -> None:
        self.count = 0
        self.failed: OutputError | None = None
        self.serving: asyncio.Task[Any] | None = None
        self._app = app
        self._console = console
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell how it was answered."""
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
            self._tell(_line(scope["path"], status, self._clock() - started))

    def _tell(self, line: Text) -> None:
        if self.failed is not None:
            return
        try:
            self._console.print(line, soft_wrap=True)
        except OutputError as error:
            self.failed = error
            if self.serving is not None:
                self.serving.cancel()


def _line(path: str, status: int | None, seconds: float) -> Text:
    # Not the query, and no header: only what cannot hold a secret.
    name = path.rpartition("/")[2] if path.startswith(_ACTION_PATH) else path
    shown = printable(name)[:_LONGEST]
    took = f"{milliseconds(seconds):>8} ms"
    now = time.strftime("%H:%M:%S")
    answer = ("no answer", "magenta") if status is None else (str(status), _style(status))
    return Text.assemble((now, "dim"), "  ", shown.ljust(_ACTION_WIDTH), "  ", (answer[0].rjust(9), answer[1]), took)


def _style(status: int) -> str:
    if status < _CLIENT_ERROR:
        return "green"
    return "yellow" if status < _SERVER_ERROR else "red"
