"""Plain data → models, slowly: all rules of reading, and the path of what does not fit.

The fast hooks of `structuring.py` come first; only what they refuse is read here.

One odd event or user costs nothing else: it becomes an `UnknownEvent` or `UnknownUser` that keeps the object whole.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import attrs

from .._base.checks import is_list, is_object
from .._base.hints import is_union, mark_of, without_none
from ..errors import DecodeError, InvalidRequestError
from ..models import LastEvent, ThreadSummary
from ..models._base import WRAPPED, Model, Tagged, Unknown
from .scalars import SCALARS, mismatch

logger = logging.getLogger("livechat_customer_async")

# What was logged once is not logged again; an answer must not be able to fill the memory with it.
_LOGGED: set[tuple[str, str]] = set()
_MOST_LOGGED = 1000


def read(data: Any, type_: Any, path: str) -> Any:
    """Make what a type says of plain data.

    Raises:
        DecodeError: the data does not have the shape of the type.
    """
    type_ = without_none(type_)
    if type_ in SCALARS:
        return SCALARS[type_](data, path)
    if is_union(type_):
        return _read_union(data, get_args(type_), path)
    how = _GENERIC.get(get_origin(type_))
    return _read_model(data, type_, path) if how is None else how(data, type_, path)


def read_value(data: Any, type_: Any) -> Any:
    """Make what a type says of plain data whose path nobody needs."""
    return read(data, type_, "$")


def is_received(cls: Any) -> bool:
    """Tell whether a class is made by setting the fields that an object has: a model without checks of its own."""
    if not issubclass(cls, Model) or issubclass(cls, Unknown):
        return False
    return not any(callable(mark_of(without_none(field.type))) for field in attrs.fields(cls))


# ---- literals, lists and maps


def _read_literal(data: Any, type_: Any, path: str) -> Any:
    allowed = get_args(type_)
    if data.__class__ is str and data in allowed:
        return data
    expected = " or ".join(map(repr, allowed))
    raise (
        mismatch(expected, data, path) if data.__class__ is not str else DecodeError(f"expected {expected}", path=path)
    )


def _read_sequence(data: Any, type_: Any, path: str) -> Any:
    if not is_list(data):
        raise mismatch("a list", data, path)
    make: Any = get_origin(type_)
    item = get_args(type_)[0]
    return make([read(part, item, f"{path}[{i}]") for i, part in enumerate(data) if part is not None])


def _map(data: Any, path: str) -> dict[str, Any]:
    """Return a JSON object; some servers write an empty one as an empty list."""
    if is_object(data):
        return data
    if data == [] and is_list(data):
        return {}
    raise mismatch("an object", data, path)


def _read_map(data: Any, type_: Any, path: str) -> dict[Any, Any]:
    key_type, value_type = get_args(type_)
    parts = {key: read(part, value_type, f"{path}.{key}") for key, part in _map(data, path).items()}
    return {_int_key(key, path): part for key, part in parts.items()} if key_type is int else parts


def _int_key(key: str, path: str) -> int:
    # JSON has only str keys. `int` alone would also accept " 7", "+7" and "7_0".
    if re.fullmatch(r"-?[0-9]{1,20}", key) is None:
        raise DecodeError("expected a key that is an int", path=f"{path}.{key[:40]}")
    return int(key)


def _read_properties(data: Any, path: str) -> dict[str, dict[str, Any]]:
    return {
        namespace: {name: bare(value) for name, value in _map(names, f"{path}.{namespace}").items()}
        for namespace, names in _map(data, path).items()
    }


def bare(value: Any) -> Any:
    """Return a property's value, whether or not the server wrapped it as `{"value": v}`."""
    return value["value"] if value.__class__ is dict and len(value) == 1 and "value" in value else value


# ---- models


def _read_annotated(data: Any, type_: Any, path: str) -> Any:
    mark, inner = mark_of(type_), get_args(type_)[0]
    if mark is WRAPPED:
        return _read_properties(data, path)
    if isinstance(mark, Tagged):
        return _read_tagged(data, mark, inner, path)
    return read(data, inner, path)


def _read_tagged(data: Any, mark: Tagged, union: Any, path: str) -> Any:
    if not is_object(data):
        return _misfit(mark.unknown, data, mismatch("an object", data, path), path, kind="no object")
    tag = data.get(mark.tag)
    cls = mark.models(union).get(tag) if isinstance(tag, str) else None
    if cls is None and mark.unknown is None:
        return data
    if not isinstance(tag, str | None):
        return _misfit(mark.unknown, data, mismatch("a str", tag, f"{path}.{mark.tag}"), path, kind="no type")
    if cls is None:
        return _read_unknown(cast("type[Unknown]", mark.unknown), data, None)
    try:
        return _read_model(data, cls, path)
    except DecodeError as error:
        return _misfit(mark.unknown, data, error, path, kind=cast("str", tag))


def _read_union(data: Any, arms: tuple[Any, ...], path: str) -> Any:
    """Read plain data as it is, and an object as the model with which it has most keys in common."""
    models = [arm for arm in arms if attrs.has(arm)]
    plain = {get_origin(arm) or arm for arm in arms} - set(models)
    if is_object(data) and models:
        best = max(models, key=lambda model: len(data.keys() & attrs.fields_dict(model).keys()))
        return _read_model(data, best, path)
    if data.__class__ in plain or (float in plain and is_list(data)):  # with a number as good as a str: any JSON
        return data
    raise mismatch("another kind of value", data, path)


def _read_model(data: Any, cls: Any, path: str) -> Any:
    if not is_object(data):
        raise mismatch("an object", data, path)
    if issubclass(cls, Unknown):
        return _read_unknown(cls, data, None)
    if cls in ADJUSTMENTS:
        data = ADJUSTMENTS[cls](data)
    values: dict[str, Any] = {}
    for field in attrs.fields(cls):
        part = data.get(field.name)
        if part is not None:  # null reads as absent
            values[field.name] = read(part, field.type, f"{path}.{field.name}")
        elif field.default is attrs.NOTHING:
            raise DecodeError("required field is missing", path=f"{path}.{field.name}")
    return _filled(cls, values) if is_received(cls) else _composed(cls, values, path)


def _filled(cls: Any, values: dict[str, Any]) -> Any:
    """Make a model without its checks: what was read was checked."""
    model = cls.__new__(cls)
    for field in attrs.fields(cls):
        value = values[field.name] if field.name in values else _default(field)
        object.__setattr__(model, field.name, value if field.converter is None else field.converter(value))
    return model


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    return default.factory() if hasattr(default, "factory") else default


def _composed(cls: Any, values: dict[str, Any], path: str) -> Any:
    try:
        return cls(**values)
    except InvalidRequestError as refused:
        raise DecodeError(refused.message, path=f"{path}.{refused.parameter}") from None


# ---- what is unknown, or does not fit


def _misfit(unknown: type[Unknown] | None, data: Any, error: DecodeError, path: str, *, kind: str) -> Unknown:
    """Make the unknown model of what does not fit, and log that once."""
    if unknown is None:
        raise error
    place = error.path.removeprefix(path).removeprefix(".")
    problem = f"{place}: {error.message}" if place else error.message
    where = re.sub(r"\[\d+\]", "[]", problem)
    if (kind, where) not in _LOGGED and len(_LOGGED) < _MOST_LOGGED:
        _LOGGED.add((kind, where))
        logger.warning("read as %s: %s: %s", unknown.__name__, kind, where)
    return _read_unknown(unknown, data, problem)


def _read_unknown(cls: type[Unknown], data: Any, problem: str | None) -> Unknown:
    raw: dict[str, Any] = data if is_object(data) else {}
    values: dict[str, Any] = {"raw": raw, "problem": problem}
    for field in attrs.fields(cast("Any", cls)):
        if field.name not in values and raw.get(field.name) is not None:
            try:
                values[field.name] = read(raw[field.name], field.type, "$")
            except DecodeError:
                continue
    return cast("Unknown", _filled(cls, values))


_GENERIC: dict[Any, Callable[[Any, Any, str], Any]] = {
    Annotated: _read_annotated,
    tuple: _read_sequence,
    list: _read_sequence,
    dict: _read_map,
    Mapping: _read_map,
    Literal: _read_literal,
}


# ---- shapes that the wire has beside the documented ones


def _adjust_thread_summary(data: dict[str, Any]) -> dict[str, Any]:
    # A chat's own rows have their id under `thread_id`.
    return {**data, "id": data["thread_id"]} if data.get("id") is None and "thread_id" in data else data


def _adjust_last_event(data: dict[str, Any]) -> dict[str, Any]:
    if "event" not in data:  # it may be the event itself
        return {"event": data} if "type" in data or "id" in data else data
    event = data["event"]
    if is_object(event) and "type" not in event and "id" not in event:  # {} or {"restricted_access": true}
        return {**data, "event": None, "restricted_access": event.get("restricted_access")}
    return data


ADJUSTMENTS: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {
    ThreadSummary: _adjust_thread_summary,
    LastEvent: _adjust_last_event,
}
