"""Standard output and standard error that fail cleanly."""

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
        broken_pipe: whether the reader of a pipe has closed it, as `… | head` does. This is not an error.
    """

    def __init__(self, cause: OSError, *, windows: bool = os.name == "nt") -> None:
        super().__init__(cause.strerror or type(cause).__name__)
        # Windows reports a broken pipe as an invalid argument.
        self.broken_pipe = isinstance(cause, BrokenPipeError) or (windows and cause.errno == errno.EINVAL)


@contextmanager
def guarded_streams() -> Generator[None]:
    """Raise `OutputError`, which Rich and Typer do not handle themselves, if standard output cannot be written.

    Failures to write to standard error are ignored: only the exit code is left to report them.
    """
    stdout, stderr = sys.stdout, sys.stderr
    guards = _Guard(stdout, strict=True), _Guard(stderr, strict=False)
    sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", guards)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        for guard in guards:
            if guard.failed:
                guard.discard_buffer()


class _Guard:
    """A proxy of a text stream that detects failing writes."""

    def __init__(self, stream: TextIO | None, *, strict: bool) -> None:
        # `sys.stdout` is None in a process started with the stream closed.
        self._stream: Any = _ClosedStream() if stream is None else stream
        self._strict = strict
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

    def discard_buffer(self) -> None:
        """Redirect the stream to the null device: Python flushes its buffer at exit and would report the failure."""
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(null, self._stream.fileno())
            finally:
                os.close(null)

    def _fail(self, error: OSError) -> None:
        self.failed = True
        if self._strict:
            raise OutputError(error) from error


class _ClosedStream(io.TextIOBase):
    def write(self, _text: str, /) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
