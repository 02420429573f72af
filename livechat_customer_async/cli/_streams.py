"""Standard output and error, and what becomes of what cannot be written to them."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class OutputError(Exception):
    """Standard output cannot be written.

    Attributes:
        reader_left: whether it is a pipe whose reader has gone, as that of `… | head` does: nobody's fault.
    """

    def __init__(self, cause: OSError, *, windows: bool = os.name == "nt") -> None:
        super().__init__(cause.strerror or type(cause).__name__)
        # Windows tells a pipe without a reader as an invalid argument.
        self.reader_left = isinstance(cause, BrokenPipeError) or (windows and cause.errno == errno.EINVAL)


@contextmanager
def guarded_streams() -> Generator[None]:
    """Make a failing standard output raise `OutputError`, which neither Rich nor Typer takes for its own to treat.

    What cannot be written to standard error is lost in silence: there is nobody to tell, and the exit code remains.
    """
    stdout, stderr = sys.stdout, sys.stderr
    guards = _Guard(stdout, loud=True), _Guard(stderr, loud=False)
    sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", guards)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        for guard in guards:
            if guard.failed:
                guard.give_up()


class _Guard:
    """A text stream that passes everything on to another, and notices where that cannot be written."""

    def __init__(self, stream: TextIO | None, *, loud: bool) -> None:
        # A process may be started without the stream: Python has `None` for it then.
        self._stream: Any = _NoStream() if stream is None else stream
        self._loud = loud
        self.failed = False

    def write(self, text: str, /) -> int:
        try:
            return cast("int", self._stream.write(text))
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def give_up(self) -> None:
        """Let what is left in its buffer go nowhere: else Python tries again when it ends, and says that it failed."""
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)

    def _fail(self, error: OSError) -> None:
        self.failed = True
        if self._loud:
            raise OutputError(error) from error


class _NoStream(io.TextIOBase):
    def write(self, _text: str, /) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
