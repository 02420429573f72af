"""The commands, and what holds for all of them."""

import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from .. import __version__
from ._call import call
from ._demo import demo
from ._exits import EXIT_CODES_HELP, ExitCode
from ._serve import sandbox
from ._streams import OutputError, guarded_streams
from ._terminal import complain, say
from ._upload import upload
from ._values import usage_line

# Typer carries a Click of its own, and does not name this class of it.
_UsageError: Final[Any] = typer.BadParameter.__base__


class _Group(TyperGroup):
    """Says in one line what is wrong with the command's words, where Typer would draw a box."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end the process unless told otherwise."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        with guarded_streams():
            code = _run(run)
        sys.exit(code)


def _run(run: Callable[[], Any]) -> Any:
    """Run the command, and give the exit code."""
    try:
        return run()
    except typer.Abort:  # Ctrl-C or Ctrl-D at a prompt, which ends its line itself
        complain("interrupted")
        return ExitCode.INTERRUPTED
    except _UsageError as error:
        complain(usage_line(error))
        return ExitCode.USAGE
    except OutputError as error:
        if error.reader_left:
            return ExitCode.READER_LEFT
        complain(f"cannot write to standard output: {error}")
        return ExitCode.UNWRITABLE


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show variables, and so tokens
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"livechat-customer {__version__} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=EXIT_CODES_HELP)
def start(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, metavar="", help="Show the version.")
    ] = False,
) -> None:
    """The LiveChat Customer Chat Web API v3.0 from the command line.

    Begin with livechat-customer demo: it needs no account.
    """
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


app.command("demo")(demo)
app.command("sandbox")(sandbox)
app.command("call", epilog=EXIT_CODES_HELP)(call)
app.command("upload", epilog=EXIT_CODES_HELP)(upload)
