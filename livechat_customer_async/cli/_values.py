"""What options take, and what is said of a value that they do not take: never the value, for it may be a secret."""

import math
from collections.abc import Callable
from typing import Any, Final

import typer

# 19 digits are 64 bits; of thousands of them, Python would make no int.
_MOST_DIGITS: Final = 19
_LEAST_SECONDS: Final = 0.001


def whole_number(low: int, high: int | None = None) -> Callable[[object], int]:
    """A parser of whole numbers."""
    said = f"a whole number, {low} or more" if high is None else f"a whole number from {low} to {high}"

    def parse(given: object) -> int:
        text = str(given)
        if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS:
            number = int(text)
            if low <= number and (high is None or number <= high):
                return number
        raise typer.BadParameter(f"expected {said}")

    return parse


def seconds(given: object) -> float:
    """Parse a duration."""
    try:
        duration = float(str(given))
    except ValueError:
        duration = math.nan
    if _LEAST_SECONDS <= duration < math.inf:
        return duration
    raise typer.BadParameter(f"expected a number of seconds, {_LEAST_SECONDS} or more")


def choice(*words: str) -> Callable[[str], str]:
    """A parser that takes one of some words."""

    def parse(given: str) -> str:
        if given in words:
            return given
        raise typer.BadParameter(f"expected {' or '.join(words)}")

    return parse


def usage_line(error: Any) -> str:
    """What is wrong with the command's words or with a variable of the environment, and where to read on."""
    command = error.ctx.command_path if error.ctx else "livechat-customer"
    return f"{_said(error)} (see `{command} --help`)"


def _said(error: Any) -> str:
    # Its subclasses, of a missing argument and such, have sentences of their own.
    if type(error) is typer.BadParameter and (error.param_hint or error.param):
        return f"{error.param_hint or _where_from(error.param, error.ctx)}: {error.message}"
    return str(error.format_message()).rstrip(".")


def _where_from(param: Any, context: Any) -> str:
    source = context.get_parameter_source(param.name)
    # Typer does not name the class of it.
    if source is not None and source.name == "ENVIRONMENT":
        return f"the environment variable {param.envvar} is bad"
    return str(max(param.opts, key=len))
