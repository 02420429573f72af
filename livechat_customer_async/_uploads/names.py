"""What a file part is called: its file name and its content type."""

from __future__ import annotations

import mimetypes
import os
import re
import threading
from typing import Any

from anyio import to_thread

from .._base.checks import check_str, refuse
from ..errors import InvalidRequestError

DEFAULT_FILENAME = "file"
DEFAULT_CONTENT_TYPE = "application/octet-stream"

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - RFC 9110's word for it
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*")

_types_read = threading.Event()

# `mimetypes` names the type inside a compressed file; what is sent is the compressed file.
_COMPRESSED = {
    "br": "application/x-brotli",
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}


def given_filename(filename: object) -> str:
    """Pass the last path part of a `filename` argument."""
    name = _last_part(check_str(filename, "filename"))
    if not name:
        raise InvalidRequestError("it names no file: it is empty or ends like a directory", parameter="filename")
    return name


def own_filename(file: Any) -> str:
    """Return the name that a source gives itself, or the default. A name that is not Unicode is mended, not refused."""
    name: Any = file
    if not isinstance(file, os.PathLike):
        name = getattr(file, "name", None)
    try:
        decoded = os.fsdecode(name)
    except TypeError:  # an open descriptor's number, or no name
        return DEFAULT_FILENAME
    return _last_part(decoded).encode("utf-16", "surrogatepass").decode("utf-16", "replace") or DEFAULT_FILENAME


def given_content_type(content_type: object) -> str:
    """Pass a `content_type` argument that a header can hold."""
    if not isinstance(content_type, str):
        refuse("a str", content_type, "content_type")
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise InvalidRequestError(
            'it has not the form of a content type: "type/subtype", with "; name=value" after it where needed',
            parameter="content_type",
        )
    return content_type


async def guess_content_type(filename: str) -> str:
    """Guess from the name's ending."""
    if _types_read.is_set():
        return _guess(filename)
    # The first guess of a process makes `mimetypes` read the system's files.
    guess = await to_thread.run_sync(_guess, filename)
    _types_read.set()
    return guess


def _guess(filename: str) -> str:
    # The prefix keeps a name that begins like a URL ("data:…") from being read as one.
    found, encoding = mimetypes.guess_type(f"_{filename}")
    if encoding is not None:
        found = _COMPRESSED.get(encoding)
    return found if found is not None and _CONTENT_TYPE.fullmatch(found) else DEFAULT_CONTENT_TYPE


def _last_part(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "" if last in {".", ".."} else last
