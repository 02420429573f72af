"""One upload as a streamed `multipart/form-data` body.

Names are encoded as browsers do (WHATWG, "multipart/form-data encoding algorithm"): UTF-8, with `"`, CR and LF
percent-encoded, so that no name can end its quotes or its line. Other control characters become U+FFFD. Values are sent
exactly as given: none can begin a part, because the boundary cannot be guessed.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from ..errors import InvalidRequestError
from .source import OnProgress, Source

_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
_ESCAPES = _CONTROLS | str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class MultipartBody:
    """The body of one call, the same bytes on every pass.

    Attributes:
        content_type: value of the request's `Content-Type`.
        content_length: exact length of the body; `None` if the file's size is unknown: the body is sent chunked then.
    """

    def __init__(
        self,
        fields: Iterable[tuple[str, str]],
        file_field: str,
        source: Source,
        *,
        on_progress: OnProgress | None = None,
        boundary: str | None = None,
    ) -> None:
        """Lay out the body: the fields in their order, then the file.

        Args:
            fields: names and values of the parts before the file.
            file_field: name of the file's part.
            source: the file; closing it is left to the caller.
            on_progress: called with the number of the file's bytes sent and its size, `None` while unknown: with 0 when
                a pass begins, after each chunk that was written, and with the size when all of the file was. Awaited if
                it returns an awaitable.
            boundary: for tests; random by default.

        Raises:
            InvalidRequestError: a name or value cannot be encoded as UTF-8.
        """
        boundary = secrets.token_hex(16) if boundary is None else boundary
        parts = [_part(boundary, name, value) for name, value in fields]
        self._head = b"".join([*parts, _file_head(boundary, file_field, source)])
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._source = source
        self._on_progress = on_progress
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.content_length = None if source.size is None else len(self._head) + source.size + len(self._tail)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in chunks; each pass begins at the file's initial position.

        Raises:
            InvalidRequestError: the source or `on_progress` failed. The body is incomplete then: its connection must
                not be used again.
        """
        done = 0
        total = self._source.size
        await self._report(0, total)
        yield self._head
        async with aclosing(self._source.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk
                # More is asked for, so this chunk was written.
                done += len(chunk)
                await self._report(done, total)
        if total is None:
            await self._report(done, done)
        yield self._tail

    async def _report(self, sent: int, total: int | None) -> None:
        if self._on_progress is None:
            return
        try:
            answer = self._on_progress(sent, total)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            message = f"it raised {type(error).__name__}, which ended the upload"
            raise InvalidRequestError(message, parameter="on_progress") from error


def _part(boundary: str, name: str, value: str) -> bytes:
    return _encoded(f"{_opening(boundary, name)}\r\n\r\n{value}\r\n", name)


def _file_head(boundary: str, name: str, source: Source) -> bytes:
    filename = source.filename.translate(_ESCAPES)
    opening = f'{_opening(boundary, name)}; filename="{filename}"'
    return _encoded(f"{opening}\r\nContent-Type: {source.content_type}\r\n\r\n", name)


def _opening(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"'


def _encoded(part: str, name: str) -> bytes:
    try:
        return part.encode()
    except UnicodeEncodeError:
        # The prefix of the wire is not part of the parameter's name.
        raise InvalidRequestError("a lone surrogate has no form in UTF-8", parameter=name.rpartition(".")[2]) from None
