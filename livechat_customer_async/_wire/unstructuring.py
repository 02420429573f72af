"""Models → plain data: the converter's hooks. What a field's type does not allow is refused, nothing is coerced.

A hook says only *what* is wrong. Where it is wrong, `_json` finds out afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from .._base import checks
from .._base.checks import is_mapping, is_sequence
from ..models import Customer, LastEvent, UnknownEvent, UnknownUser
from ..models._base import RECEIVED_PROPERTIES, SENT_PROPERTIES
from .structuring import bare
from .tagged import (
    Parts,
    is_a,
    is_answer_union,
    is_event_union,
    is_exactly,
    is_marked,
    is_new_event_union,
    is_optional,
    is_user_union,
    without_none,
)

Hook = Callable[[Any], Any]


def add_unstructure_hooks(converter: Converter) -> None:
    """Teach a converter to make plain data of models."""
    add = converter.register_unstructure_hook_factory
    # The factory that was registered last is asked first.
    add(attrs.has, _of_class)
    add(is_exactly(LastEvent), _of_last_event)
    add(is_a(tuple), _of_sequence)
    add(is_a(dict, Mapping), _of_mapping)
    add(is_a(Literal), _of_literal)
    add(is_optional, _of_optional)
    for union in (is_event_union, is_user_union, is_answer_union, is_new_event_union):
        add(union, _of_union)
    fixed = converter.register_unstructure_hook_func
    fixed(is_exactly(UnknownEvent, UnknownUser), _raw)
    fixed(is_marked(RECEIVED_PROPERTIES), _received_properties)
    fixed(is_marked(SENT_PROPERTIES), checks.check_properties)
    fixed(is_exactly(Any), checks.check_json)
    for scalar, check in ((str, checks.check_str), (int, checks.check_int), (bool, checks.check_bool)):
        converter.register_unstructure_hook(scalar, check)
    converter.register_unstructure_hook(datetime, checks.unix_seconds)


def parts_of_model(value: Any, type_: Any) -> Parts:
    """Return the parts that a model, or a value in one, has by its type."""
    cls: Any = value.__class__
    if attrs.has(cls):
        fields = attrs.fields(cls)
        return [
            (f".{f.name}", part, f.type)
            for f in fields
            if (part := getattr(value, f.name)) is not None or f.default is not None
        ]
    type_ = without_none(type_)
    if get_origin(type_) is tuple and is_sequence(value):
        item = get_args(type_)[0]
        return [(f"[{i}]", part, item) for i, part in enumerate(value)]
    if get_origin(type_) in (dict, Mapping) and is_mapping(value):
        value_type = get_args(type_)[1]
        return [(f".{key}", part, value_type) for key, part in value.items()]
    return []


def _of_class(cls: Any, converter: Converter) -> Hook:
    # Only `None` means "not given": a defaulted `type`, an empty text and a False are all sent.
    omit: Any = {f.name: override(omit_if_default=True) for f in attrs.fields(cls) if f.default is None}
    plain = make_dict_unstructure_fn(cls, converter, **omit)

    def hook(value: Any) -> Any:
        if isinstance(value, cls):
            return plain(value)
        if cls is Customer and is_mapping(value):
            return checks.check_json(value)
        return checks.refuse(f"{cls.__name__} or a mapping" if cls is Customer else cls.__name__, value)

    return hook


def _of_last_event(cls: Any, converter: Converter) -> Hook:
    plain = _of_class(cls, converter)

    def hook(value: Any) -> Any:
        # On the wire the restriction stands in the event's place.
        data = plain(value)
        if "event" not in data:
            data["event"] = {key: data.pop(key) for key in ("restricted_access",) if key in data}
        return data

    return hook


def _of_sequence(type_: Any, converter: Converter) -> Hook:
    item = converter.get_unstructure_hook(get_args(type_)[0])
    return lambda value: [item(part) for part in checks.check_sequence(value)]


def _of_mapping(type_: Any, converter: Converter) -> Hook:
    value_hook = converter.get_unstructure_hook(get_args(type_)[1])
    return lambda value: {key: value_hook(part) for key, part in checks.check_mapping(value).items()}


def _of_optional(type_: Any, converter: Converter) -> Hook:
    hook = converter.get_unstructure_hook(without_none(type_))
    return lambda value: None if value is None else hook(value)


def _of_union(type_: Any, converter: Converter) -> Hook:
    """Take a member of a union by its own class, and where the union holds them a str or a mapping as they are."""
    arms = get_args(type_)
    classes = tuple(arm for arm in arms if attrs.has(arm))
    plain: Any = str if str in arms else Mapping
    allowed = " or ".join([*(arm.__name__ for arm in classes), "a str" if str in arms else "a mapping"])

    def hook(value: Any) -> Any:
        if isinstance(value, classes):
            return converter.get_unstructure_hook(type(value))(value)
        if isinstance(value, plain) or (value is None and type(None) in arms):
            return checks.check_json(value)
        return checks.refuse(allowed, value)

    return hook


def _raw(value: Any) -> Any:
    return checks.check_json(checks.check_mapping(value.raw, "raw"), "raw")


def _received_properties(value: Any) -> dict[str, dict[str, Any]]:
    return {
        namespace: {
            name: _wrapped(checks.check_json(part, checks.below(namespace, name)))
            for name, part in checks.check_mapping(names, namespace).items()
        }
        for namespace, names in checks.check_mapping(value).items()
    }


def _wrapped(value: Any) -> Any:
    # A value that looks wrapped would be read as what it holds.
    return value if bare(value) is value else {"value": value}


def _of_literal(type_: Any) -> Hook:
    allowed = get_args(type_)

    def hook(value: Any) -> Any:
        if not isinstance(value, str) or value not in allowed:
            checks.refuse(" or ".join(map(repr, allowed)), value)
        return value

    return hook
