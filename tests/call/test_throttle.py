"""The pace: what one refusal after another makes of it; whom it stops; and how it ends."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async._call.throttle import Throttle

EARLIER = 0.01


def busy(throttle: Throttle, rate: float, *, until: float, customer: str = "a") -> float:
    """Let a customer's calls be served at a rate for two seconds; return the time after."""
    for number in range(int(2 * rate)):
        now = until - 2 + number / rate
        throttle.served(customer, now - EARLIER, now)
    return until


def drive(throttle: Throttle, now: float, seconds: float, *, customer: str = "a", latency: float = 0.01) -> float:
    """Start calls whenever one may start, have each served, and return the time after so many seconds."""
    end = now + seconds
    while (ready := max(now, throttle.ready_at(customer))) <= end:
        now = ready
        throttle.started(customer, now)
        throttle.served(customer, now, now + latency)
    return end


def starts(throttle: Throttle, now: float, seconds: float, customer: str = "a") -> Iterator[float]:
    """Start calls whenever one may start, without any answer, and give the times."""
    end = now + seconds
    while (now := max(now, throttle.ready_at(customer))) <= end:
        throttle.started(customer, now)
        yield now


def test_no_limit_where_nobody_was_refused() -> None:
    throttle = Throttle()
    busy(throttle, 500, until=10)
    assert not throttle.limited
    assert throttle.rate("a") is None
    assert throttle.ready_at("a") <= 10


def test_the_first_refusal_pauses_and_goes_on_at_what_was_delivered() -> None:
    throttle = Throttle(pause=0.25)
    now = busy(throttle, 100, until=10)
    throttle.refused("a", now - EARLIER, now, None)
    assert throttle.limited
    assert throttle.rate("a") == pytest.approx(97, rel=0.03)
    times = list(starts(throttle, now, 1.25))
    assert times[0] == now + 0.25
    assert len(times) == pytest.approx(97, abs=4)


@pytest.mark.parametrize("retry_after", [0.0, 1.0, 7.5, 3600.0])
def test_retry_after_is_waited_for(retry_after: float) -> None:
    throttle = Throttle()
    now = busy(throttle, 100, until=10)
    throttle.refused("a", now - EARLIER, now, retry_after)
    assert throttle.ready_at("a") == now + retry_after


def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    throttle = Throttle()
    for retry_after in (5.0, 1.0, None):
        throttle.refused("a", 9.99, 10, retry_after)
    assert throttle.ready_at("a") == 15


def test_refusals_of_calls_sent_before_the_cut_say_nothing() -> None:
    throttle = Throttle()
    now = busy(throttle, 100, until=10)
    throttle.refused("a", now - EARLIER, now, None)
    rate = throttle.rate("a")
    for number in range(100):
        throttle.refused("a", now - EARLIER, now + number / 1000, None)
    assert throttle.rate("a") == rate
    assert throttle.ready_at("a") == now + 0.25


def test_the_pace_doubles_until_the_next_refusal() -> None:
    throttle = Throttle()
    throttle.refused("a", 0.0, 0.01, 1.0)  # of a burst that taught nothing
    first = throttle.rate("a")
    assert first is not None
    now = drive(throttle, 0.01, 2.5)
    rate = throttle.rate("a")
    assert rate is not None
    assert rate >= 16 * first
    throttle.refused("a", now - EARLIER, now, None)
    cut = throttle.rate("a")
    assert cut is not None
    assert first < cut < rate


def test_a_pace_that_is_not_felt_is_forgotten() -> None:
    throttle = Throttle()
    throttle.refused("a", 0.0, 0.01, None)
    now = 0.01
    for _ in range(20):  # one call a second
        now = max(now + 1, throttle.ready_at("a"))
        throttle.started("a", now)
        throttle.served("a", now, now + 0.01)
    assert not throttle.limited
    assert throttle.rate("a") is None
    assert throttle.ready_at("a") <= now


def test_a_pace_that_is_felt_grows_slowly_after_a_cut() -> None:
    throttle = Throttle()
    throttle.refused("a", 0.0, 0.01, None)
    now = drive(throttle, 0.01, 2)
    throttle.refused("a", now - EARLIER, now, None)
    rates = []
    for _ in range(4):
        rates.append(throttle.rate("a"))
        now = drive(throttle, now, 2.5)
    assert rates[0] == rates[1]  # it holds
    assert rates[1] is not None
    assert rates[3] is not None
    assert rates[1] < rates[3] < 1.2 * rates[1]


def test_refused_only_lets_single_attempts_through_after_longer_and_longer_waits() -> None:
    throttle = Throttle()
    now = busy(throttle, 100, until=10)
    throttle.refused("a", now - EARLIER, now, None)
    waits = []
    began = throttle.ready_at("a")
    throttle.started("a", began)
    throttle.refused("a", began, began, None)
    for _ in range(5):
        waits.append(throttle.ready_at("a") - began)
        began = throttle.ready_at("a")
        throttle.started("a", began)
        throttle.refused("a", began, began, None)
    assert waits == pytest.approx([0.25, 0.5, 1, 2, 2], abs=0.02)
    began = throttle.ready_at("a")
    throttle.started("a", began)
    assert throttle.ready_at("a") == pytest.approx(began + 2)
    throttle.served("a", began, began + 0.01)
    assert throttle.ready_at("a") < began + 1


def test_a_probe_that_is_served_does_not_end_a_retry_after() -> None:
    throttle = Throttle()
    now = busy(throttle, 100, until=10)
    throttle.refused("a", now - EARLIER, now, None)
    for number in range(5):
        throttle.refused("a", now + 0.1, now + 0.2 + number / 1000, None)
    throttle.refused("a", now, now + 0.21, 60.0)  # an old one, as far as the pace goes
    throttle.served("a", now + 0.3, now + 0.4)
    assert throttle.ready_at("a") == now + 60.21


def test_one_refused_customer_does_not_stop_another() -> None:
    throttle = Throttle()
    throttle.refused("a", 9.9, 10, 30.0)
    throttle.refused("a", 10.1, 10.2, 30.0)
    assert throttle.ready_at("a") == 40.2
    assert throttle.ready_at("b") <= 10
    assert throttle.rate("b") is None


def test_a_second_refused_customer_stops_all() -> None:
    throttle = Throttle()
    throttle.refused("a", 9.9, 10, 30.0)
    throttle.refused("b", 9.9, 10.9, 5.0)
    assert throttle.ready_at("a") == 40
    assert throttle.ready_at("b") == throttle.ready_at("c") == 15.9
    assert throttle.rate("c") is not None


def test_a_second_one_that_comes_late_does_not() -> None:
    throttle = Throttle()
    throttle.refused("a", 9.9, 10, 30.0)
    throttle.refused("b", 11.0, 11.1, 30.0)
    assert throttle.ready_at("c") <= 10


def test_customers_who_come_no_more_are_forgotten() -> None:
    throttle = Throttle()
    for number in range(3000):
        throttle.refused(number, 2.0 * number, 2.0 * number, None)
    assert len(throttle._customers) <= 1000
    now = 10_000.0
    for number in range(1000):
        throttle.served("other", now + number, now + number)
    assert not throttle.limited
    assert not throttle._customers


def test_a_customer_is_not_forgotten_while_it_must_wait() -> None:
    throttle = Throttle()
    throttle.refused("a", 0, 0, 3600.0)
    for number in range(100):
        throttle.served("other", 30.0 * number, 30.0 * number)
    assert throttle.ready_at("a") == 3600


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "a", "a", "b", "c"]),
        st.sampled_from(["served", "served", "refused", "lost"]),
        st.none() | st.floats(0, 100),  # Retry-After
        st.floats(0, 5),  # until the attempt begins
        st.floats(0, 20),  # from then to its end
    ),
    max_size=60,
)


@given(EVENTS)
def test_whatever_happens_retry_after_is_kept_and_the_pace_is_a_number(events: list[tuple[Any, ...]]) -> None:
    throttle, now = Throttle(), 0.0
    until: dict[str, float] = {}
    for customer, what, retry_after, wait, latency in events:
        began = max(now, throttle.ready_at(customer)) + wait
        assert began >= until.get(customer, 0)
        throttle.started(customer, began)
        now = began + latency
        if what == "served":
            throttle.served(customer, began, now)
        elif what == "refused":
            throttle.refused(customer, began, now, retry_after)
            until[customer] = max(until.get(customer, 0), now + (retry_after or 0))
            assert throttle.limited
        assert throttle.ready_at(customer) >= until.get(customer, 0) or throttle.ready_at(customer) <= now
        rate = throttle.rate(customer)
        assert rate is None or (rate > 0 and math.isfinite(rate))
