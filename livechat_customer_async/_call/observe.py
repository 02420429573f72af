"""What a call tells of itself while it runs: to observers, and to the standard logging.

No event holds a token, a header, a body or a URL: only the fields below.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import attrs

from .._base.value import Value
from ..errors import Outcome

__all__ = ["AttemptEnd", "AttemptStart", "CallEnd", "CallQueued", "CallRetry", "Observer"]

logger = logging.getLogger("livechat_customer_async")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallQueued(Value):
    """A call waits for its turn, because all connections are busy.

    Attributes:
        call_id: unique in the process.
        queued: calls that wait, this one included.
    """

    call_id: int
    action: str
    queued: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AttemptStart(Value):
    """A request is about to be sent; `attempt` counts from 1."""

    call_id: int
    action: str
    attempt: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class AttemptEnd(Value):
    """A request ended.

    Attributes:
        elapsed: seconds since its start.
        status_code: of the answer; `None` where none came.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallRetry(Value):
    """A further attempt was decided on.

    Attributes:
        attempt: the one that failed.
        after: seconds that the call waits first.
        reason: class name of the error.
    """

    call_id: int
    action: str
    attempt: int
    after: float
    reason: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallEnd(Value):
    """A call ended, in whatever way.

    Attributes:
        attempts: requests begun.
        elapsed: seconds since the call began, waiting included.
        status_code: of the last answer; `None` where none came.
        error: class name of what was raised; `None` for success.
        error_type: the wire's error type, where the server named one; `_OTHER` for what is no such name.
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
    """Base class of observers: override what you want to hear of.

    Methods run on the event loop, between the steps of a call: they must be quick. One that raises is logged once, and
    the call goes on.
    """

    def on_queued(self, event: CallQueued) -> None:
        """A call waits for its turn."""

    def on_attempt_start(self, event: AttemptStart) -> None:
        """A request is about to be sent."""

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """A request ended, answered or not."""

    def on_retry(self, event: CallRetry) -> None:
        """A further attempt was decided on."""

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


class Audience:
    """The observers of a pool, and the log."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._blamed: set[tuple[int, str]] = set()

    def listens(self) -> bool:
        """Tell whether an event would be heard: where not, none has to be made."""
        return bool(self._observers) or logger.isEnabledFor(logging.DEBUG)

    def tell(self, event: AnyEvent) -> None:
        """Tell an event to all observers, and to the log."""
        method = _METHODS[type(event)]
        for observer in self._observers:
            try:
                getattr(observer, method)(event)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - a cancelled future's result, say: it is not the call's
                self._blame(observer, method, error)
        if logger.isEnabledFor(logging.DEBUG):
            _log(method.removeprefix("on_"), event)

    def _blame(self, observer: Observer, method: str, error: BaseException) -> None:
        if (id(observer), method) in self._blamed:
            return
        self._blamed.add((id(observer), method))
        # Its text is not logged: what an observer puts into it is not ours to vouch for.
        logger.warning(
            "%s.%s raised %s; further ones are not logged", type(observer).__name__, method, type(error).__name__
        )


def _log(what: str, event: AnyEvent) -> None:
    facts = attrs.asdict(event, filter=lambda _, value: value is not None)
    shown = " ".join(f"{name}={value.name if isinstance(value, Outcome) else value}" for name, value in facts.items())
    logger.debug("%s %s", what, shown)
