"""Parsers of option values, and the text of usage errors. No text repeats the value: it may be a secret."""

import math
from collections.abc import Callable
from typing import Any, Final

import typer

# Python refuses to parse integers of thousands of digits; 19 digits hold every 64-bit number.
_MAX_DIGITS: Final = 19
_MIN_SECONDS: Final = 0.001


def whole_number(minimum: int, maximum: int | None = None) -> Callable[[object], int]:
    """Return a parser of whole numbers within the bounds, both included."""
    expected = f"a whole number of at least {minimum}" if maximum is None else f"a number from {minimum} to {maximum}"

    def parse(value: object) -> int:
        text = str(value)
        if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
            number = int(text)
            if minimum <= number and (maximum is None or number <= maximum):
                return number
        raise typer.BadParameter(f"expected {expected}")

    return parse


def seconds(value: object) -> float:
    """Parse a duration in seconds."""
    try:
        duration = float(str(value))
    except ValueError:
        duration = math.nan
    if _MIN_SECONDS <= duration < math.inf:
        return duration
    raise typer.BadParameter(f"expected a number of seconds of at least {_MIN_SECONDS}")


def choice(*words: str) -> Callable[[str], str]:
    """Return a parser that accepts only the given words."""

    def parse(value: str) -> str:
        if value in words:
            return value
        raise typer.BadParameter(f"expected {', '.join(words[:-1])} or {words[-1]}")

    return parse


def usage_message(error: Any) -> str:
    """Return one line that says which option, argument or environment variable is wrong, and where to read more."""
    command = error.ctx.command_path if error.ctx else "livechat-customer"
    return f"{_problem(error)} (see `{command} --help`)"


def _problem(error: Any) -> str:
    # Subclasses, such as the one for a missing argument, format a sentence of their own.
    if type(error) is typer.BadParameter and (error.param_hint or error.param):
        return f"{error.param_hint or _source(error.param, error.ctx)}: {error.message}"
    return str(error.format_message()).rstrip(".")


def _source(param: Any, context: Any) -> str:
    source = context.get_parameter_source(param.name)
    # Typer does not export the enum of sources.
    if source is not None and source.name == "ENVIRONMENT":
        return f"environment variable {param.envvar}"
    return str(max(param.opts, key=len))
