"""What the pace and the window make of servers that limit their clients: in virtual time, and without failures.

Not one call fails in a simulation: each is repeated until it is served. What counts is how long that takes, against
the server's capacity, and how many attempts are refused on the way.
"""

import math
from collections.abc import Callable

import pytest

from tests.helpers.simulator import (
    FixedWindow,
    PerCustomer,
    Report,
    Server,
    SlidingWindow,
    TokenBucket,
    Workers,
    simulate,
)

MINUTE = 60.0
ENDLESS = 10**7

# Server; its capacity in calls per second; the least throughput, as a share of it; the most refusals, as a share of
# the attempts.
Row = tuple[Callable[[], Server], float, float, float]

PACED: dict[str, Row] = {
    "200/s, burst 20": (lambda: TokenBucket(200, burst=20), 200, 0.95, 0.02),
    "200/s, burst 200": (lambda: TokenBucket(200, burst=200), 200, 0.95, 0.02),
    "100/s, burst 10": (lambda: TokenBucket(100, burst=10), 100, 0.94, 0.02),
    "500/s, burst 100": (lambda: TokenBucket(500, burst=100), 500, 0.95, 0.02),
    "slow, 200/s, burst 20": (lambda: TokenBucket(200, burst=20, latency=0.3), 200, 0.9, 0.02),
    # Each refusal costs a second, and two are needed to learn of the limit at all.
    "200/s, burst 20, Retry-After 1": (lambda: TokenBucket(200, burst=20, retry_after=1), 200, 0.85, 0.02),
    "100/s, burst 10, Retry-After 1": (lambda: TokenBucket(100, burst=10, retry_after=1), 100, 0.85, 0.02),
    # With 100 calls in flight when the first is refused, 50 to 90 more are.
    "50/s, burst 50, Retry-After 1": (lambda: TokenBucket(50, burst=50, retry_after=1), 50, 0.95, 0.04),
    "20/s, burst 10": (lambda: TokenBucket(20, burst=10), 20, 0.95, 0.1),
    "2,000 in 10 s, says when": (lambda: FixedWindow(2000, 10, says_when=True), 200, 0.95, 0.02),
    "2,000 in 10 s": (lambda: FixedWindow(2000, 10, says_when=False), 200, 0.88, 0.03),
    "50 in 1 s, says when": (lambda: FixedWindow(50, 1, says_when=True), 50, 0.94, 0.05),
    "50 in 1 s": (lambda: FixedWindow(50, 1, says_when=False), 50, 0.9, 0.05),
    "any 100 in 1 s": (lambda: SlidingWindow(100, 1, says_when=False), 100, 0.9, 0.03),
    "any 100 in 1 s, says when": (lambda: SlidingWindow(100, 1, says_when=True), 100, 0.93, 0.03),
    "any 600 in 10 s, says when": (lambda: SlidingWindow(600, 10, says_when=True), 60, 0.94, 0.04),
    "capacity halves": (lambda: TokenBucket(200, burst=20, change=(30, 0.5)), 150, 0.94, 0.02),
    "capacity doubles": (lambda: TokenBucket(100, burst=20, change=(30, 2)), 150, 0.75, 0.02),
    "no limit": (lambda: Workers(1000, 0.02, latency=0.2), 100 / 0.22, 0.95, 0),
}
WINDOWED: dict[str, Row] = {
    "200/s, burst 20": (lambda: TokenBucket(200, burst=20), 200, 0.95, 0.01),
    "100/s, burst 10": (lambda: TokenBucket(100, burst=10), 100, 0.94, 0.01),
    "100/s, burst 10, Retry-After 1": (lambda: TokenBucket(100, burst=10, retry_after=1), 100, 0.85, 0.01),
    "20/s, burst 10": (lambda: TokenBucket(20, burst=10), 20, 0.95, 0.02),
    "2,000 in 10 s": (lambda: FixedWindow(2000, 10, says_when=False), 200, 0.88, 0.03),
    "20 workers, endless queue": (lambda: Workers(20, 0.05), 400, 0.95, 0),
    "20 workers, 20 may queue": (lambda: Workers(20, 0.05, queue=20), 400, 0.95, 0.01),
    # Without a queue, twenty workers of random speed are full only where refusals are many.
    "20 workers, no queue": (lambda: Workers(20, 0.05, queue=0), 400, 0.65, 0.01),
    "workers halve": (lambda: Workers(40, 0.05, queue=20, change=(30, 0.5)), 600, 0.9, 0.01),
    "no limit": (lambda: Workers(1000, 0.02, latency=0.2), 100 / 0.22, 0.9, 0),
}


def check(report: Report, capacity: float, throughput: float, refused: float) -> None:
    assert report.throughput >= throughput * capacity
    assert report.refused <= refused


@pytest.mark.parametrize("server, capacity, throughput, refused", PACED.values(), ids=PACED)
def test_a_pool_finds_the_pace(
    server: Callable[[], Server], capacity: float, throughput: float, refused: float
) -> None:
    check(simulate(server(), ENDLESS, seconds=MINUTE), capacity, throughput, refused)


@pytest.mark.parametrize("server, capacity, throughput, refused", WINDOWED.values(), ids=WINDOWED)
def test_a_bulk_run_finds_the_pace_and_the_window(
    server: Callable[[], Server], capacity: float, throughput: float, refused: float
) -> None:
    check(simulate(server(), ENDLESS, seconds=MINUTE, window=True), capacity, throughput, refused)


@pytest.mark.parametrize(
    "server, calls, connections, seconds",
    [
        (TokenBucket(50, burst=50, retry_after=1), 400, 100, 9),
        (FixedWindow(50, 1, says_when=True), 400, 100, 9),
        (TokenBucket(100, burst=10), 500, 100, 6.5),
        (TokenBucket(200, burst=20), 4000, 64, 22),
        (TokenBucket(2, burst=2), 20, 100, 11),
    ],
    ids=["400 at 50/s, Retry-After 1", "400 at 50 in 1 s", "500 at 100/s", "4,000 at 200/s", "20 at 2/s"],
)
def test_a_run_of_calls_ends_in_time(server: Server, calls: int, connections: int, seconds: float) -> None:
    report = simulate(server, calls, connections=connections, seconds=seconds)
    assert (report.done, report.left) == (calls, 0)


# Of two customers, either may now and then be taken for the one who is limited.
@pytest.mark.parametrize("customers, throughput", [(2, 0.7), (5, 0.9), (20, 0.9), (50, 0.9)])
def test_the_limit_of_a_license_is_the_pools(customers: int, throughput: float) -> None:
    calls = {f"c{number}": 4000 // customers for number in range(customers)}
    check(simulate(TokenBucket(200, burst=20), calls), 200, throughput, 0.03)


@pytest.mark.parametrize("retry_after", [None, 1.0, 10.0])
def test_a_misbehaving_customer_does_not_stop_the_others(retry_after: float | None) -> None:
    def run(limited: Server) -> Report:
        unlimited = TokenBucket(math.inf, burst=math.inf, latency=0.04)
        calls = {"x": 60, **{f"c{number}": 500 for number in range(20)}}
        return simulate(PerCustomer(unlimited, x=limited), calls)

    limited = run(TokenBucket(5, burst=5, retry_after=retry_after))
    free = run(TokenBucket(math.inf, burst=math.inf))
    assert limited.of("x").elapsed > 10 > free.of("x").elapsed
    for customer in ("c0", "c10", "c19"):
        assert limited.of(customer).elapsed < 1.05 * free.of(customer).elapsed
        assert limited.of(customer).refused == 0


@pytest.mark.parametrize("says_when", [True, False])
@pytest.mark.parametrize("window", [True, False])
def test_nothing_starts_before_retry_after_is_over(says_when: bool, window: bool) -> None:
    report = simulate(FixedWindow(300, 3, says_when=says_when), 1500, window=window)
    until = 0.0
    for attempt in sorted(report.attempts, key=lambda attempt: attempt.ended):
        if attempt.answer.retry_after is not None:
            until = max(until, attempt.ended + attempt.answer.retry_after)
            assert not any(attempt.ended < other.began < until for other in report.attempts)
    assert (until > 0) == says_when
