"""What to do after an attempt that failed: one pure decision, and the budget that bounds all retries of a pool."""

from __future__ import annotations

import re
from typing import TypeAlias, TypeGuard

import attrs

from .._base.value import Value
from .._net.failures import Failure, Fault
from ..config import RetryPolicy
from ..errors import (
    ApiError,
    AuthenticationError,
    LiveChatError,
    MisdirectedRequestError,
    Outcome,
    ServiceUnavailableError,
    TooManyRequestsError,
)
from .action import Replay


@attrs.define(eq=False, repr=False)
class RetryState:
    """What one call has tried so far.

    Attributes:
        replay: of its action.
        attempts: requests begun.
        replays: those of them that followed a token refresh or a change of region.
        refused: those of them that the server refused because of their rate.
        spent: tokens of the retry budget that its retries took.
        maybe_acted: whether an attempt left open what the server did.
        refreshed: whether its token has been replaced.
        rerouted: whether its region has been changed.
        regions: regions it has tried.
    """

    replay: Replay
    attempts: int = 0
    replays: int = 0
    refused: int = 0
    spent: int = 0
    maybe_acted: bool = False
    refreshed: bool = False
    rerouted: bool = False
    regions: frozenset[str] = frozenset()

    @property
    def tries(self) -> int:
        """Attempts that count against `RetryPolicy.attempts`."""
        return self.attempts - self.replays - self.refused


@attrs.frozen
class GiveUp(Value):
    """Raise the error; `why` says what prevented a further attempt that the failure itself allowed."""

    why: str | None = None


@attrs.frozen
class Retry(Value):
    """Try again.

    Attributes:
        after: seconds to wait first.
        cost: tokens that it takes from the budget.
    """

    after: float
    cost: int


@attrs.frozen
class Refresh(Value):
    """Get a new token and try again at once."""


@attrs.frozen
class Reroute(Value):
    """Name this region and try again at once."""

    region: str


Decision: TypeAlias = GiveUp | Retry | Refresh | Reroute

_REGION = re.compile(r"[A-Za-z0-9_-]{1,32}")
_RETRY_COST = 14


def decide(
    failure: Failure, state: RetryState, policy: RetryPolicy, *, time_left: float, chance: float, can_refresh: bool
) -> Decision:
    """Decide what follows a failed attempt.

    Args:
        failure: what happened.
        state: what the call has tried.
        policy: the session's.
        time_left: seconds until the call must have ended; infinite for no limit.
        chance: a random number from 0 to 1.
        can_refresh: whether there is a token provider.
    """
    error = failure.error
    if isinstance(error, AuthenticationError):
        return Refresh() if can_refresh and not state.refreshed else GiveUp()
    if isinstance(error, MisdirectedRequestError):
        return _reroute(error.region, state)
    if not _may_repeat(failure, state.replay):
        return GiveUp()
    refused = is_refused(error) and policy.attempts > 1
    if state.tries >= policy.attempts and not refused:
        return GiveUp("it was the last attempt" if policy.attempts > 1 else None)
    overloaded = isinstance(error, TooManyRequestsError | ServiceUnavailableError)
    longest = backoff(
        policy.throttle_base if overloaded else policy.base, state.refused + 1 if refused else state.tries, policy.cap
    )
    return _pause(error, chance * longest, 0 if refused else _RETRY_COST, policy, time_left)


def is_refused(error: LiveChatError) -> bool:
    """Tell whether the server refused a call because of its rate: it did nothing, and says so to every caller."""
    if not isinstance(error, ApiError) or error.outcome is not Outcome.REJECTED:
        return False
    return isinstance(error, TooManyRequestsError) or (
        error.retry_after is not None and isinstance(error, ServiceUnavailableError)
    )


def is_throttling(error: LiveChatError) -> TypeGuard[ApiError]:
    """Tell whether the server asked for fewer calls, whatever it did with this one."""
    if isinstance(error, TooManyRequestsError):
        return True
    # Those are answered with another token or region, at once.
    elsewhere = isinstance(error, AuthenticationError | MisdirectedRequestError)
    return isinstance(error, ApiError) and error.retry_after is not None and not elsewhere


def _reroute(region: str | None, state: RetryState) -> Decision:
    if region is None or state.rerouted or region in state.regions:
        return GiveUp()
    # It goes into a header.
    return Reroute(region) if _REGION.fullmatch(region) else GiveUp()


def _may_repeat(failure: Failure, replay: Replay) -> bool:
    error = failure.error
    if failure.fault is Fault.CONNECT:
        return True
    if failure.fault is Fault.CROSSED:
        return replay is Replay.SAFE
    if error.outcome is Outcome.UNKNOWN:
        came = isinstance(error, ApiError) or failure.fault is Fault.BROKEN
        return came and replay is Replay.SAFE
    return error.outcome is Outcome.REJECTED and isinstance(error, TooManyRequestsError | ServiceUnavailableError)


def _pause(error: LiveChatError, drawn: float, cost: int, policy: RetryPolicy, time_left: float) -> Decision:
    asked = error.retry_after if isinstance(error, ApiError) else None
    if asked is not None and asked > policy.retry_after_cap:
        return GiveUp(f"the server asks for a wait of {asked:g} s, the limit is {policy.retry_after_cap:g} s")
    after = drawn if asked is None else asked
    if after >= time_left:
        return GiveUp(f"a wait of {after:.3g} s does not fit into the time left")
    return Retry(after, cost)


def backoff(base: float, tries: int, cap: float) -> float:
    """Return the longest wait after so many tries: `base`, doubled by each further one, at most `cap`."""
    # 2.0 ** 64 is beyond any cap, and a larger exponent would overflow in the end.
    return min(cap, base * 2.0 ** min(tries - 1, 64))


class Budget:
    """Tokens of a whole pool that retries cost, so that they do not multiply the load of an outage."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.tokens = capacity

    def take(self, cost: int) -> bool:
        """Take tokens, if there are that many."""
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def succeeded(self, spent: int) -> None:
        """Give back what a call's retries took, or 1 if it needed none."""
        self.tokens = min(self._capacity, self.tokens + (spent or 1))
