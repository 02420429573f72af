"""The exit codes, and how an error becomes one line and an exit code."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

import typer

from .. import (
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    InvalidRequestError,
    LiveChatError,
    Outcome,
    TokenProviderError,
)
from ._terminal import end_interrupted_line, print_error


class ExitCode(IntEnum):
    """The exit status of the process."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    DENIED = 3
    REJECTED = 4
    NOT_SENT = 5
    UNKNOWN = 6
    UNWRITABLE = 7
    INTERRUPTED = 130
    BROKEN_PIPE = 141


_MEANING: Final = {
    ExitCode.OK: "success",
    ExitCode.UNEXPECTED: "internal error (a bug in this program)",
    ExitCode.USAGE: "invalid usage, input or configuration; nothing was sent",
    ExitCode.DENIED: "the API refused the access token or denied permission",
    ExitCode.REJECTED: "the API refused the request for another reason; it did nothing",
    ExitCode.NOT_SENT: "network failure before the request was sent",
    ExitCode.UNKNOWN: "no clear answer after the request was sent; the API may have acted",
    ExitCode.UNWRITABLE: "standard output could not be written; the result is lost",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
    ExitCode.BROKEN_PIPE: "the reader of standard output closed the pipe",
}

# The first matching class decides; errors of other classes are told apart by their outcome.
_BY_CLASS: Final[tuple[tuple[type[LiveChatError], ExitCode], ...]] = (
    (ConfigurationError, ExitCode.USAGE),
    (InvalidRequestError, ExitCode.USAGE),
    (AuthenticationError, ExitCode.DENIED),
    (AuthorizationError, ExitCode.DENIED),
    (TokenProviderError, ExitCode.DENIED),
)
_BY_OUTCOME: Final = {
    Outcome.REJECTED: ExitCode.REJECTED,
    Outcome.NOT_SENT: ExitCode.NOT_SENT,
    Outcome.UNKNOWN: ExitCode.UNKNOWN,
}
_SANDBOX_EXTRA: Final = frozenset({"python_multipart", "starlette", "uvicorn"})

EXIT_CODES_HELP: Final = "\n".join(
    ["Exit codes:", *(f"{code.value:>5}: {meaning}" for code, meaning in _MEANING.items())]
)


def exit_code(error: LiveChatError) -> ExitCode:
    """Return the exit code of an error."""
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            return code
    return _BY_OUTCOME[error.outcome]


def error_message(error: LiveChatError) -> str:
    """Return the text of an error, with a hint where one is known."""
    hint = " (the access token may have expired)" if isinstance(error, AuthenticationError) else ""
    return f"{error}{hint}"


@contextmanager
def reporting(interrupted: object = "", *, echoed: bool = True) -> Generator[None]:
    """Turn the errors of a command into one line on standard error and an exit code.

    Undocumented errors are bugs and keep their traceback.

    Args:
        interrupted: its `str` says what is known of the calls that Ctrl-C ended.
        echoed: whether a terminal still shows the `^C`.
    """
    try:
        yield
    except LiveChatError as error:
        print_error(error_message(error))
        raise typer.Exit(exit_code(error)) from error
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _SANDBOX_EXTRA:
            raise
        print_error(str(error))
        raise typer.Exit(ExitCode.USAGE) from error
    except KeyboardInterrupt as error:
        if echoed:
            end_interrupted_line()
        known = str(interrupted)
        print_error(f"interrupted: {known}" if known else "interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
