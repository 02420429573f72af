"""The record of requests."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import attrs

from ._multipart import Part

_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


class RequestHeaders(Mapping[str, str]):
    """Headers by case-insensitive name; the last value of repeated ones. The `repr` hides credentials."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._pairs = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)
        self._last = dict(self._pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def __repr__(self) -> str:
        shown = {name: "[hidden]" if name in _SECRET else value for name, value in self._last.items()}
        return f"{type(self).__name__}({shown!r})"

    def get_list(self, name: str) -> list[str]:
        """Return all values of a header, in order."""
        return [value for one, value in self._pairs if one == name.lower()]


@attrs.define(eq=False, kw_only=True)
class RecordedRequest:
    """A request received by the sandbox.

    Attributes:
        action: The last segment of the path.
        method: The HTTP method.
        path: The path without the query.
        query: The decoded pairs of the query, in order.
        headers: The headers, by case-insensitive name.
        connection: The serial number of its connection, from 1; `None` without a socket.
        body: The decoded JSON body; `None` if it is missing, unread or not valid JSON.
        parts: The parts of a multipart body.
        size: The number of bytes read of the body.
        customer_id: The customer of the token; `None` if the request was not admitted.
        performed: Whether the action was performed, possibly after the answer or without one.
        status: The status of the answer; `None` if there was none.
    """

    action: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: RequestHeaders
    connection: int | None = None
    body: Any = attrs.field(default=None, repr=False)
    parts: tuple[Part, ...] = ()
    size: int = 0
    customer_id: str | None = None
    performed: bool = False
    status: int | None = None

    @property
    def payload(self) -> Any:
        """The value of `payload` in the JSON body, or `None`."""
        body: object = self.body
        return cast("dict[str, Any]", body).get("payload") if isinstance(body, dict) else None

    def part(self, name: str) -> Part:
        """Return the part of that name.

        Raises:
            KeyError: There is none.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)


class Recorder:
    """The most recent requests, and counts of all."""

    def __init__(self, limit: int) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=limit)
        self.arrived: Counter[str] = Counter()
        self.performed: Counter[str] = Counter()
        self.unread = 0

    def arrive(self, request: RecordedRequest) -> None:
        """Record a request whose headers were read."""
        self.requests.append(request)
        self.arrived[request.action] += 1

    def perform(self, request: RecordedRequest) -> None:
        """Record that the action of a request was performed."""
        request.performed = True
        self.performed[request.action] += 1

    def drop_unread(self) -> None:
        """Record a request whose connection was closed before it was read."""
        self.unread += 1

    def clear(self) -> None:
        """Delete all records and counts."""
        self.requests.clear()
        self.arrived.clear()
        self.performed.clear()
        self.unread = 0
