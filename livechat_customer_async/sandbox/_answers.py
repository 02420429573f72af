"""Answers, in the shapes that the API's documentation leaves open."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from ._errors import Refusal


@attrs.frozen(kw_only=True)
class AnswerShapes:
    """The shapes in which the sandbox answers.

    Attributes:
        wrapping: `payload`: the result under `payload`; `bare`: the result alone; `frame`: the payload along with
            `action`, `type` and `success`.
        no_result: The answer of an action without a result. `envelope`: an empty result, wrapped; `object`: `{}`;
            `nothing`: an empty body; `no_content`: status 204.
        errors: The place of the error object: at the top of the body, or under `payload`. In a frame it is always
            under `payload`.
        update_customer: The result of the action: the bare customer, the customer under `customer`, or none.
        predicted_agent: The result of `get_predicted_agent`: the agent under `agent`, or bare.
        property_values: Each value of a property wrapped as `{"value": v}`, or bare.
        unsorted_events: Whether the events of a thread come newest first: clients must sort them.
    """

    wrapping: Literal["payload", "bare", "frame"] = "payload"
    no_result: Literal["envelope", "object", "nothing", "no_content"] = "envelope"
    errors: Literal["top", "payload"] = "top"
    update_customer: Literal["bare", "customer", "nothing"] = "bare"
    predicted_agent: Literal["agent", "bare"] = "agent"
    property_values: Literal["wrapped", "bare"] = "wrapped"
    unsorted_events: bool = False


@attrs.frozen(kw_only=True)
class Answer:
    """A complete HTTP answer."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = "application/json"
    body: bytes = attrs.field(default=b"", repr=False)

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """Return the answer with additional headers."""
        return attrs.evolve(self, headers=(*self.headers, *headers))

    def raw_headers(self, content_length: int | None = None) -> list[tuple[bytes, bytes]]:
        """Return the headers for ASGI, with the given content length in place of the true one."""
        named = [*self.headers]
        if self.content_type is not None:
            named.append(("content-type", self.content_type))
        if self.status != 204:
            named.append(("content-length", str(len(self.body) if content_length is None else content_length)))
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]


def result_answer(action: str, result: Mapping[str, Any] | None, shapes: AnswerShapes) -> Answer:
    """Return the answer of a performed action. `None` means no result."""
    if result is None and shapes.no_result == "nothing":
        return Answer(content_type=None)
    if result is None and shapes.no_result == "no_content":
        return Answer(status=204, content_type=None)
    if result is None and shapes.no_result == "object":
        return _json_answer({})
    return _json_answer(_wrapped(action, result or {}, shapes))


def error_answer(action: str, refusal: Refusal, shapes: AnswerShapes) -> Answer:
    """Return the answer that carries an error object."""
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
