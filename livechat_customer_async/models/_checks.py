"""Checks of a model's values by the types of its fields."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin

import attrs

from .._base.checks import (
    below,
    check_bool,
    check_datetime,
    check_int,
    check_json,
    check_mapping,
    check_sequence,
    check_str,
    refuse,
)
from .._base.hints import is_optional, is_union, without_none

Check = Callable[[object, str], Any]
"""Takes a value and the name of its parameter; returns the value, sequences as tuples and mappings as dicts."""

_SCALARS: dict[Any, Check] = {
    str: check_str,
    int: check_int,
    bool: check_bool,
    datetime: check_datetime,
    Any: check_json,
    object: check_json,
}
_KINDS = {str: "a str", Mapping: "a mapping", list: "a list", type(None): "None"}


def check_for(hint: Any) -> Check:
    """Return the check of a type; in `Annotated[X, check]` the check replaces that of `X`."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_optional(hint):
        return _optional(check_for(without_none(hint)))
    if get_origin(hint) is Annotated:
        return next(filter(callable, hint.__metadata__), None) or check_for(get_args(hint)[0])
    return _one_of(get_args(hint)) if is_union(hint) else _check_for_generic(hint)


def _check_for_generic(hint: Any) -> Check:
    origin: Any = get_origin(hint)
    args = get_args(hint)
    if origin is tuple:
        return sequence_of(check_for(args[0]))
    if origin in (dict, Mapping):
        return _mapping_of(check_for(args[1]))
    return _literal(args) if origin is Literal else _instance_of(hint)


def sequence_of(check: Check) -> Check:
    """Check a sequence whose items pass a check, and make it a tuple."""

    def check_items(value: object, parameter: str) -> tuple[Any, ...]:
        items = enumerate(check_sequence(value, parameter))
        return tuple([check(item, f"{parameter}[{i}]") for i, item in items])

    return check_items


def _optional(check: Check) -> Check:
    return lambda value, parameter: None if value is None else check(value, parameter)


def _mapping_of(check: Check) -> Check:
    def check_values(value: object, parameter: str) -> dict[str, Any]:
        return {key: check(part, below(parameter, key)) for key, part in check_mapping(value, parameter).items()}

    return check_values


def _literal(allowed: tuple[str, ...]) -> Check:
    def check(value: object, parameter: str) -> object:
        if not isinstance(value, str) or value not in allowed:
            refuse(" or ".join(map(repr, allowed)), value, parameter)
        return value

    return check


def _instance_of(cls: type) -> Check:
    def check(value: object, parameter: str) -> object:
        if not isinstance(value, cls):
            refuse(cls.__name__, value, parameter)
        return value

    return check


def _one_of(arms: tuple[Any, ...]) -> Check:
    """Check against a union: of models, and of plain data that JSON can hold."""
    models = tuple(arm for arm in arms if attrs.has(arm))
    plain = tuple(get_origin(arm) or arm for arm in arms if arm not in models)
    expected = " or ".join([cls.__name__ for cls in models] + [_KINDS.get(cls, f"a {cls.__name__}") for cls in plain])

    def check(value: object, parameter: str) -> Any:
        if isinstance(value, models):
            return value
        if not isinstance(value, plain):
            refuse(expected, value, parameter)
        return check_json(value, parameter)

    return check
