"""Bars that show how far uploads have come; on a terminal only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Column

from ._terminal import printable

_MOST_ROWS = 12
_BAR_WIDTH = 20
_SHORTEST_NAME = 10
# Bar, sizes, speed and the blanks between, and room for the `^C` that a terminal shows: where a row ends at the edge,
# that begins a new line, and the bars are not taken away whole.
_REST_OF_ROW = 52


class Bars:
    """A bar for each file under way, and one for all of them where there are several."""

    def __init__(self, console: Console, total: int, count: int) -> None:
        name = Column(no_wrap=True, max_width=max(_SHORTEST_NAME, console.width - _REST_OF_ROW))
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=_BAR_WIDTH),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
            # Standard output is not the bars' to redirect: they go to standard error.
            redirect_stdout=False,
        )
        self._all: TaskID | None = None
        self._count = count
        if count > 1:
            self._all = self._progress.add_task(f"{count} files", total=total)

    def __enter__(self) -> Self:
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A disabled one would still end with an empty line, in older versions of Rich.
        if not self._progress.disable:
            self._progress.stop()

    @contextmanager
    def file(self, name: str, size: int) -> Generator[Callable[[int, int | None], None]]:
        """Show a file's bar; gives what to tell how far it has come."""
        bar = self._progress.add_task(printable(name), total=size)
        before = 0

        def advance(sent: int, total: int | None) -> None:
            nonlocal before
            self._progress.update(bar, completed=sent, total=size if total is None else total)
            if self._all is not None:
                self._progress.update(self._all, advance=sent - before)  # less than nothing where it began anew
            before = sent

        try:
            yield advance
        finally:
            if self._count > _MOST_ROWS:
                self._progress.update(bar, visible=False)
