"""What is known of a running call: for its error, its observers and the log."""

from __future__ import annotations

from typing import Any

from .._base.clock import Deadline
from .._net.outgoing import Outgoing
from ..errors import ApiError, LiveChatError, Outcome, TransportError
from .observe import AttemptEnd, AttemptStart, CallEnd, CallQueued, CallRetry, loggable, logger
from .retry import RetryState
from .shared import Pool


class RunningAttempt:
    """One attempt.

    Attributes:
        token: that it is sent with.
        region: that it names; `None` for the default one.
        outgoing: its request; `None` until that is built.
        began: when, on the clock; `None` until it has a slot.
        status: HTTP status of its answer; `None` if none came.
    """

    __slots__ = ("began", "outgoing", "region", "status", "token")

    def __init__(self, token: str, region: str | None) -> None:
        self.token = token
        self.region = region
        self.outgoing: Outgoing | None = None
        self.began: float | None = None
        self.status: int | None = None


class CallReport:
    """Reports one call. Events are made only if somebody listens."""

    def __init__(self, pool: Pool, action: str, state: RetryState, deadline: Deadline) -> None:
        self.call_id = pool.next_call_id()
        self._pool = pool
        self._action = action
        self._state = state
        self._deadline = deadline

    def outcome(self, last: RunningAttempt | None) -> Outcome:
        """Return what is known of the call between two answers."""
        if self._state.maybe_acted:
            return Outcome.UNKNOWN
        return Outcome.NOT_SENT if last is None or last.outgoing is None else last.outgoing.delivery.outcome

    def stamp(self, error: LiveChatError, last: RunningAttempt | None) -> None:
        """Put the call's facts on the error that ends it."""
        error.action = self._action
        error.call_id = self.call_id
        error.attempts = self._state.attempts
        error.elapsed = self._deadline.elapsed
        if last is not None and last.began is not None:
            error.since_attempt = self._pool.clock.now() - last.began
        if self._state.maybe_acted:  # by an earlier attempt, whatever became of the last one
            error.outcome = Outcome.UNKNOWN

    def queued(self, calls: int) -> None:
        """The call waits for its turn."""
        self._emit(CallQueued, queued=calls)

    def attempt_started(self) -> None:
        """A request is about to be sent."""
        self._emit(AttemptStart, attempt=self._state.attempts, base_url=self._pool.endpoints.base_url)

    def attempt_ended(self, this: RunningAttempt, error: BaseException | None) -> None:
        """A request ended."""
        self._emit(
            AttemptEnd,
            attempt=self._state.attempts,
            elapsed=self._pool.clock.now() - (this.began or 0.0),
            status_code=this.status,
            **self._facts_of(error, this),
        )

    def retried(self, error: LiveChatError, after: float, how: str) -> None:
        """The call is going to be attempted again; `how` is for the log."""
        reason = type(error).__name__
        self._emit(CallRetry, attempt=self._state.attempts, after=after, reason=reason)
        # Without the server's message, which may repeat what was sent.
        why = f"{reason}: {error.message}" if isinstance(error, TransportError) else reason
        logger.info("retrying %s in %.2f s (%s): %s", self._action, after, how, why)

    def throttled(self, rate: float | None) -> None:
        """The server has begun to limit the rate, or does so no longer (`None`); for the log alone."""
        if rate is None:
            logger.info("the server no longer limits the rate of calls")
        else:
            logger.info("the server limits the rate of calls: they wait for a pace of %.3g per second", rate)

    def ended(self, error: BaseException | None, last: RunningAttempt | None) -> None:
        """The call ended."""
        self._emit(
            CallEnd,
            attempts=self._state.attempts,
            elapsed=self._deadline.elapsed,
            status_code=None if last is None else last.status,
            error_type=loggable(error.type) if isinstance(error, ApiError) else None,
            **self._facts_of(error, last),
        )

    def _emit(self, event: Any, **facts: Any) -> None:
        if self._pool.events.wanted:
            self._pool.events.emit(event(call_id=self.call_id, action=self._action, **facts))

    def _facts_of(self, error: BaseException | None, last: RunningAttempt | None) -> dict[str, Any]:
        if error is None:
            return {}
        outcome = error.outcome if isinstance(error, LiveChatError) else self.outcome(last)
        return {"error": type(error).__name__, "outcome": outcome}
