"""Faults in one line of text, for a command line."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from ._faults import Fault, FaultKind

# A colon parts options only before the next `name=`, so that JSON and dates may hold colons.
_SEPARATOR: Final = re.compile(r":(?=[a-z_]+=)")


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _times(text: str) -> int | None:
    return None if text == "always" else int(text)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - it is read from text: its type is its value
    return value  # pyright: ignore[reportUnknownVariableType]


_OPTIONS: Final[dict[str, Callable[[str], Any]]] = {
    "times": _times,
    "type": str,
    "status": int,
    "message": str,
    "data": _object,
    "retry_after": str,
    "bare": _boolean,
    "seconds": float,
    "perform": _boolean,
    "hold": _boolean,
    "delta": int,
    "chunk": int,
}


def parse_fault(text: str) -> Fault:
    """Read a fault from `ACTION:KIND[:name=value]…`.

    `ACTION` is an action's name or `*`; the names are those of `Fault`; `times=always` is no limit; `data` is JSON.
    For example `send_event:reset-after-performing:times=2` or `*:error:type=too_many_requests:retry_after=1`.

    Raises:
        ValueError: The text is none of this; the message says what is wrong with it.
    """
    head, *options = _SEPARATOR.split(text)
    action, separator, kind = head.partition(":")
    if not separator or not re.fullmatch(r"[a-z_]+|\*", action):
        raise ValueError(f"{text!r} is not ACTION:KIND[:name=value]…, with an action's name or * for any")
    if kind not in set(FaultKind):
        raise ValueError(f"unknown fault {kind!r}: choose one of {', '.join(FaultKind)}")
    return Fault(FaultKind(kind), action, **dict(_option(option) for option in options))


def _option(option: str) -> tuple[str, Any]:
    name, _, value = option.partition("=")
    if name not in _OPTIONS:
        raise ValueError(f"unknown option {name!r}: choose one of {', '.join(_OPTIONS)}")
    try:
        return name, _OPTIONS[name](value)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{value!r} is no value for {name}") from error
