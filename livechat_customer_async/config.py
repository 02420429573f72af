"""Frozen options of a session, checked when they are created."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Self, TypeAlias

import attrs

from ._base.value import Value
from .errors import ConfigurationError

__all__ = ["AccessToken", "Limits", "RetryPolicy", "Timeouts", "TokenProvider"]

# A bearer token consists of visible ASCII characters (RFC 9110, field-vchar).
_TOKEN = re.compile(r"[\x21-\x7e]+")


def _refuse(name: str, expected: str, value: object) -> NoReturn:
    is_short = isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64)
    shown = repr(value) if is_short else type(value).__name__
    raise ConfigurationError(f"{name}: expected {expected}, got {shown}")


def _number(value: object) -> float | None:
    """Return a finite int or float as it is, and `None` for anything else, a bool included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an int too large for a float
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


@attrs.frozen(kw_only=True)
class Timeouts(Value):
    """Time limits in seconds; `None` is no limit.

    Attributes:
        connect: making one connection, DNS and TLS included.
        read: waiting for the next bytes of an answer. The server itself gives up after 15 s and says so; with a
            shorter limit its `request_timeout` is never seen.
        write: handing the next bytes of a request to the socket.
        total: one whole call: waiting for a connection, token, all attempts and the pauses between them.
        upload_total: replaces `total` for `send_file` and `upload_file`.
    """

    connect: float | None = attrs.field(default=5.0, validator=_positive_or_none)
    read: float | None = attrs.field(default=20.0, validator=_positive_or_none)
    write: float | None = attrs.field(default=20.0, validator=_positive_or_none)
    total: float | None = attrs.field(default=60.0, validator=_positive_or_none)
    upload_total: float | None = attrs.field(default=300.0, validator=_positive_or_none)


@attrs.frozen(kw_only=True)
class Limits(Value):
    """Limits of the connection pool.

    Attributes:
        connections: maximum number of calls in flight, and so of connections; further calls wait, oldest first. The
            pool of an `http_client` or a `transport` of httpx may hold fewer.
        keepalive: maximum number of idle connections kept for reuse; `None`: what suits the engine.
        keepalive_expiry: seconds that an idle connection is kept; `None`: until the server closes it.
        queue: maximum number of calls that may wait; `None`: any number. One more fails with `TransportError`.
        queue_timeout: seconds that a call may wait for a connection; `None`: as long as `Timeouts.total` allows.
    """

    connections: int = attrs.field(default=100, validator=_count(1))
    keepalive: int | None = attrs.field(default=None, validator=_count(0, optional=True))
    keepalive_expiry: float | None = attrs.field(default=30.0, validator=_positive_or_none)
    queue: int | None = attrs.field(default=None, validator=_count(0, optional=True))
    queue_timeout: float | None = attrs.field(default=None, validator=_positive_or_none)


@attrs.frozen(kw_only=True)
class RetryPolicy(Value):
    """When a call is attempted again; times in seconds.

    Attributes:
        attempts: maximum number of attempts of one call. Attempts that the server refused because of their rate do
            not count, nor do the one replay after a token refresh and the one after a change of region.
        base: first pause after a connection fault; it doubles with each further one.
        throttle_base: first pause after an overload for which the server named no pause; it doubles likewise.
        cap: maximum pause. The actual one is random, between 0 and the computed one.
        retry_after_cap: longest `Retry-After` that is waited for; a longer one is raised at once.
        budget: tokens of the whole pool. A retry takes 14; a success after a retry gives them back, any other success
            gives 1. While there are none, nothing is retried.
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


def checked_token(value: object) -> str:
    """Return a customer access token; a pasted `%3A` becomes the colon that it stands for.

    Raises:
        ConfigurationError: not a `str`, empty, or characters that an HTTP header cannot contain.
    """
    if isinstance(value, AccessToken):
        raise ConfigurationError("access_token: an AccessToken is what a provider returns; pass its value instead")
    if not isinstance(value, str):
        raise ConfigurationError(f"access_token: expected a str or an async callable, got {type(value).__name__}")
    if not value:
        raise ConfigurationError("access_token: empty")
    if value[:7].lower() == "bearer ":
        raise ConfigurationError("access_token: pass the token without Bearer; the session adds it")
    if _TOKEN.fullmatch(value) is None:
        what = "whitespace" if value.split() != [value] else "characters"
        raise ConfigurationError(f"access_token: contains {what} that an HTTP header cannot contain")
    return value.replace("%3A", ":").replace("%3a", ":") if "%" in value else value


def _aware_or_none(_instance: object, _attribute: object, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, datetime):
        raise ConfigurationError(f"AccessToken.expires_at: expected a datetime or None, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ConfigurationError("AccessToken.expires_at: expected an aware datetime, got a naive one; add a tzinfo")


@attrs.frozen
class AccessToken(Value):
    """A customer access token as a provider returns it. Its repr hides the value, and it cannot be pickled.

    Attributes:
        value: the token itself.
        expires_at: aware `datetime`; `None` if not known. A token whose expiry is known is refreshed before it.
        expires_in: seconds from now, in place of `expires_at`, which then is computed.
    """

    value: str = attrs.field(converter=checked_token, repr=False)
    expires_at: datetime | None = attrs.field(default=None, validator=_aware_or_none)
    expires_in: float | None = attrs.field(
        default=None, validator=_positive_or_none, kw_only=True, eq=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        if self.expires_in is None:
            return
        if self.expires_at is not None:
            raise ConfigurationError("AccessToken: expires_at and expires_in cannot be combined")
        try:
            expires_at = datetime.now(UTC) + timedelta(seconds=self.expires_in)
        except OverflowError:
            _refuse("AccessToken.expires_in", "a number of seconds that ends before the year 10000", self.expires_in)
        object.__setattr__(self, "expires_at", expires_at)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AccessToken cannot be pickled: the secret would leave the process unnoticed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


TokenProvider: TypeAlias = Callable[[], Awaitable[str | AccessToken]]
"""An async callable without arguments that returns a token, or an `AccessToken` if its expiry is known."""
