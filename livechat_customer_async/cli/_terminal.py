"""Consoles, and text that is safe to print on a terminal."""

import json
import re
from typing import Final

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

MILLISECONDS: Final = 1000

# Control characters that JSON allows unescaped.
_CONTROLS: Final = re.compile("[\x7f-\x9f]")


def out() -> Console:
    """Return a console on the current standard output, styled only if that is a terminal."""
    return Console(highlight=False, markup=False)


def err() -> Console:
    """Return a console on the current standard error, styled only if that is a terminal."""
    return Console(stderr=True, highlight=False, markup=False)


def one_line(text: str) -> str:
    """Return the text in one line, without control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def without_controls(text: str) -> str:
    """Return the text without control characters other than newlines and tabs."""
    return "\n".join("".join(char for char in line if char.isprintable() or char == "\t") for line in text.splitlines())


def print_error(message: str) -> None:
    """Print an error in one line on standard error."""
    err().print(Text.assemble(("error:", "bold red"), " ", one_line(message)), soft_wrap=True)


def print_note(message: str) -> None:
    """Print a remark in one line on standard error."""
    err().print(Text.assemble(("note:", "bold yellow"), " ", one_line(message)), soft_wrap=True)


def end_interrupted_line() -> None:
    """Start a new line after the `^C` that a terminal echoes."""
    console = err()
    if console.is_terminal:
        console.print()


def print_plain(text: str) -> None:
    """Print a line unstyled and unwrapped, for other programs to read."""
    file = out().file
    file.write(f"{text}\n")
    file.flush()


def milliseconds(seconds: float) -> str:
    """Format a duration: `12.3` below one second, `1,234` above."""
    value = seconds * MILLISECONDS
    return f"{value:.1f}" if value < MILLISECONDS else f"{value:,.0f}"


def plural(count: int, noun: str) -> str:
    """Format a count and its noun: `1 request`, `2,000 requests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def print_json(value: object) -> None:
    """Print a value as JSON: indented and coloured on a terminal, otherwise in one line."""
    console = out()
    terminal = console.is_terminal
    text = json.dumps(value, ensure_ascii=console.options.ascii_only, indent=2 if terminal else None)
    text = _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if terminal:
        console.print(JSONHighlighter()(text), soft_wrap=True)
    else:
        print_plain(text)
