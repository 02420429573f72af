"""What all models share.

Their annotations are read at run time, when they are checked and converted. So these modules do without
`from __future__ import annotations`: each annotation would have to be compiled again.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, cast, get_args, get_origin

import attrs

from .._base.checks import check_properties
from .._base.value import Value
from ._checks import Check, check_for
from ._pydantic import conversion, core_schema_of

WRAPPED = "each value may be wrapped as {'value': v}"
"""Marks properties as the server sends them; a caller sends bare values."""

Properties: TypeAlias = Annotated[dict[str, dict[str, Any]], WRAPPED]
"""`{namespace: {name: value}}` as received: a value is any JSON value."""

NewProperties: TypeAlias = Annotated[Mapping[str, Mapping[str, str | int | bool]], check_properties]
"""`{namespace: {name: value}}` to be sent."""


class Model(Value):
    """Base of the models: an object made by hand checks the types of its values.

    Objects made by the converter are not checked again; it reads nothing but what fits. `dict(model)` is its plain
    data; pydantic, and so FastAPI, takes models as they are.
    """

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        for name, check in _checks_of(cast("Any", self.__class__)):
            value = getattr(self, name)
            checked = check(value, name)
            if checked is not value:
                object.__setattr__(self, name, checked)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(conversion.unstructure(self).items())

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        return core_schema_of(cls, (cls,), handler)


class Unknown(Model):
    """Base of what stands for an object of an unknown kind, or for one that does not fit its kind.

    It has the fields `raw`, for the object as received, and `problem`.
    """

    __slots__ = ()


class Tagged:
    """Marks a union of models: the key `tag` of the data names the model, by the `Literal` of its field.

    Args:
        tag: the key, and the field.
        unknown: the model for any other tag, and for data that does not fit the model of its tag; `None`: data with
            another tag stays as it is.
    """

    def __init__(self, tag: str, *, unknown: type[Unknown] | None = None) -> None:
        self.tag = tag
        self.unknown = unknown

    def __repr__(self) -> str:
        return f"Tagged({self.tag!r}, unknown={self.unknown and self.unknown.__name__})"

    @functools.cache  # noqa: B019 - a mark on an alias lives as long as the program
    def models(self, union: Any) -> dict[str, type]:
        """Return the models of the union by their tags."""
        models = [arm for arm in get_args(union) if attrs.has(arm)]
        types = {model: cast("Any", attrs.fields_dict(model))[self.tag].type for model in models}
        return {tag: model for model, hint in types.items() if get_origin(hint) is Literal for tag in get_args(hint)}

    def __get_pydantic_core_schema__(self, union: Any, handler: Any) -> Any:
        models = tuple(arm for arm in get_args(union) if attrs.has(arm))
        return core_schema_of(Annotated[union, self], models, handler)


@functools.cache
def _checks_of(cls: Any) -> tuple[tuple[str, Check], ...]:
    return tuple((field.name, check_for(field.type)) for field in attrs.fields(cls))
