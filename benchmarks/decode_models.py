"""The classes of a chat for the peers of `decode`, derived from our models in each library's own style.

cattrs gets attrs classes and a tagged union by its own strategy; pydantic strict models; msgspec structs. Where they do
less than ours: none unwraps property values, sorts events, keeps unknown events or reads null as absent, and msgspec
has no strict form for Unix seconds, so its timestamps stay ints.
"""

import types
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from livechat_customer_async import Chat, UnknownEvent, UnknownUser

Make = Callable[[type, dict[str, tuple[Any, Any]]], type]
"""Builds a library's class from the fields' types and defaults (`attrs.NOTHING` for none)."""


class Translation:
    """Our classes rebuilt with another library, each once."""

    def __init__(self, make: Make, tagged: Callable[[Any], Any], scalars: dict[Any, Any]) -> None:
        self._make = make
        self._tagged = tagged
        self._scalars = scalars
        self._made: dict[type, type] = {}

    def of(self, type_: Any) -> Any:
        if get_origin(type_) is Annotated:  # our marks of received properties and of tagged unions
            return self.of(get_args(type_)[0])
        if type_ in self._scalars:
            return self._scalars[type_]
        if get_origin(type_) in (Union, types.UnionType):
            return self._union(get_args(type_))
        if get_origin(type_) is Literal or not get_args(type_):
            return self._class(type_) if attrs.has(type_) else type_
        return get_origin(type_)[tuple(part if part is ... else self.of(part) for part in get_args(type_))]

    def _union(self, arms: tuple[Any, ...]) -> Any:
        arms_left = [arm for arm in arms if arm not in (UnknownEvent, UnknownUser, type(None))]
        known = [self.of(arm) for arm in arms_left]
        classes = [arm for arm in arms_left if attrs.has(arm)]
        if len(classes) > 1 and len(known) > len(classes):
            return Any  # a str or classes without a tag, which no stock way covers; the bodies have none
        union = self._tagged(Union[tuple(known)]) if len(classes) > 1 else known[0]  # noqa: UP007 - of a tuple
        return union | None if type(None) in arms else union

    def _class(self, cls: type) -> type:
        if cls not in self._made:
            hints = get_type_hints(cls, include_extras=True)
            fields = {field.name: (self.of(hints[field.name]), field.default) for field in attrs.fields(cls)}
            self._made[cls] = self._make(cls, fields)
        return self._made[cls]


def has_factory(default: Any) -> bool:
    return isinstance(default, attrs.Factory)  # type: ignore[arg-type]


# ---- attrs, as cattrs takes it


def cattrs_decoder() -> Callable[[Any], Any]:
    """Stock cattrs: the default converter with the minimum it needs, tagged unions and a hook for timestamps."""
    from cattrs import Converter
    from cattrs.strategies import configure_tagged_union

    unions: list[Any] = []

    def tagged(union: Any) -> Any:
        unions.append(union)
        return union

    chat = Translation(_attrs_class, tagged, {}).of(Chat)
    converter = Converter()
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromtimestamp(value, UTC))
    for union in unions:
        configure_tagged_union(union, converter, tag_name="type", tag_generator=_tag)
    return lambda data: converter.structure(data, chat)


def _tag(cls: type) -> str:
    tag: str = attrs.fields_dict(cls)["type"].default
    return tag


def _attrs_class(cls: type, fields: dict[str, tuple[Any, Any]]) -> type:
    made = {name: attrs.field(type=type_, default=default, kw_only=True) for name, (type_, default) in fields.items()}
    return attrs.make_class(cls.__name__, made, frozen=True, slots=True)


# ---- pydantic


def pydantic_decoder() -> Callable[[bytes], Any]:
    import pydantic

    config = pydantic.ConfigDict(frozen=True, extra="ignore")

    def make(cls: type, fields: dict[str, tuple[Any, Any]]) -> type:
        made: Any = {name: (type_, _pydantic_default(default)) for name, (type_, default) in fields.items()}
        return pydantic.create_model(cls.__name__, __config__=config, **made)

    strict = {scalar: Annotated[scalar, pydantic.Strict()] for scalar in (str, int, bool)}
    tagged = lambda union: Annotated[union, pydantic.Field(discriminator="type")]  # noqa: E731
    chat = Translation(make, tagged, strict).of(Chat)
    return pydantic.TypeAdapter(chat).validate_json


def _pydantic_default(default: Any) -> Any:
    import pydantic

    if default is attrs.NOTHING:
        return ...
    return pydantic.Field(default_factory=default.factory) if has_factory(default) else default


# ---- msgspec


def msgspec_decoder() -> Callable[[bytes], Any]:
    import msgspec

    def make(cls: type, fields: dict[str, tuple[Any, Any]]) -> type:
        tag = fields["type"][1] if "type" in fields and get_origin(fields["type"][0]) is Literal else None
        made = [
            (name, type_) if default is attrs.NOTHING else (name, type_, _msgspec_default(default))
            for name, (type_, default) in fields.items()
            if not (tag and name == "type")
        ]
        options: Any = {"tag": tag, "tag_field": "type"} if tag else {}
        return msgspec.defstruct(cls.__name__, made, frozen=True, kw_only=True, **options)

    chat = Translation(make, lambda union: union, {datetime: int}).of(Chat)
    return msgspec.json.Decoder(chat).decode


def _msgspec_default(default: Any) -> Any:
    import msgspec

    return msgspec.field(default_factory=default.factory) if has_factory(default) else default
