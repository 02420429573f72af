"""Progress bars of uploads, shown on a terminal only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Column

from ._terminal import one_line

_MAX_ROWS = 12
_BAR_WIDTH = 20
_MIN_NAME_WIDTH = 10
# The width of the other columns and of the `^C` that a terminal echoes: without room for it the row would wrap and
# could not be erased.
_OTHER_COLUMNS_WIDTH = 52


class ProgressBars:
    """One bar for each upload in progress, and one for the total if there are several."""

    def __init__(self, console: Console, total_size: int, count: int) -> None:
        name = Column(no_wrap=True, max_width=max(_MIN_NAME_WIDTH, console.width - _OTHER_COLUMNS_WIDTH))
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=_BAR_WIDTH),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
            redirect_stdout=False,  # the bars are on standard error
        )
        self._total: TaskID | None = None
        self._count = count
        if count > 1:
            self._total = self._progress.add_task(f"{count} files", total=total_size)

    def __enter__(self) -> Self:
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Older versions of Rich print an empty line when a disabled progress stops.
        if not self._progress.disable:
            self._progress.stop()

    @contextmanager
    def file(self, name: str, size: int) -> Generator[Callable[[int, int | None], None]]:
        """Show the bar of a file. Yields the callback to report its progress to."""
        bar = self._progress.add_task(one_line(name), total=size)
        before = 0

        def advance(sent: int, total: int | None) -> None:
            nonlocal before
            self._progress.update(bar, completed=sent, total=size if total is None else total)
            if self._total is not None:
                self._progress.update(self._total, advance=sent - before)  # negative when an upload starts over
            before = sent

        try:
            yield advance
        finally:
            if self._count > _MAX_ROWS:
                self._progress.update(bar, visible=False)
