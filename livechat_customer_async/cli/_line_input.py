"""Lines of standard input, read while other tasks print."""

import asyncio
import io
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, Final, TextIO

from ._terminal import out

try:
    import readline as _readline  # enables editing, and knows what has been typed so far
    import termios as _termios
except ImportError:  # on Windows
    readline: Any = None
    termios: Any = None
else:
    readline, termios = _readline, _termios

PROMPT: Final = "> "
_ERASE_LINE: Final = "\r\x1b[K"
_BRACKETED_PASTE_OFF: Final = "\x1b[?2004l"


class LineInput:
    """Reads lines without blocking the event loop, with a prompt on a terminal.

    Attributes:
        interactive: whether standard input and output are a terminal.
    """

    def __init__(self) -> None:
        self.interactive = sys.stdin is not None and sys.stdin.isatty() and out().is_terminal
        self._prompting = False
        self._file = None if self.interactive else _private_stdin()

    async def read(self) -> str | None:
        """Return the next line, or `None` at the end of input."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()

        def read() -> None:
            result = self._read()
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_resolve, line, result)

        self._prompting = self.interactive
        Thread(target=read, daemon=True).start()  # a pending read must not delay the exit
        try:
            return await line
        finally:
            self._prompting = False

    @contextmanager
    def printing(self) -> Generator[None]:
        """Hide the prompt and the unfinished line while the block prints."""
        if not self._prompting:
            yield
            return
        _write(_ERASE_LINE)
        yield
        _write(PROMPT + (readline.get_line_buffer() if readline else ""))

    @contextmanager
    def terminal_restored(self) -> Generator[None]:
        """Restore the terminal at the end: an unfinished `input` leaves it without echo."""
        if termios is None or not self.interactive:
            yield
            return
        saved = termios.tcgetattr(sys.stdin.fileno())
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, saved)
            _write(_BRACKETED_PASTE_OFF)

    def _read(self) -> str | Exception | None:
        try:
            return input(PROMPT) if self._file is None else self._file.readline() or None
        except EOFError:
            _write("\n")
            return None
        except Exception as error:  # noqa: BLE001 - raised by `read`
            return error


def _resolve(line: asyncio.Future[str | None], result: str | Exception | None) -> None:
    if line.done():
        return
    if isinstance(result, Exception):
        line.set_exception(result)
    else:
        line.set_result(result)


def _private_stdin() -> TextIO:
    """Return a separate file on standard input: Python crashes at exit if a thread waits in `sys.stdin`."""
    if sys.stdin is None:
        return io.StringIO()
    try:
        return open(sys.stdin.fileno(), encoding=sys.stdin.encoding, errors="replace", closefd=False)
    except (OSError, ValueError):  # not a real file
        return sys.stdin


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
