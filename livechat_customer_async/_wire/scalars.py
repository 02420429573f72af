"""Plain data → str, int, float, bool and datetime: nothing is coerced."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..errors import DecodeError

_LARGEST_EXACT = 2**53  # of the integers that a float holds
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a str",
    int: "an int",
    float: "a float",
    bool: "a bool",
    type(None): "null",
}


def mismatch(expected: str, data: object, path: str) -> DecodeError:
    """Return the error for data of another kind than the expected one."""
    return DecodeError(f"expected {expected}, got {_KINDS.get(type(data), type(data).__name__)}", path=path)


def _exactly(cls: type) -> Callable[[Any, str], Any]:
    def read_exactly(data: Any, path: str) -> Any:
        if data.__class__ is cls:
            return data
        raise mismatch(_KINDS[cls], data, path)

    return read_exactly


def _read_int(data: Any, path: str) -> int:
    if data.__class__ is int:
        return data
    if data.__class__ is float and data.is_integer() and abs(data) <= _LARGEST_EXACT:
        return int(data)
    raise mismatch("an int", data, path)


def _read_float(data: Any, path: str) -> float:
    if data.__class__ is float or data.__class__ is int:
        return float(data)
    raise mismatch("a number", data, path)


def _read_datetime(data: Any, path: str) -> datetime:
    if data.__class__ is not int and not (data.__class__ is float and math.isfinite(data)):
        raise mismatch("Unix seconds", data, path)
    try:
        return datetime.fromtimestamp(data, UTC)
    except (OverflowError, OSError, ValueError):
        raise DecodeError("expected Unix seconds up to the year 9999", path=path) from None


def _read_anything(data: Any, _: str) -> Any:
    return data


SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    str: _exactly(str),
    bool: _exactly(bool),
    int: _read_int,
    float: _read_float,
    datetime: _read_datetime,
    Any: _read_anything,
    object: _read_anything,
}
