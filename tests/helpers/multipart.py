"""Parse multipart bodies with python-multipart, independently of the package's writer."""

from __future__ import annotations

from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header


class _Reader:
    def __init__(self) -> None:
        self.parts: list[dict[str, str]] = []
        self._headers: dict[str, str] = {}
        self._name = self._value = self._content = b""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self.begin,
            "on_header_field": lambda data, start, end: self._add("_name", data[start:end]),
            "on_header_value": lambda data, start, end: self._add("_value", data[start:end]),
            "on_header_end": self.end_header,
            "on_part_data": lambda data, start, end: self._add("_content", data[start:end]),
            "on_part_end": self.end,
        }

    def _add(self, attribute: str, data: bytes) -> None:
        setattr(self, attribute, getattr(self, attribute) + data)

    def begin(self) -> None:
        self._headers, self._content = {}, b""

    def end_header(self) -> None:
        self._headers[self._name.decode().lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def end(self) -> None:
        disposition, options = parse_options_header(self._headers.pop("content-disposition"))
        assert disposition == b"form-data"
        part = {"name": options.pop(b"name").decode(), "content": self._content.decode()}
        if b"filename" in options:
            part["filename"] = options.pop(b"filename").decode()
            part["content_type"] = self._headers.pop("content-type")
        assert (options, self._headers) == ({}, {}), "nothing more belongs into a part"
        self.parts.append(part)


def read_parts(content_type: str, body: bytes) -> list[dict[str, str]]:
    """Return the parts in the format of the samples, ordered by name."""
    media_type, options = parse_options_header(content_type)
    assert media_type == b"multipart/form-data"
    reader = _Reader()
    parser = MultipartParser(options[b"boundary"], reader.callbacks())
    assert parser.write(body) == len(body)
    parser.finalize()
    return sorted(reader.parts, key=lambda part: part["name"])
