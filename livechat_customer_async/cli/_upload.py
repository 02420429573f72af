"""`livechat-customer upload`: upload files, several at a time, with progress bars."""

import asyncio
from typing import Annotated

import typer

from ._exit_codes import reporting
from ._interrupts import InterruptedCalls
from ._options import SessionOptions, with_session_options
from ._parsers import whole_number
from ._terminal import end_interrupted_line, err
from ._uploads import find_files, print_results, upload_all


@with_session_options
def upload(
    options: SessionOptions,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Files of at most 10 MB each; - for standard input."),
    ],
    chat: Annotated[
        str | None,
        typer.Option("--chat", "-c", metavar="ID", help="Send the files to this chat. Default: upload only."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="File name to send. Requires a single PATH. Default for -: stdin."),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency",
            "-j",
            parser=whole_number(1),
            metavar="N",
            help="Number of simultaneous uploads. With 1, files appear in the chat in the given order.",
        ),
    ] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print the result for each file as a JSON array.")
    ] = False,
) -> None:
    """Upload files and print their URLs.

    The URLs are printed in the order of the files. With --chat, the files appear in that chat. Without it, each URL
    expires after 24 hours unless a file event uses it.

    If any path is not a readable file, nothing is uploaded. Otherwise one failed upload does not stop the others, and
    the exit code is the highest of all.
    """
    if name is not None and len(paths) > 1:
        raise typer.BadParameter("requires a single PATH", param_hint="--name")
    if paths.count("-") > 1:
        raise typer.BadParameter("standard input can be given only once", param_hint="PATH")
    with reporting():
        uploads = find_files(paths, name)
    console = err()
    with reporting(echoed=False):  # the bars erase the `^C`
        interrupted = InterruptedCalls()
        session = options.session(console, interrupted)
        try:
            asyncio.run(upload_all(session, uploads, chat, concurrency, console, interrupted))
        except KeyboardInterrupt:
            if not console.is_interactive:
                end_interrupted_line()
            raise
        finally:  # after Ctrl-C too: some files may have been uploaded
            print_results(uploads, as_json=as_json)
    raise typer.Exit(max(one.exit_code for one in uploads))
