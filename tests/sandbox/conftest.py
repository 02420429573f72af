from random import Random

import pytest

from livechat_customer_async.sandbox import Group, Sandbox
from tests.helpers.sandbox_api import Api


class Clock:
    """A clock that advances only when told to."""

    def __init__(self):
        self.now = 1_700_000_000.25

    def __call__(self):
        return self.now


class Sleeps:
    """A sleep that returns immediately and records its arguments."""

    def __init__(self):
        self.asked = []

    async def __call__(self, seconds):
        self.asked.append(seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sleeps():
    return Sleeps()


@pytest.fixture
def sandbox(clock, sleeps):
    groups = {
        0: Group(),
        1: Group(status="offline"),
        2: Group(status="online_for_queue"),
        3: Group(available=False),
    }
    return Sandbox(clock=clock, rng=Random(7), sleep=sleeps, groups=groups)


@pytest.fixture
def api(sandbox):
    return Api(sandbox)
