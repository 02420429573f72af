"""Models → plain data. The values of a model were checked when it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from .._base.checks import check_json, unix_seconds
from .._base.hints import generic, is_optional, is_union, mark_of, without_none
from ..models import LastEvent
from ..models._base import WRAPPED, Unknown
from .reading import bare

Hook = Callable[[Any], Any]


def make_converter() -> Converter:
    """Return a converter that makes plain data of models."""
    converter = Converter(unstructure_fallback_factory=lambda _: check_json)
    add = converter.register_unstructure_hook_factory
    # The factory that was registered last is asked first.
    add(attrs.has, _of_class)
    add(generic(tuple), _of_sequence)
    add(generic(dict, Mapping), _of_mapping)
    add(is_union, lambda _, converter: _by_class(converter))
    add(is_optional, _of_optional)
    add(lambda type_: mark_of(type_) is not None, _of_marked)
    fixed = converter.register_unstructure_hook_func
    fixed(lambda type_: type_ is Any, check_json)
    fixed(lambda type_: attrs.has(type_) and issubclass(type_, Unknown), lambda value: check_json(value.raw))
    converter.register_unstructure_hook(datetime, _seconds)
    return converter


def _of_class(cls: Any, converter: Converter) -> Hook:
    # Only `None` means "not given": a defaulted `type`, an empty text and a False are all sent.
    omit: Any = {f.name: override(omit_if_default=True) for f in attrs.fields(cls) if f.default is None}
    plain: Hook = make_dict_unstructure_fn(cls, converter, **omit)
    return (lambda value: _restricted(plain(value))) if cls is LastEvent else plain


def _restricted(data: dict[str, Any]) -> dict[str, Any]:
    """Put the restriction of access where it is on the wire: in place of the event."""
    if "event" not in data:
        data["event"] = {key: data.pop(key) for key in ("restricted_access",) if key in data}
    return data


def _of_sequence(type_: Any, converter: Converter) -> Hook:
    item = converter.get_unstructure_hook(get_args(type_)[0])
    return lambda value: [item(part) for part in value]


def _of_mapping(type_: Any, converter: Converter) -> Hook:
    item = converter.get_unstructure_hook(get_args(type_)[1])
    return lambda value: {key: item(part) for key, part in value.items()}


def _of_optional(type_: Any, converter: Converter) -> Hook:
    hook = converter.get_unstructure_hook(without_none(type_))
    return lambda value: None if value is None else hook(value)


def _of_marked(type_: Any, converter: Converter) -> Hook:
    hook: Hook = converter.get_unstructure_hook(get_args(type_)[0])
    return _properties if mark_of(type_) is WRAPPED else hook


def _by_class(converter: Converter) -> Hook:
    def hook(value: Any) -> Any:
        cls = value.__class__
        return converter.get_unstructure_hook(cls)(value) if attrs.has(cls) else check_json(value)

    return hook


def _properties(value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        namespace: {name: _wrapped(check_json(part)) for name, part in names.items()}
        for namespace, names in value.items()
    }


def _wrapped(value: Any) -> Any:
    # A value that looks wrapped would be read as what it holds.
    return value if bare(value) is value else {"value": value}


def _seconds(moment: datetime) -> int | float:
    return moment.timestamp() if moment.microsecond else unix_seconds(moment)
