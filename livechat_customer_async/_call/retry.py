"""What to do after an attempt that failed: one pure decision, and the budget that bounds all retries of a pool."""

from __future__ import annotations

import re
from typing import TypeAlias

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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Circumstances(Value):
    """What the decision depends on besides the failure itself.

    Attributes:
        replay: of the action.
        tries: attempts so far, without those that followed a refresh or a change of region.
        time_left: seconds until the call must have ended; infinite for no limit.
        chance: a number from 0 to 1.
        may_refresh: whether a new token can be had, and was not had for this call yet.
        rerouted: whether this call changed its region already.
        regions: those that this call has tried.
    """

    replay: Replay
    tries: int
    time_left: float
    chance: float
    may_refresh: bool
    rerouted: bool
    regions: frozenset[str]


@attrs.frozen(eq=False, repr=False)
class GiveUp(Value):
    """Raise the error; `why` says what stood against another try that the failure itself allowed."""

    why: str | None = None


@attrs.frozen(eq=False, repr=False)
class Retry(Value):
    """Try again.

    Attributes:
        after: seconds to wait first.
        cost: what it takes from the budget.
    """

    after: float
    cost: int


@attrs.frozen(eq=False, repr=False)
class Refresh(Value):
    """Get a new token and try again at once."""


@attrs.frozen(eq=False, repr=False)
class Reroute(Value):
    """Name this region and try again at once."""

    region: str


Decision: TypeAlias = GiveUp | Retry | Refresh | Reroute

_REGION = re.compile(r"[A-Za-z0-9_-]{1,32}")
_RETRY_COST = 14
_THROTTLED_RETRY_COST = 5


def decide(failure: Failure, circumstances: Circumstances, policy: RetryPolicy) -> Decision:
    """Decide what follows a failed attempt."""
    error = failure.error
    if isinstance(error, AuthenticationError):
        return Refresh() if circumstances.may_refresh else GiveUp()
    if isinstance(error, MisdirectedRequestError):
        return _reroute(error.region, circumstances)
    if not _may_repeat(failure, circumstances.replay):
        return GiveUp()
    if circumstances.tries >= policy.attempts:
        return GiveUp("it was the last attempt" if policy.attempts > 1 else None)
    return _retry(error, circumstances, policy)


def _reroute(region: str | None, circumstances: Circumstances) -> Decision:
    if region is None or circumstances.rerouted or region in circumstances.regions:
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
    return error.outcome is Outcome.REJECTED and _is_throttled(error)


def _is_throttled(error: LiveChatError) -> bool:
    return isinstance(error, TooManyRequestsError | ServiceUnavailableError)


def _retry(error: LiveChatError, circumstances: Circumstances, policy: RetryPolicy) -> Decision:
    throttled = _is_throttled(error)
    asked = error.retry_after if isinstance(error, ApiError) else None
    if asked is not None:
        if asked > policy.retry_after_cap:
            return GiveUp(f"the server asks for a wait of {asked:g} s, the limit is {policy.retry_after_cap:g} s")
        after = asked
    else:
        base = policy.throttle_base if throttled else policy.base
        after = circumstances.chance * backoff(base, circumstances.tries, policy.cap)
    if after >= circumstances.time_left:
        return GiveUp(f"a wait of {after:.3g} s does not fit into the time that is left")
    return Retry(after, _THROTTLED_RETRY_COST if throttled else _RETRY_COST)


def backoff(base: float, tries: int, cap: float) -> float:
    """Return the longest wait after so many tries: `base`, doubled by each further one, at most `cap`."""
    # 2.0 ** 64 is beyond any cap, and a larger exponent would overflow in the end.
    return min(cap, base * 2.0 ** min(tries - 1, 64))


class Budget:
    """Tokens of a whole pool that retries cost, so that an outage is not multiplied by them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.tokens = capacity

    def take(self, cost: int) -> bool:
        """Take tokens, if there are as many."""
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def succeeded(self, spent: int) -> None:
        """Give back what a call's retries took, or 1 where it needed none."""
        self.tokens = min(self._capacity, self.tokens + (spent or 1))
