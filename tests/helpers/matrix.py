"""The expected outcome of each fault, and the rules it is derived from.

A row states only what happens to one request: whether the server performs it, and what the client sees. The outcome of
the call is derived by three rules:

- A response ends the call. So do a rejection (the server did nothing) and an unreadable response (it may have acted).
- A rejection because of load is retried, whatever the action.
- If the server may have acted, the call is retried only if repeating it has no further effect.
"""

from __future__ import annotations

import enum

import attrs

from livechat_customer_async import (
    ApiError,
    ApiValidationError,
    CallTimeoutError,
    EntityTooLargeError,
    GroupOfflineError,
    InternalError,
    LiveChatError,
    Outcome,
    Replay,
    RequestTimeoutError,
    ResponseDecodeError,
    ServiceUnavailableError,
    TooManyRequestsError,
    TransportError,
)
from livechat_customer_async.sandbox import Fault

ATTEMPTS = 3
READ_TIMEOUT = 0.75
LONG = 3600.0
SHORT = 0.01


class Sign(enum.Enum):
    """What the client can tell about a request that met a fault."""

    ANSWER = enum.auto()
    REFUSED = enum.auto()
    THROTTLED = enum.auto()
    OPEN = enum.auto()
    UNREADABLE = enum.auto()


_OUTCOMES = {
    Sign.REFUSED: Outcome.REJECTED,
    Sign.THROTTLED: Outcome.REJECTED,
    Sign.OPEN: Outcome.UNKNOWN,
    Sign.UNREADABLE: Outcome.UNKNOWN,
}


def name_of(fault: Fault) -> str:
    """Return a fault's kind and the options that differ from their defaults."""
    options = [
        f"{field.name}={value}"
        for field in attrs.fields(Fault)
        if field.name not in ("kind", "action") and (value := getattr(fault, field.name)) != field.default
    ]
    return "-".join([fault.kind, *options])


@attrs.frozen
class Row:
    """One fault. `over_httpx` and `error_over_httpx` are what httpx's own transport shows, where that differs."""

    fault: Fault
    sign: Sign
    error: type[LiveChatError] | None = None
    performs: bool = attrs.field(default=True, kw_only=True)
    phase: str | None = attrs.field(default=None, kw_only=True)
    over_httpx: tuple[Sign, type[LiveChatError]] | None = attrs.field(default=None, kw_only=True)

    def __str__(self) -> str:
        return name_of(self.fault)

    def seen_by(self, engine: str) -> tuple[Sign, type[LiveChatError] | None]:
        """Return what the client can tell over an engine."""
        return self.over_httpx if engine == "httpx" and self.over_httpx is not None else (self.sign, self.error)


@attrs.frozen
class Expected:
    """The expected result of a call."""

    attempts: int
    performed: int
    outcome: Outcome | None
    error: type[LiveChatError] | None


def expected(row: Row, replay: Replay, engine: str) -> Expected:
    """Derive the expected result of a call whose requests meet this fault."""
    sign, error = row.seen_by(engine)
    if sign is Sign.ANSWER:
        return Expected(1, 1, None, None)
    if error is TooManyRequestsError and row.fault.times is not None:  # refused attempts do not count
        return Expected(row.fault.times + 1, 1, None, None)
    repeated = sign is Sign.THROTTLED or (sign is Sign.OPEN and replay is Replay.SAFE)
    most = ATTEMPTS if repeated else 1
    struck = most if row.fault.times is None else min(most, row.fault.times)
    performed = struck if row.performs else 0
    if struck < most:
        return Expected(struck + 1, performed + 1, None, None)
    return Expected(struck, performed, _OUTCOMES[sign], error)


def _error(sign: Sign, error: type[LiveChatError], *, times: int | None = 1, **options: object) -> Row:
    performs = bool(options.get("perform", False))
    return Row(Fault("error", times=times, **options), sign, error, performs=performs)  # type: ignore[arg-type]


ROWS = [
    # error objects, by type
    _error(Sign.REFUSED, ApiValidationError, type="validation"),
    _error(Sign.REFUSED, GroupOfflineError, type="group_offline"),
    _error(Sign.REFUSED, ApiError, type="never_seen", status=500),
    _error(Sign.OPEN, InternalError, type="internal"),
    _error(Sign.OPEN, InternalError, type="internal", perform=True),
    _error(Sign.OPEN, RequestTimeoutError, type="request_timeout", perform=True),
    _error(Sign.OPEN, RequestTimeoutError, type="request_timeout", times=2),
    _error(Sign.OPEN, InternalError, type="internal", perform=True, times=None),
    _error(Sign.THROTTLED, TooManyRequestsError, type="too_many_requests"),
    _error(Sign.THROTTLED, TooManyRequestsError, type="too_many_requests", retry_after="0", times=2),
    _error(Sign.THROTTLED, TooManyRequestsError, type="too_many_requests", times=5),
    _error(Sign.THROTTLED, ServiceUnavailableError, type="service_unavailable"),
    # errors without an object, by status
    _error(Sign.REFUSED, ApiError, bare=True, status=404, message="<h1>not found</h1>"),
    _error(Sign.REFUSED, ApiError, bare=True, status=302),
    _error(Sign.REFUSED, EntityTooLargeError, bare=True, status=413),
    _error(Sign.THROTTLED, TooManyRequestsError, bare=True, status=429),
    _error(Sign.OPEN, ServiceUnavailableError, bare=True, status=503),
    _error(Sign.OPEN, InternalError, bare=True, status=502, perform=True),
    # late, or never
    Row(Fault("latency", seconds=SHORT), Sign.ANSWER),
    Row(Fault("latency", seconds=LONG), Sign.OPEN, CallTimeoutError, phase="read"),
    Row(Fault("stall-before-headers"), Sign.OPEN, CallTimeoutError, performs=False, phase="read"),
    Row(Fault("stall-before-headers", perform=True), Sign.OPEN, CallTimeoutError, phase="read"),
    Row(Fault("stall-mid-body"), Sign.OPEN, CallTimeoutError, phase="read"),
    Row(Fault("stall-mid-body", times=None), Sign.OPEN, CallTimeoutError, phase="read"),
    Row(Fault("slow-drip", seconds=SHORT, chunk=16), Sign.ANSWER),
    Row(Fault("late-performance", seconds=LONG), Sign.OPEN, TransportError),
    Row(Fault("late-performance", seconds=LONG, type="request_timeout"), Sign.OPEN, RequestTimeoutError),
    Row(Fault("late-performance", seconds=LONG, hold=True), Sign.OPEN, CallTimeoutError, phase="read"),
    # broken
    Row(Fault("reset-before-reading"), Sign.OPEN, TransportError, performs=False),
    Row(Fault("reset-before-reading", times=None), Sign.OPEN, TransportError, performs=False),
    Row(Fault("reset-after-performing"), Sign.OPEN, TransportError),
    Row(Fault("reset-after-performing", times=2), Sign.OPEN, TransportError),
    Row(Fault("reset-after-performing", times=None), Sign.OPEN, TransportError),
    Row(Fault("truncated-body"), Sign.OPEN, TransportError),
    Row(Fault("garbage-http"), Sign.OPEN, TransportError),
    Row(Fault("garbage-http", perform=False), Sign.OPEN, TransportError, performs=False),
    # complete but inconsistent; our engine notices bytes beyond a short Content-Length, httpx ignores them
    Row(Fault("garbage-body"), Sign.UNREADABLE, ResponseDecodeError),
    Row(Fault("garbage-body", perform=False), Sign.UNREADABLE, ResponseDecodeError, performs=False),
    Row(
        Fault("wrong-content-length", delta=-5),
        Sign.OPEN,
        TransportError,
        over_httpx=(Sign.UNREADABLE, ResponseDecodeError),
    ),
    Row(Fault("wrong-content-length", delta=5), Sign.OPEN, CallTimeoutError, phase="read"),
    # the fault comes after the response
    Row(Fault("close-after-response"), Sign.ANSWER),
    Row(Fault("close-on-next-request"), Sign.ANSWER),
]
