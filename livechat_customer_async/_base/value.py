"""Equality, hash and repr of value objects, by their fields."""

from __future__ import annotations

from typing import Any, cast

import attrs


class Value:
    """Base of frozen attrs classes: compares, hashes and shows itself by its fields, as attrs itself would do it.

    attrs compiles these three methods anew for each class, which takes half of the time that importing the package's
    classes takes. It does not for a class that has its own: so each subclass gets these as its own.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(cls, name))

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((self.__class__, *_values(self)))

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in _fields(self) if field.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _fields(value: Any) -> tuple[attrs.Attribute[Any], ...]:
    return cast("tuple[attrs.Attribute[Any], ...]", attrs.fields(value.__class__))


def _values(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, field.name) for field in _fields(value) if field.eq)
