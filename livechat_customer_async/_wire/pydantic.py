"""Models and unions of them as types that pydantic, and so FastAPI, understands.

pydantic is not imported before it asks. It validates and serializes by the rules of `structure` and `unstructure`; the
fields are described to it for the JSON schema only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import attrs

from .._base.hints import without_none
from ..errors import DecodeError
from ..models._base import Model, Tagged
from .converter import structure, unstructure


def install() -> None:
    """Add `__get_pydantic_core_schema__` to all models and to the mark of unions."""
    model, tagged = _any(Model), _any(Tagged)
    model.__get_pydantic_core_schema__ = classmethod(_schema_of_model)
    tagged.__get_pydantic_core_schema__ = _schema_of_union


def _any(value: Any) -> Any:
    return value


def _core_schema() -> Any:
    from pydantic_core import core_schema  # noqa: PLC0415 - not before pydantic asks

    return core_schema


def _schema_of_model(cls: Any, _source: Any, handler: Any) -> Any:
    core_schema = _core_schema()
    fields = {
        field.name: core_schema.typed_dict_field(
            _schema_of_field(field.type, handler), required=field.default is attrs.NOTHING
        )
        for field in attrs.fields(cls)
    }
    described = core_schema.typed_dict_schema(fields, cls=cls)
    return _converted(
        cls, described, lambda value: isinstance(value, cls), f"{cls.__module__}.{cls.__name__}:{id(cls)}"
    )


def _schema_of_field(type_: Any, handler: Any) -> Any:
    if without_none(type_) is datetime:  # Unix seconds on the wire
        core_schema = _core_schema()
        return core_schema.nullable_schema(core_schema.int_schema())
    return handler.generate_schema(type_)


def _schema_of_union(mark: Tagged, source: Any, handler: Any) -> Any:
    return _converted(Annotated[source, mark], handler(source), lambda value: isinstance(value, Model), None)


def _converted(type_: Any, described: Any, is_made: Callable[[Any], bool], ref: str | None) -> Any:
    """Return the schema of a type that is validated by `structure` and serialized by `unstructure`."""
    core_schema = _core_schema()

    def validate(value: Any, _: Any) -> Any:
        if is_made(value):
            return value
        try:
            return structure(value, type_)
        except DecodeError as error:
            raise ValueError(str(error)) from None

    return core_schema.no_info_wrap_validator_function(
        validate,
        described,
        ref=ref,
        serialization=core_schema.plain_serializer_function_ser_schema(unstructure),
    )
