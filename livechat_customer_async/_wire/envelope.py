"""From an answer to its payload, or to the one right error. Pure: bytes in, value or error out."""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from .._base.checks import is_list, is_object
from .._net.outgoing import Answer
from ..errors import ApiError, DecodeError, Outcome, ResponseDecodeError
from .converter import loads

# The wire's own wrapping: an object with no other keys than these, and an object under `payload`.
_FRAME_KEYS = {"payload", "request_id", "action", "type", "success"}
# Types that leave open whether the server acted before it gave up.
_MAY_HAVE_ACTED = {"internal", "request_timeout"}
_TYPE_BY_STATUS = {401: "authentication", 413: "entity_too_large", 429: "too_many_requests", 503: "service_unavailable"}
# `html.unescape` knows more, and takes 2 ms to import.
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " ", "&amp;": "&"}
_LONGEST_EXCERPT = 200
_SHORTEST_SECRET = 8
_LONGEST_PAGE = 16 * 1024
_LONGEST_MESSAGE = 2000
# The recursion that copies or pickles an error fails on deeper data.
_DEEPEST_DATA = 100


def interpret(answer: Answer, *, secret: str, wall_clock: float) -> Any:
    """Return the payload of an answer; `None` if it has no body.

    Args:
        answer: the answer.
        secret: the token of the request; it is removed from every text that an error keeps.
        wall_clock: Unix time now, for a `Retry-After` that is a date.

    Raises:
        ApiError: the server answered with an error; the class depends on its type.
        ResponseDecodeError: a success whose body is not valid JSON, or contradicts itself.
    """
    succeeded = 200 <= answer.status < 300
    try:
        body = loads(answer.content)
    except DecodeError as error:
        if succeeded:
            raise undecodable(error, answer, secret) from None
        body = None
    if is_object(body):
        said = error_object(body)
        if said is not None or not succeeded:
            raise _api_error(answer, said or {}, secret, wall_clock)
        if (problem := _contradiction(body)) is not None:
            raise undecodable(problem, answer, secret)
        return _payload(body)
    if succeeded:
        return body
    raise _api_error(answer, {}, secret, wall_clock)


def undecodable(error: DecodeError, answer: Answer, secret: str) -> ResponseDecodeError:
    """Return the error for an answer that does not decode, with what helps to find out why."""
    described = ResponseDecodeError(error.message, path=error.path, outcome=Outcome.UNKNOWN)
    described.status_code = answer.status
    described.content_type = _clean(answer.headers.get("content-type"), secret)
    described.excerpt = _excerpt(answer.content.decode("utf-8", "replace"), secret) or None
    described.debug_id = _clean(answer.headers.get("x-debug-id"), secret)
    return described


def error_object(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the error object of a body, at the top or under `payload`, or `None`."""
    for holder in (body, body.get("payload")):
        if is_object(holder) and is_object(said := holder.get("error")):
            return said
    return None


def _contradiction(body: dict[str, Any]) -> DecodeError | None:
    if body.get("success") is False:
        return DecodeError("false, but there is no error object", path="$.success")
    return None if body.get("error") is None else DecodeError("expected an object", path="$.error")


def _payload(body: dict[str, Any]) -> Any:
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
    may_have_acted = answer.status >= 500 if named is None else named.lower() in _MAY_HAVE_ACTED
    error.outcome = Outcome.UNKNOWN if may_have_acted else Outcome.REJECTED
    return error


def _type_of_status(status: int) -> str | None:
    return _TYPE_BY_STATUS.get(status) or ("internal" if status >= 500 else None)


# ---- texts


def _message(answer: Answer, said: dict[str, Any], secret: str) -> str:
    message = said.get("message")
    if isinstance(message, str):
        return _shortened(_without(secret, message), _LONGEST_MESSAGE)
    if said:
        return "the server gave no message"
    # The token goes before the cut, which might leave half of it; the cut bounds what the expressions below search.
    text = _without(secret, answer.content.decode("utf-8", "replace"))[:_LONGEST_PAGE]
    if "html" in answer.headers.get("content-type", "").lower() or text.lstrip().startswith("<"):
        text = _text_of_page(text).removeprefix(f"{answer.status} ")
    return _excerpt(text, secret) or "the body is empty"


def _text_of_page(page: str) -> str:
    """Return the title of an HTML page, or else its text."""
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    if title is not None and title[1].strip():
        return _unescaped(title[1]).strip()
    page = re.sub(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return _unescaped(re.sub(r"<[^>]*>?", " ", page)).strip()


def _unescaped(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


def _excerpt(text: str, secret: str) -> str:
    # The secret goes first: shortening might leave half of it.
    return _shortened(" ".join(_without(secret, text).split()), _LONGEST_EXCERPT)


def _without(secret: str, text: str) -> str:
    """Remove the token from a text; one so short that it is part of ordinary words is not a secret."""
    return text.replace(secret, "…") if len(secret) >= _SHORTEST_SECRET else text


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(value: Any, secret: str, depth: int = 0) -> Any:
    """Copy JSON data without the secret, and without what is nested too deeply."""
    if isinstance(value, str):
        return _without(secret, value)
    if depth == _DEEPEST_DATA and isinstance(value, dict | list):
        return "…"
    if is_object(value):
        return {_without(secret, key): _clean(item, secret, depth + 1) for key, item in value.items()}
    if is_list(value):
        return [_clean(item, secret, depth + 1) for item in value]
    return value


# ---- Retry-After


def retry_after(value: str | None, wall_clock: float) -> float | None:
    """Read a `Retry-After`: seconds, whole or not, or an HTTP date; `None` for anything else."""
    if value is None:
        return None
    value = value.strip()
    # `float` alone would also accept "nan", "inf" and "1_0".
    is_number = re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", value, re.ASCII) is not None
    seconds = float(value) if is_number else _seconds_until(value, wall_clock)
    return None if math.isnan(seconds) else max(seconds, 0.0)


def _seconds_until(date: str, wall_clock: float) -> float:
    try:
        until = parsedate_to_datetime(date)
        # A date without a zone is in GMT, as every date of HTTP.
        return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - wall_clock
    except (ValueError, OverflowError, TypeError):
        return math.nan
