"""What a call reports while it runs: to observers and to the standard logging.

No event contains a token, a header or a body.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import attrs

from .._base.value import Value
from ..errors import Outcome

logger = logging.getLogger("livechat_customer_async")


@attrs.frozen(kw_only=True)
class CallQueued(Value):
    """A call waits for its turn.

    Attributes:
        call_id: unique in the process; the same for all events of one call and on its error.
        queued: number of calls that wait, this one included.
    """

    call_id: int
    action: str
    queued: int


@attrs.frozen(kw_only=True)
class AttemptStart(Value):
    """A request is about to be sent.

    Attributes:
        attempt: counts from 1.
        base_url: where it goes; takes no part in comparisons.
    """

    call_id: int
    action: str
    attempt: int
    base_url: str = attrs.field(default="", eq=False, repr=False)


@attrs.frozen(kw_only=True)
class AttemptEnd(Value):
    """A request ended.

    Attributes:
        elapsed: seconds since its start.
        status_code: of the answer; `None` if none came.
        error: class name of the error it ended with; `None` for success.
        outcome: of that error.
    """

    call_id: int
    action: str
    attempt: int
    elapsed: float
    status_code: int | None = None
    error: str | None = None
    outcome: Outcome | None = None


@attrs.frozen(kw_only=True)
class CallRetry(Value):
    """A call is going to be attempted again.

    Attributes:
        attempt: number of the attempt that failed.
        after: seconds that the call waits first.
        reason: class name of the error.
    """

    call_id: int
    action: str
    attempt: int
    after: float
    reason: str


@attrs.frozen(kw_only=True)
class CallEnd(Value):
    """A call ended: with a result, an error, or by cancellation.

    Attributes:
        attempts: number of requests begun.
        elapsed: seconds since the call began, waiting included.
        status_code: of the last answer; `None` if none came.
        error: class name of what was raised; `None` for success.
        error_type: the wire's error type, if the server named one; `_OTHER` for a name unlike the documented ones.
        outcome: of the error; for a cancelled call, what is known of it.
    """

    call_id: int
    action: str
    attempts: int
    elapsed: float
    status_code: int | None = None
    error: str | None = None
    error_type: str | None = None
    outcome: Outcome | None = None


class Observer:
    """Base class of observers; override the methods you need.

    They run on the event loop, between the steps of a call, so they must return quickly. An exception is logged once
    for each method, and the call goes on.
    """

    def on_queued(self, event: CallQueued) -> None:
        """A call waits for its turn."""

    def on_attempt_start(self, event: AttemptStart) -> None:
        """A request is about to be sent."""

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """A request ended, with or without an answer."""

    def on_retry(self, event: CallRetry) -> None:
        """A call is going to be attempted again."""

    def on_call_end(self, event: CallEnd) -> None:
        """A call ended, in whatever way."""


AnyEvent = CallQueued | AttemptStart | AttemptEnd | CallRetry | CallEnd

_METHODS: dict[type, str] = {
    CallQueued: "on_queued",
    AttemptStart: "on_attempt_start",
    AttemptEnd: "on_attempt_end",
    CallRetry: "on_retry",
    CallEnd: "on_call_end",
}


class Events:
    """Passes the events of a pool to its observers and to the log."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._reported: set[tuple[int, str]] = set()

    @property
    def wanted(self) -> bool:
        """Whether an event would reach anybody; if not, none has to be made."""
        return bool(self._observers) or logger.isEnabledFor(logging.DEBUG)

    def emit(self, event: AnyEvent) -> None:
        """Pass an event on."""
        method = _METHODS[type(event)]
        for observer in self._observers:
            try:
                getattr(observer, method)(event)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - say, a cancelled future's: an observer's faults are not the call's
                self._report(observer, method, error)
        if logger.isEnabledFor(logging.DEBUG):
            _log(method.removeprefix("on_"), event)

    def _report(self, observer: Observer, method: str, error: BaseException) -> None:
        if (id(observer), method) in self._reported:
            return
        self._reported.add((id(observer), method))
        # Without its text, which may contain anything.
        logger.warning(
            "%s.%s raised %s; further exceptions of it are not logged",
            type(observer).__name__,
            method,
            type(error).__name__,
        )


def _log(what: str, event: AnyEvent) -> None:
    facts = attrs.asdict(event, filter=lambda field, value: value is not None and bool(field.repr))
    shown = " ".join(f"{name}={value.name if isinstance(value, Outcome) else value}" for name, value in facts.items())
    logger.debug("%s %s", what, shown)


_ERROR_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def loggable(error_type: str | None) -> str | None:
    """Return an error type that looks like the documented ones: others could forge log lines or flood a metric."""
    return error_type if error_type is None or _ERROR_TYPE.fullmatch(error_type) else "_OTHER"
