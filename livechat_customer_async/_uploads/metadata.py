"""The name, content type and size of a file part: as given, as the source says itself, or guessed."""

from __future__ import annotations

import mimetypes
import os
import re
import threading
from typing import Any, cast

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
    """Return the last path part of a `filename` argument."""
    name = _last_part(check_str(filename, "filename"))
    if not name:
        raise InvalidRequestError("not the name of a file: it is empty or ends like a directory", parameter="filename")
    return name


def given_content_type(content_type: object) -> str:
    """Return a `content_type` argument that a header can carry."""
    if not isinstance(content_type, str):
        refuse("a str", content_type, "content_type")
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise InvalidRequestError(
            'not a valid content type: expected "type/subtype", optionally followed by "; name=value"',
            parameter="content_type",
        )
    return content_type


def own_filename(file: Any) -> str:
    """Return the name of a source, or the default.

    `filename` comes before `name`, which in a web framework is that of the form's field. A path that is not valid
    Unicode is repaired, not refused.
    """
    if isinstance(file, os.PathLike):
        return _readable(cast("object", file)) or DEFAULT_FILENAME
    filename = own(file, "filename")
    return (isinstance(filename, str) and _readable(filename)) or _readable(own(file, "name")) or DEFAULT_FILENAME


def own_content_type(file: Any) -> str | None:
    """Return the content type of a web framework's upload object, if it has a valid one."""
    content_type = own(file, "content_type")
    valid = isinstance(content_type, str) and _CONTENT_TYPE.fullmatch(content_type)
    return content_type if valid else None


def own_size(file: Any) -> int | None:
    """Return the size that a web framework's upload object states, if it is a valid one."""
    size = own(file, "size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def own(file: Any, name: str) -> Any:
    """Return an attribute of a caller's object; `None` if there is none, or it raises."""
    try:
        return getattr(file, name, None)
    except Exception:  # noqa: BLE001 - a property may raise anything, and the file can be sent without it
        return None


async def guess_content_type(filename: str) -> str:
    """Guess the content type from the ending of a name."""
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


def _readable(name: Any) -> str:
    try:
        decoded = os.fsdecode(name)
    except TypeError:  # the number of an open descriptor, or no name
        return ""
    return _last_part(decoded).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _last_part(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "" if last in {".", ".."} else last
