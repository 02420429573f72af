"""How answers look: the envelope, and the shapes that the wire leaves open."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from attrs import evolve, field, frozen

from ._errors import Refusal


@frozen(kw_only=True)
class AnswerShapes:
    """Which of the shapes seen on the wire the sandbox answers with.

    Attributes:
        wrapping: `payload` stands the result under `payload`; `bare` answers it alone; `frame` adds `action`,
            `type` and `success` around the payload.
        no_result: What an action without a result answers: an empty result in the envelope, the object `{}`,
            an empty body, or status 204.
        errors: Where the error object stands: at the top of the body, or under `payload`. In a frame it always
            stands under `payload`.
        update_customer: The customer bare, under `customer`, or nothing.
        predicted_agent: The agent under `agent`, or bare.
        property_values: Each value wrapped as `{"value": v}`, or bare.
        unsorted_events: Whether a thread's events come newest first, to show that a client must sort them.
    """

    wrapping: Literal["payload", "bare", "frame"] = "payload"
    no_result: Literal["envelope", "object", "nothing", "no_content"] = "envelope"
    errors: Literal["top", "payload"] = "top"
    update_customer: Literal["bare", "customer", "nothing"] = "bare"
    predicted_agent: Literal["agent", "bare"] = "agent"
    property_values: Literal["wrapped", "bare"] = "wrapped"
    unsorted_events: bool = False


@frozen(kw_only=True)
class Answer:
    """One HTTP answer, whole."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = "application/json"
    body: bytes = field(default=b"", repr=False)

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """The same answer with more headers."""
        return evolve(self, headers=(*self.headers, *headers))

    def raw_headers(self, content_length: int | None = None) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI takes them, with the given content length in place of the true one."""
        named = [*self.headers]
        if self.content_type is not None:
            named.append(("content-type", self.content_type))
        if self.status != 204:
            named.append(("content-length", str(len(self.body) if content_length is None else content_length)))
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]


def result_answer(action: str, result: Mapping[str, Any] | None, shapes: AnswerShapes) -> Answer:
    """The answer to an action that was performed; `None` is no result."""
    if result is None and shapes.no_result == "nothing":
        return Answer(content_type=None)
    if result is None and shapes.no_result == "no_content":
        return Answer(status=204, content_type=None)
    if result is None and shapes.no_result == "object":
        return _json_answer({})
    return _json_answer(_wrapped(action, result or {}, shapes))


def error_answer(action: str, refusal: Refusal, shapes: AnswerShapes) -> Answer:
    """The answer of an error object."""
    body: dict[str, Any] = {"error": refusal.body()}
    if shapes.wrapping == "frame":
        body = {"action": action, "type": "response", "success": False, "payload": body}
    elif shapes.errors == "payload":
        body = {"payload": body}
    return _json_answer(body, status=refusal.status)


def _wrapped(action: str, result: Mapping[str, Any], shapes: AnswerShapes) -> Mapping[str, Any]:
    if shapes.wrapping == "bare":
        return result
    if shapes.wrapping == "payload":
        return {"payload": result}
    return {"action": action, "type": "response", "success": True, "payload": result}


def _json_answer(body: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
