"""`livechat-customer upload`: files, several at once, with progress."""

import asyncio
import errno
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from attrs import define
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from .. import AsyncCustomerSession, LiveChatError, Outcome
from ._access import (
    Access,
    AccessTokenOption,
    BaseUrlOption,
    LicenseIdOption,
    NoRetryOption,
    RegionOption,
    TimeoutOption,
    VerboseOption,
)
from ._exits import ExitCode, exit_code, reporting
from ._exits import in_words as error_in_words
from ._interrupted import Interrupted
from ._interrupted import in_words as outcome_in_words
from ._progress import Bars
from ._terminal import MILLISECONDS, complain, err, leave_the_echo, milliseconds, out, print_json, printable, say
from ._values import whole_number

PathsArgument: TypeAlias = Annotated[
    list[Path],
    # `look` finds all that cannot be read, where Typer would stop at the first.
    typer.Argument(metavar="PATH", readable=False, help="The files, 10 MB at most each."),
]
ChatOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--chat", "-c", metavar="ID", help="The chat to send them to; without it they are only uploaded."),
]
ConcurrencyOption: TypeAlias = Annotated[
    int,
    typer.Option(
        "--concurrency",
        "-j",
        parser=whole_number(1),
        metavar="N",
        help="How many go at once; with 1 they keep their order in the chat.",
    ),
]


def upload(
    context: typer.Context,
    paths: PathsArgument,
    chat: ChatOption = None,
    concurrency: ConcurrencyOption = 3,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print a JSON array of what became of each file.")
    ] = False,
    license_id: LicenseIdOption = None,
    access_token: AccessTokenOption = None,
    base_url: BaseUrlOption = None,
    region: RegionOption = None,
    timeout: TimeoutOption = None,
    no_retry: NoRetryOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Upload files and print their URLs, in the order of the files.

    With --chat they appear in that chat. Without it, a URL is good for 24 hours, or until a file event uses it.
    Where a path names no file that can be read, nothing is uploaded. Otherwise one that fails does not stop the
    others; the exit code is then the highest of theirs.
    """
    access = Access(
        context=context,
        license_id=license_id,
        access_token=access_token,
        base_url=base_url,
        region=region,
        timeout=timeout,
        no_retry=no_retry,
        verbose=verbose,
    )
    uploads = look(paths)
    console = err()
    # The bars take the `^C` away with them.
    with reporting(echoed=False):
        interrupted = Interrupted()
        session = access.session(console, interrupted)
        try:
            asyncio.run(upload_all(session, uploads, chat, concurrency, console, interrupted))
        except KeyboardInterrupt:
            if not console.is_interactive:
                leave_the_echo()
            raise
        finally:  # also after Ctrl-C: what was uploaded was uploaded
            report(uploads, as_json=as_json)
    raise typer.Exit(max(one.code for one in uploads))


@define(eq=False)
class Upload:
    """A file, and what became of it."""

    path: Path
    size: int
    url: str | None = None
    error: LiveChatError | None = None
    outcome: Outcome = Outcome.NOT_SENT
    seconds: float = 0.0

    @property
    def code(self) -> ExitCode:
        """The exit code that it alone would give."""
        if self.error is not None:
            return exit_code(self.error)
        return ExitCode.INTERRUPTED if self.url is None else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """What became of it, as plain data."""
        shown: dict[str, Any] = {"path": str(self.path), "size": self.size, "exit_code": self.code.value}
        if self.url is not None:
            return {**shown, "url": self.url, "ms": round(self.seconds * MILLISECONDS, 1)}
        if self.error is None:
            return {**shown, "error": "interrupted", "outcome": self.outcome.value}
        error = type(self.error).__name__
        return {**shown, "error": error, "message": str(self.error), "outcome": self.error.outcome.value}


def look(paths: Sequence[Path]) -> list[Upload]:
    """Find the files; where one of them cannot be uploaded, none is."""
    uploads: list[Upload] = []
    for path in paths:
        try:
            uploads.append(Upload(path, _size(path)))
        except OSError as error:
            complain(f"{path}: {error.strerror} [nothing was sent]")
    if len(uploads) < len(paths):
        raise typer.Exit(ExitCode.USAGE)
    return uploads


def _size(path: Path) -> int:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, socket or device, no regular file")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return found.st_size


async def upload_all(
    session: AsyncCustomerSession,
    uploads: Sequence[Upload],
    chat: str | None,
    concurrency: int,
    console: Console,
    interrupted: Interrupted,
) -> None:
    """Upload the files, so many at once, and note what becomes of each; ends the session."""
    gate = asyncio.Semaphore(concurrency)
    async with session:
        with Bars(console, sum(one.size for one in uploads), len(uploads)) as bars:
            async with asyncio.TaskGroup() as group:
                for one in uploads:
                    group.create_task(_upload(session, one, chat, gate, bars, interrupted))


async def _upload(
    session: AsyncCustomerSession,
    one: Upload,
    chat: str | None,
    gate: asyncio.Semaphore,
    bars: Bars,
    interrupted: Interrupted,
) -> None:
    async with gate:
        with bars.file(one.path.name, one.size) as advance:
            started = time.perf_counter()
            try:
                if chat is None:
                    file = await session.events.upload_file(one.path, on_progress=advance)
                else:
                    file = await session.events.send_file(chat, one.path, on_progress=advance)
            except LiveChatError as error:
                one.error = error
            except asyncio.CancelledError:
                one.outcome = interrupted.outcome()
                raise
            else:
                one.url = file.url
            one.seconds = time.perf_counter() - started


def report(uploads: Sequence[Upload], *, as_json: bool) -> None:
    """Print the URLs on standard output and the errors on standard error, also where the URLs cannot be printed."""
    try:
        if as_json:
            print_json([one.as_json() for one in uploads])
        else:
            _print_urls(uploads)
    finally:
        for one in uploads:
            if one.error is not None:
                complain(f"{one.path}: {error_in_words(one.error)}")
            elif one.url is None and not as_json:
                complain(f"{one.path}: interrupted: {outcome_in_words(one.outcome)}")


def _print_urls(uploads: Sequence[Upload]) -> None:
    console = out()
    for one in uploads:
        if one.url is None:
            continue
        if console.is_terminal:
            _show(console, one, one.url)
        else:
            say(one.url)


def _show(console: Console, one: Upload, url: str) -> None:
    took = f"{decimal(one.size)} in {milliseconds(one.seconds)} ms"
    console.print(Text.assemble((printable(one.path.name), "bold"), "  ", (took, "dim")), soft_wrap=True)
    console.print(f"  {printable(url)}", soft_wrap=True)
