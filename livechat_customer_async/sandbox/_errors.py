"""The error objects of the API: `{"error": {"type", "message", "data"?}}`."""

from typing import Any, Final

# Type → HTTP status and default message. The API reference shows only 401 and 400; the other statuses are
# conventional.
ERROR_TYPES: Final[dict[str, tuple[int, str]]] = {
    "internal": (500, "Internal server error"),
    "customer_banned": (403, "Customer is banned"),
    "validation": (400, "Wrong format of request"),
    "authorization": (403, "Authorization error"),
    "authentication": (401, "Authentication error"),
    "license_expired": (402, "License expired"),
    "request_timeout": (504, "Request timed out"),
    "unsupported_version": (400, "Unsupported version"),
    "misdirected_request": (421, "Wrong region"),
    "group_unavailable": (400, "Group unavailable"),
    "entity_too_large": (413, "Upload limit exceeded (10MB)"),
    "group_offline": (400, "Group offline"),
    "users_limit_reached": (400, "users limit reached"),
    "wrong_product_version": (400, "Wrong product version"),
    "license_not_found": (404, "License not found"),
    "group_not_found": (404, "Group not found"),
    "groups_offline": (400, "Groups offline"),
    "too_many_requests": (429, "Too many requests"),
    "service_unavailable": (503, "Service unavailable"),
}


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """An error answer: an error object and its HTTP status."""

    def __init__(
        self, type: str, message: str | None = None, *, data: dict[str, Any] | None = None, status: int | None = None
    ) -> None:
        default_status, default_message = ERROR_TYPES.get(type, (400, type))
        self.type = type
        self.message: str = default_message if message is None else message
        self.data = data
        self.status: int = default_status if status is None else status
        super().__init__(f"{self.type}: {self.message}")

    def body(self) -> dict[str, Any]:
        """Return the error object without its envelope."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


def invalid(parameter: str, problem: str) -> Refusal:
    """Return a `validation` error whose message names the parameter."""
    return Refusal("validation", f"`{parameter}` {problem}")
