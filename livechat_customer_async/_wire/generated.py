"""One generated function for each received class: the hottest code of all, called for each object of an answer.

cattrs' own generated function calls a hook for each field and the frozen `__init__`, which sets each slot through
`object.__setattr__`. This one checks str, int and bool inline, and fills an object that is frozen only afterwards: on
the bodies of `benchmarks/decode.py` it takes half of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import Converter

from .._base.hints import without_none
from ..errors import DecodeError

Hook = Callable[[Any, Any], Any]

_SCALARS = (str, int, bool)


def refused(*_: object) -> Any:
    """Refuse data; what is wrong with it, `read` finds out."""
    raise DecodeError("unexpected data")


def generate(cls: Any, converter: Converter) -> Hook:
    """Return a function that makes `cls` of a JSON object, and refuses what does not fit exactly."""
    names: dict[str, Any] = {
        "cls": cls,
        "open_cls": _open(cls),
        "refused": refused,
        "from_seconds": datetime.fromtimestamp,
        "UTC": UTC,
    }
    lines = [
        "def fill(data, _):",
        "    if data.__class__ is not dict:",
        "        refused()",
        "    self = open_cls()",
        "    try:",
    ]
    for index, field in enumerate(attrs.fields(cls)):
        lines += [f"        {line}" for line in _field(index, field, converter, names)]
    lines += [
        "    except (OverflowError, OSError, ValueError):  # of a timestamp",
        "        refused()",
        "    self.__class__ = cls",
        "    return self",
    ]
    exec("\n".join(lines), names)  # noqa: S102 - the source is made of the class's own names, above
    hook: Hook = names["fill"]
    return hook


def _open(cls: Any) -> Any:
    """Return a subclass of the same layout whose objects start empty and are not frozen."""
    plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    return type(cls.__name__, (cls,), {"__slots__": (), **plain})


def _field(index: int, field: attrs.Attribute[Any], converter: Converter, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines for one field. null reads as absent."""
    type_ = without_none(field.type)
    _add_hook(f"hook{index}", type_, converter, names)
    names[f"type{index}"] = type_
    yield f"v = data.get({field.name!r})"
    quick = _quick(type_)
    if quick is not None:
        test, value = quick
        yield f"if {test}:"
        yield f"    self.{field.name} = {_converted(index, field, value, names)}"
        yield "elif v is None:"
        yield f"    {_absent(index, field, names)}"
    else:
        yield "if v is None:"
        yield f"    {_absent(index, field, names)}"
    yield "else:"
    hooked = f"hook{index}(v, type{index})"
    yield f"    self.{field.name} = {_converted(index, field, hooked, names)}"


def _add_hook(name: str, type_: Any, converter: Converter, names: dict[str, Any]) -> None:
    """Add a type's hook under a name that the function sees; it is made when it is first called."""

    def make_and_call(value: Any, _: Any) -> Any:
        names[name] = hook = converter.get_structure_hook(type_)
        return hook(value, type_)

    names[name] = make_and_call


def _quick(type_: Any) -> tuple[str, str] | None:
    """Return the inline test that replaces a hook, and the value for what passes it."""
    if type_ in _SCALARS:
        return f"v.__class__ is {type_.__name__}", "v"
    if type_ is datetime:
        return "v.__class__ is int", "from_seconds(v, UTC)"
    if get_origin(type_) is Literal and len(get_args(type_)) == 1:
        return f"v == {get_args(type_)[0]!r}", "v"
    return None


def _converted(index: int, field: attrs.Attribute[Any], value: str, names: dict[str, Any]) -> str:
    converter: Any = getattr(field, "converter", None)
    if converter is None:
        return value
    names[f"convert{index}"] = converter
    return f"convert{index}({value})"


def _absent(index: int, field: attrs.Attribute[Any], names: dict[str, Any]) -> str:
    """Return the line for a field that is missing."""
    if field.default is attrs.NOTHING:
        return "refused()"
    default: Any = field.default
    if hasattr(default, "factory"):
        names[f"default{index}"] = default.factory
        return f"self.{field.name} = default{index}()"
    names[f"default{index}"] = default
    return f"self.{field.name} = default{index}"
