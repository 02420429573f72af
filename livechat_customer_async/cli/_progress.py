"""Progress bars of uploads, shown on a terminal only."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table
from rich.text import Text

from ._terminal import one_line

_MAX_ROWS: Final = 12
_BAR_WIDTH: Final = 20
_MIN_NAME_WIDTH: Final = 10
_WAITING: Final = "waiting for the server's answer"
# The width of the other columns and of the `^C` that a terminal echoes: without room for it the row would wrap and
# could not be erased.
_OTHER_COLUMNS_WIDTH: Final = len(_WAITING) + 24


class ProgressBars:
    """One bar for each upload in progress, and one for the total if there are several."""

    def __init__(self, console: Console, total_size: int, count: int) -> None:
        name = Column(no_wrap=True, max_width=max(_MIN_NAME_WIDTH, console.width - _OTHER_COLUMNS_WIDTH))
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            DownloadColumn(),
            _StateColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
            redirect_stdout=False,  # the bars are on standard error
        )
        self._total: TaskID | None = None
        self._count = count
        self._finished = 0
        if count > 1:
            self._total = self._add(f"{count} files", total_size)

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
        bar = self._add(one_line(name), size)
        before = 0

        def advance(sent: int, total: int | None) -> None:
            nonlocal before
            self._progress.update(bar, completed=sent, total=size if total is None else total)
            if self._total is not None:
                self._progress.update(self._total, advance=sent - before)  # negative when an upload starts over
            before = sent

        state = "failed"
        try:
            yield advance
            state = "done"
        finally:
            self._progress.update(bar, state=state, visible=self._count <= _MAX_ROWS)
            self._finish_one()

    def _finish_one(self) -> None:
        self._finished += 1
        if self._total is not None and self._finished == self._count:
            self._progress.update(self._total, state="done")

    def _add(self, name: str, size: int) -> TaskID:
        return self._progress.add_task(name, total=size, state=None)


class _StateColumn(ProgressColumn):
    """Shows a bar and the speed; then that the answer is awaited; then the result."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))
        self._bar = BarColumn(bar_width=_BAR_WIDTH)
        self._speed = TransferSpeedColumn()

    def render(self, task: Task) -> RenderableType:
        """Return the state of an upload."""
        if task.fields["state"] is not None:
            return Text(task.fields["state"], style="progress.data.speed")
        if task.total is not None and task.completed >= task.total:
            return Text(_WAITING, style="progress.data.speed")
        columns = Table.grid(padding=(0, 1))
        columns.add_row(self._bar.render(task), self._speed.render(task))
        return columns
