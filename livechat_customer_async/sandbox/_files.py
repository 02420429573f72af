"""The uploaded files, which are temporary until an event uses them."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from ._errors import invalid
from ._multipart import Part
from ._state import StoredFile

TEMPORARY_SECONDS: Final = 24 * 60 * 60

_FILE_URL: Final = re.compile(r"https?://[^/]+/files/([^/]+)/[^/]+")


class Files:
    """The files by ID. An upload expires after 24 hours unless an event uses it."""

    def __init__(self, *, now: Callable[[], int], new_id: Callable[[], str], keep_bytes: bool) -> None:
        self._now = now
        self._new_id = new_id
        self._keep_bytes = keep_bytes
        self.by_id: dict[str, StoredFile] = {}

    def store(self, part: Part) -> StoredFile:
        """Store an uploaded part as a temporary file."""
        file = StoredFile(
            id=self._new_id(),
            name=part.filename or "file",
            content_type=part.content_type or "application/octet-stream",
            size=part.size,
            sha256=part.sha256,
            uploaded_at=self._now(),
            content=part.content if self._keep_bytes else None,
        )
        self.by_id[file.id] = file
        return file

    def get(self, id: str) -> StoredFile | None:
        """Return a file; `None` if it is unknown or expired."""
        file = self.by_id.get(id)
        if file is None or (not file.used and self._now() - file.uploaded_at >= TEMPORARY_SECONDS):
            return None
        return file

    def by_url(self, url: str, parameter: str) -> StoredFile:
        """Return the file named by an event, or raise a `validation` refusal."""
        named = _FILE_URL.fullmatch(url)
        file = self.get(named[1]) if named else None
        if file is None:
            raise invalid(parameter, "is not the URL of an uploaded file")
        return file


def file_path(file: StoredFile) -> str:
    """Return the path of the file's URL."""
    return f"/files/{file.id}/{quote(file.name, safe='')}"
