"""What the sandbox saw: every request, and how often each action arrived and was performed."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from attrs import define, field

from ._multipart import Part

_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


class RequestHeaders(Mapping[str, str]):
    """Headers by name in any case; of a repeated one the last. The `repr` shows no credentials."""

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
        """All values of a header, in the order they came."""
        return [value for one, value in self._pairs if one == name.lower()]


@define(eq=False, kw_only=True)
class RecordedRequest:
    """One request as the sandbox saw it.

    Attributes:
        action: The last segment of the path.
        method: The HTTP method.
        path: The path without the query.
        query: The query's pairs, decoded, in their order.
        headers: The headers, by name in any case.
        connection: The serial number of the connection that it came over, from 1; `None` without a socket.
        body: The decoded JSON body; `None` where there is none, where it is no JSON, or where it was not read.
        parts: The parts of a multipart body.
        size: How many bytes of the body were read.
        customer_id: Whom the token speaks for; `None` until the request was admitted.
        performed: Whether the action was performed, which may be after the answer or without one.
        status: The status of the answer; `None` where none was begun.
    """

    action: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: RequestHeaders
    connection: int | None = None
    body: Any = field(default=None, repr=False)
    parts: tuple[Part, ...] = ()
    size: int = 0
    customer_id: str | None = None
    performed: bool = False
    status: int | None = None

    @property
    def payload(self) -> Any:
        """What stands under `payload` in the JSON body, or `None`."""
        body: object = self.body
        return cast("dict[str, Any]", body).get("payload") if isinstance(body, dict) else None

    def part(self, name: str) -> Part:
        """The part of that name; `KeyError` where there is none."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)


class Recorder:
    """The last requests, and counts of all."""

    def __init__(self, limit: int) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=limit)
        self.arrived: Counter[str] = Counter()
        self.performed: Counter[str] = Counter()
        self.unread = 0

    def arrive(self, request: RecordedRequest) -> None:
        """Note a request whose head was read."""
        self.requests.append(request)
        self.arrived[request.action] += 1

    def perform(self, request: RecordedRequest) -> None:
        """Note that the request's action was performed."""
        request.performed = True
        self.performed[request.action] += 1

    def drop_unread(self) -> None:
        """Note a request that met a closing connection: nothing of it was read."""
        self.unread += 1

    def clear(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self.arrived.clear()
        self.performed.clear()
        self.unread = 0
