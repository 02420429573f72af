"""Uploading files and reporting the results."""

import asyncio
import errno
import os
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import typer
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from .. import AsyncCustomerSession, LiveChatError, Outcome
from ._exit_codes import ExitCode, error_message, exit_code
from ._interrupts import InterruptedCalls, outcome_text
from ._progress import ProgressBars
from ._terminal import MILLISECONDS, milliseconds, one_line, out, print_error, print_json, print_plain

_MAX_BYTES: Final = 10 * 1024 * 1024


@attrs.define(eq=False)
class Upload:
    """A file and the result of its upload."""

    path: str
    source: Path | bytes = attrs.field(repr=False)
    name: str
    size: int
    url: str | None = None
    error: LiveChatError | None = None
    outcome: Outcome = Outcome.NOT_SENT
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """The exit code if this were the only file."""
        if self.error is not None:
            return exit_code(self.error)
        return ExitCode.INTERRUPTED if self.url is None else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        result: dict[str, Any] = {"path": self.path, "size": self.size, "exit_code": self.exit_code.value}
        if self.url is not None:
            return {**result, "url": self.url, "ms": round(self.seconds * MILLISECONDS, 1)}
        if self.error is None:
            return {**result, "error": "interrupted", "outcome": self.outcome.value}
        error = type(self.error).__name__
        return {**result, "error": error, "message": str(self.error), "outcome": self.error.outcome.value}


def find_files(paths: Sequence[str], name: str | None) -> list[Upload]:
    """Return an upload for each path; `-` is standard input. If any cannot be read, report all of those and exit.

    Args:
        paths: the paths as given.
        name: the file name to send, for a single path.
    """
    uploads: list[Upload] = []
    for path in paths:
        try:
            uploads.append(_read_stdin(name) if path == "-" else _find(Path(path), name))
        except OSError as error:
            print_error(f"{path}: {error.strerror} [nothing was sent]")
    if len(uploads) < len(paths):
        raise typer.Exit(ExitCode.USAGE)
    return uploads


def _find(path: Path, name: str | None) -> Upload:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file (a pipe, socket or device)")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return Upload(str(path), path, path.name if name is None else name, found.st_size)


def _read_stdin(name: str | None) -> Upload:
    """Read standard input up front: unlike a read in a thread, Ctrl-C can interrupt it."""
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    content = sys.stdin.buffer.read(_MAX_BYTES + 1)  # the session refuses the excess
    return Upload("-", content, "stdin" if name is None else name, len(content))


async def upload_all(
    session: AsyncCustomerSession,
    uploads: Sequence[Upload],
    chat: str | None,
    concurrency: int,
    console: Console,
    interrupted: InterruptedCalls,
) -> None:
    """Upload the files, record each result and close the session."""
    semaphore = asyncio.Semaphore(concurrency)
    async with session:
        with ProgressBars(console, sum(one.size for one in uploads), len(uploads)) as bars:
            async with asyncio.TaskGroup() as group:
                for one in uploads:
                    group.create_task(_upload(session, one, chat, semaphore, bars, interrupted))


async def _upload(
    session: AsyncCustomerSession,
    one: Upload,
    chat: str | None,
    semaphore: asyncio.Semaphore,
    bars: ProgressBars,
    interrupted: InterruptedCalls,
) -> None:
    events = session.events
    async with semaphore:
        started = time.perf_counter()
        try:
            with bars.file(one.name, one.size) as advance:
                if chat is None:
                    file = await events.upload_file(one.source, filename=one.name, on_progress=advance)
                else:
                    file = await events.send_file(chat, one.source, filename=one.name, on_progress=advance)
            one.url = file.url
        except LiveChatError as error:
            one.error = error
        except asyncio.CancelledError:
            one.outcome = interrupted.outcome()
            raise
        one.seconds = time.perf_counter() - started


def print_results(uploads: Sequence[Upload], *, as_json: bool) -> None:
    """Print URLs to standard output and errors to standard error; the errors even if standard output fails."""
    try:
        if as_json:
            print_json([one.as_json() for one in uploads])
        else:
            _print_urls(uploads)
    finally:
        for one in uploads:
            if one.error is not None:
                print_error(f"{one.path}: {error_message(one.error)}")
            elif one.url is None and not as_json:
                print_error(f"{one.path}: interrupted: {outcome_text(one.outcome)}")


def _print_urls(uploads: Sequence[Upload]) -> None:
    console = out()
    for one in uploads:
        if one.url is None:
            continue
        if console.is_terminal:
            _print_styled(console, one, one.url)
        else:
            print_plain(one.url)


def _print_styled(console: Console, one: Upload, url: str) -> None:
    took = f"{decimal(one.size)} in {milliseconds(one.seconds)} ms"
    console.print(Text.assemble((one_line(one.name), "bold"), "  ", (took, "dim")), soft_wrap=True)
    console.print(f"  {one_line(url)}", soft_wrap=True)
