"""Faults as values: what goes wrong, for which action, how often."""

import asyncio
import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from attrs import Attribute, define, field, frozen

from ._errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ANY_ACTION: Final = "*"


class FaultKind(StrEnum):
    """What can go wrong. A kind that needs a real socket works under `serve` only."""

    ERROR = "error"
    """An error answer: an error object, or with `bare` a status without one."""
    LATENCY = "latency"
    """The action is performed and answered `seconds` later, though the client may be gone by then."""
    STALL_BEFORE_HEADERS = "stall-before-headers"
    """The request is read; then nothing, until released, `seconds` have passed or the client is gone."""
    STALL_MID_BODY = "stall-mid-body"
    """Half of the answer's body, then nothing, as above."""
    RESET_BEFORE_READING = "reset-before-reading"
    """The connection is reset before the body is read. Needs a socket."""
    RESET_AFTER_PERFORMING = "reset-after-performing"
    """The action is performed and the connection reset without an answer. Needs a socket."""
    LATE_PERFORMANCE = "late-performance"
    """The client gets a reset (or with `type` that error, or with `hold` nothing yet) and the action is performed
    `seconds` later. A reset needs a socket."""
    TRUNCATED_BODY = "truncated-body"
    """Half of the announced body, then the end of the connection. Needs a socket."""
    WRONG_CONTENT_LENGTH = "wrong-content-length"
    """`Content-Length` off by `delta`. Too small: the rest follows on the connection. Too large: the answer never
    ends. Needs a socket."""
    GARBAGE_HTTP = "garbage-http"
    """Bytes that are no HTTP, then the end of the connection. Needs a socket."""
    GARBAGE_BODY = "garbage-body"
    """A proper answer whose body is no JSON."""
    SLOW_DRIP = "slow-drip"
    """The answer's body in pieces of `chunk` bytes, `seconds` apart."""
    CLOSE_AFTER_RESPONSE = "close-after-response"
    """The connection ends right after a whole answer that did not announce it. Needs a socket."""
    CLOSE_ON_NEXT_REQUEST = "close-on-next-request"
    """A whole answer; the connection ends when the next request arrives on it, unread. Needs a socket."""


_ALWAYS_PERFORMS: Final = frozenset({FaultKind.LATENCY, FaultKind.RESET_AFTER_PERFORMING, FaultKind.LATE_PERFORMANCE})
_NEVER_PERFORMS: Final = frozenset({FaultKind.RESET_BEFORE_READING})
_PERFORMS_IF_TOLD: Final = frozenset({FaultKind.ERROR, FaultKind.STALL_BEFORE_HEADERS})

_DEFAULT_SECONDS: Final = {FaultKind.LATENCY: 1.0, FaultKind.LATE_PERFORMANCE: 2.0, FaultKind.SLOW_DRIP: 0.1}


def _positive_or_none(_: Any, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"`{attribute.name}` must be positive, or None for no limit; got {value}")


def _positive(_: Any, attribute: "Attribute[Any]", value: int) -> None:
    if value <= 0:
        raise ValueError(f"`{attribute.name}` must be positive; got {value}")


@frozen
class Fault:
    """One thing that goes wrong, as plain data.

    Attributes:
        kind: What goes wrong.
        action: The action it befalls; `*` for any.
        times: How many requests it befalls; `None` for all of them.
        type: The type of the error object.
        status: The HTTP status; by default the one of the error's type, 500 for a bare one.
        message: The error's message, or the text of a bare answer; by default the type's.
        data: The error's data.
        retry_after: The value of a `Retry-After` header: seconds or an HTTP date.
        bare: Whether an error answer is a status and a text without an error object.
        seconds: How long it takes; `None` is no limit for a stall, else the kind's default.
        perform: Whether the action is performed all the same. By default errors and stalls before the headers
            come instead of the performance, all others after it.
        hold: Whether a late performance keeps the connection and answers in the end.
        delta: How much a wrong content length is off; not 0.
        chunk: How many bytes a slow drip sends at a time.
    """

    kind: FaultKind = field(converter=FaultKind)
    action: str = ANY_ACTION
    times: int | None = field(default=1, validator=_positive_or_none, kw_only=True)
    type: str | None = field(default=None, kw_only=True)
    status: int | None = field(default=None, kw_only=True)
    message: str | None = field(default=None, kw_only=True)
    data: dict[str, Any] | None = field(default=None, kw_only=True)
    retry_after: str | None = field(default=None, kw_only=True)
    bare: bool = field(default=False, kw_only=True)
    seconds: float | None = field(default=None, validator=_positive_or_none, kw_only=True)
    perform: bool | None = field(default=None, kw_only=True)
    hold: bool = field(default=False, kw_only=True)
    delta: int = field(default=-5, kw_only=True)
    chunk: int = field(default=1, validator=_positive, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.delta == 0:
            raise ValueError("`delta` must not be 0")
        if self.perform is False and self.kind in _ALWAYS_PERFORMS:
            raise ValueError(f"{self.kind} always performs the action")
        if self.perform is True and self.kind in _NEVER_PERFORMS:
            raise ValueError(f"{self.kind} never performs the action")

    @property
    def performs(self) -> bool:
        """Whether the action is performed before the fault strikes."""
        if self.perform is not None:
            return self.perform
        return self.kind not in _NEVER_PERFORMS | _PERFORMS_IF_TOLD

    @property
    def duration(self) -> float:
        """`seconds`, or the kind's default."""
        return self.seconds if self.seconds is not None else _DEFAULT_SECONDS.get(self.kind, 0.0)

    @property
    def refusal(self) -> Refusal:
        """The error object of an error answer."""
        return Refusal(self.type or "internal", self.message, data=self.data, status=self.status)


@define(eq=False)
class ArmedFault:
    """A fault that waits for its requests, or has met them.

    Attributes:
        fault: The fault.
        remaining: How many requests it will still befall; `None` for all.
        struck: How many it has befallen.
        met: Set when it has befallen one.
        released: Set to end its stalls and delays at once, past and future ones.
        finished: Set when one has been dealt with to the end, a late performance included.
    """

    fault: Fault
    remaining: int | None
    struck: int = 0
    met: asyncio.Event = field(factory=asyncio.Event, repr=False)
    released: asyncio.Event = field(factory=asyncio.Event, repr=False)
    finished: asyncio.Event = field(factory=asyncio.Event, repr=False)

    def release(self) -> None:
        """End its stalls and delays."""
        self.released.set()

    def strike(self) -> None:
        """Count one request that it befalls."""
        self.struck += 1
        if self.remaining is not None:
            self.remaining -= 1
        self.met.set()


class FaultQueue:
    """The faults in wait, the first added first. Truthy while one is left."""

    def __init__(self, faults: "Iterable[Fault]" = (), *, actions: "Collection[str] | None" = None) -> None:
        """Queue faults; of `actions` only, where given: a fault with a slip in its action would never strike."""
        self._actions = actions
        self._armed: list[ArmedFault] = []
        for fault in faults:
            self.add(fault)

    def __len__(self) -> int:
        return len(self._armed)

    def add(self, fault: Fault) -> ArmedFault:
        """Queue a fault; what is returned tells when it struck and lets go of its stalls.

        Raises:
            TypeError: It is none.
            ValueError: There is no such action.
        """
        self._check(fault)
        armed = ArmedFault(fault, fault.times)
        self._armed.append(armed)
        return armed

    def _check(self, fault: Any) -> None:
        if not isinstance(fault, Fault):
            raise TypeError(f"expected a Fault, got {type(fault).__name__}; parse_fault makes one of a text")
        if self._actions is None or fault.action in (ANY_ACTION, *self._actions):
            return
        close = difflib.get_close_matches(fault.action, self._actions, 1)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"there is no action {fault.action!r}{hint}")

    def clear(self) -> None:
        """Drop the faults in wait. Those that struck already run their course."""
        self._armed.clear()

    def take(self, action: str) -> ArmedFault | None:
        """The fault that befalls a request of this action, counted; or `None`."""
        for armed in self._armed:
            if armed.fault.action in (action, ANY_ACTION):
                armed.strike()
                if armed.remaining == 0:
                    self._armed.remove(armed)
                return armed
        return None
