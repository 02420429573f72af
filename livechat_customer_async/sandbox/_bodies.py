"""Request bodies, JSON or multipart, and the payload they contain."""

import json
from typing import Any, NoReturn, Protocol

from ._errors import Refusal, invalid
from ._multipart import MultipartBody, Part
from ._records import RecordedRequest
from ._rules import UPLOADS


class Body(Protocol):
    """An incremental reader of a request body."""

    def feed(self, data: bytes) -> None:
        """Read the next bytes."""

    def payload(self, request: RecordedRequest) -> dict[str, Any]:
        """Record the complete body and return its payload, or raise `Refusal` if it is malformed."""
        ...


def body_of(request: RecordedRequest) -> Body:
    """Return the reader of a request's body."""
    content_type = request.headers.get("content-type", "")
    is_upload = request.action in UPLOADS and content_type.lower().startswith("multipart/")
    return _Upload(content_type) if is_upload else _JsonBody()


class _JsonBody:
    def __init__(self) -> None:
        self._raw = bytearray()

    def feed(self, data: bytes) -> None:
        self._raw += data

    def payload(self, request: RecordedRequest) -> dict[str, Any]:
        request.body = body = decode_json(bytes(self._raw))
        if not isinstance(body, dict) or "payload" not in body:
            raise Refusal("validation", "the body must be an object with the key `payload`")
        for key in body:  # pyright: ignore[reportUnknownVariableType]
            if key != "payload":
                raise invalid(str(key), "is not allowed next to `payload`")  # pyright: ignore[reportUnknownArgumentType]
        if not isinstance(body["payload"], dict):
            raise invalid("payload", "must be an object")
        return body["payload"]  # pyright: ignore[reportUnknownVariableType]


def decode_json(raw: bytes) -> Any:
    """Return the value of a JSON text, or raise `Refusal`."""
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # rejects lone surrogates
    except (ValueError, RecursionError) as error:
        raise Refusal("validation", f"the body is not valid JSON: {type(error).__name__}") from error
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


class _Upload:
    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._body: MultipartBody | None = None

    def feed(self, data: bytes) -> None:
        self._multipart().feed(data)

    def payload(self, request: RecordedRequest) -> dict[str, Any]:
        parts = self._multipart().close()
        request.parts = tuple(part.without_bytes() for part in parts)
        payload: dict[str, Any] = {}
        for part in parts:
            if part.name == "payload" and not part.content:
                continue  # the API reference sends this empty field
            name = part.name.removeprefix("payload.")
            if name == part.name or name in payload:
                raise invalid(part.name, "is unknown or repeated")
            payload[name] = _value(name, part)
        return payload

    def _multipart(self) -> MultipartBody:
        if self._body is None:
            self._body = MultipartBody(self._content_type)
        return self._body


def _value(name: str, part: Part) -> str | Part:
    if name == "file":
        if not part.filename:
            raise invalid(part.name, "must have a file name")
        return part
    if part.filename is not None:
        raise invalid(part.name, "must not have a file name")
    try:
        return part.content.decode()
    except UnicodeDecodeError as error:
        raise invalid(part.name, "is not UTF-8") from error
