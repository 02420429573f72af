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
    Circumstances,
    Decision,
    Failure,
    Fault,
    GiveUp,
    Refresh,
    Reroute,
    Retry,
    backoff,
    decide,
)

POLICY = RetryPolicy()
FIRST = Circumstances(
    replay=Replay.UNSAFE,
    tries=1,
    time_left=60.0,
    chance=0.5,
    may_refresh=True,
    rerouted=False,
    regions=frozenset({"dal"}),
)
SAFE = attrs.evolve(FIRST, replay=Replay.SAFE)
# Half of the first wait: 50 ms for a fault, 1 s for throttling.
AGAIN, LATER = Retry(0.025, 14), Retry(0.5, 5)
NO = GiveUp()

N, U, R = Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.REJECTED


def failed(cls: type[LiveChatError], outcome: Outcome, fault: Fault | None = None, **facts: Any) -> Failure:
    return Failure(cls("m", outcome=outcome, **facts), fault)


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
    ("too_many_requests", failed(sdk.TooManyRequestsError, R), LATER, LATER),
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
    assert decide(failure, FIRST, POLICY) == unsafe
    assert decide(failure, SAFE, POLICY) == safe


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
    decision = decide(failed(cls, outcome, fault), attrs.evolve(FIRST, replay=replay), POLICY)
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
        assert decision == (LATER if throttled else AGAIN)
    else:
        assert decision == NO
    if decision != NO and replay is Replay.UNSAFE:
        assert outcome is not U or fault is Fault.CONNECT


@pytest.mark.parametrize("policy", [POLICY, RetryPolicy.none()])
def test_a_refresh_and_a_new_region_need_no_attempt_left(policy: RetryPolicy) -> None:
    last = attrs.evolve(FIRST, tries=9)
    assert decide(failed(sdk.AuthenticationError, R), last, policy) == Refresh()
    assert decide(misdirected("fra"), last, policy) == Reroute("fra")


def test_a_refresh_and_a_new_region_come_once() -> None:
    assert decide(failed(sdk.AuthenticationError, R), attrs.evolve(FIRST, may_refresh=False), POLICY) == NO
    assert decide(misdirected("fra"), attrs.evolve(FIRST, rerouted=True), POLICY) == NO
    assert decide(misdirected("fra"), attrs.evolve(FIRST, regions=frozenset({"dal", "fra"})), POLICY) == NO


def test_attempts_are_counted() -> None:
    failure = failed(sdk.TransportError, N, Fault.CONNECT)
    assert isinstance(decide(failure, attrs.evolve(FIRST, tries=2), POLICY), Retry)
    assert decide(failure, attrs.evolve(FIRST, tries=3), POLICY) == GiveUp("it was the last attempt")
    assert decide(failure, FIRST, RetryPolicy.none()) == NO


@pytest.mark.parametrize("time_left", [0.025, 0.01, 0.0, -1.0])
def test_no_wait_begins_that_cannot_end_in_time(time_left: float) -> None:
    failure = failed(sdk.TransportError, N, Fault.CONNECT)
    decision = decide(failure, attrs.evolve(FIRST, time_left=time_left), POLICY)
    assert decision == GiveUp("a wait of 0.025 s does not fit into the time that is left")
    assert decide(failure, attrs.evolve(FIRST, time_left=math.inf), POLICY) == AGAIN


@pytest.mark.parametrize(
    "asked, decision",
    [
        (0.0, Retry(0.0, 5)),
        (0.001, Retry(0.001, 5)),
        (12.5, Retry(12.5, 5)),
        (30.0, Retry(30.0, 5)),
        (30.1, GiveUp("the server asks for a wait of 30.1 s, the limit is 30 s")),
        (86400.0, GiveUp("the server asks for a wait of 86400 s, the limit is 30 s")),
    ],
)
@pytest.mark.parametrize("cls", [sdk.TooManyRequestsError, sdk.ServiceUnavailableError])
def test_retry_after_is_honoured_up_to_the_cap(cls: type[LiveChatError], asked: float, decision: Decision) -> None:
    assert decide(failed(cls, R, retry_after=asked), FIRST, POLICY) == decision


def test_retry_after_of_an_error_that_is_no_throttling_is_honoured_too() -> None:
    assert decide(failed(sdk.InternalError, U, retry_after=2.0), SAFE, POLICY) == Retry(2.0, 14)


def test_retry_after_must_fit_into_the_time_too() -> None:
    short = attrs.evolve(FIRST, time_left=10.0)
    decision = decide(failed(sdk.TooManyRequestsError, R, retry_after=10.0), short, POLICY)
    assert decision == GiveUp("a wait of 10 s does not fit into the time that is left")


def test_waits_grow_to_the_cap_and_are_drawn_below_it() -> None:
    assert [backoff(0.05, tries, 8.0) for tries in range(1, 10)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0]
    assert [backoff(1.0, tries, 8.0) for tries in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert backoff(1.0, 10**6, 8.0) == 8.0
    assert backoff(0.0, 10**6, 8.0) == 0.0
    policy = RetryPolicy(attempts=9)
    for tries, chance in itertools.product((1, 2, 5), (0.0, 0.25, 0.999)):
        throttled = decide(failed(sdk.TooManyRequestsError, R), attrs.evolve(FIRST, tries=tries, chance=chance), policy)
        broken = decide(failed(sdk.InternalError, U), attrs.evolve(SAFE, tries=tries, chance=chance), policy)
        assert throttled == Retry(chance * backoff(1.0, tries, 8.0), 5)
        assert broken == Retry(chance * backoff(0.05, tries, 8.0), 14)


@given(
    st.sampled_from([row[1] for row in ROWS]),
    st.builds(
        Circumstances,
        replay=st.sampled_from(Replay),
        tries=st.integers(1, 10**9),
        time_left=st.floats(-10, 1e9) | st.just(math.inf),
        chance=st.floats(0, 1, exclude_max=True),
        may_refresh=st.booleans(),
        rerouted=st.booleans(),
        regions=st.frozensets(st.sampled_from(["dal", "fra"])),
    ),
    st.builds(
        RetryPolicy,
        attempts=st.integers(1, 10**9),
        base=st.floats(0, 1e9),
        throttle_base=st.floats(0, 1e9),
        cap=st.floats(0, 1e9),
        retry_after_cap=st.floats(0, 1e9),
    ),
)
def test_any_retry_is_allowed_and_ends_in_time(failure: Failure, now: Circumstances, policy: RetryPolicy) -> None:
    decision = decide(failure, now, policy)
    if isinstance(decision, Retry):
        assert 0 <= decision.after < now.time_left
        assert decision.after <= max(policy.cap, policy.retry_after_cap)
        assert now.tries < policy.attempts
    elif isinstance(decision, Reroute):
        assert decision.region not in now.regions
    assert decision == decide(failure, now, policy)


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
            decision = decide(failure, attrs.evolve(SAFE, tries=tries), POLICY)
            if not isinstance(decision, Retry) or not budget.take(decision.cost):
                break
            spent += decision.cost
    return requests


OUTAGES = [row[1] for row in ROWS if isinstance(row[3], Retry)]


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
