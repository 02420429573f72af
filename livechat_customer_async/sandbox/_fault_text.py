"""The text form of faults, for command lines."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from ._faults import Fault, FaultKind

# Only a colon before `name=` separates options: JSON and dates contain colons too.
_SEPARATOR: Final = re.compile(r":(?=[a-z_]+=)")


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _times(text: str) -> int | None:
    return None if text == "always" else int(text)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the JSON type is wrong, not the Python type
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
    """Parse a fault of the form `ACTION:KIND[:name=value]…`.

    `ACTION` is the name of an action or `*`. The names are the attributes of `Fault`; `times=always` means no limit;
    `data` is JSON. Examples: `send_event:reset-after-performing:times=2`,
    `*:error:type=too_many_requests:retry_after=1`.

    Raises:
        ValueError: The text is not a valid fault; the message says why.
    """
    head, *options = _SEPARATOR.split(text)
    action, separator, kind = head.partition(":")
    if not separator or not re.fullmatch(r"[a-z_]+|\*", action):
        raise ValueError(f"{text!r} is not of the form ACTION:KIND[:name=value]… (ACTION: a name, or * for any)")
    if kind not in set(FaultKind):
        raise ValueError(f"unknown fault {kind!r}; expected one of {', '.join(FaultKind)}")
    return Fault(FaultKind(kind), action, **dict(_option(option) for option in options))


def _option(option: str) -> tuple[str, Any]:
    name, _, value = option.partition("=")
    if name not in _OPTIONS:
        raise ValueError(f"unknown option {name!r}; expected one of {', '.join(_OPTIONS)}")
    try:
        return name, _OPTIONS[name](value)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{value!r} is not a valid value of {name}") from error
