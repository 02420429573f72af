"""The window: how many calls in flight the latencies of the answers allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async._call.window import Window


def answers(window: Window, now: float, latency: float, seconds: float, *, idle: bool = False) -> float:
    """Have a window's worth of calls answered again and again for so many seconds."""
    end = now + seconds
    while now < end:
        now += latency
        size = window.size
        for _ in range(size):
            window.answered(now, latency, 1 if idle else size)
    return now


def test_it_doubles_while_the_latency_stays_what_it_is() -> None:
    window = Window(most=100)
    assert window.size == 8
    answers(window, 0, 0.05, 2)
    assert window.size == 100


def test_it_does_not_grow_where_it_is_not_used_up() -> None:
    window = Window(most=100)
    answers(window, 0, 0.05, 5, idle=True)
    assert window.size == 8


def test_it_shrinks_when_calls_queue_up_and_recovers() -> None:
    window = Window(most=100)
    now = answers(window, 0, 0.05, 2)
    now = answers(window, now, 0.5, 5)
    assert window.size < 40
    answers(window, now, 0.05, 10)
    assert window.size == 100


def test_a_burst_of_503_cuts_it_once() -> None:
    window = Window(most=100)
    now = answers(window, 0, 0.05, 2)
    for _ in range(50):
        window.overloaded(now - 0.05, now)
    assert window.size == 70
    window.overloaded(now + 0.1, now + 0.2)
    assert window.size == 49


def test_a_refusal_ends_the_doubling() -> None:
    window = Window(most=1000)
    now = answers(window, 0, 0.05, 0.2)
    window.refused()
    size = window.size
    answers(window, now, 0.05, 0.2)
    assert size <= window.size < 1.5 * size


def test_the_base_is_measured_anew_with_half_the_window() -> None:
    window = Window(most=100)
    now = answers(window, 0, 0.05, 1)
    window.refused()
    sizes = set()
    for _ in range(250):
        now = answers(window, now, 0.051, 0.1)
        sizes.add(window.size)
    assert 50 in sizes
    assert window.size == 100
    # From now on, 0.051 is the base.
    answers(window, now, 0.051 * 1.45, 1)
    assert window.size == 100


@pytest.mark.parametrize("pace, limit", [(None, 100), (0.2, 2), (10, 3), (200, 22), (10_000, 100)])
def test_a_pace_bounds_what_is_in_flight(pace: float | None, limit: int) -> None:
    window = Window(most=100)
    assert window.limit(pace) == 8  # no latency is known yet
    answers(window, 0, 0.05, 2)
    assert window.limit(pace) == limit


LATENCIES = st.lists(st.floats(0, 100), min_size=1, max_size=400)


@given(LATENCIES, st.integers(1, 50))
def test_it_stays_between_one_and_the_most(latencies: list[float], most: int) -> None:
    window, now = Window(most=most), 0.0
    for number, latency in enumerate(latencies):
        now += 0.05
        window.answered(now, latency, window.size)
        if number % 7 == 0:
            window.overloaded(now - 0.01, now)
        assert 1 <= window.size <= most
        assert 1 <= window.limit(latency) <= most
