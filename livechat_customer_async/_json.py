"""The one converter: models to plain data and back, strictly typed, and JSON bytes at its edge.

cattrs generates a function for each class; the hooks below replace every coercion of its own by a check. Hooks only
say *what* is wrong. Where it is wrong is found afterwards by `_locate`, which runs the parts of a refused value one by
one: so neither direction pays for paths while all is well.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from . import _checks
from .errors import InvalidRequestError, LiveChatError, ResponseDecodeError
from .models import (
    Agent,
    Annotation,
    Custom,
    Customer,
    Event,
    FieldAnswer,
    File,
    FilledForm,
    GroupAnswer,
    LastEvent,
    Message,
    NewMessage,
    RichMessage,
    SystemMessage,
    ThreadSummary,
    UnknownEvent,
    UnknownUser,
)
from .models._base import RECEIVED_PROPERTIES, SENT_PROPERTIES

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
Parts = Iterable[tuple[str, Any, Any]]

KNOWN_EVENTS: dict[str, type] = {
    "message": Message,
    "file": File,
    "filled_form": FilledForm,
    "rich_message": RichMessage,
    "custom": Custom,
    "system_message": SystemMessage,
    "annotation": Annotation,
}
KNOWN_USERS: dict[str, type] = {"customer": Customer, "agent": Agent}

_JSON_KINDS = {dict: "an object", list: "a list", str: "a str", int: "an int", float: "a float", bool: "a bool"}


# ---- bytes


def dumps(plain: object) -> bytes:
    """Encode plain data that the converter has checked."""
    try:
        return orjson.dumps(plain)
    except orjson.JSONEncodeError as error:
        raise InvalidRequestError(f"JSON has no form for the request: {error}") from None


def loads(content: bytes) -> Any:
    """Decode an answer's body; an empty one is `None`.

    Raises:
        ResponseDecodeError: it is no JSON.
    """
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ResponseDecodeError(f"expected JSON, got {len(content)} bytes that are none", path="$") from None


# ---- both directions, as the rest of the package and its users call them


def structure(data: object, type: type[T], *, path: str = "$") -> T:  # noqa: A002 - the public name
    """Make a model, or a tuple or dict of models, of plain data by the session's own rules.

    Args:
        data: plain data as JSON gives it: dict, list, str, int, float, bool, `None`.
        type: what to make of it.
        path: what the data is called in an error.

    Raises:
        ResponseDecodeError: the data has not the documented shape; `path` names the place.
    """
    try:
        return cast("T", _converter.get_structure_hook(type)(data, type))
    except ResponseDecodeError as error:
        raise _locate(error, _structured, _parts_of_data, data, type, path) from None


def structure_event(data: object) -> Event:
    """Make an event of plain data, of a class of its own or an `UnknownEvent`.

    Raises:
        ResponseDecodeError: the data has not the documented shape; `path` names the place.
    """
    return structure(data, cast("type[Event]", Event))


def unstructure(model: object) -> Any:
    """Make plain data of a model as it goes over the wire: what is `None` is left out.

    Raises:
        InvalidRequestError: a field holds a value of the wrong type or one that JSON has no form for; `parameter`
            names it.
    """
    type_ = type(model)
    if not attrs.has(type_):
        return _checks.json_value(model)
    try:
        return _converter.get_unstructure_hook(type_)(model)
    except InvalidRequestError as error:
        raise _locate(error, _unstructured, _parts_of_model, model, type_, "") from None


def _structured(data: Any, type_: Any) -> None:
    _converter.get_structure_hook(type_)(data, type_)


def _unstructured(value: Any, type_: Any) -> None:
    _converter.get_unstructure_hook(type_)(value)


def _locate(
    error: LiveChatError,
    run: Callable[[Any, Any], None],
    parts_of: Callable[[Any, Any], Parts],
    value: Any,
    type_: Any,
    path: str,
) -> LiveChatError:
    """Follow a refused value down to its innermost refused part, and put the path on that part's error."""
    for step, part, part_type in parts_of(value, type_):
        try:
            run(part, part_type)
        except LiveChatError as inner:
            return _locate(inner, run, parts_of, part, part_type, path + step if path else step.lstrip("."))
    if isinstance(error, InvalidRequestError):
        return _checks.located(error, path) if path else error
    cast("ResponseDecodeError", error).path = path + cast("ResponseDecodeError", error).path.removeprefix("$")
    return error


def _parts_of_data(data: Any, type_: Any) -> Parts:
    type_ = _without_none(type_)
    if isinstance(data, list) and get_origin(type_) in (tuple, list):
        item = get_args(type_)[0]
        return [(f"[{i}]", part, item) for i, part in enumerate(data)]
    if not isinstance(data, dict):
        return ()
    tagged = _class_by_tag(data, type_)
    if tagged is not None:
        return [("", data, tagged)]
    if get_origin(type_) is dict:
        value_type = get_args(type_)[1]
        return [(f".{key}", part, value_type) for key, part in data.items()]
    if attrs.has(type_):
        fields = attrs.fields(attrs.resolve_types(type_))
        return [(f".{f.name}", data[f.name], f.type) for f in fields if data.get(f.name) is not None]
    return ()


def _parts_of_model(value: Any, type_: Any) -> Parts:
    if attrs.has(type(value)):
        fields = attrs.fields(attrs.resolve_types(type(value)))
        return [
            (f".{f.name}", part, f.type)
            for f in fields
            if (part := getattr(value, f.name)) is not None or f.default is not None
        ]
    type_ = _without_none(type_)
    if get_origin(type_) is tuple and _checks.is_sequence(value):
        item = get_args(type_)[0]
        return [(f"[{i}]", part, item) for i, part in enumerate(value)]
    if get_origin(type_) in (dict, Mapping) and isinstance(value, Mapping):
        value_type = get_args(type_)[1]
        return [(f".{key}", part, value_type) for key, part in value.items()]
    return ()


# ---- what a type is


def _is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, types.UnionType)


def _without_none(type_: Any) -> Any:
    """Return `X` of `X | None`, anything else as it is."""
    if _is_union(type_):
        arms = [arm for arm in get_args(type_) if arm is not type(None)]
        if len(arms) == 1:
            return arms[0]
    return type_


def _is_optional(type_: Any) -> bool:
    return _without_none(type_) is not type_


def _is_union_with(member: Any) -> Callable[[Any], bool]:
    return lambda type_: _is_union(type_) and member in get_args(type_)


def _is_marked(marker: str) -> Callable[[Any], bool]:
    return lambda type_: get_origin(type_) is Annotated and marker in type_.__metadata__


def _is_origin(*origins: Any) -> Callable[[Any], bool]:
    return lambda type_: get_origin(type_) in origins


_is_event_union = _is_union_with(UnknownEvent)
_is_user_union = _is_union_with(UnknownUser)
_is_answer_union = _is_union_with(GroupAnswer)


def _class_by_tag(data: dict[str, Any], type_: Any) -> Any:
    """Return the class of a union's member that the data itself names; `None` where the type is no such union."""
    if _is_answer_union(type_):
        return GroupAnswer if "group_id" in data else FieldAnswer
    tag = data.get("type")
    if _is_event_union(type_):
        return KNOWN_EVENTS.get(tag, UnknownEvent) if isinstance(tag, str) else UnknownEvent
    if _is_user_union(type_):
        return KNOWN_USERS.get(tag, UnknownUser) if isinstance(tag, str) else UnknownUser
    return None


# ---- plain data → models


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


def _structure_float(data: Any, _: Any) -> float:
    if data.__class__ is float or data.__class__ is int:
        return float(data)
    raise _mismatch("a number", data)


def _structure_datetime(data: Any, _: Any) -> datetime:
    if data.__class__ is not int:
        raise _mismatch("an int of Unix seconds", data)
    try:
        return datetime.fromtimestamp(data, UTC)
    except (OverflowError, OSError, ValueError):
        raise ResponseDecodeError("expected Unix seconds of a year up to 9999") from None


def _structure_literal(type_: Any) -> Hook:
    allowed = get_args(type_)
    expected = " or ".join(map(repr, allowed))

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is str and data in allowed:
            return data
        raise _mismatch(expected, data) if data.__class__ is not str else ResponseDecodeError(f"expected {expected}")

    return hook


def _structure_sequence(type_: Any, converter: Converter) -> Hook:
    item_type, make = get_args(type_)[0], get_origin(type_)
    item = converter.get_structure_hook(item_type)

    def hook(data: Any, _: Any) -> Any:
        if data.__class__ is not list:
            raise _mismatch("a list", data)
        return make([item(part, item_type) for part in data])

    return hook


def _structure_dict(type_: Any, converter: Converter) -> Hook:
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
    # JSON has only str keys. `int` alone would also take " 7", "+7" and "7_0".
    if key.removeprefix("-").isdecimal() and key.isascii():
        return int(key)
    raise ResponseDecodeError("expected keys that are ints")


def _structure_class(cls: Any, converter: Converter) -> Hook:
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

    return hook


def _structure_thread_summary(_: Any, converter: Converter) -> Hook:
    hook = _structure_class(ThreadSummary, converter)

    def with_id(data: Any, type_: Any) -> Any:
        # A chat's own rows key their id as `thread_id`.
        if data.__class__ is dict and data.get("id") is None and "thread_id" in data:
            data = {**data, "id": data["thread_id"]}
        return hook(data, type_)

    return with_id


def _structure_last_event(_: Any, converter: Converter) -> Hook:
    hook = _structure_class(LastEvent, converter)

    def with_restriction(data: Any, type_: Any) -> Any:
        # In place of the event there may be {} or {"restricted_access": true}.
        event = data.get("event") if data.__class__ is dict else None
        if event.__class__ is dict and not event.keys() - {"restricted_access"}:
            data = {**data, "event": None, **event}
        return hook(data, type_)

    return with_restriction


def _structure_by_tag(known: dict[str, type], unknown: Any) -> Callable[[Any, Converter], Hook]:
    def factory(_: Any, converter: Converter) -> Hook:
        hooks = {tag: converter.get_structure_hook(cls) for tag, cls in known.items()}
        keep = converter.get_structure_hook(unknown)

        def hook(data: Any, type_: Any) -> Any:
            if data.__class__ is not dict:
                raise _mismatch("an object", data)
            tag = data.get("type")
            if tag.__class__ is str and tag in hooks:
                return hooks[tag](data, type_)
            return keep({**data, "raw": data}, type_)

        return hook

    return factory


def _structure_answer(_: Any, converter: Converter) -> Hook:
    group, option = converter.get_structure_hook(GroupAnswer), converter.get_structure_hook(FieldAnswer)

    def hook(data: Any, type_: Any) -> Any:
        if data.__class__ is str:
            return data
        if data.__class__ is not dict:
            raise _mismatch("a str or an object", data)
        return (group if "group_id" in data else option)(data, type_)

    return hook


def _structure_properties(data: Any, _: Any) -> dict[str, dict[str, Any]]:
    if data.__class__ is not dict:
        raise _mismatch("an object", data)
    properties = {}
    for namespace, names in data.items():
        if names.__class__ is not dict:
            raise ResponseDecodeError(_mismatch("an object", names).message, path=f"$.{namespace}")
        properties[namespace] = {name: _bare(value) for name, value in names.items()}
    return properties


def _bare(value: Any) -> Any:
    """Return a property's value, whether the server wrapped it as {"value": v} or not."""
    return value["value"] if value.__class__ is dict and len(value) == 1 and "value" in value else value


# ---- models → plain data


def _unstructure_class(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    # Only `None` means "not given": a defaulted `type`, an empty text and a False are all sent.
    omit: Any = {f.name: override(omit_if_default=True) for f in attrs.fields(cls) if f.default is None}
    plain = make_dict_unstructure_fn(cls, converter, **omit)

    def hook(value: Any) -> Any:
        if isinstance(value, cls):
            return plain(value)
        if isinstance(value, Mapping):
            return _checks.json_value(value)
        _checks.refuse(f"{cls.__name__} or a mapping", value)

    return hook


def _unstructure_last_event(value: LastEvent) -> dict[str, Any]:
    plain: dict[str, Any] = {"thread_id": value.thread_id, "thread_order": value.thread_order}
    plain = {key: part for key, part in plain.items() if part is not None}
    if value.event is not None:
        return plain | {"event": unstructure(value.event)}
    return plain | {"event": {} if value.restricted_access is None else {"restricted_access": value.restricted_access}}


def _unstructure_tuple(type_: Any, converter: Converter) -> Callable[[Any], Any]:
    item = converter.get_unstructure_hook(get_args(type_)[0])
    return lambda value: [item(part) for part in _checks.a_sequence(value)]


def _unstructure_mapping(type_: Any, converter: Converter) -> Callable[[Any], Any]:
    value_hook = converter.get_unstructure_hook(get_args(type_)[1])
    return lambda value: {key: value_hook(part) for key, part in _checks.keyed(value).items()}


def _unstructure_optional(type_: Any, converter: Converter) -> Callable[[Any], Any]:
    hook = converter.get_unstructure_hook(_without_none(type_))
    return lambda value: None if value is None else hook(value)


def _unstructure_member(type_: Any, converter: Converter) -> Callable[[Any], Any]:
    """Take a member of a union by its own class, and where the union holds them a str or a mapping as they are."""
    arms = get_args(type_)
    classes = tuple(arm for arm in arms if attrs.has(arm))
    plain = (str,) if str in arms else (Mapping,)
    allowed = " or ".join([*(arm.__name__ for arm in classes), "a str" if str in arms else "a mapping"])

    def hook(value: Any) -> Any:
        if isinstance(value, classes):
            return converter.get_unstructure_hook(type(value))(value)
        if isinstance(value, plain) or (value is None and type(None) in arms):
            return _checks.json_value(value)
        _checks.refuse(allowed, value)

    return hook


def _unstructure_literal(type_: Any) -> Callable[[Any], Any]:
    allowed = get_args(type_)

    def hook(value: Any) -> Any:
        if value not in allowed:
            _checks.refuse(" or ".join(map(repr, allowed)), value)
        return value

    return hook


# ---- the converter


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    _add_structure_hooks(converter)
    _add_unstructure_hooks(converter)
    return converter


def _add_structure_hooks(converter: Converter) -> None:
    add = converter.register_structure_hook_factory
    # The factory that was registered last is asked first.
    add(attrs.has, _structure_class)
    add(lambda type_: type_ is ThreadSummary, _structure_thread_summary)
    add(lambda type_: type_ is LastEvent, _structure_last_event)
    add(_is_origin(tuple, list), _structure_sequence)
    add(_is_origin(dict), _structure_dict)
    add(_is_origin(Literal), _structure_literal)
    add(_is_optional, lambda type_, converter: converter.get_structure_hook(_without_none(type_)))
    add(_is_event_union, _structure_by_tag(KNOWN_EVENTS, UnknownEvent))
    add(_is_user_union, _structure_by_tag(KNOWN_USERS, UnknownUser))
    add(_is_answer_union, _structure_answer)
    add(_is_marked(RECEIVED_PROPERTIES), lambda _: _structure_properties)
    for scalar in (str, int, bool):
        converter.register_structure_hook(scalar, _strict(scalar))
    converter.register_structure_hook(float, _structure_float)
    converter.register_structure_hook_func(lambda type_: type_ is object, lambda data, _: data)  # a raw result
    converter.register_structure_hook(datetime, _structure_datetime)


def _add_unstructure_hooks(converter: Converter) -> None:
    add = converter.register_unstructure_hook_factory
    add(attrs.has, _unstructure_class)
    add(lambda type_: type_ in (UnknownEvent, UnknownUser), lambda _: lambda value: _checks.json_value(value.raw))
    add(lambda type_: type_ is LastEvent, lambda _: _unstructure_last_event)
    add(_is_origin(tuple), _unstructure_tuple)
    add(_is_origin(dict, Mapping), _unstructure_mapping)
    add(_is_origin(Literal), _unstructure_literal)
    add(_is_optional, _unstructure_optional)
    for member in (UnknownEvent, UnknownUser, GroupAnswer, NewMessage):
        add(_is_union_with(member), _unstructure_member)
    add(_is_marked(RECEIVED_PROPERTIES), lambda _: _checks.json_value)
    add(_is_marked(SENT_PROPERTIES), lambda _: _checks.properties)
    add(lambda type_: type_ is Any, lambda _: _checks.json_value)
    for scalar, check in ((str, _checks.a_str), (int, _checks.an_int), (bool, _checks.a_bool)):
        converter.register_unstructure_hook(scalar, check)
    converter.register_unstructure_hook(datetime, _checks.unix_seconds)


_converter = _make_converter()
