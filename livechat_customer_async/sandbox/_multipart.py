"""Multipart bodies, parsed while they arrive and refused at the limit."""

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, evolve, field, frozen
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ._errors import Refusal
from ._rules import MAX_FILE_BYTES

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_BOUNDARY: Final = 70  # RFC 2046


@frozen(kw_only=True)
class Part:
    """One part of a multipart body.

    Attributes:
        name: Its name, prefix and all.
        filename: Its file name; `None` for a plain field.
        content_type: Its content type; `None` where it has none.
        size: The content's length in bytes.
        sha256: The content's digest in hex.
        content: The content. In a recorded request only of plain fields: a file's bytes are kept once, if at all,
            in `Sandbox.files`.
    """

    name: str
    filename: str | None
    content_type: str | None
    size: int
    sha256: str
    content: bytes = field(repr=False)

    def without_bytes(self) -> "Part":
        """The part as it is recorded."""
        return self if self.filename is None else evolve(self, content=b"")


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@define
class _Draft:
    headers: dict[str, str] = field(factory=dict[str, str])
    header_name: bytes = b""
    header_value: bytes = b""
    content: bytearray = field(factory=bytearray)
    digest: "_Digest" = field(factory=hashlib.sha256)

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
    """Takes a body piece by piece and gives its parts; a part beyond the upload limit is `entity_too_large`."""

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
        """Take the next bytes of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Refusal("validation", f"malformed multipart body: {error}") from error

    def close(self) -> list[Part]:
        """The parts of the body that has ended."""
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
        # Latin-1 both ways is what `parse_options_header` expects: `_text` reads the bytes as UTF-8 afterwards.
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
