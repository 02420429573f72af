"""The decision after a failed attempt, row by row; the wait; and the budget that keeps an outage small."""

import itertools
import math
import random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import livechat_customer_async as sdk
from livechat_customer_async import LiveChatError, Outcome, Replay, RetryPolicy
from livechat_customer_async._call.retry import (
    Budget,
    Decision,
    Failure,
    Fault,
    GiveUp,
    Refresh,
    Reroute,
    Retry,
    RetryState,
    backoff,
    decide,
)

POLICY = RetryPolicy()
FIRST = RetryState(Replay.UNSAFE, attempts=1, regions=frozenset({"dal"}))
SAFE = attrs.evolve(FIRST, replay=Replay.SAFE)
# Half of the first pause: 50 ms for a fault, 1 s for an overload. A refused attempt costs nothing.
AGAIN, LATER, REFUSED = Retry(0.025, 14), Retry(0.5, 14), Retry(0.5, 0)
NO = GiveUp()

N, U, R = Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.REJECTED


def failed(cls: type[LiveChatError], outcome: Outcome, fault: Fault | None = None, **facts: Any) -> Failure:
    return Failure(cls("m", outcome=outcome, **facts), fault)


def decided(
    failure: Failure,
    state: RetryState,
    policy: RetryPolicy = POLICY,
    *,
    time_left: float = 60.0,
    chance: float = 0.5,
    can_refresh: bool = True,
) -> Decision:
    return decide(failure, state, policy, time_left=time_left, chance=chance, can_refresh=can_refresh)


def misdirected(region: object) -> Failure:
    return failed(sdk.MisdirectedRequestError, R, data={"region": region})


# The failure; what follows for an action that is not safe to repeat; what for one that is.
ROWS: list[tuple[str, Failure, Decision, Decision]] = [
    ("refused", failed(sdk.TransportError, N, Fault.CONNECT), AGAIN, AGAIN),
    ("connect time-out", failed(sdk.CallTimeoutError, N, Fault.CONNECT), AGAIN, AGAIN),
    ("broken with the request on it", failed(sdk.TransportError, U, Fault.BROKEN), NO, AGAIN),
    ("read time-out", failed(sdk.CallTimeoutError, U, Fault.BROKEN), NO, AGAIN),
    ("broken, an upload's source failed", failed(sdk.TransportError, N, Fault.BROKEN), NO, NO),
    ("hopeless", failed(sdk.TransportError, N, Fault.HOPELESS), NO, NO),
    ("hopeless but sent", failed(sdk.TransportError, U, Fault.HOPELESS), NO, NO),
    ("queue full", failed(sdk.TransportError, N), NO, NO),
    ("refused here", failed(sdk.InvalidRequestError, N), NO, NO),
    ("provider failed", failed(sdk.TokenProviderError, N), NO, NO),
    ("does not decode", failed(sdk.ResponseDecodeError, U), NO, NO),
    ("internal", failed(sdk.InternalError, U), NO, AGAIN),
    ("request_timeout", failed(sdk.RequestTimeoutError, U), NO, AGAIN),
    ("a bare 408 to an idle connection", failed(sdk.ApiError, R, Fault.CROSSED), NO, AGAIN),
    ("bare 503", failed(sdk.ServiceUnavailableError, U), NO, LATER),
    ("too_many_requests", failed(sdk.TooManyRequestsError, R), REFUSED, REFUSED),
    ("service_unavailable", failed(sdk.ServiceUnavailableError, R), LATER, LATER),
    ("validation", failed(sdk.ApiValidationError, R), NO, NO),
    ("group_offline", failed(sdk.GroupOfflineError, R), NO, NO),
    ("groups_offline", failed(sdk.GroupsOfflineError, R), NO, NO),
    ("an unknown type", failed(sdk.ApiError, R), NO, NO),
    ("authentication", failed(sdk.AuthenticationError, R), Refresh(), Refresh()),
    ("misdirected", misdirected("fra"), Reroute("fra"), Reroute("fra")),
    ("misdirected to a place of tomorrow", misdirected("ap-south_2"), Reroute("ap-south_2"), Reroute("ap-south_2")),
    ("misdirected to where it was", misdirected("dal"), NO, NO),
    ("misdirected to nowhere", misdirected(None), NO, NO),
    ("misdirected to what no header holds", misdirected("fra\r\nX: y"), NO, NO),
    ("misdirected to nothing", misdirected(""), NO, NO),
]


@pytest.mark.parametrize("failure, unsafe, safe", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_first_failure(failure: Failure, unsafe: Decision, safe: Decision) -> None:
    assert decided(failure, FIRST) == unsafe
    assert decided(failure, SAFE) == safe


ANSWERED = [
    cls for cls in sdk.ApiError._classes.values() if cls not in (sdk.AuthenticationError, sdk.MisdirectedRequestError)
]


@pytest.mark.parametrize("fault, outcome, replay", list(itertools.product([None, *Fault], Outcome, Replay)))
@pytest.mark.parametrize(
    "cls", [*ANSWERED, sdk.ApiError, sdk.TransportError, sdk.CallTimeoutError, sdk.ResponseDecodeError]
)
def test_every_fault_outcome_and_replay_class(
    fault: Fault | None, outcome: Outcome, replay: Replay, cls: type[LiveChatError]
) -> None:
    decision = decided(failed(cls, outcome, fault), attrs.evolve(FIRST, replay=replay))
    throttled = cls in (sdk.TooManyRequestsError, sdk.ServiceUnavailableError)
    answered = issubclass(cls, sdk.ApiError)
    may_repeat = (
        fault is Fault.CONNECT
        or (fault is Fault.CROSSED and replay is Replay.SAFE)
        or (fault is not Fault.CROSSED and outcome is R and throttled)
        or (outcome is U and replay is Replay.SAFE and (answered or fault is Fault.BROKEN))
    )
    assert isinstance(decision, Retry) == may_repeat
    if isinstance(decision, Retry):
        refused = cls is sdk.TooManyRequestsError and outcome is R
        assert decision == (REFUSED if refused else LATER if throttled else AGAIN)
    else:
        assert decision == NO
    if decision != NO and replay is Replay.UNSAFE:
        assert outcome is not U or fault is Fault.CONNECT


@pytest.mark.parametrize("policy", [POLICY, RetryPolicy.none()])
def test_a_refresh_and_a_new_region_need_no_attempt_left(policy: RetryPolicy) -> None:
    last = attrs.evolve(FIRST, attempts=9)
    assert decided(failed(sdk.AuthenticationError, R), last, policy) == Refresh()
    assert decided(misdirected("fra"), last, policy) == Reroute("fra")


def test_a_refresh_and_a_new_region_come_once() -> None:
    assert decided(failed(sdk.AuthenticationError, R), FIRST, can_refresh=False) == NO
    assert decided(failed(sdk.AuthenticationError, R), attrs.evolve(FIRST, refreshed=True)) == NO
    assert decided(misdirected("fra"), attrs.evolve(FIRST, rerouted=True)) == NO
    assert decided(misdirected("fra"), attrs.evolve(FIRST, regions=frozenset({"dal", "fra"}))) == NO


def test_attempts_are_counted() -> None:
    failure = failed(sdk.TransportError, N, Fault.CONNECT)
    assert isinstance(decided(failure, attrs.evolve(FIRST, attempts=2)), Retry)
    assert decided(failure, attrs.evolve(FIRST, attempts=3)) == GiveUp("it was the last attempt")
    assert decided(failure, FIRST, RetryPolicy.none()) == NO
    assert decided(failure, attrs.evolve(FIRST, attempts=9, replays=2, refused=5)) == Retry(0.05, 14)


def test_refused_attempts_do_not_count_but_none_means_none() -> None:
    refused = failed(sdk.TooManyRequestsError, R, retry_after=1.0)
    assert decided(refused, attrs.evolve(FIRST, attempts=900, refused=899)) == Retry(1.0, 0)
    assert decided(refused, FIRST, RetryPolicy.none()) == NO


@pytest.mark.parametrize("time_left", [0.025, 0.01, 0.0, -1.0])
def test_no_wait_begins_that_cannot_end_in_time(time_left: float) -> None:
    failure = failed(sdk.TransportError, N, Fault.CONNECT)
    decision = decided(failure, FIRST, time_left=time_left)
    assert decision == GiveUp("a wait of 0.025 s does not fit into the time left")
    assert decided(failure, FIRST, time_left=math.inf) == AGAIN


@pytest.mark.parametrize(
    "asked, decision",
    [
        (0.0, Retry(0.0, 0)),
        (0.001, Retry(0.001, 0)),
        (12.5, Retry(12.5, 0)),
        (30.0, Retry(30.0, 0)),
        (30.1, GiveUp("the server asks for a wait of 30.1 s, the limit is 30 s")),
        (86400.0, GiveUp("the server asks for a wait of 86400 s, the limit is 30 s")),
    ],
)
@pytest.mark.parametrize("cls", [sdk.TooManyRequestsError, sdk.ServiceUnavailableError])
def test_retry_after_is_honoured_up_to_the_cap(cls: type[LiveChatError], asked: float, decision: Decision) -> None:
    assert decided(failed(cls, R, retry_after=asked), FIRST) == decision


def test_retry_after_of_an_error_that_is_no_throttling_is_honoured_too() -> None:
    assert decided(failed(sdk.InternalError, U, retry_after=2.0), SAFE) == Retry(2.0, 14)


def test_retry_after_must_fit_into_the_time_too() -> None:
    decision = decided(failed(sdk.TooManyRequestsError, R, retry_after=10.0), FIRST, time_left=10.0)
    assert decision == GiveUp("a wait of 10 s does not fit into the time left")


def test_waits_grow_to_the_cap_and_are_drawn_below_it() -> None:
    assert [backoff(0.05, tries, 8.0) for tries in range(1, 10)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0]
    assert [backoff(1.0, tries, 8.0) for tries in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert backoff(1.0, 10**6, 8.0) == 8.0
    assert backoff(0.0, 10**6, 8.0) == 0.0
    policy = RetryPolicy(attempts=9)
    for tries, chance in itertools.product((1, 2, 5), (0.0, 0.25, 0.999)):
        refused = attrs.evolve(FIRST, attempts=tries, refused=tries - 1)
        throttled = decided(failed(sdk.TooManyRequestsError, R), refused, policy, chance=chance)
        broken = decided(failed(sdk.InternalError, U), attrs.evolve(SAFE, attempts=tries), policy, chance=chance)
        assert throttled == Retry(chance * backoff(1.0, tries, 8.0), 0)
        assert broken == Retry(chance * backoff(0.05, tries, 8.0), 14)


@given(
    st.sampled_from([row[1] for row in ROWS]),
    st.builds(
        RetryState,
        replay=st.sampled_from(Replay),
        attempts=st.integers(1, 10**9),
        refreshed=st.booleans(),
        rerouted=st.booleans(),
        regions=st.frozensets(st.sampled_from(["dal", "fra"])),
    ),
    st.floats(-10, 1e9) | st.just(math.inf),
    st.floats(0, 1, exclude_max=True),
    st.builds(
        RetryPolicy,
        attempts=st.integers(1, 10**9),
        base=st.floats(0, 1e9),
        throttle_base=st.floats(0, 1e9),
        cap=st.floats(0, 1e9),
        retry_after_cap=st.floats(0, 1e9),
    ),
)
def test_any_retry_is_allowed_and_ends_in_time(
    failure: Failure, state: RetryState, time_left: float, chance: float, policy: RetryPolicy
) -> None:
    decision = decided(failure, state, policy, time_left=time_left, chance=chance)
    if isinstance(decision, Retry):
        assert 0 <= decision.after < time_left
        assert decision.after <= max(policy.cap, policy.retry_after_cap)
        assert state.tries < policy.attempts or decision.cost == 0
    elif isinstance(decision, Reroute):
        assert decision.region not in state.regions


def test_the_budget() -> None:
    budget = Budget(20)
    assert (budget.take(14), budget.tokens) == (True, 6)
    assert (budget.take(14), budget.tokens) == (False, 6)
    assert (budget.take(5), budget.take(1), budget.take(1), budget.tokens) == (True, True, False, 0)
    budget.succeeded(0)
    assert budget.tokens == 1
    budget.succeeded(14)
    assert budget.tokens == 15
    budget.succeeded(14)
    assert budget.tokens == 20
    budget.succeeded(0)
    assert budget.tokens == 20
    assert not Budget(0).take(1)


def requests_of(calls: int, budget: Budget, answer: Any) -> int:
    """How many requests so many calls make, by the decisions and the budget alone; `answer` is a failure or `None`."""
    requests = 0
    for _ in range(calls):
        spent, tries = 0, 0
        while True:
            requests, tries = requests + 1, tries + 1
            failure = answer()
            if failure is None:
                budget.succeeded(spent)
                break
            decision = decided(failure, attrs.evolve(SAFE, attempts=tries))
            if not isinstance(decision, Retry) or not budget.take(decision.cost):
                break
            spent += decision.cost
    return requests


# Refused attempts are bounded by the pace, not by the budget.
OUTAGES = [row[1] for row in ROWS if isinstance(row[3], Retry) and row[3].cost]


@pytest.mark.parametrize("failure", OUTAGES, ids=lambda failure: f"{type(failure.error).__name__}-{failure.fault}")
def test_a_total_outage_is_not_multiplied(failure: Failure) -> None:
    requests = requests_of(10_000, Budget(POLICY.budget), lambda: failure)
    assert 10_000 < requests <= 11_000


def test_an_outage_in_the_midst_of_good_times_is_not_multiplied() -> None:
    budget, draw = Budget(POLICY.budget), random.Random(7)
    failure = failed(sdk.TransportError, U, Fault.BROKEN)
    assert requests_of(5_000, budget, lambda: failure if draw.random() < 0.001 else None) <= 5_020
    assert requests_of(10_000, budget, lambda: failure) <= 11_000
    assert budget.tokens < 14
    # What follows buys its retries with its own successes: one for each fourteen.
    requests_of(1_400, budget, lambda: None)
    assert budget.tokens == POLICY.budget
