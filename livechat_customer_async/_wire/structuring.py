"""Plain data → models: the converter's hooks, each a check where cattrs would coerce.

A hook says only *what* is wrong. Where it is wrong, `_json` finds out afterwards.

In place, a list's items give way to their models as these are made, and a property's wrapping to its value. So an
answer is never in memory twice, and Python's collector, which looks at all that is new whenever some hundreds of
objects have come and not gone, seldom has a reason to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn

from .._base import checks
from .._base.checks import is_list, is_object
from ..errors import InvalidRequestError, ResponseDecodeError
from ..models import FieldAnswer, GroupAnswer, LastEvent, ThreadSummary, UnknownEvent, UnknownUser
from ..models._base import RECEIVED_PROPERTIES, SENT_PROPERTIES
from .generated import generate, is_plain
from .tagged import (
    KNOWN_EVENTS,
    KNOWN_USERS,
    NEW_EVENTS,
    Parts,
    class_by_tag,
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

Hook = Callable[[Any, Any], Any]

_INT_KEY = re.compile(r"-?[0-9]{1,20}")
_JSON_KINDS: dict[Any, str] = {
    dict: "an object",
    list: "a list",
    str: "a str",
    int: "an int",
    float: "a float",
    bool: "a bool",
}


def add_structure_hooks(converter: Converter, *, in_place: bool) -> None:
    """Teach a converter to make models of plain data, which it takes apart if `in_place`."""
    add = converter.register_structure_hook_factory
    # The factory that was registered last is asked first.
    add(attrs.has, _of_class)
    add(is_exactly(ThreadSummary), _of_thread_summary)
    add(is_exactly(LastEvent), _of_last_event)
    add(is_exactly(UnknownEvent, UnknownUser), _of_unknown)
    add(is_a(tuple, list), _of_sequence(in_place=in_place))
    add(is_a(dict, Mapping), _of_dict)
    add(is_a(Literal), _of_literal)
    add(is_optional, _of_optional)
    add(is_event_union, _by_tag(KNOWN_EVENTS, UnknownEvent))
    add(is_user_union, _by_tag(KNOWN_USERS, UnknownUser))
    add(is_answer_union, _of_answer)
    add(is_new_event_union, _of_new_event)
    converter.register_structure_hook_func(is_marked(RECEIVED_PROPERTIES), _properties(in_place=in_place))
    converter.register_structure_hook_func(is_marked(SENT_PROPERTIES), _sent_properties)
    converter.register_structure_hook_func(is_exactly(object), _anything)
    for scalar in (str, int, bool):
        converter.register_structure_hook(scalar, _strict(scalar))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(datetime, _datetime)


def parts_of_data(data: Any, type_: Any) -> Parts:
    """Return the parts that plain data has by the type it should become."""
    type_ = without_none(type_)
    if is_list(data) and get_origin(type_) in (tuple, list):
        item = get_args(type_)[0]
        return [(f"[{i}]", part, item) for i, part in enumerate(data)]
    if not is_object(data):
        return []
    tagged = class_by_tag(data, type_)
    if tagged is not None:
        return [("", data, tagged)]
    if get_origin(type_) in (dict, Mapping):
        value_type = get_args(type_)[1]
        return [(f".{key}", part, value_type) for key, part in data.items()]
    if attrs.has(type_):
        fields = attrs.fields(type_)
        return [
            (f".{key}", data[key], f.type) for f in fields if data.get(key := _key_of(f.name, data, type_)) is not None
        ]
    return []


def _key_of(field: str, data: dict[str, Any], type_: Any) -> str:
    """Return the key under which a field stands in the data."""
    return "thread_id" if type_ is ThreadSummary and field == "id" and data.get("id") is None else field


def _mismatch(expected: str, data: object) -> ResponseDecodeError:
    got = "null" if data is None else _JSON_KINDS.get(type(data), type(data).__name__)
    return ResponseDecodeError(f"expected {expected}, got {got}")


def _strict(cls: type) -> Hook:
    expected = _JSON_KINDS[cls]

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is cls:
            return data
        raise _mismatch(expected, data)

    return hook


def _float(data: Any, _: Any) -> float:
    if data.__class__ is float or data.__class__ is int:
        return float(data)
    raise _mismatch("a number", data)


def _datetime(data: Any, _: Any) -> datetime:
    if data.__class__ is not int:
        raise _mismatch("an int of Unix seconds", data)
    try:
        return datetime.fromtimestamp(data, UTC)
    except (OverflowError, OSError, ValueError):
        raise ResponseDecodeError("expected Unix seconds of a year up to 9999") from None


def _of_literal(type_: Any) -> Hook:
    allowed = get_args(type_)
    expected = " or ".join(map(repr, allowed))

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is str and data in allowed:
            return data
        raise _mismatch(expected, data) if data.__class__ is not str else ResponseDecodeError(f"expected {expected}")

    return hook


def _of_sequence(*, in_place: bool) -> Callable[[Any, Converter], Hook]:
    # Neither `enumerate` nor a comprehension: each is an object more for Python's collector to count.
    def factory(type_: Any, converter: Converter) -> Hook:
        item_type, make = get_args(type_)[0], get_origin(type_)
        item = converter.get_structure_hook(item_type)
        by_tag: dict[str, Hook] = item.met if isinstance(item, _ByTag) else {}

        def hook(data: Any, _: Any) -> Any:
            if data.__class__ is not list:
                raise _mismatch("a list", data)
            models = data if in_place else data.copy()
            for i in range(len(models)):
                models[i] = item(models[i], item_type)
            return make(models)

        def tagged(data: Any, _: Any) -> Any:
            if data.__class__ is not list:
                raise _mismatch("a list", data)
            models = data if in_place else data.copy()
            for i in range(len(models)):
                part = models[i]
                try:
                    of_class = by_tag[part["type"]]
                except (KeyError, TypeError):  # the first of its type, one of an unknown type, or no object
                    of_class = item
                models[i] = of_class(part, item_type)
            return make(models)

        return tagged if isinstance(item, _ByTag) else hook

    return factory


def _of_dict(type_: Any, converter: Converter) -> Hook:
    key_type, value_type = get_args(type_)
    value = converter.get_structure_hook(value_type)

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is not dict:
            raise _mismatch("an object", data)
        if value_type is Any:
            return data
        keys = data if key_type is str else map(_int_key, data)
        return {key: value(part, value_type) for key, part in zip(keys, data.values(), strict=True)}

    return hook


def _int_key(key: str) -> int:
    # JSON has only str keys. `int` alone would also take " 7", "+7" and "7_0", and raise for more than 4,300 digits.
    if _INT_KEY.fullmatch(key) is None:
        raise ResponseDecodeError("expected a key that is an int", path=f"$.{key[:40]}")
    return int(key)


def _of_class(cls: Any, converter: Converter) -> Hook:
    return generate(cls, converter, _mismatch) if is_plain(cls) else _of_composed(cls, converter)


def _of_composed(cls: Any, converter: Converter) -> Hook:
    """Make what is composed, with its validators."""
    fill: Hook = make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=False)

    def hook(data: Any, type_: Any) -> Any:
        if data.__class__ is not dict:
            raise _mismatch("an object", data)
        if None in data.values():  # null reads as absent
            data = {key: part for key, part in data.items() if part is not None}
        try:
            return fill(data, type_)
        except KeyError as missing:
            raise ResponseDecodeError("it is missing", path=f"$.{missing.args[0]}") from None
        except InvalidRequestError as refused:  # by a validator of what is composed
            raise ResponseDecodeError(refused.message, path=f"$.{refused.parameter}") from None

    return hook


def _of_thread_summary(_: Any, converter: Converter) -> Hook:
    hook = _of_class(ThreadSummary, converter)

    def with_id(data: Any, type_: Any) -> Any:
        # A chat's own rows key their id as `thread_id`.
        if data.__class__ is dict and data.get("id") is None and "thread_id" in data:
            data = {**data, "id": data["thread_id"]}
        return hook(data, type_)

    return with_id


def _of_last_event(_: Any, converter: Converter) -> Hook:
    hook = _of_class(LastEvent, converter)

    def with_restriction(data: Any, type_: Any) -> Any:
        # In place of the event there may be {} or {"restricted_access": true}.
        if is_object(data) and is_object(event := data.get("event")) and "type" not in event and "id" not in event:
            data = {**data, "event": None, "restricted_access": event.get("restricted_access")}
        return hook(data, type_)

    return with_restriction


def _of_unknown(cls: Any, converter: Converter) -> Hook:
    hook = _of_class(cls, converter)
    return lambda data, type_: hook({**data, "raw": data} if is_object(data) else data, type_)


class _ByTag:
    """The hook of a union whose member an object names by its `type`.

    Attributes:
        met: the hooks of the known types that have been met: a first answer has few of them.
    """

    def __init__(self, known: dict[str, type], unknown: Hook, converter: Converter) -> None:
        self.met: dict[str, Hook] = {}
        self._known = known
        self._unknown = unknown
        self._converter = converter

    def __call__(self, data: Any, type_: Any) -> Any:
        if data.__class__ is not dict:
            raise _mismatch("an object", data)
        tag = data.get("type")
        if tag.__class__ is not str or tag not in self._known:
            return self._unknown(data, type_)
        hook = self.met.get(tag)
        if hook is None:
            hook = self.met[tag] = self._converter.get_structure_hook(self._known[tag])
        return hook(data, type_)


def _by_tag(known: dict[str, type], unknown: Any) -> Callable[[Any, Converter], Hook]:
    return lambda _, converter: _ByTag(known, converter.get_structure_hook(unknown), converter)


def _of_answer(_: Any, converter: Converter) -> Hook:
    group, option = converter.get_structure_hook(GroupAnswer), converter.get_structure_hook(FieldAnswer)

    def hook(data: Any, type_: Any) -> Any:
        if data.__class__ is str:
            return data
        if data.__class__ is not dict:
            raise _mismatch("a str or an object", data)
        return (group if "group_id" in data else option)(data, type_)

    return hook


def _of_new_event(_: Any, converter: Converter) -> Hook:
    hooks = {tag: converter.get_structure_hook(cls) for tag, cls in NEW_EVENTS.items()}

    def hook(data: Any, type_: Any) -> Any:
        if data.__class__ is not dict:
            raise _mismatch("an object", data)
        tag = data.get("type")
        # One of another type is sent as it is.
        return hooks[tag](data, type_) if tag.__class__ is str and tag in hooks else data

    return hook


def _properties(*, in_place: bool) -> Hook:
    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is not dict:
            raise _mismatch("an object", data)
        properties: dict[str, dict[str, Any]] = data if in_place else {}
        for namespace in data:  # nearly every event has properties: neither `items` nor a call of `bare` for each
            names = data[namespace]
            if names.__class__ is not dict:
                raise ResponseDecodeError(_mismatch("an object", names).message, path=f"$.{namespace}")
            plain = properties[namespace] = names if in_place else {}
            for name in names:
                value = names[name]
                wrapped = value.__class__ is dict and len(value) == 1 and "value" in value
                plain[name] = value["value"] if wrapped else value
        return properties

    return hook


def _sent_properties(data: Any, _: Any) -> dict[str, dict[str, Any]]:
    try:
        return checks.check_properties(data)
    except InvalidRequestError as refused:
        path = "$" if refused.parameter is None else f"$.{refused.parameter}"
        raise ResponseDecodeError(refused.message, path=path) from None


def bare(value: Any) -> Any:
    """Return a property's value, whether the server wrapped it as {"value": v} or not."""
    return value["value"] if value.__class__ is dict and len(value) == 1 and "value" in value else value


def _of_optional(type_: Any, converter: Converter) -> Hook:
    # Only the inner type is left: null was taken out with the key it stood under.
    hook: Hook = converter.get_structure_hook(without_none(type_))
    return hook


def _anything(data: Any, _: Any) -> Any:
    """Pass a raw result."""
    return data
