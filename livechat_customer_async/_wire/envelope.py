"""What an answer says: its payload, or the one right error. Pure: bytes in, value or error out."""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from .._base.checks import is_list, is_object
from .._net.outgoing import Answer
from ..errors import ApiError, Outcome, ResponseDecodeError
from .converter import loads

# The wire's own wrapping: an object with these keys alone and an object under `payload`.
_FRAME_KEYS = {"payload", "request_id", "action", "type", "success"}
# Types that leave open whether the server acted before it gave up.
_MAY_HAVE_ACTED = {"internal", "request_timeout"}
_TYPE_BY_STATUS = {401: "authentication", 413: "entity_too_large", 429: "too_many_requests", 503: "service_unavailable"}
# `float` alone would also take "nan", "inf" and "1_0".
_SECONDS = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_LONGEST_EXCERPT = 200
_SHORTEST_SECRET = 8
_LONGEST_MESSAGE = 2000
# Deeper data would break the recursion of whoever copies or pickles the error.
_DEEPEST_DATA = 100


def interpret(answer: Answer, *, secret: str, wall_clock: float) -> Any:
    """Return the payload of an answer; `None` where it has no body.

    Args:
        answer: what came.
        secret: the token of the request; it is cut out of any text that an error keeps.
        wall_clock: Unix time now, for a `Retry-After` that is a date.

    Raises:
        ApiError: the server said no; of the class for its type.
        ResponseDecodeError: a success that is no JSON, or a frame that contradicts itself.
    """
    succeeded = 200 <= answer.status < 300
    try:
        body = loads(answer.content)
    except ResponseDecodeError as error:
        if succeeded:
            error.outcome = Outcome.UNKNOWN
            raise
        body = None
    if is_object(body):
        said = error_object(body)
        if said is not None or not succeeded:
            raise _api_error(answer, said or {}, secret, wall_clock)
        return _payload(body)
    if succeeded:
        return body
    raise _api_error(answer, {}, secret, wall_clock)


def error_object(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the error object of a body, wherever it stands, or `None`."""
    for holder in (body, body.get("payload")):
        if is_object(holder) and is_object(said := holder.get("error")):
            return said
    return None


def _payload(body: dict[str, Any]) -> Any:
    if body.get("success") is False:
        raise ResponseDecodeError(
            "it is false, and there is no error object", path="$.success", outcome=Outcome.UNKNOWN
        )
    if body.get("error") is not None:
        raise ResponseDecodeError("expected an object", path="$.error", outcome=Outcome.UNKNOWN)
    payload = body.get("payload")
    if is_object(payload) and all(key in _FRAME_KEYS or key.startswith("__priv_") for key in body):
        return payload
    return body


def _api_error(answer: Answer, said: dict[str, Any], secret: str, wall_clock: float) -> ApiError:
    type_, data = said.get("type"), said.get("data")
    named = type_ if isinstance(type_, str) and type_ else None
    error = ApiError.class_for(named or _type_of_status(answer.status))(
        message=_message(answer, said, secret),
        type=_clean(named, secret),
        data=_clean(data, secret) if is_object(data) else None,
        status_code=answer.status,
        debug_id=_clean(answer.headers.get("x-debug-id"), secret),
        retry_after=retry_after(answer.headers.get("retry-after"), wall_clock),
    )
    if (named in _MAY_HAVE_ACTED) if named is not None else answer.status >= 500:
        error.outcome = Outcome.UNKNOWN
    else:
        error.outcome = Outcome.REJECTED
    return error


def _type_of_status(status: int) -> str | None:
    return _TYPE_BY_STATUS.get(status) or ("internal" if status >= 500 else None)


def _message(answer: Answer, said: dict[str, Any], secret: str) -> str:
    message = said.get("message")
    if isinstance(message, str):
        return _shortened(_cut(message, secret), _LONGEST_MESSAGE)
    if said:
        return "the server gave no message"
    # The secret goes before the cut, which might leave half of it.
    text = _cut(answer.content.decode("utf-8", "replace"), secret)
    return _shortened(" ".join(text.split()), _LONGEST_EXCERPT) or "the answer is empty"


def _cut(text: str, secret: str) -> str:
    """Cut the token out of a text. One so short that it is part of ordinary words would be nobody's secret."""
    return text.replace(secret, "…") if len(secret) >= _SHORTEST_SECRET else text


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _clean(value: Any, secret: str, depth: int = 0) -> Any:
    """Copy JSON data, the secret cut out of its texts, and what is nested too deep left out."""
    if isinstance(value, str):
        return _cut(value, secret)
    if depth == _DEEPEST_DATA and isinstance(value, dict | list):
        return "…"
    if is_object(value):
        return {_cut(key, secret): _clean(item, secret, depth + 1) for key, item in value.items()}
    if is_list(value):
        return [_clean(item, secret, depth + 1) for item in value]
    return value


def retry_after(value: str | None, wall_clock: float) -> float | None:
    """Read a `Retry-After`: seconds, whole or not, or an HTTP date. What is neither is as if absent."""
    if value is None:
        return None
    value = value.strip()
    seconds = float(value) if _SECONDS.fullmatch(value) else _seconds_until(value, wall_clock)
    return None if math.isnan(seconds) else max(seconds, 0.0)


def _seconds_until(date: str, wall_clock: float) -> float:
    try:
        until = parsedate_to_datetime(date)
        # A date that names no zone is in GMT, as every date of HTTP.
        return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - wall_clock
    except (ValueError, OverflowError, TypeError):
        return math.nan
