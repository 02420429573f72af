"""The converter: models to plain data and back, strictly typed, with JSON bytes at its edge.

cattrs generates a function for each class; the hooks in `_structuring` and `_unstructuring` replace every coercion of
its own by a check. They only say *what* is wrong. Where it is wrong is found here, after the fact, by running the
parts of the refused value one by one: so neither direction pays for paths while all is well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import attrs
import orjson
from cattrs import Converter

from .._base import checks
from ..errors import InvalidRequestError, LiveChatError, ResponseDecodeError
from ..models import Event
from .structuring import add_structure_hooks, parts_of_data
from .tagged import Parts
from .unstructuring import add_unstructure_hooks, parts_of_model

T = TypeVar("T")

_converter = Converter(detailed_validation=False, unstructure_fallback_factory=lambda _: checks.check_json)
add_structure_hooks(_converter, in_place=False)
add_unstructure_hooks(_converter)


@functools.cache
def _in_place() -> Converter:
    converter = Converter(detailed_validation=False)
    add_structure_hooks(converter, in_place=True)
    return converter


# ---- bytes


def dumps(plain: object) -> bytes:
    """Encode plain data that the converter has checked."""
    try:
        return orjson.dumps(plain)
    except orjson.JSONEncodeError as error:
        raise InvalidRequestError(f"JSON has no form for the request: {error}") from None


def loads(content: bytes) -> Any:
    """Decode an answer's body; an empty or blank one is `None`.

    Raises:
        ResponseDecodeError: it is no JSON.
    """
    if not content or content.isspace():
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    # Out of the `except`, whose error holds the body and would be this one's context.
    raise ResponseDecodeError(f"expected JSON, got {len(content)} bytes that are none", path="$")


# ---- both directions, as the rest of the package and its users call them


def structure(data: object, type: type[T], *, path: str = "$") -> T:
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
        raise _locate(error, _structured, parts_of_data, data, type, path) from None


def structure_in_place(data: object, type: type[T]) -> T:
    """Make what `structure` makes, of data that nobody needs any more: it is taken apart.

    Raises:
        ResponseDecodeError: the data has not the documented shape; `structure` says where, of the same data read anew.
    """
    return cast("T", _in_place().get_structure_hook(type)(data, type))


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
        return checks.check_json(model)
    try:
        return _converter.get_unstructure_hook(type_)(model)
    except InvalidRequestError as error:
        raise _locate(error, _unstructured, parts_of_model, model, type_, "") from None


def unstructure_as(value: object, type: Any, parameter: str) -> Any:
    """Return plain data of a value by the type that a parameter has.

    Raises:
        InvalidRequestError: the value does not fit the type; `parameter` of the error begins with this one.
    """
    try:
        return _converter.get_unstructure_hook(type)(value)
    except InvalidRequestError as error:
        raise _locate(error, _unstructured, parts_of_model, value, type, parameter) from None


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
        return checks.located(error, path) if path else error
    cast("ResponseDecodeError", error).path = path + cast("ResponseDecodeError", error).path.removeprefix("$")
    return error
