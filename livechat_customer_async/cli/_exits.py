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
from ._terminal import complain, complain_of_interruption


class ExitCode(IntEnum):
    """What the process ends with."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    DENIED = 3
    REJECTED = 4
    NOT_SENT = 5
    UNKNOWN = 6
    INTERRUPTED = 130


_MEANING: Final = {
    ExitCode.OK: "done",
    ExitCode.UNEXPECTED: "a fault of this program",
    ExitCode.USAGE: "wrong usage, input or configuration; nothing was sent",
    ExitCode.DENIED: "the API refused the token, or the customer may not do this",
    ExitCode.REJECTED: "the API said no for another reason; it did nothing",
    ExitCode.NOT_SENT: "the network: the request did not leave",
    ExitCode.UNKNOWN: "the request left and no clear answer came: the API may have acted",
    ExitCode.INTERRUPTED: "Ctrl-C",
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


@contextmanager
def reporting(interrupted: object = "") -> Generator[None]:
    """Turn an error of a command into one line on standard error and its exit code.

    What is no documented error is a fault of this program, and keeps its traceback. `interrupted` says, as a `str`,
    what is known of the calls that Ctrl-C ended.
    """
    try:
        yield
    except LiveChatError as error:
        complain(str(error))
        raise typer.Exit(exit_code(error)) from error
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _SANDBOX_EXTRA:
            raise
        complain(str(error))
        raise typer.Exit(ExitCode.USAGE) from error
    except KeyboardInterrupt as error:
        complain_of_interruption(str(interrupted))
        raise typer.Exit(ExitCode.INTERRUPTED) from error
