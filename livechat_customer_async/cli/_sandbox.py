"""`livechat-customer sandbox`: run a local server of the API and log its requests."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from ._exit_codes import ExitCode, reporting
from ._parsers import choice, whole_number
from ._request_log import RequestLog
from ._terminal import out, plural, print_error

if TYPE_CHECKING:
    from ..sandbox import Fault, Sandbox, SandboxServer

_LICENSE_ID: Final = 1520
_ANY_HOST: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared only, never listened on
_PORT_NOT_FREE: Final = frozenset({errno.EACCES, errno.EADDRINUSE})


def sandbox(
    port: Annotated[
        int,
        typer.Option("--port", "-p", parser=whole_number(0, 65535), metavar="PORT", help="Port; 0 picks a free one."),
    ] = 8300,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", metavar="", help="Allow a --host that other machines can reach.")
    ] = False,
    license_id: Annotated[
        int | None,
        typer.Option(parser=whole_number(1), metavar="ID", help="Accept only this license ID. Default: any."),
    ] = None,
    region: Annotated[
        str,
        typer.Option(
            parser=choice("dal", "fra", "any"),
            autocompletion=lambda: ["dal", "fra", "any"],
            metavar="dal|fra|any",
            help="Data center to simulate; customers of the other one get misdirected_request. any: serve both.",
        ),
    ] = "dal",
    agent: Annotated[bool, typer.Option("--agent/--no-agent", metavar="", help="Reply to customers.")] = True,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", "-f", metavar="FAULT", help="Fault to inject, see above. May be repeated."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", metavar="", help="Log the texts of messages too.")
    ] = False,
) -> None:
    """Run a local sandbox of the API until Ctrl-C.

    It accepts any access token, keeps everything in memory, and logs every request.

    A fault has the form ACTION:KIND[:NAME=VALUE]..., where * stands for any action, such as
    send_event:reset-after-performing:times=2 or '*:error:type=too_many_requests:retry_after=1'.
    An unknown kind is answered with the list of kinds.
    """
    with reporting():
        served = _create(
            license_id=license_id,
            region=None if region == "any" else region,
            agent=agent,
            faults=_parse_faults(fault or []),
        )
        credentials = {
            "LIVECHAT_LICENSE_ID": str(license_id or _LICENSE_ID),
            "LIVECHAT_ACCESS_TOKEN": f"{'dal' if region == 'any' else region}-visitor",
        }
        _run(served, host, port, allow_remote=allow_remote, verbose=verbose, credentials=credentials)


def _parse_faults(texts: list[str]) -> list[Fault]:
    from ..sandbox import parse_fault  # noqa: PLC0415 - needs an extra

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error


def _create(*, license_id: int | None, region: str | None, agent: bool, faults: list[Fault]) -> Sandbox:
    from ..sandbox import Sandbox, friendly_agent  # noqa: PLC0415 - needs an extra

    script = friendly_agent if agent else None
    try:
        return Sandbox(license_id=license_id, region=region, agent=script, faults=faults, record_limit=100)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error


def _run(
    served: Sandbox, host: str, port: int, *, allow_remote: bool, verbose: bool, credentials: dict[str, str]
) -> None:
    from ..sandbox import run  # noqa: PLC0415 - needs an extra

    console = out()
    log = RequestLog(served, console, verbose=verbose)
    served.app = log

    def on_ready(server: SandboxServer) -> None:
        log.server_task = asyncio.current_task()
        _print_banner(console, server, credentials)

    try:
        with suppress(asyncio.CancelledError):  # raised by the log if it cannot be written
            run(served, host, port, allow_remote=allow_remote, on_ready=on_ready)
    except ValueError as error:
        raise typer.BadParameter(
            f"{host} is reachable from other machines; add --allow-remote", param_hint="--host"
        ) from error
    except OSError as error:
        print_error(f"cannot listen on {host}:{port}: {_bind_problem(error)}")
        raise typer.Exit(ExitCode.USAGE) from error
    if log.failure is not None:
        raise log.failure
    console.print(f"\nStopped after {plural(log.count, 'request')}.")


def _bind_problem(error: OSError) -> str:
    # Python appends the address, which the message names already.
    problem = (error.strerror or type(error).__name__).partition(" (while ")[0]
    return f"{problem} (use --port 0 for a free port)" if error.errno in _PORT_NOT_FREE else problem


def _print_banner(console: Console, server: SandboxServer, credentials: dict[str, str]) -> None:
    served = server.sandbox
    facts = ["no agent" if served.agent is None else "an agent replies"]
    if served.faults:
        facts.append(f"{plural(len(served.faults), 'fault')} armed")
    console.print(Text.assemble("Sandbox running at ", (server.url, "bold cyan"), f" ({', '.join(facts)})."))
    console.print("Press Ctrl-C to stop. To try it, run in another terminal:\n")
    url = f"http://127.0.0.1:{server.port}" if server.host in _ANY_HOST else server.url
    for line in example({"LIVECHAT_BASE_URL": url, **credentials}):
        console.print(f"  {line}", soft_wrap=True)
    console.print("\nTo chat as the customer, or as the agent:\n")
    console.print("  livechat-customer chat\n  livechat-customer chat --as agent")
    console.print()


def example(variables: dict[str, str], *, windows: bool = os.name == "nt") -> list[str]:
    """Return shell commands that set environment variables and make a call (PowerShell on Windows)."""
    template = '$env:{} = "{}"' if windows else "export {}={}"
    lines = [template.format(name, value) for name, value in variables.items()]
    # Older PowerShells drop quotes within an argument, so the payload is piped there.
    payload = '{"continuous": true}'
    call = "livechat-customer call start_chat --payload"
    return [*lines, f"'{payload}' | {call} -" if windows else f"{call} '{payload}'"]
