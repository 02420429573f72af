"""Plain data → models, fast: what fits exactly.

What does not is refused without a word, and then read by `reading.read`, which knows the exceptions and can explain.
Whatever is not worth a fast way is read by it at once.

In place, a list's items give way to their models as these are made, and a property's wrapping to its value. So an
answer is never in memory twice, and Python's garbage collector, which runs whenever some hundreds of objects have been
added, seldom has a reason to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_origin

import attrs
from cattrs import Converter

from .._base.hints import generic, is_optional, mark_of, without_none
from ..models._base import WRAPPED, Tagged
from .generated import Hook, generate, refused
from .reading import ADJUSTMENTS, is_received, read_value


def make_converter(*, in_place: bool) -> Converter:
    """Return a converter that makes models of plain data, which it takes apart if `in_place`."""
    converter = Converter(detailed_validation=False)
    add = converter.register_structure_hook_factory
    # The factory that was registered last is asked first.
    add(lambda _: True, _slowly)
    add(lambda type_: attrs.has(type_) and is_received(type_), _of_class)
    add(generic(tuple, list), _of_sequence(in_place=in_place))
    add(generic(dict), _of_dict)
    add(is_optional, _of_optional)
    add(lambda type_: isinstance(mark_of(type_), Tagged), _Tagged)
    converter.register_structure_hook_func(lambda type_: mark_of(type_) is WRAPPED, _properties(in_place=in_place))
    for scalar in (str, int, float, bool):  # cattrs would convert instead of refusing
        converter.register_structure_hook(scalar, read_value)
    return converter


def _slowly(_: Any) -> Hook:
    return read_value


def _of_class(cls: Any, converter: Converter) -> Hook:
    fill = generate(cls, converter)
    adjust = ADJUSTMENTS.get(cls)
    if adjust is None:
        return fill
    return lambda data, type_: fill(adjust(data) if data.__class__ is dict else data, type_)


def _of_sequence(*, in_place: bool) -> Callable[[Any, Converter], Hook]:
    # Neither `enumerate` nor a comprehension: each is one more object for the garbage collector to count.
    def factory(type_: Any, converter: Converter) -> Hook:
        item_type, make = get_args(type_)[0], get_origin(type_)
        item = converter.get_structure_hook(item_type)
        by_tag: dict[str, Hook] = item.met if isinstance(item, _Tagged) else {}

        def hook(data: Any, _: Any) -> Any:
            if data.__class__ is not list:
                refused()
            models = data if in_place else data.copy()
            for i in range(len(models)):
                models[i] = item(models[i], item_type)
            return make(models)

        def tagged(data: Any, _: Any) -> Any:
            if data.__class__ is not list:
                refused()
            models = data if in_place else data.copy()
            for i in range(len(models)):
                part = models[i]
                try:
                    of_class = by_tag[part["type"]]
                except (KeyError, TypeError):  # the first of its type, one of an unknown type, or no object
                    of_class = item
                models[i] = of_class(part, item_type)
            return make(models)

        return tagged if isinstance(item, _Tagged) else hook

    return factory


def _of_dict(type_: Any, converter: Converter) -> Hook:
    key_type, value_type = get_args(type_)
    if key_type is not str:
        return read_value
    value = converter.get_structure_hook(value_type)

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is not dict:
            return read_value(data, type_)
        return data if value_type is Any else {key: value(part, value_type) for key, part in data.items()}

    return hook


def _of_optional(type_: Any, converter: Converter) -> Hook:
    # null was taken out with the key that it stood under.
    hook: Hook = converter.get_structure_hook(without_none(type_))
    return hook


class _Tagged:
    """The hook of a tagged union.

    Attributes:
        met: the hooks of the known tags that have been met: a first answer has few of them.
    """

    def __init__(self, type_: Any, converter: Converter) -> None:
        self.met: dict[str, Hook] = {}
        self._mark: Tagged = mark_of(type_)
        self._models: dict[Any, type] = self._mark.models(get_args(type_)[0])
        self._converter = converter

    def __call__(self, data: Any, type_: Any) -> Any:
        if data.__class__ is not dict:
            refused()
        tag = data.get(self._mark.tag)
        if tag.__class__ is not str or tag not in self._models:
            return read_value(data, type_) if tag is None or tag.__class__ is str else refused()
        hook = self.met.get(tag)
        if hook is None:
            hook = self.met[tag] = self._converter.get_structure_hook(self._models[tag])
        return hook(data, type_)


def _properties(*, in_place: bool) -> Hook:
    def hook(data: Any, type_: Any) -> Any:
        if data.__class__ is not dict:
            return read_value(data, type_)
        properties: dict[str, dict[str, Any]] = data if in_place else {}
        for namespace in data:  # nearly every event has properties: neither `items` nor a call of `bare` for each
            names = data[namespace]
            if names.__class__ is not dict:
                refused()
            plain = properties[namespace] = names if in_place else {}
            for name in names:
                value = names[name]
                wrapped = value.__class__ is dict and len(value) == 1 and "value" in value
                plain[name] = value["value"] if wrapped else value
        return properties

    return hook
