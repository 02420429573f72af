"""Checks of what a caller gives, made before anything is sent.

Each returns the value, or raises `InvalidRequestError` with the parameter, the kind or size of the value, and the
limit: never the value itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeGuard, TypeVar, cast

from ..errors import InvalidRequestError

T = TypeVar("T")

# orjson writes integers of at most 64 bits.
INT_MIN, INT_MAX = -(2**63), 2**64 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
# orjson stops at 254 levels; the envelope and the models add levels of their own.
MAX_DEPTH = 200


def kind(value: object) -> str:
    """Return the kind of a value, for an error message."""
    return "None" if value is None else type(value).__name__


def refuse(expected: str, value: object, parameter: str | None = None) -> NoReturn:
    """Raise for a value of the wrong kind."""
    raise InvalidRequestError(f"expected {expected}, got {kind(value)}", parameter=parameter)


def check_str(value: object, parameter: str | None = None) -> str:
    """Check a `str` that can be encoded as UTF-8."""
    if not isinstance(value, str):
        refuse("a str", value, parameter)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidRequestError("a lone surrogate cannot be encoded as UTF-8", parameter=parameter) from None
    return value


def check_int(value: object, parameter: str | None = None) -> int:
    """Check an `int` of at most 64 bits; a `bool` is not an `int` here."""
    if isinstance(value, bool) or not isinstance(value, int):
        refuse("an int", value, parameter)
    if not INT_MIN <= value <= INT_MAX:
        raise InvalidRequestError(f"an int of {value.bit_length()} bits; the limit is 64", parameter=parameter)
    return value


def check_bool(value: object, parameter: str | None = None) -> bool:
    """Check a `bool`."""
    if not isinstance(value, bool):
        refuse("a bool", value, parameter)
    return value


def check_id(value: object, parameter: str | None = None) -> str:
    """Check a `str` that is not empty."""
    text = check_str(value, parameter)
    if not text:
        raise InvalidRequestError("must not be empty", parameter=parameter)
    return text


def check_datetime(value: object, parameter: str | None = None) -> datetime:
    """Check an aware `datetime`."""
    if not isinstance(value, datetime):
        refuse("an aware datetime", value, parameter)
    if value.utcoffset() is None:
        raise InvalidRequestError("a naive datetime is ambiguous: add a tzinfo, such as UTC", parameter=parameter)
    return value


def unix_seconds(moment: datetime) -> int:
    """Return the Unix seconds of an aware `datetime`, rounded down."""
    # As integers: a float would round the last microseconds of a distant year up.
    return (moment - _EPOCH) // timedelta(seconds=1)


def check_timestamp(value: object, parameter: str | None = None) -> int:
    """Return Unix seconds of a year up to 9999, given as they are or as an aware `datetime`."""
    if isinstance(value, datetime):
        value = unix_seconds(check_datetime(value, parameter))
    elif isinstance(value, bool) or not isinstance(value, int):
        refuse("an aware datetime or an int", value, parameter)
    if value < 0:
        raise InvalidRequestError(f"{value} is below the minimum of 0 Unix seconds", parameter=parameter)
    if value > _LAST_SECOND:
        raise InvalidRequestError("beyond the year 9999: expected Unix seconds, not milliseconds", parameter=parameter)
    return value


def tuple_of(value: Iterable[T]) -> tuple[T, ...]:
    """Make a sequence a tuple (an attrs converter); anything else stays as it is, for a check to refuse."""
    return tuple(value) if is_sequence(value) else cast("tuple[T, ...]", value)


def tuple_or_none(value: Iterable[T] | None) -> tuple[T, ...] | None:
    """Make a sequence a tuple (an attrs converter); `None` stays `None`."""
    return None if value is None else tuple_of(value)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Tell whether a value is a mapping."""
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether plain data is a JSON object."""
    return value.__class__ is dict


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Tell whether plain data is a JSON list."""
    return value.__class__ is list


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Tell whether a value is a sequence of items; unlike in Python, a `str` is not one."""
    return isinstance(value, list | tuple) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)
    )


def check_json(value: object, parameter: str | None = None, depth: int = 0) -> Any:
    """Return any JSON value as plain data: mappings as `dict`, sequences as `list`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return check_str(value, parameter)
    if isinstance(value, int):
        return check_int(value, parameter)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequestError(f"{_FLOATS[str(value)]} is not valid JSON", parameter=parameter)
        return value
    if depth == MAX_DEPTH:
        raise InvalidRequestError(f"nested deeper than {MAX_DEPTH} levels", parameter=parameter)
    if is_mapping(value):
        return {
            key: check_json(item, below(parameter, key), depth + 1)
            for key, item in check_mapping(value, parameter).items()
        }
    if is_sequence(value):
        return [check_json(item, f"{parameter or ''}[{i}]", depth + 1) for i, item in enumerate(value)]
    refuse("a JSON value (str, int, float, bool, None, list, tuple or mapping)", value, parameter)


def check_mapping(value: object, parameter: str | None = None) -> Mapping[str, Any]:
    """Check a mapping whose keys are all `str`."""
    if not is_mapping(value):
        refuse("a mapping", value, parameter)
    plain = True
    for key in value:
        if not isinstance(key, str):
            refuse("keys of type str", key, parameter)
        check_str(key, parameter)
        plain = plain and key.__class__ is str
    # orjson accepts no subclass of str as a key, not even a StrEnum.
    return value if plain else {str.__str__(key): item for key, item in value.items()}


def below(parameter: str | None, key: str) -> str:
    """Return the path of a key below a parameter."""
    return f"{parameter}.{key}" if parameter else key


def between(low: int, high: int) -> Callable[[object, str], int]:
    """Check an int against bounds, both included."""

    def check(value: object, parameter: str) -> int:
        number = check_int(value, parameter)
        if not low <= number <= high:
            raise InvalidRequestError(f"{number} is outside the limit of {low}..{high}", parameter=parameter)
        return number

    return check


def at_least(low: int) -> Callable[[object, str], int]:
    """Check an int against a lower bound."""

    def check(value: object, parameter: str) -> int:
        number = check_int(value, parameter)
        if number < low:
            raise InvalidRequestError(f"{number} is below the minimum of {low}", parameter=parameter)
        return number

    return check


def at_most_bytes(limit: int) -> Callable[[object, str], str]:
    """Check the length of a text as UTF-8."""

    def check(value: object, parameter: str) -> str:
        text = check_str(value, parameter)
        size = len(text) if text.isascii() else len(text.encode())
        if size > limit:
            raise InvalidRequestError(f"{size} bytes of UTF-8; the limit is {limit}", parameter=parameter)
        return text

    return check


def check_ids(value: object, parameter: str | None = None) -> tuple[str, ...]:
    """Check a sequence of ids."""
    return tuple(check_id(item, f"{parameter or ''}[{i}]") for i, item in enumerate(check_sequence(value, parameter)))


def check_ints(value: object, parameter: str | None = None) -> tuple[int, ...]:
    """Check a sequence of ints."""
    return tuple(check_int(item, f"{parameter or ''}[{i}]") for i, item in enumerate(check_sequence(value, parameter)))


def check_sequence(value: object, parameter: str | None = None) -> Sequence[Any]:
    """Check a list, a tuple or another sequence of items."""
    if not is_sequence(value):
        refuse("a list or tuple", value, parameter)
    return value


def check_str_map(value: object, parameter: str | None = None) -> dict[str, str]:
    """Check a mapping of `str` to `str`."""
    return {key: check_str(item, below(parameter, key)) for key, item in check_mapping(value, parameter).items()}


def check_properties(value: object, parameter: str | None = None) -> dict[str, dict[str, Any]]:
    """Check `{namespace: {name: value}}` with values of type str, int or bool."""
    plain: dict[str, dict[str, Any]] = {}
    for namespace, names in check_mapping(value, parameter).items():
        path = below(parameter, namespace)
        plain[namespace] = {
            name: _property_value(v, below(path, name)) for name, v in check_mapping(names, path).items()
        }
    return plain


def _property_value(value: object, parameter: str) -> str | int | bool:
    if isinstance(value, str):
        return check_str(value, parameter)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return check_int(value, parameter)
    refuse("a str, an int or a bool", value, parameter)


def check_property_names(value: object, parameter: str | None = None) -> dict[str, list[str]]:
    """Check `{namespace: [name, …]}`."""
    return {
        namespace: list(check_ids(names, below(parameter, namespace)))
        for namespace, names in check_mapping(value, parameter).items()
    }
