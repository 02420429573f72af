"""Exit codes: one table, and how an error becomes one line and one of them."""

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
from ._terminal import complain, leave_the_echo


class ExitCode(IntEnum):
    """What the process ends with."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    DENIED = 3
    REJECTED = 4
    NOT_SENT = 5
    UNKNOWN = 6
    UNWRITABLE = 7
    INTERRUPTED = 130
    READER_LEFT = 141


_MEANING: Final = {
    ExitCode.OK: "done",
    ExitCode.UNEXPECTED: "a fault of this program",
    ExitCode.USAGE: "wrong usage, input or configuration; nothing was sent",
    ExitCode.DENIED: "the API refused the token, or the customer may not do this",
    ExitCode.REJECTED: "the API said no for another reason; it did nothing",
    ExitCode.NOT_SENT: "the network: the request did not leave",
    ExitCode.UNKNOWN: "the request left and no clear answer came: the API may have acted",
    ExitCode.UNWRITABLE: "the result could not be written to standard output, and is lost",
    ExitCode.INTERRUPTED: "Ctrl-C",
    ExitCode.READER_LEFT: "standard output is a pipe whose reader left early",
}

# The first class that fits decides; what fits none is told apart by its outcome.
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
    """The exit code of an error."""
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            return code
    return _BY_OUTCOME[error.outcome]


def in_words(error: LiveChatError) -> str:
    """What to tell of an error."""
    return f"{error} (has the access token expired?)" if isinstance(error, AuthenticationError) else str(error)


@contextmanager
def reporting(interrupted: object = "", *, echoed: bool = True) -> Generator[None]:
    """Turn an error of a command into one line on standard error and its exit code.

    What is no documented error is a fault of this program, and keeps its traceback. `interrupted` says, as a `str`,
    what is known of the calls that Ctrl-C ended; `echoed`, whether a terminal still shows its `^C`.
    """
    try:
        yield
    except LiveChatError as error:
        complain(in_words(error))
        raise typer.Exit(exit_code(error)) from error
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _SANDBOX_EXTRA:
            raise
        complain(str(error))
        raise typer.Exit(ExitCode.USAGE) from error
    except KeyboardInterrupt as error:
        if echoed:
            leave_the_echo()
        known = str(interrupted)
        complain(f"interrupted: {known}" if known else "interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
