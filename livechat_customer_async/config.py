"""Frozen options of a session, checked when they are made."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn, Self, TypeAlias

import attrs

from ._base.value import Value
from .errors import ConfigurationError

__all__ = ["AccessToken", "Limits", "RetryPolicy", "Timeouts", "TokenProvider"]

# What a bearer token may hold: the visible ASCII characters (RFC 9110, field-vchar), so no blank and no control.
_TOKEN = re.compile(r"[\x21-\x7e]+")


def _refuse(name: str, expected: str, value: object) -> NoReturn:
    is_short = isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64)
    shown = repr(value) if is_short else type(value).__name__
    raise ConfigurationError(f"{name}: expected {expected}, got {shown}")


def _number(value: object) -> float | None:
    """Return a finite int or float as it is, and `None` for anything else: a bool is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an int beyond every float
        return None


def _positive_or_none(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = _number(value)
    if value is not None and (number is None or number <= 0):
        _refuse(f"{type(instance).__name__}.{attribute.name}", "a positive number of seconds or None", value)


def _not_negative(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = _number(value)
    if number is None or number < 0:
        _refuse(f"{type(instance).__name__}.{attribute.name}", "a number of seconds, 0 or more", value)


def _count(minimum: int, *, optional: bool = False) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if optional and value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            suffix = " or None" if optional else ""
            _refuse(f"{type(instance).__name__}.{attribute.name}", f"an int of {minimum} or more{suffix}", value)

    return check


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Timeouts(Value):
    """Limits in seconds; `None` is no limit.

    Attributes:
        connect: making one connection, DNS and TLS included.
        read: waiting for the next bytes of an answer. The server itself gives up after 15 s and says so: a limit
            below that never sees its `request_timeout`.
        write: handing the next bytes of a request to the socket.
        total: one call whole: queueing, token, every attempt and every wait.
        upload_total: takes the place of `total` for `send_file` and `upload_file`.
    """

    connect: float | None = attrs.field(default=5.0, validator=_positive_or_none)
    read: float | None = attrs.field(default=20.0, validator=_positive_or_none)
    write: float | None = attrs.field(default=20.0, validator=_positive_or_none)
    total: float | None = attrs.field(default=60.0, validator=_positive_or_none)
    upload_total: float | None = attrs.field(default=300.0, validator=_positive_or_none)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Limits(Value):
    """What the pool may hold.

    Attributes:
        connections: most calls in flight, and so most connections; further calls wait, oldest first. The pool of an
            `http_client` or a `transport` of httpx bounds them too, where it holds fewer.
        keepalive: most idle connections kept for reuse; `None`: what suits the engine.
        keepalive_expiry: seconds an idle connection is kept; `None`: until the server closes it.
        queue: most calls that may wait; `None`: any number. One more fails with `TransportError`.
        queue_timeout: seconds a call may wait for its turn; `None`: as long as `Timeouts.total` allows.
    """

    connections: int = attrs.field(default=100, validator=_count(1))
    keepalive: int | None = attrs.field(default=None, validator=_count(0, optional=True))
    keepalive_expiry: float | None = attrs.field(default=30.0, validator=_positive_or_none)
    queue: int | None = attrs.field(default=None, validator=_count(0, optional=True))
    queue_timeout: float | None = attrs.field(default=None, validator=_positive_or_none)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RetryPolicy(Value):
    """When a call is tried again; times in seconds.

    Attributes:
        attempts: most attempts of one call. The one replay after a token refresh and the one after a change of
            region are not bounded by it.
        base: first wait after a fault of the connection; it doubles with each further one.
        throttle_base: first wait where the server asked for fewer requests; it doubles likewise.
        cap: longest wait. The actual one is drawn between 0 and the computed one.
        retry_after_cap: longest `Retry-After` that is waited for; a longer one is raised at once.
        budget: tokens of the whole pool. A retry takes 14, a throttled one 5; a success after a retry gives that
            back, any other success gives 1. With none left nothing is retried.
    """

    attempts: int = attrs.field(default=3, validator=_count(1))
    base: float = attrs.field(default=0.05, validator=_not_negative)
    throttle_base: float = attrs.field(default=1.0, validator=_not_negative)
    cap: float = attrs.field(default=8.0, validator=_not_negative)
    retry_after_cap: float = attrs.field(default=30.0, validator=_not_negative)
    budget: int = attrs.field(default=500, validator=_count(0))

    @classmethod
    def none(cls) -> Self:
        """Return a policy of one attempt. The replays after a refresh and after a change of region still happen."""
        return cls(attempts=1)


# Ours to set, or such that a request could be read as another one than it is.
_RESERVED_HEADERS = {
    "authorization",
    "connection",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-api-version",
    "x-region",
}


def is_reserved(header: str) -> bool:
    """Tell whether a header, by its name in lower case, is not the caller's to set."""
    return header in _RESERVED_HEADERS or header.startswith("content-")


def checked_token(value: object) -> str:
    """Return a customer access token, `%3A` read as the colon that it stands for.

    Raises:
        ConfigurationError: it is no `str`, empty, or holds characters that a header cannot.
    """
    if isinstance(value, AccessToken):
        raise ConfigurationError("access_token: an AccessToken is for providers to return: pass its value")
    if not isinstance(value, str):
        raise ConfigurationError(f"access_token: expected a str or an async callable, got {type(value).__name__}")
    if not value:
        raise ConfigurationError("access_token: it is empty")
    if _TOKEN.fullmatch(value) is None:
        what = "a blank or a line break" if value.split() != [value] else "characters"
        raise ConfigurationError(f"access_token: it holds {what} that an HTTP header cannot hold there")
    return value.replace("%3A", ":").replace("%3a", ":") if "%" in value else value


def _aware_or_none(_instance: object, _attribute: object, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, datetime):
        raise ConfigurationError(f"AccessToken.expires_at: expected a datetime or None, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ConfigurationError("AccessToken.expires_at: expected an aware datetime, got a naive one: add a tzinfo")


@attrs.frozen(eq=False, repr=False)
class AccessToken(Value):
    """A customer access token as a provider returns it. Its repr hides the value, and it does not pickle.

    Attributes:
        value: the token itself.
        expires_at: aware `datetime` of its end; `None` where that is not known. Known, it is refreshed ahead of it.
    """

    value: str = attrs.field(converter=checked_token, repr=False)
    expires_at: datetime | None = attrs.field(default=None, validator=_aware_or_none)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AccessToken is not pickled: a secret would leave the process unnoticed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


TokenProvider: TypeAlias = Callable[[], Awaitable[str | AccessToken]]
"""An async callable without arguments that returns a token, or an `AccessToken` where its end is known."""
