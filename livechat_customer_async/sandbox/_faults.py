"""Faults as data: what fails, for which action, how often."""

import asyncio
import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ANY_ACTION: Final = "*"


class FaultKind(StrEnum):
    """The kinds of faults. Those that need a socket work only with `serve`."""

    ERROR = "error"
    """An error answer: an error object, or with `bare` only a status and a text."""
    LATENCY = "latency"
    """The action is performed and answered after `seconds`, even if the client has disconnected."""
    STALL_BEFORE_HEADERS = "stall-before-headers"
    """No answer to the request until the fault is released, `seconds` have passed or the client disconnects."""
    STALL_MID_BODY = "stall-mid-body"
    """Half of the answer's body, then a stall as in `STALL_BEFORE_HEADERS`."""
    RESET_BEFORE_READING = "reset-before-reading"
    """The connection is reset before the body is read. Needs a socket."""
    RESET_AFTER_PERFORMING = "reset-after-performing"
    """The action is performed, then the connection is reset without an answer. Needs a socket."""
    LATE_PERFORMANCE = "late-performance"
    """The client gets a reset (with `type`: an error; with `hold`: nothing yet), and the action is performed after
    `seconds`. A reset needs a socket."""
    TRUNCATED_BODY = "truncated-body"
    """Half of the announced body, then the connection is closed. Needs a socket."""
    WRONG_CONTENT_LENGTH = "wrong-content-length"
    """`Content-Length` is wrong by `delta`. If too small, the rest follows on the connection; if too large, the answer
    never ends. Needs a socket."""
    GARBAGE_HTTP = "garbage-http"
    """Bytes that are not HTTP, then the connection is closed. Needs a socket."""
    GARBAGE_BODY = "garbage-body"
    """An answer whose body is not valid JSON."""
    SLOW_DRIP = "slow-drip"
    """The answer's body in chunks of `chunk` bytes, `seconds` apart."""
    CLOSE_AFTER_RESPONSE = "close-after-response"
    """The connection is closed after a complete answer without `Connection: close`. Needs a socket."""
    CLOSE_ON_NEXT_REQUEST = "close-on-next-request"
    """A complete answer; the connection is closed when the next request arrives on it, unread. Needs a socket."""


_ALWAYS_PERFORMS: Final = frozenset({FaultKind.LATENCY, FaultKind.RESET_AFTER_PERFORMING, FaultKind.LATE_PERFORMANCE})
_NEVER_PERFORMS: Final = frozenset({FaultKind.RESET_BEFORE_READING})
_PERFORMS_IF_TOLD: Final = frozenset({FaultKind.ERROR, FaultKind.STALL_BEFORE_HEADERS})

_DEFAULT_SECONDS: Final = {FaultKind.LATENCY: 1.0, FaultKind.LATE_PERFORMANCE: 2.0, FaultKind.SLOW_DRIP: 0.1}


def _positive_or_none(_: Any, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"`{attribute.name}` must be positive or None (no limit), got {value}")


def _positive(_: Any, attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value <= 0:
        raise ValueError(f"`{attribute.name}` must be positive, got {value}")


@attrs.frozen
class Fault:
    """A fault to inject, as plain data.

    Attributes:
        kind: The kind of fault.
        action: The affected action; `*` for any.
        times: The number of affected requests; `None` for all.
        type: The type of the error object.
        status: The HTTP status. Default: that of the error's type; 500 with `bare`.
        message: The message of the error, or the text of a bare answer. Default: that of the error's type.
        data: The data of the error.
        retry_after: The value of the `Retry-After` header: seconds or an HTTP date.
        bare: Whether an error answer has a text instead of an error object.
        seconds: The duration. `None`: no limit for a stall, otherwise the default of the kind.
        perform: Whether the action is performed nevertheless. Default: not for errors and stalls before the
            headers, which replace it; yes for all other kinds.
        hold: Whether a late performance keeps the connection open and answers it.
        delta: The error of a wrong content length, in bytes; not 0.
        chunk: The number of bytes that a slow drip sends at a time.
    """

    kind: FaultKind = attrs.field(converter=FaultKind)
    action: str = ANY_ACTION
    times: int | None = attrs.field(default=1, validator=_positive_or_none, kw_only=True)
    type: str | None = attrs.field(default=None, kw_only=True)
    status: int | None = attrs.field(default=None, kw_only=True)
    message: str | None = attrs.field(default=None, kw_only=True)
    data: dict[str, Any] | None = attrs.field(default=None, kw_only=True)
    retry_after: str | None = attrs.field(default=None, kw_only=True)
    bare: bool = attrs.field(default=False, kw_only=True)
    seconds: float | None = attrs.field(default=None, validator=_positive_or_none, kw_only=True)
    perform: bool | None = attrs.field(default=None, kw_only=True)
    hold: bool = attrs.field(default=False, kw_only=True)
    delta: int = attrs.field(default=-5, kw_only=True)
    chunk: int = attrs.field(default=1, validator=_positive, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.delta == 0:
            raise ValueError("`delta` must not be 0")
        if self.perform is False and self.kind in _ALWAYS_PERFORMS:
            raise ValueError(f"{self.kind} always performs the action")
        if self.perform is True and self.kind in _NEVER_PERFORMS:
            raise ValueError(f"{self.kind} never performs the action")

    @property
    def performs(self) -> bool:
        """Whether the action is performed."""
        if self.perform is not None:
            return self.perform
        return self.kind not in _NEVER_PERFORMS | _PERFORMS_IF_TOLD

    @property
    def duration(self) -> float:
        """`seconds`, or the default of the kind."""
        return self.seconds if self.seconds is not None else _DEFAULT_SECONDS.get(self.kind, 0.0)

    @property
    def refusal(self) -> Refusal:
        """The error object of an error answer."""
        return Refusal(self.type or "internal", self.message, data=self.data, status=self.status)


@attrs.define(eq=False)
class ArmedFault:
    """A fault added to a sandbox, and what has become of it.

    Attributes:
        fault: The fault.
        remaining: The number of requests it will still affect; `None` for all.
        struck: The number of requests it has affected.
        met: Set when it affects its first request.
        released: Set to end its stalls and delays, current and future ones.
        finished: Set when an affected request is done, including a late performance.
    """

    fault: Fault
    remaining: int | None
    struck: int = 0
    met: asyncio.Event = attrs.field(factory=asyncio.Event, repr=False)
    released: asyncio.Event = attrs.field(factory=asyncio.Event, repr=False)
    finished: asyncio.Event = attrs.field(factory=asyncio.Event, repr=False)

    def release(self) -> None:
        """End its stalls and delays."""
        self.released.set()

    def strike(self) -> None:
        """Count an affected request."""
        self.struck += 1
        if self.remaining is not None:
            self.remaining -= 1
        self.met.set()


class FaultQueue:
    """The armed faults, in the order added. False when none is left."""

    def __init__(self, faults: "Iterable[Fault]" = (), *, actions: "Collection[str] | None" = None) -> None:
        """Arm faults. `actions`: the known ones; a fault for another, as by a typo, would never strike."""
        self._actions = actions
        self._armed: list[ArmedFault] = []
        for fault in faults:
            self.add(fault)

    def __len__(self) -> int:
        return len(self._armed)

    def add(self, fault: Fault) -> ArmedFault:
        """Arm a fault. The result tells when it strikes, and releases its stalls.

        Raises:
            TypeError: `fault` is not a `Fault`.
            ValueError: The action does not exist.
        """
        self._check(fault)
        armed = ArmedFault(fault, fault.times)
        self._armed.append(armed)
        return armed

    def _check(self, fault: Any) -> None:
        if not isinstance(fault, Fault):
            raise TypeError(f"expected a Fault, got {type(fault).__name__}; parse_fault converts text")
        if self._actions is None or fault.action in (ANY_ACTION, *self._actions):
            return
        close = difflib.get_close_matches(fault.action, self._actions, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown action {fault.action!r}{hint}")

    def clear(self) -> None:
        """Disarm all faults. Requests that are already affected stay so."""
        self._armed.clear()

    def take(self, action: str) -> ArmedFault | None:
        """Return the first fault for this action and count the request; `None` if there is none."""
        for armed in self._armed:
            if armed.fault.action in (action, ANY_ACTION):
                armed.strike()
                if armed.remaining == 0:
                    self._armed.remove(armed)
                return armed
        return None
