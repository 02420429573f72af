"""The frozen options: what they refuse, and that a token stays hidden."""

import copy
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from livechat_customer_async import AccessToken, ConfigurationError, Limits, RetryPolicy, Timeouts
from livechat_customer_async.config import checked_token

NO_NUMBER = [
    "5",
    True,
    False,
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    b"1",
    [],
    object(),
    datetime(2026, 1, 2, tzinfo=UTC),
]
NOT_POSITIVE = [0, 0.0, -0.0, -1, -0.5]
NO_INT = ["5", True, False, 1.0, math.nan, b"1", object()]
END = datetime(2030, 1, 1, tzinfo=UTC)


def refused(cls: type, name: str, value: object) -> str:
    with pytest.raises(ConfigurationError, match=rf"^{cls.__name__}\.{name}: expected .*, got ") as caught:
        cls(**{name: value})
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Timeouts)])
@pytest.mark.parametrize("value", [*NO_NUMBER, *NOT_POSITIVE])
def test_a_timeout_is_a_positive_number_or_none(name: str, value: object) -> None:
    refused(Timeouts, name, value)


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Timeouts)])
@pytest.mark.parametrize("value", [None, 1, 0.001, 10**6])
def test_good_timeouts(name: str, value: float | None) -> None:
    assert getattr(Timeouts(**{name: value}), name) == value


@pytest.mark.parametrize("name", ["keepalive_expiry", "queue_timeout"])
@pytest.mark.parametrize("value", [*NO_NUMBER, *NOT_POSITIVE])
def test_seconds_of_limits(name: str, value: object) -> None:
    refused(Limits, name, value)
    none: Any = {name: None}
    assert getattr(Limits(**none), name) is None


@pytest.mark.parametrize(
    "cls, name, least",
    [
        (Limits, "connections", 1),
        (Limits, "keepalive", 0),
        (Limits, "queue", 0),
        (RetryPolicy, "attempts", 1),
        (RetryPolicy, "budget", 0),
    ],
)
def test_counts(cls: Any, name: str, least: int) -> None:
    assert getattr(cls(**{name: least}), name) == least
    for value in [*NO_INT, least - 1, -(10**5000)]:
        assert f"an int of {least} or more" in refused(cls, name, value)
    if name in ("keepalive", "queue"):
        assert getattr(cls(**{name: None}), name) is None
    else:
        refused(cls, name, None)


@pytest.mark.parametrize("name", ["base", "throttle_base", "cap", "retry_after_cap"])
def test_seconds_of_a_retry_policy(name: str) -> None:
    for value in [*NO_NUMBER, -1, -0.001, None]:
        refused(RetryPolicy, name, value)
    for good in (0, 0.0, 3.5):
        arguments: Any = {name: good}
        assert getattr(RetryPolicy(**arguments), name) == good


def test_the_defaults_are_the_documented_ones() -> None:
    assert attrs.asdict(Timeouts()) == {"connect": 5, "read": 20, "write": 20, "total": 60, "upload_total": 300}
    assert attrs.asdict(Limits()) == {
        "connections": 100,
        "keepalive": None,
        "keepalive_expiry": 30.0,
        "queue": None,
        "queue_timeout": None,
    }
    assert attrs.asdict(RetryPolicy()) == {
        "attempts": 3,
        "base": 0.05,
        "throttle_base": 1.0,
        "cap": 8.0,
        "retry_after_cap": 30.0,
        "budget": 500,
    }
    assert RetryPolicy.none() == RetryPolicy(attempts=1)


@pytest.mark.parametrize("options", [Timeouts(), Limits(), RetryPolicy()])
def test_options_are_frozen_and_checked_again_when_evolved(options: Any) -> None:
    name = attrs.fields(type(options))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(options, name, 1)
    with pytest.raises(TypeError):
        type(options)(1)
    with pytest.raises(ConfigurationError):
        attrs.evolve(options, **{name: -1})
    assert pickle.loads(pickle.dumps(options)) == copy.deepcopy(options) == options


@pytest.mark.parametrize(
    "value, token",
    [
        ("dal:abc", "dal:abc"),
        ("fra-a%3Axyz", "fra-a:xyz"),
        ("fra%3axyz%3A", "fra:xyz:"),
        ("a%20b", "a%20b"),
        ("!~", "!~"),
    ],
)
def test_good_tokens(value: str, token: str) -> None:
    assert checked_token(value) == token
    assert AccessToken(value).value == token


@pytest.mark.parametrize(
    "value, why",
    [
        ("", "empty"),
        ("s3cret token", "an HTTP header cannot contain"),
        ("s3cret\n", "an HTTP header cannot contain"),
        ("s3cret\r\nHost: x", "an HTTP header cannot contain"),
        ("s3cret\x00", "an HTTP header cannot contain"),
        ("s3cret\x7f", "an HTTP header cannot contain"),
        ("s3cretø", "an HTTP header cannot contain"),
        ("s3cret\ud800", "an HTTP header cannot contain"),
        (b"s3cret", "got bytes"),
        (None, "got NoneType"),
        (7, "got int"),
        (["s3cret"], "got list"),
    ],
)
def test_bad_tokens_are_refused_and_not_shown(value: object, why: str) -> None:
    for check in (checked_token, AccessToken):
        with pytest.raises(ConfigurationError, match=why) as caught:
            check(value)
        assert "s3cret" not in str(caught.value)
        assert str(caught.value).startswith("access_token: ")


@pytest.mark.parametrize("value", [1_900_000_000, "2030-01-01", True, 1.5, END.date(), timedelta(1)])
def test_the_end_of_a_token_is_a_datetime(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^AccessToken\.expires_at: expected a datetime or None, got "):
        AccessToken("t", value)


def test_the_end_of_a_token_is_aware() -> None:
    with pytest.raises(ConfigurationError, match="naive"):
        AccessToken("t", END.replace(tzinfo=None))
    abroad = END.astimezone(timezone(timedelta(hours=9)))
    assert AccessToken("t", abroad).expires_at == END
    assert AccessToken("t", expires_at=None).expires_at is None


def test_a_token_object_keeps_its_secret() -> None:
    token = AccessToken("s3cret", END)
    assert "s3cret" not in f"{token!r} {token} {[token]!r}"
    assert "2030" in repr(token)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled") as caught:
            pickle.dumps(token, protocol)
        assert "s3cret" not in str(caught.value)
    assert copy.copy(token) is copy.deepcopy([token])[0] is token
    assert token == AccessToken("s3cret", END) != AccessToken("other", END)
