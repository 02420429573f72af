"""What makes a value object of an attrs class: equality, hash and repr by its fields.

attrs would compile these for each class anew, which takes half of the time that importing the package's classes does.
"""

from __future__ import annotations

from typing import Any, cast

import attrs


class Value:
    """Base of frozen attrs classes that are made with `eq=False, repr=False`."""

    __slots__ = ()

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
