"""Models in pydantic, and so in FastAPI: plain data is read and written by the session's own rules."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin

import attrs

from .._base.hints import is_union, without_none
from ..errors import DecodeError


class Conversion:
    """The two functions of the converter, which it sets when it is imported: it stands above the models."""

    structure: Callable[[object, Any], Any]
    unstructure: Callable[[object], Any]


conversion = Conversion()


def core_schema_of(hint: Any, models: tuple[type, ...], handler: Any) -> Any:
    """Return pydantic's schema of a model, or of a union of models; `handler` is pydantic's own."""
    # Only pydantic calls this, so it is there; without it nobody pays for the import.
    from pydantic import PlainSerializer, PlainValidator, WithJsonSchema  # noqa: PLC0415
    from pydantic_core import PydanticCustomError  # noqa: PLC0415

    def validate(value: object) -> Any:
        if isinstance(value, models):
            return value
        try:
            return conversion.structure(value, hint)
        except DecodeError as error:
            facts = {"path": error.path, "problem": error.message}
            raise PydanticCustomError("livechat_data", "{path}: {problem}", facts) from None

    reads, writes = PlainValidator(validate), PlainSerializer(conversion.unstructure)
    return handler.generate_schema(Annotated[Any, reads, writes, WithJsonSchema(json_schema_of(hint))])


_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "number", "description": "Unix seconds"},
    Any: {},
}


def json_schema_of(hint: Any) -> dict[str, Any]:
    """Return the JSON schema of a type in its form on the wire; `None` is a key left out."""
    hint = without_none(hint)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if is_union(hint):
        return {"anyOf": [json_schema_of(arm) for arm in get_args(hint) if arm is not type(None)]}
    return _of_generic(get_origin(hint), get_args(hint)) or _of_model(hint)


def _of_generic(origin: Any, args: tuple[Any, ...]) -> dict[str, Any] | None:
    if origin is Annotated:
        return json_schema_of(args[0])
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin is tuple:
        return {"type": "array", "items": json_schema_of(args[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": json_schema_of(args[1])}
    return None


def _of_model(cls: Any) -> dict[str, Any]:
    fields = [field for field in attrs.fields(cls) if field.name not in ("raw", "problem")]
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    schema = {
        "title": cls.__name__,
        "type": "object",
        "properties": {field.name: json_schema_of(field.type) for field in fields},
    }
    return {**schema, "required": required} if required else schema
