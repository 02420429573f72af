"""Models to plain data and back, with JSON bytes at its edge."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import attrs
import orjson
from cattrs import Converter

from .._base.checks import check_json, is_object
from .._base.hints import mark_of
from ..errors import DecodeError, InvalidRequestError
from ..models import Event
from ..models._base import Tagged
from ..models._checks import check_for
from ..models._pydantic import conversion
from . import structuring, unstructuring
from .reading import read
from .scalars import mismatch

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"


@functools.cache
def _structuring(*, in_place: bool) -> Converter:
    return structuring.make_converter(in_place=in_place)


@functools.cache
def _unstructuring() -> Converter:
    return unstructuring.make_converter()


# ---- bytes


def dumps(plain: object) -> bytes:
    """Encode plain data.

    Raises:
        InvalidRequestError: it is not JSON data.
    """
    try:
        return orjson.dumps(plain)
    except orjson.JSONEncodeError as error:
        raise InvalidRequestError(f"the request cannot be encoded as JSON: {error}") from None


def loads(content: bytes) -> Any:
    """Decode an answer's body; `None` for a blank one.

    Raises:
        DecodeError: the body is not valid JSON.
    """
    if not content or content.isspace():
        return None
    for decode in (orjson.loads, _loads_leniently):
        try:
            return decode(content)
        except (ValueError, RecursionError):
            continue
    # Not in the `except`: its error holds the body and would become the context of this one.
    raise DecodeError(f"the body is not valid JSON ({len(content)} bytes)", path="$")


def _loads_leniently(content: bytes) -> Any:
    """Skip a byte order mark, and read an escaped lone surrogate as U+FFFD."""
    content = content.removeprefix(_BOM)
    if b"\\u" in content:
        text = json.dumps(json.loads(content), ensure_ascii=False)
        content = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    return orjson.loads(content)


# ---- models, as the rest of the package and its users convert them


def structure(data: object, type: type[T], *, path: str = "$") -> T:
    """Make a model, or a tuple or dict of models, of plain data by the session's own rules.

    Args:
        data: plain data as JSON gives it: dict, list, str, int, float, bool, `None`.
        type: what to make of it.
        path: name of the data in an error.

    Raises:
        DecodeError: the data does not have the documented shape; `path` names the place.
    """
    try:
        return cast("T", _structuring(in_place=False).get_structure_hook(type)(data, type))
    except DecodeError:
        pass
    if isinstance(mark_of(type), Tagged) and not is_object(data):  # only among others is it an unknown model
        raise mismatch("an object", data, path)
    return cast("T", read(data, type, path))


def structure_in_place(data: object, type: type[T]) -> T:
    """Make what `structure` makes, of data that is not needed afterwards: it is taken apart.

    Raises:
        DecodeError: something does not fit exactly. Call `structure` with the same data, decoded again: it knows the
            exceptions, and can say what is wrong.
    """
    return cast("T", _structuring(in_place=True).get_structure_hook(type)(data, type))


def structure_event(data: object) -> Event:
    """Make an event of plain data: one of its type's class, or an `UnknownEvent`.

    Raises:
        DecodeError: the data is not an object.
    """
    return structure(data, cast("type[Event]", Event))


def unstructure(model: object) -> Any:
    """Make plain data of a model, in its form on the wire; what is `None` is left out.

    Raises:
        InvalidRequestError: a value of something else than a model is not JSON data; `parameter` names it.
    """
    type_ = type(model)
    return _unstructuring().get_unstructure_hook(type_)(model) if attrs.has(type_) else check_json(model)


def unstructurer(type: Any) -> Callable[[object, str], Any]:
    """Return a function that checks a value by the type of its parameter, and makes plain data of it.

    It takes the value and the name of the parameter, and raises `InvalidRequestError` for a value of another type.
    """
    check = check_for(type)

    def unstructure_checked(value: object, parameter: str) -> Any:
        checked = check(value, parameter)
        return checked if checked.__class__ is dict else unstructure(checked)

    return unstructure_checked


conversion.structure = structure
conversion.unstructure = unstructure
