"""Servers that limit their clients, and a client that must cope with them, in virtual time.

    report = simulate(TokenBucket(200, burst=20), calls=4000)
    assert report.refused < 0.02 and report.throughput > 0.9 * 200

No event loop and no waiting: events are taken from a heap in the order of their time, and chance is seeded, so every
run of the same arguments gives the same figures.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import attrs

from livechat_customer_async._call.throttle import Throttle
from livechat_customer_async._call.window import Window


class Answer(NamedTuple):
    """What a server says: its status, and `Retry-After` in seconds."""

    status: int
    retry_after: float | None = None


OK = Answer(200)
Reply = Callable[[Answer], None]


class Events:
    """The virtual time, and what happens in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, delay: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + delay, self._count, action))

    def run(self, until: float, done: Callable[[], bool]) -> None:
        while self._heap and self._heap[0][0] <= until and not done():
            self.now, _, action = heapq.heappop(self._heap)
            action()


class Server:
    """Answers requests; subclasses say when and how.

    Attributes:
        change: at this time, the capacity becomes so many times what it was.
    """

    def __init__(self, *, latency: float = 0.04, change: tuple[float, float] | None = None) -> None:
        self._latency = latency
        self._change = change
        self.served = 0

    def start(self, events: Events, rng: random.Random) -> None:
        self.events = events
        self.rng = rng
        if self._change is not None:
            at, factor = self._change
            events.after(at, lambda: self.scale(factor))

    def scale(self, factor: float) -> None:
        raise NotImplementedError

    def receive(self, customer: str, reply: Reply) -> None:
        raise NotImplementedError

    def request(self, customer: str, reply: Reply) -> None:
        self.events.after(self._way(), lambda: self.receive(customer, reply))

    def answer(self, reply: Reply, answer: Answer) -> None:
        self.served += answer.status == 200
        self.events.after(self._way(), lambda: reply(answer))

    def _way(self) -> float:
        return self._latency / 2 * self.rng.lognormvariate(0, 0.2)


class TokenBucket(Server):
    """Serves `rate` calls a second, and a burst on top; 429 beyond that."""

    def __init__(
        self,
        rate: float,
        *,
        burst: float,
        retry_after: float | None = None,
        latency: float = 0.04,
        change: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(latency=latency, change=change)
        self._rate, self._burst, self._retry_after = rate, burst, retry_after
        self._tokens, self._filled = burst, 0.0

    def scale(self, factor: float) -> None:
        self._fill()
        self._rate *= factor

    def _fill(self) -> None:
        now = self.events.now
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now

    def receive(self, customer: str, reply: Reply) -> None:
        self._fill()
        if self._tokens < 1:
            self.answer(reply, Answer(429, self._retry_after))
        else:
            self._tokens -= 1
            self.answer(reply, OK)


class FixedWindow(Server):
    """Serves so many calls in each period of the clock; 429 until the next one begins."""

    def __init__(self, calls: int, period: float, *, says_when: bool, latency: float = 0.04) -> None:
        super().__init__(latency=latency)
        self._calls, self._period, self._says_when = calls, period, says_when
        self._number, self._count = -1, 0

    def receive(self, customer: str, reply: Reply) -> None:
        number = int(self.events.now // self._period)
        if number != self._number:
            self._number, self._count = number, 0
        if self._count >= self._calls:
            rest = (number + 1) * self._period - self.events.now
            self.answer(reply, Answer(429, rest if self._says_when else None))
        else:
            self._count += 1
            self.answer(reply, OK)


class SlidingWindow(Server):
    """Serves so many calls in any period of a length; 429 while that is reached."""

    def __init__(self, calls: int, period: float, *, says_when: bool, latency: float = 0.04) -> None:
        super().__init__(latency=latency)
        self._period, self._says_when = period, says_when
        self._calls, self._times = calls, deque[float]()

    def receive(self, customer: str, reply: Reply) -> None:
        now = self.events.now
        while self._times and self._times[0] <= now - self._period:
            self._times.popleft()
        if len(self._times) >= self._calls:
            rest = self._times[0] + self._period - now
            self.answer(reply, Answer(429, rest if self._says_when else None))
        else:
            self._times.append(now)
            self.answer(reply, OK)


class Workers(Server):
    """Has so many workers and a queue in front of them; 503 when that is full."""

    def __init__(
        self,
        workers: int,
        service: float,
        *,
        queue: float = math.inf,
        latency: float = 0.02,
        change: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(latency=latency, change=change)
        self._workers, self._service, self._longest = workers, service, queue
        self._busy, self._queue = 0, deque[Reply]()

    def scale(self, factor: float) -> None:
        self._workers = int(self._workers * factor)

    def receive(self, customer: str, reply: Reply) -> None:
        if self._busy < self._workers:
            self._serve(reply)
        elif len(self._queue) >= self._longest:
            self.answer(reply, Answer(503))
        else:
            self._queue.append(reply)

    def _serve(self, reply: Reply) -> None:
        self._busy += 1
        self.events.after(self.rng.expovariate(1 / self._service), lambda: self._finished(reply))

    def _finished(self, reply: Reply) -> None:
        self._busy -= 1
        self.answer(reply, OK)
        while self._queue and self._busy < self._workers:
            self._serve(self._queue.popleft())


class PerCustomer(Server):
    """Gives some customers a server of their own; all others share one."""

    def __init__(self, shared: Server, **own: Server) -> None:
        super().__init__()
        self._shared, self._own = shared, own

    def start(self, events: Events, rng: random.Random) -> None:
        for server in (self._shared, *self._own.values()):
            server.start(events, rng)

    def request(self, customer: str, reply: Reply) -> None:
        self._own.get(customer, self._shared).request(customer, reply)


class Attempt(NamedTuple):
    """One request of the client."""

    customer: str
    began: float
    ended: float
    answer: Answer


@attrs.frozen(kw_only=True)
class Report:
    """What came of a run.

    Attributes:
        attempts: in the order of their ends.
        elapsed: seconds until the last call was served, or until the time was over.
        done: calls served.
        left: calls not served yet.
    """

    attempts: Sequence[Attempt]
    elapsed: float
    done: int
    left: int

    @property
    def throughput(self) -> float:
        """Calls served per second."""
        return self.done / self.elapsed

    @property
    def refused(self) -> float:
        """Share of the attempts that were refused."""
        return 1 - self.done / len(self.attempts)

    def of(self, customer: str) -> Report:
        """Return the report of one customer."""
        own = [attempt for attempt in self.attempts if attempt.customer == customer]
        served = [attempt.ended for attempt in own if attempt.answer.status == 200]
        return Report(attempts=own, elapsed=max(served, default=math.inf), done=len(served), left=0)


class Client:
    """Performs the calls of its customers, in turn, over a bounded number of connections."""

    def __init__(
        self, events: Events, server: Server, throttle: Throttle, calls: dict[str, int], connections: int
    ) -> None:
        self.attempts: list[Attempt] = []
        self.done = 0
        self.left = sum(calls.values())
        self.window: Window | None = None
        self._events, self._server, self._throttle = events, server, throttle
        self._calls = calls
        self._turns = deque(customer for customer, count in calls.items() if count)
        self._connections = connections
        self._in_flight = 0
        self._wake_at = math.inf

    def pump(self) -> None:
        """Start what may start now, and set the timer for what may start later."""
        while self._turns and self._in_flight < self._most():
            for _ in range(len(self._turns)):
                if self._throttle.ready_at(self._turns[0]) <= self._events.now:
                    break
                self._turns.rotate(-1)
            else:
                self._sleep()
                return
            self._start()

    def _most(self) -> int:
        if self.window is None:
            return self._connections
        return self.window.limit(self._throttle.rate(self._turns[0]))

    def _sleep(self) -> None:
        at = min(map(self._throttle.ready_at, self._turns))
        if at < self._wake_at:
            self._wake_at = at
            self._events.after(at - self._events.now + 1e-4, self._woken)

    def _woken(self) -> None:
        self._wake_at = math.inf
        self.pump()

    def _start(self) -> None:
        customer, now = self._turns.popleft(), self._events.now
        self._calls[customer] -= 1
        if self._calls[customer]:
            self._turns.append(customer)
        self._in_flight += 1
        self._throttle.started(customer, now)
        self._server.request(customer, lambda answer: self._ended(Attempt(customer, now, self._events.now, answer)))

    def _ended(self, attempt: Attempt) -> None:
        customer, began, now, answer = attempt
        self.attempts.append(attempt)
        if answer.status == 200:
            self._throttle.served(customer, began, now)
            self.done += 1
            self.left -= 1
        else:
            if answer.status == 429 or answer.retry_after is not None:
                self._throttle.refused(customer, began, now, answer.retry_after)
            if not self._calls[customer]:
                self._turns.append(customer)
            self._calls[customer] += 1
        if self.window is not None:
            self._tell(self.window, attempt)
        self._in_flight -= 1
        self.pump()

    def _tell(self, window: Window, attempt: Attempt) -> None:
        if attempt.answer.status == 200:
            window.answered(attempt.ended, attempt.ended - attempt.began, self._in_flight)
        elif attempt.answer.status == 503:
            window.overloaded(attempt.began, attempt.ended)
        else:
            window.refused()


def simulate(
    server: Server,
    calls: int | dict[str, int],
    *,
    connections: int = 100,
    window: bool = False,
    seconds: float = math.inf,
    seed: int = 1,
) -> Report:
    """Perform the calls, by number or by customer, until all are served or the time is over."""
    events = Events()
    server.start(events, random.Random(seed))
    by_customer = dict(calls) if isinstance(calls, dict) else {"customer": calls}
    client = Client(events, server, Throttle(), by_customer, connections)
    if window:
        client.window = Window(most=connections)
    client.pump()
    events.run(seconds, lambda: not client.left)
    elapsed = seconds if client.left else events.now
    return Report(attempts=client.attempts, elapsed=elapsed, done=client.done, left=client.left)
