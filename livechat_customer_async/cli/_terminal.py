"""What goes to the terminal: consoles, and text made fit to print."""

import json
import re
from typing import Final

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

MILLISECONDS: Final = 1000

# JSON may hold these as they are, and a terminal takes some of them for commands.
_CONTROLS: Final = re.compile("[\x7f-\x9f]")


def out() -> Console:
    """Standard output, as it is now: styled on a terminal only."""
    return Console(highlight=False, markup=False)


def err() -> Console:
    """Standard error, likewise."""
    return Console(stderr=True, highlight=False, markup=False)


def printable(text: str) -> str:
    """The text in one line and without what a terminal would take for a command."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def printable_lines(text: str) -> str:
    """Likewise, but with the lines and blanks that it has."""
    return "\n".join("".join(char for char in line if char.isprintable() or char == "\t") for line in text.splitlines())


def complain(message: str) -> None:
    """Say in one line on standard error what went wrong."""
    err().print(Text.assemble(("error:", "bold red"), " ", printable(message)), soft_wrap=True)


def leave_the_echo() -> None:
    """Begin a line below the `^C` that a terminal shows of Ctrl-C."""
    console = err()
    if console.is_terminal:
        console.print()


def say(text: str) -> None:
    """Print a line for another program to read: as it is."""
    file = out().file
    file.write(f"{text}\n")
    file.flush()


def milliseconds(seconds: float) -> str:
    """A duration with a digit after the point, `12.3`, as far as that tells something."""
    shown = seconds * MILLISECONDS
    return f"{shown:.1f}" if shown < MILLISECONDS else f"{shown:,.0f}"


def print_json(value: object) -> None:
    """Print a value as JSON: indented and coloured for a person on a terminal, in one line elsewhere."""
    console = out()
    terminal = console.is_terminal
    text = json.dumps(value, ensure_ascii=console.options.ascii_only, indent=2 if terminal else None)
    text = _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if terminal:
        console.print(JSONHighlighter()(text), soft_wrap=True)
    else:
        say(text)
