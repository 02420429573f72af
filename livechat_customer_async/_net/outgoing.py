"""One request as it is sent, and the answer to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import attrs
import httpx

from .._uploads.multipart import MultipartBody
from ..config import Timeouts
from .delivery import Delivery
from .http11.fields import encode

MAX_ANSWER_SIZE: Final = 64 * 1024 * 1024
"""Limit for the body of an answer in bytes, as sent and as decoded."""


class HeaderBlock:
    """The headers of a request, described once and reused for many requests. Immutable."""

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep names and values as given, Host among them; the transport adds Content-Length or Transfer-Encoding."""
        self.pairs = tuple(pairs)

    def plus(self, extra: Mapping[str, str]) -> HeaderBlock:
        """Return a block with further headers; they replace those of the same name."""
        added = [(name.encode(), value.encode("latin-1")) for name, value in extra.items()]
        replaced = {name.lower() for name, _ in added}
        return HeaderBlock([*(pair for pair in self.pairs if pair[0].lower() not in replaced), *added])

    @cached_property
    def encoded(self) -> bytes:
        """As they are sent; checked once."""
        return encode(self.pairs)

    @cached_property
    def for_httpx(self) -> httpx.Headers:
        """As httpx takes them."""
        return httpx.Headers(list(self.pairs))

    def __repr__(self) -> str:
        return "HeaderBlock(...)"


@attrs.define(eq=False, repr=False)
class Outgoing:
    """One request on its way: a single attempt.

    Attributes:
        delivery: how much of it the server may have seen; readable at any moment.
    """

    url: httpx.URL
    headers: HeaderBlock = attrs.field(repr=False)
    body: bytes | MultipartBody = attrs.field(repr=False)
    timeout: dict[str, float | None]
    delivery: Delivery = Delivery.NOTHING

    def mark_sent(self) -> None:
        """Note that the first byte is about to leave."""
        self.delivery = Delivery.SENT

    def all_headers(self) -> HeaderBlock:
        """Return the headers with those that the body brings."""
        body = self.body
        return self.headers if isinstance(body, bytes) else self.headers.plus({"Content-Type": body.content_type})


class Answer:
    """An HTTP answer read whole.

    Attributes:
        headers: names in lower case.
        reused: whether its connection has carried an exchange before.
    """

    __slots__ = ("content", "headers", "reused", "status")

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes, *, reused: bool = False) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.reused = reused


def timeout_of(timeouts: Timeouts) -> dict[str, float | None]:
    """Return the limits of one attempt as httpx takes them; the session's limiter bounds the wait for a slot."""
    return {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
