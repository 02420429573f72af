"""Multipart bodies, parsed as they arrive and refused at the size limit."""

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

import attrs
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ._errors import Refusal
from ._rules import MAX_FILE_BYTES

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_BOUNDARY: Final = 70  # RFC 2046


@attrs.frozen(kw_only=True)
class Part:
    """One part of a multipart body.

    Attributes:
        name: The name, including its prefix.
        filename: The file name; `None` for a plain field.
        content_type: The content type; `None` if not given.
        size: The size of the content in bytes.
        sha256: The SHA-256 digest of the content, in hex.
        content: The content. Recorded requests keep it for plain fields only: the bytes of files are in
            `Sandbox.files`.
    """

    name: str
    filename: str | None
    content_type: str | None
    size: int
    sha256: str
    content: bytes = attrs.field(repr=False)

    def without_bytes(self) -> "Part":
        """Return the part as it is recorded."""
        return self if self.filename is None else attrs.evolve(self, content=b"")


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@attrs.define
class _Draft:
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    header_name: bytes = b""
    header_value: bytes = b""
    content: bytearray = attrs.field(factory=bytearray)
    digest: "_Digest" = attrs.field(factory=hashlib.sha256)

    def finished(self) -> Part:
        disposition, options = parse_options_header(self.headers.get("content-disposition"))
        name = options.get(b"name")
        if disposition != b"form-data" or name is None:
            raise Refusal("validation", "a part has no `Content-Disposition: form-data; name=…`")
        filename = options.get(b"filename")
        return Part(
            name=_text(name),
            filename=None if filename is None else _text(filename),
            content_type=self.headers.get("content-type"),
            size=len(self.content),
            sha256=self.digest.hexdigest(),
            content=bytes(self.content),
        )


class MultipartBody:
    """An incremental parser. A part over the size limit is refused with `entity_too_large`."""

    def __init__(self, content_type: str, *, limit: int = MAX_FILE_BYTES) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > _MAX_BOUNDARY:
            raise Refusal("validation", "`Content-Type` must be multipart/form-data with a boundary")
        self.parts: list[Part] = []
        self._limit = limit
        self._draft = _Draft()
        self._ended = False
        self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, data: bytes) -> None:
        """Parse the next bytes."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refusal("validation", f"malformed multipart body: {error}") from error

    def close(self) -> list[Part]:
        """Return the parts of the complete body."""
        if not self._ended:
            raise Refusal("validation", "malformed multipart body: the closing boundary is missing")
        return self.parts

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._draft = _Draft()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._draft.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._draft.header_value += data[start:end]

    def _header_end(self) -> None:
        draft = self._draft
        # `parse_options_header` expects Latin-1; `_text` decodes the values as UTF-8 afterwards.
        draft.headers[draft.header_name.decode("latin-1").lower()] = draft.header_value.decode("latin-1")
        draft.header_name = draft.header_value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._draft.content += data[start:end]
        self._draft.digest.update(data[start:end])
        if len(self._draft.content) > self._limit:
            raise Refusal("entity_too_large")

    def _part_end(self) -> None:
        self.parts.append(self._draft.finished())

    def _end(self) -> None:
        self._ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Refusal("validation", "the name of a part or file is not UTF-8") from error
