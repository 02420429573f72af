"""Every error the package raises: one tree under `LiveChatError`.

This module imports nothing of the package. A new documented error type is three lines at the end of it.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Literal, TypeAlias

__all__ = [
    "ApiError",
    "ApiValidationError",
    "AuthenticationError",
    "AuthorizationError",
    "CallTimeoutError",
    "ChatWindowError",
    "ConfigurationError",
    "CustomerBannedError",
    "DecodeError",
    "EntityTooLargeError",
    "FileTooLargeError",
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
    """Whether the server may have acted on a call that failed."""

    NOT_SENT = "not_sent"
    """The request was never sent completely: the server cannot have acted."""
    UNKNOWN = "unknown"
    """The request was sent and no clear answer came: the server may have acted."""
    REJECTED = "rejected"
    """The server refused the request: it did nothing."""


_OUTCOME_TEXTS = {
    Outcome.NOT_SENT: "nothing was sent",
    Outcome.UNKNOWN: "the server may have acted",
    Outcome.REJECTED: "the server did nothing",
}


class LiveChatError(Exception):
    """Base class of all errors of this package. It can be pickled and deep-copied; a pickle has no `__cause__`.

    Attributes:
        message: what went wrong, without the facts below.
        action: wire name of the call's action; `None` if no call was involved.
        call_id: the call's number, the same as on its events; `None` if no call was begun.
        attempts: number of requests begun, replays included.
        elapsed: seconds from the start of the call, waiting included.
        outcome: whether the server may have acted.
        since_attempt: seconds since the last attempt began; `None` if there was none.
        not_repeated: why a call that could have been repeated was not; `None` otherwise.
    """

    call_id: int | None = None
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
        facts = self._facts()
        return f"{self.action}: {said} [{facts}]" if facts else f"{self.action}: {said}"

    def _said(self) -> str:
        return self.message

    def _facts(self) -> str:
        facts = [] if self._is_read_in_doubt() else [self._outcome_text()]
        if self.attempts or isinstance(self, CallTimeoutError | TokenProviderError):
            plural = "attempt" if self.attempts == 1 else "attempts"
            facts.append(f"{self.attempts} {plural}, {self.elapsed:.3f} s")
        if self.not_repeated is not None:
            facts.append(f"not tried again: {self.not_repeated}")
        return "; ".join(facts)

    def _outcome_text(self) -> str:
        return _OUTCOME_TEXTS[self.outcome]

    def _is_read_in_doubt(self) -> bool:
        """Tell whether the outcome is unknown and means nothing: reading changes nothing on the server."""
        return self.outcome is Outcome.UNKNOWN and self.action is not None and self.action.startswith("get_")


class ConfigurationError(LiveChatError, ValueError):
    """Invalid configuration of a session."""


class InvalidRequestError(LiveChatError, ValueError):
    """The call was refused by this package; the server never received a complete request.

    Attributes:
        parameter: path of the invalid parameter, such as `event.elements[3].title`; `None` for the call as a whole.
    """

    def __init__(self, message: str = "", *, parameter: str | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.parameter = parameter

    def _said(self) -> str:
        return self.message if self.parameter is None else f"{self.parameter}: {self.message}"

    def _outcome_text(self) -> str:
        # The source of an upload may fail after the first bytes left.
        return "the request was not completed" if self.attempts else super()._outcome_text()


class SessionStateError(LiveChatError, RuntimeError):
    """The session cannot be used here: closed, another event loop, a forked process, or no customer."""


class ChatWindowError(LiveChatError):
    """The server returns only its newest chats, and there are more.

    Attributes:
        reached: number of chats that were yielded.
        total: number of chats, according to the server.
        items: the chats that were yielded, which a comprehension would otherwise lose.
    """

    def __init__(
        self, message: str = "", *, reached: int = 0, total: int = 0, items: tuple[Any, ...] = (), **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.reached = reached
        self.total = total
        self.items = items

    def __str__(self) -> str:
        # No call failed, so there is no outcome.
        return self._said() if self.action is None else f"{self.action}: {self._said()}"


class TokenProviderError(LiveChatError):
    """The token provider failed, took too long, was cancelled, or returned an invalid token."""


class TransportError(LiveChatError):
    """No answer: no connection could be made, it was lost, or too many calls were waiting for one."""


Phase: TypeAlias = Literal["connect", "read", "write", "queue", "total"]


class CallTimeoutError(TransportError, TimeoutError):
    """A limit of `Timeouts`, or `Limits.queue_timeout`, was exceeded.

    Attributes:
        phase: which limit: `connect`, `read`, `write`, `queue` or `total`.
    """

    def __init__(self, message: str = "", *, phase: Phase = "total", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.phase: Phase = phase


class DecodeError(LiveChatError):
    """Data that does not have the documented shape.

    Attributes:
        path: where, such as `$.chat.thread.events[3].order`.
    """

    def __init__(self, message: str = "", *, path: str = "$", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.path = path

    def _said(self) -> str:
        return f"{self.path}: {self.message}"


class ResponseDecodeError(DecodeError):
    """An answer that does not have the documented shape.

    Attributes:
        status_code: HTTP status of the answer; 0 if the data did not come with one.
        content_type: its `Content-Type`; `None` if it had none.
        excerpt: at most 200 characters of its body, without the token; `None` if there is no body.
        debug_id: the server's id of the request, for its support; `None` if it gave none.
    """

    status_code: int = 0
    content_type: str | None = None
    excerpt: str | None = None
    debug_id: str | None = None

    def _said(self) -> str:
        facts = [] if not self.status_code else [f"status {self.status_code}, {self.content_type or 'no Content-Type'}"]
        if self.debug_id is not None:
            facts.append(f"debug id {self.debug_id}")
        return super()._said() + (f" ({', '.join(facts)})" if facts else "")


class ApiError(LiveChatError):
    """The server answered with an error.

    Attributes:
        type: the wire's error type; `None` if the answer named none.
        message: the server's message, or a short excerpt of an answer without an error object. It is not stable: do
            not base decisions on it.
        data: the error object's `data`, or `None`.
        status_code: HTTP status of the answer.
        debug_id: the server's id of the request, for its support; `None` if it gave none.
        retry_after: seconds to wait before another attempt; `None` if the server named none.
    """

    _classes: ClassVar[dict[str, type[ApiError]]] = {}

    def __init_subclass__(cls, *, type: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if type is None:
            return
        if type in ApiError._classes:
            raise TypeError(f"error type {type!r} already has the class {ApiError._classes[type].__name__}")
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
        """Return the class of a documented error type, whatever its case; `ApiError` for any other type."""
        return cls._classes.get(type.lower(), ApiError) if type is not None else ApiError

    def _said(self) -> str:
        facts = [] if self.type is None else [f"status {self.status_code}"]
        if self.debug_id is not None:
            facts.append(f"debug id {self.debug_id}")
        if self.retry_after is not None:
            facts.append(f"retry after {self.retry_after:g} s")
        kind = f"HTTP {self.status_code}" if self.type is None else self.type
        return f"{kind}: {self.message}" + (f" ({', '.join(facts)})" if facts else "")


class InternalError(ApiError, type="internal"):
    """The server failed; it may have acted before that."""


class CustomerBannedError(ApiError, type="customer_banned"):
    """The customer is banned."""


class ApiValidationError(ApiError, type="validation"):
    """The server found the request invalid; its message has the details."""


class AuthorizationError(ApiError, type="authorization"):
    """The customer is not allowed to do this."""


class AuthenticationError(ApiError, type="authentication"):
    """The token is invalid or expired; or, from `get_predicted_agent`, the customer is not logged in over RTM."""


class LicenseExpiredError(ApiError, type="license_expired"):
    """The license has expired."""


class RequestTimeoutError(ApiError, type="request_timeout"):
    """The server gave up after its own limit of 15 s; it may have acted."""


class UnsupportedVersionError(ApiError, type="unsupported_version"):
    """The server no longer supports this version of the API."""


class MisdirectedRequestError(ApiError, type="misdirected_request"):
    """The customer belongs to another data centre; the request was not performed."""

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
    """The chat has as many users as it may have."""


class WrongProductVersionError(ApiError, type="wrong_product_version"):
    """The license belongs to another version of the product."""


class LicenseNotFoundError(ApiError, type="license_not_found"):
    """The license does not exist."""


class GroupNotFoundError(ApiError, type="group_not_found"):
    """The group does not exist."""


class GroupsOfflineError(ApiError, type="groups_offline"):
    """All groups are offline."""


class TooManyRequestsError(ApiError, type="too_many_requests"):
    """A rate limit was exceeded; see `retry_after`."""


class ServiceUnavailableError(ApiError, type="service_unavailable"):
    """The service is overloaded or temporarily down; see `retry_after`."""


class FileTooLargeError(InvalidRequestError, EntityTooLargeError):
    """The file is larger than the server's limit of 10 MB: refused by this package, before or while it was sent.

    An `except` of either base class catches it. `type` is that of the server's refusal; `status_code` is 0, because
    there was no answer.
    """

    def __init__(self, message: str = "", *, type: str | None = "entity_too_large", **facts: Any) -> None:
        super().__init__(message, type=type, **facts)
