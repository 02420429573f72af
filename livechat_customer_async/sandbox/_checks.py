"""Checks of JSON values. Each raises a `validation` refusal that names the parameter."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from ._errors import invalid

Check = Callable[[object, str], None]


def anything(value: object, parameter: str) -> None:
    """Accept any JSON value."""


def boolean(value: object, parameter: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise invalid(parameter, "must be a boolean")


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Accept an integer between the bounds, both included."""

    def check(value: object, parameter: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(parameter, "must be an integer")
        if minimum is not None and value < minimum:
            raise invalid(parameter, f"must be at least {minimum}")
        if maximum is not None and value > maximum:
            raise invalid(parameter, f"must be at most {maximum}")

    return check


def string(*, max_bytes: int | None = None) -> Check:
    """Accept a string, of at most `max_bytes` in UTF-8."""

    def check(value: object, parameter: str) -> None:
        if not isinstance(value, str):
            raise invalid(parameter, "must be a string")
        if max_bytes is not None and (size := len(value.encode())) > max_bytes:
            raise invalid(parameter, f"must be at most {max_bytes} bytes in UTF-8, is {size}")

    return check


def one_of(*allowed: str) -> Check:
    """Accept one of the strings."""

    def check(value: object, parameter: str) -> None:
        if value not in allowed:
            raise invalid(parameter, f"must be one of {', '.join(allowed)}")

    return check


def array_of(item: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    """Accept an array of `minimum` to `maximum` items that pass the check."""

    def check(value: object, parameter: str) -> None:
        if not isinstance(value, list):
            raise invalid(parameter, "must be an array")
        items = cast("list[object]", value)
        if len(items) < minimum or (maximum is not None and len(items) > maximum):
            bounds = f"at least {minimum}" if maximum is None else f"{minimum}..{maximum}"
            raise invalid(parameter, f"must have {bounds} items, has {len(items)}")
        for index, one in enumerate(items):
            item(one, f"{parameter}[{index}]")

    return check


def map_of(value_check: Check) -> Check:
    """Accept an object with any keys whose values pass the check."""

    def check(value: object, parameter: str) -> None:
        for key, one in as_object(value, parameter).items():
            value_check(one, f"{parameter}.{key}")

    return check


def object_of(required: Mapping[str, Check] | None = None, optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with all required parameters and no unknown ones."""
    needed = dict(required or {})
    known = needed | dict(optional or {})

    def check(value: object, parameter: str) -> None:
        given = as_object(value, parameter)
        for name in needed:
            if name not in given:
                raise invalid(inside(parameter, name), "is required")
        for name, one in given.items():
            if name not in known:
                raise invalid(inside(parameter, name), "is not a known parameter")
            known[name](one, inside(parameter, name))

    return check


def as_object(value: object, parameter: str) -> dict[str, Any]:
    """Return the value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise invalid(parameter or "payload", "must be an object")
    return cast("dict[str, Any]", value)


def inside(parameter: str, name: str) -> str:
    """Return the path of a nested parameter."""
    return f"{parameter}.{name}" if parameter else name
