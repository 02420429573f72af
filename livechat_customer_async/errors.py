"""Every error the package raises: one tree under `LiveChatError`.

This module imports nothing of the package. A new documented error type is three lines at the end of it.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

__all__ = [
    "ApiError",
    "ApiValidationError",
    "AuthenticationError",
    "AuthorizationError",
    "CallTimeoutError",
    "ChatWindowError",
    "ConfigurationError",
    "CustomerBannedError",
    "EntityTooLargeError",
    "GroupNotFoundError",
    "GroupOfflineError",
    "GroupUnavailableError",
    "GroupsOfflineError",
    "InternalError",
    "InvalidRequestError",
    "LicenseExpiredError",
    "LicenseNotFoundError",
    "LiveChatError",
    "MisdirectedRequestError",
    "Outcome",
    "RequestTimeoutError",
    "ResponseDecodeError",
    "ServiceUnavailableError",
    "SessionStateError",
    "TokenProviderError",
    "TooManyRequestsError",
    "TransportError",
    "UnsupportedVersionError",
    "UsersLimitReachedError",
    "WrongProductVersionError",
]


class Outcome(enum.Enum):
    """What a failed call may have done on the server."""

    NOT_SENT = "not_sent"
    """The request was never complete on the wire: the server cannot have acted."""
    UNKNOWN = "unknown"
    """The request left and no clear answer came: the server may have acted."""
    REJECTED = "rejected"
    """The server answered that it refuses: it did nothing."""


_OUTCOME_IN_WORDS = {
    Outcome.NOT_SENT: "nothing was sent",
    Outcome.UNKNOWN: "the server may have acted",
    Outcome.REJECTED: "the server did nothing",
}


class LiveChatError(Exception):
    """Base of all errors of this package; pickles and deep-copies whole (a pickle has no `__cause__`).

    Attributes:
        message: what went wrong, without the facts below.
        action: wire name of the call's action; `None` where no call was involved.
        attempts: requests begun, replays included.
        elapsed: seconds from the start of the call, waiting included.
        outcome: whether the server may have acted.
        since_attempt: seconds since the last attempt began; `None` where none did.
        not_repeated: why the call was not tried again, where it could have been; `None` elsewhere.
    """

    since_attempt: float | None = None
    not_repeated: str | None = None

    def __init__(
        self,
        message: str = "",
        *,
        action: str | None = None,
        attempts: int = 0,
        elapsed: float = 0.0,
        outcome: Outcome = Outcome.NOT_SENT,
    ) -> None:
        # `args` holds the message alone, and every other parameter of every subclass has a default:
        # so BaseException's own pickling (class, args, __dict__) restores all of it.
        super().__init__(message)
        self.message = message
        self.action = action
        self.attempts = attempts
        self.elapsed = elapsed
        self.outcome = outcome

    def __str__(self) -> str:
        said = self._said()
        if self.action is None:
            return said
        return f"{self.action}: {said} [{self._circumstances()}]"

    def _said(self) -> str:
        return self.message

    def _circumstances(self) -> str:
        facts = [_OUTCOME_IN_WORDS[self.outcome]]
        if self.attempts or isinstance(self, CallTimeoutError | TokenProviderError):
            plural = "attempt" if self.attempts == 1 else "attempts"
            facts.append(f"{self.attempts} {plural}, {self.elapsed:.3f} s")
        if self.not_repeated is not None:
            facts.append(f"not tried again: {self.not_repeated}")
        return "; ".join(facts)


class ConfigurationError(LiveChatError, ValueError):
    """The session cannot be made with this configuration."""


class InvalidRequestError(LiveChatError, ValueError):
    """The call was refused on this side, so the server never had a complete request.

    Attributes:
        parameter: path of the offending parameter, such as `event.elements[3].title`; `None` where it is the whole.
    """

    def __init__(self, message: str = "", *, parameter: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.parameter = parameter

    def _said(self) -> str:
        return self.message if self.parameter is None else f"{self.parameter}: {self.message}"


class SessionStateError(LiveChatError, RuntimeError):
    """The session is closed, belongs to another event loop, or crossed a fork."""


class ChatWindowError(LiveChatError):
    """The server reaches only its newest chats, and the list goes on behind them.

    Attributes:
        reached: how many chats were yielded.
        total: how many there are, by the server's `total_chats`.
    """

    def __init__(self, message: str = "", *, reached: int = 0, total: int = 0, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.reached = reached
        self.total = total

    def __str__(self) -> str:
        # No call failed: there is no outcome to tell.
        return self._said() if self.action is None else f"{self.action}: {self._said()}"


class TokenProviderError(LiveChatError):
    """The token provider failed, hung, was cancelled, or returned something that is no token."""


class TransportError(LiveChatError):
    """No answer: the connection could not be made, broke, or the queue for one was full."""


class CallTimeoutError(TransportError, TimeoutError):
    """A limit of `Timeouts` (or `Limits.queue_timeout`) ran out.

    Attributes:
        phase: which: `connect`, `read`, `write`, `queue` or `total`.
    """

    def __init__(self, message: str = "", *, phase: str = "total", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.phase = phase


class ResponseDecodeError(LiveChatError):
    """An answer, or given data, that has not the documented shape.

    Attributes:
        path: where, such as `$.chat.thread.events[3].order`.
    """

    def __init__(self, message: str = "", *, path: str = "$", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.path = path

    def _said(self) -> str:
        return f"{self.path}: {self.message}"


class ApiError(LiveChatError):
    """The server said no.

    Attributes:
        type: the wire's error type; `None` where the answer held none.
        message: the server's message, or a short excerpt of an answer that is no error object. Not stable: never
            decide by it.
        data: what the error object's `data` held, or `None`.
        status_code: HTTP status of the answer.
        debug_id: the server's id of the incident, for its support; `None` where it gave none.
        retry_after: seconds to wait before another try; `None` where the server named none.
    """

    _classes: ClassVar[dict[str, type[ApiError]]] = {}

    def __init_subclass__(cls, *, type: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if type is None:
            return
        if type in ApiError._classes:
            raise TypeError(f"error type {type!r} has a class already: {ApiError._classes[type].__name__}")
        ApiError._classes[type] = cls

    def __init__(
        self,
        message: str = "",
        *,
        type: str | None = None,
        data: dict[str, Any] | None = None,
        status_code: int = 0,
        debug_id: str | None = None,
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.type = type
        self.data = data
        self.status_code = status_code
        self.debug_id = debug_id
        self.retry_after = retry_after

    @classmethod
    def class_for(cls, type: str | None) -> type[ApiError]:
        """Return the class of a documented error type, `ApiError` itself for any other."""
        return cls._classes.get(type, ApiError) if type is not None else ApiError

    def _said(self) -> str:
        facts = [f"status {self.status_code}"]
        if self.debug_id is not None:
            facts.append(f"debug id {self.debug_id}")
        if self.retry_after is not None:
            facts.append(f"retry after {self.retry_after:g} s")
        return f"{self.type or 'no error type'}: {self.message} ({', '.join(facts)})"


class InternalError(ApiError, type="internal"):
    """The server failed, and may have acted before it did."""


class CustomerBannedError(ApiError, type="customer_banned"):
    """The customer is banned."""


class ApiValidationError(ApiError, type="validation"):
    """The server found the request malformed; its message carries the details."""


class AuthorizationError(ApiError, type="authorization"):
    """The customer is not allowed to do this."""


class AuthenticationError(ApiError, type="authentication"):
    """The token is invalid or expired; `get_predicted_agent` also answers so for a customer not logged in over RTM."""


class LicenseExpiredError(ApiError, type="license_expired"):
    """The license expired."""


class RequestTimeoutError(ApiError, type="request_timeout"):
    """The server gave up after its own limit of 15 s; it may have acted."""


class UnsupportedVersionError(ApiError, type="unsupported_version"):
    """The server no longer speaks this version of the API."""


class MisdirectedRequestError(ApiError, type="misdirected_request"):
    """The customer lives in another data centre; the request was not performed."""

    @property
    def region(self) -> str | None:
        """The data centre that the server named, or `None`."""
        region = (self.data or {}).get("region")
        return region if isinstance(region, str) else None


class GroupUnavailableError(ApiError, type="group_unavailable"):
    """No agent is available for the group."""


class EntityTooLargeError(ApiError, type="entity_too_large"):
    """The upload exceeds the server's limit of 10 MB."""


class GroupOfflineError(ApiError, type="group_offline"):
    """The group is offline."""


class UsersLimitReachedError(ApiError, type="users_limit_reached"):
    """The chat holds as many users as it may."""


class WrongProductVersionError(ApiError, type="wrong_product_version"):
    """The license belongs to another version of the product."""


class LicenseNotFoundError(ApiError, type="license_not_found"):
    """There is no such license."""


class GroupNotFoundError(ApiError, type="group_not_found"):
    """There is no such group."""


class GroupsOfflineError(ApiError, type="groups_offline"):
    """All groups are offline."""


class TooManyRequestsError(ApiError, type="too_many_requests"):
    """A rate limit was reached; see `retry_after`."""


class ServiceUnavailableError(ApiError, type="service_unavailable"):
    """The service is overloaded or down for a while; see `retry_after`."""
