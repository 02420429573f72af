"""What is known of one call while it runs, and what is told of it: on its errors, and to observers."""

from __future__ import annotations

import math
import re
from typing import Any

import attrs

from .._net.delivery import Delivery
from .._net.outgoing import Outgoing
from ..errors import ApiError, LiveChatError, Outcome
from .action import Action
from .observe import AttemptEnd, AttemptStart, CallEnd, CallQueued, CallRetry

_ERROR_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@attrs.define(eq=False)
class Call:
    """One call.

    Attributes:
        call_id: unique in the process.
        began: when, on the loop's clock.
        own_deadline: when its own time limit ends.
        deadline: when it must have ended, by that or by a scope around it.
        attempts: requests begun.
        replays: those of them that followed a refresh or a change of region.
        spent: tokens of the retry budget that its retries took.
        maybe_acted: whether an attempt left open what the server did.
        refreshed: whether its token was replaced once already.
        rerouted: whether its region was changed once already.
        regions: regions it has tried.
        attempt_began: when the last attempt did.
        status: of the last answer.
        outgoing: the request under way, or the last one.
        asking: whether it waits for the token provider.
        queueing: whether it waits for a slot.
        last_error: what the last attempt failed with.
    """

    action: Action[..., Any]
    call_id: int
    began: float
    own_deadline: float = math.inf
    deadline: float = math.inf
    attempts: int = 0
    replays: int = 0
    spent: int = 0
    maybe_acted: bool = False
    refreshed: bool = False
    rerouted: bool = False
    regions: frozenset[str] = frozenset()
    attempt_began: float | None = None
    status: int | None = None
    outgoing: Outgoing | None = None
    asking: bool = False
    queueing: bool = False
    last_error: LiveChatError | None = None

    @property
    def tries(self) -> int:
        """Attempts that the retry policy counts."""
        return self.attempts - self.replays

    def outcome(self) -> Outcome:
        """Return what is known where the call ends between two answers."""
        in_flight = self.outgoing is not None and self.outgoing.delivery is not Delivery.NOTHING
        return Outcome.UNKNOWN if in_flight or self.maybe_acted else Outcome.NOT_SENT

    def stamp(self, error: LiveChatError, now: float) -> None:
        """Put the call's facts on an error that ends it."""
        error.action = self.action.name
        error.attempts = self.attempts
        error.elapsed = now - self.began
        if self.attempt_began is not None:
            error.since_attempt = now - self.attempt_began
        if self.maybe_acted:  # by an earlier attempt, whatever became of the last one
            error.outcome = Outcome.UNKNOWN

    # ---- its events

    def queued(self, calls: int) -> CallQueued:
        """Return the event of waiting for a slot."""
        return CallQueued(call_id=self.call_id, action=self.action.name, queued=calls)

    def attempt_started(self) -> AttemptStart:
        """Return the event of an attempt's start."""
        return AttemptStart(call_id=self.call_id, action=self.action.name, attempt=self.attempts)

    def attempt_ended(self, error: BaseException | None, now: float) -> AttemptEnd:
        """Return the event of an attempt's end."""
        return AttemptEnd(
            call_id=self.call_id,
            action=self.action.name,
            attempt=self.attempts,
            elapsed=0.0 if self.attempt_began is None else now - self.attempt_began,
            status_code=self.status,
            error=None if error is None else type(error).__name__,
            outcome=self._outcome_of(error),
        )

    def repeated(self, error: LiveChatError, after: float) -> CallRetry:
        """Return the event of a further attempt."""
        return CallRetry(
            call_id=self.call_id,
            action=self.action.name,
            attempt=self.attempts,
            after=after,
            reason=type(error).__name__,
        )

    def ended(self, error: BaseException | None, now: float) -> CallEnd:
        """Return the event of its end."""
        return CallEnd(
            call_id=self.call_id,
            action=self.action.name,
            attempts=self.attempts,
            elapsed=now - self.began,
            status_code=self.status,
            error=None if error is None else type(error).__name__,
            error_type=_loggable(error.type) if isinstance(error, ApiError) else None,
            outcome=self._outcome_of(error),
        )

    def _outcome_of(self, error: BaseException | None) -> Outcome | None:
        if error is None:
            return None
        return error.outcome if isinstance(error, LiveChatError) else self.outcome()


def _loggable(type_: str | None) -> str | None:
    """Pass an error type that is like the documented ones: another might forge a line of the log, or fill a metric."""
    return type_ if type_ is None or _ERROR_TYPE.fullmatch(type_) else "_OTHER"
