"""One request as it is sent, and the answer to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final, TypeAlias

import attrs
import httpx

from .._uploads.multipart import MultipartBody
from ..config import Timeouts
from .delivery import Delivery

MAX_ANSWER_SIZE: Final = 64 * 1024 * 1024
"""Bytes of an answer's body, as sent and inflated; a larger one is refused."""
HeaderPairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
Body: TypeAlias = bytes | MultipartBody


class HeaderBlock:
    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        self.pairs = tuple(pairs)
        self.httpx = httpx.Headers(self.pairs)

    def plus(self, extra: Mapping[str, str]) -> HeaderBlock:
        added = {name.lower().encode(): value.encode("latin-1") for name, value in extra.items()}
        return HeaderBlock([*(pair for pair in self.pairs if pair[0].lower() not in added), *added.items()])


@attrs.define(eq=False)
class Outgoing:
    """One request on its way.

    Attributes:
        sent: whether the server may have seen it whole: set before its body's first byte is handed out. `None` with a
            transport that has not shown yet that it can tell: a mock, say, takes the body without asking for it.
        begun: whether it is past the waiting inside a pool, if there is one: httpcore has a connection for it and says
            so, or the body is asked for.
        on_begun: called when it is.
        told: whether the transport at work says itself when it begins to send.
    """

    url: httpx.URL
    headers: HeaderBlock = attrs.field(repr=False)
    body: Body = attrs.field(repr=False)
    timeout: dict[str, float | None]
    sent: bool | None = False
    begun: bool = False
    on_begun: Callable[[], None] | None = None
    told: bool = False
    _watched: bool = False

    @property
    def delivery(self) -> Delivery:
        return {False: Delivery.NOTHING, None: Delivery.UNSURE, True: Delivery.SENT}[self.sent]

    def mark_sent(self) -> None:
        """Note that the request is about to leave."""
        self.sent = True

    def mark_watched(self) -> None:
        """Note that the transport at work will tell when it begins to send, which is not when it asks for the body."""
        self.sent = False
        self.told = self._watched = True

    def mark_told(self) -> None:
        """Note that httpcore is at work, which asks for the body when it sends it."""
        self.told = True
        self.sent = bool(self.sent)

    def mark_asked(self) -> None:
        """Note that the body is asked for."""
        self.sent = self.sent or not self._watched
        self.mark_begun()

    def mark_begun(self) -> None:
        """Note that it has a connection."""
        self.begun = True
        if self.on_begun is not None:
            self.on_begun()


class _Bytes(httpx.ByteStream):
    """A body of bytes that notes when httpx's own transport begins to send it, which is after the head."""

    def __init__(self, content: bytes, outgoing: Outgoing) -> None:
        super().__init__(content)
        self._outgoing = outgoing

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._outgoing.mark_asked()
        async for part in super().__aiter__():
            yield part


class _Stream(httpx.AsyncByteStream):
    """A body that is produced while it is sent."""

    def __init__(self, body: MultipartBody, outgoing: Outgoing) -> None:
        self._body = body
        self._outgoing = outgoing

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._outgoing.mark_asked()
        async with aclosing(self._body.stream()) as parts:
            async for part in parts:
                yield part


@attrs.frozen(eq=False, repr=False)
class Answer:
    """An HTTP answer read whole: status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    content: bytes = attrs.field(repr=False)


def request_of(outgoing: Outgoing) -> httpx.Request:
    body = outgoing.body
    request = httpx.Request(
        "POST",
        outgoing.url,
        headers=outgoing.headers.httpx,
        stream=_Bytes(body, outgoing) if isinstance(body, bytes) else _Stream(body, outgoing),
        extensions={"timeout": outgoing.timeout, "watched": outgoing.mark_watched, "sent": outgoing.mark_sent},
    )
    if isinstance(body, bytes):
        request.headers["Content-Length"] = str(len(body))
        request.read()  # hooks and mocks look at `request.content`
        return request
    request.headers["Content-Type"] = body.content_type
    if body.content_length is None:
        request.headers["Transfer-Encoding"] = "chunked"
    else:
        request.headers["Content-Length"] = str(body.content_length)
    return request


def timeout_of(timeouts: Timeouts) -> dict[str, float | None]:
    """Return the limits of one attempt as httpx takes them. Waiting for a slot is not its business."""
    return {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
