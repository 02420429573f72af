"""The application: its commands, and what they share."""

import inspect
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from .. import __version__
from ._actions import actions_help
from ._call import call
from ._chat import chat
from ._demo import demo
from ._exit_codes import EXIT_CODES_HELP, ExitCode
from ._parsers import usage_message
from ._sandbox import sandbox
from ._streams import OutputError, guarded_streams
from ._terminal import print_error, print_plain
from ._upload import upload

# Typer bundles its own copy of Click and does not export this class.
_UsageError: Final[Any] = typer.BadParameter.__base__


class _Group(TyperGroup):
    """Reports usage errors in one line, without Typer's box."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; exit the process in standalone mode."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        with guarded_streams():
            code = _run(run)
        sys.exit(code)


def _run(run: Callable[[], Any]) -> Any:
    """Run a command and return its exit code."""
    try:
        return run()
    except typer.Abort:  # Ctrl-C or Ctrl-D at a prompt, which ends its own line
        print_error("interrupted")
        return ExitCode.INTERRUPTED
    except _UsageError as error:
        print_error(usage_message(error))
        return ExitCode.USAGE
    except OutputError as error:
        if error.broken_pipe:
            return ExitCode.BROKEN_PIPE
        print_error(f"cannot write to standard output: {error}")
        return ExitCode.UNWRITABLE


app = typer.Typer(
    cls=_Group,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, such as tokens
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _help(command: Callable[..., None]) -> str:
    """Return a command's docstring with one line for each paragraph: Typer keeps line breaks within one."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_plain(f"livechat-customer {__version__} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=EXIT_CODES_HELP)
def livechat_customer(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, metavar="", help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Use the LiveChat Customer Chat Web API v3.0 from the command line.

    Start with livechat-customer demo, which needs no account.
    """
    if context.invoked_subcommand is None:
        print_plain(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


app.command("demo", help=_help(demo))(demo)
app.command("sandbox", help=_help(sandbox))(sandbox)
app.command("chat", help=_help(chat), epilog=EXIT_CODES_HELP)(chat)
app.command("call", help=_help(call), epilog=f"{actions_help()}\n\n{EXIT_CODES_HELP}")(call)
app.command("upload", help=_help(upload), epilog=EXIT_CODES_HELP)(upload)
