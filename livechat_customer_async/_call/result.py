"""The result of a call, made of the server's answer."""

from __future__ import annotations

from typing import Any

from .._net.outgoing import Answer
from .._wire.converter import structure, structure_in_place
from .._wire.envelope import interpret, undecodable
from ..errors import DecodeError
from .action import NO_RESULT, Action


def decode(action: Action[Any], answer: Answer, token: str, wall_clock: float) -> Any:
    """Return the result that an answer holds.

    Args:
        action: what was called.
        answer: what came.
        token: the token of the request; it is cut out of what an error keeps.
        wall_clock: Unix time now.

    Raises:
        ApiError: the server refused the call or failed.
        ResponseDecodeError: the answer does not have the documented shape.
    """
    payload = interpret(answer, secret=token, wall_clock=wall_clock)
    try:
        data, _ = action.unwrap(payload)
        return None if data is NO_RESULT else structure_in_place(data, action.result)
    except DecodeError:
        pass
    # Something does not fit exactly. It is read again, from the start: half of it may have become models.
    try:
        data, path = action.unwrap(interpret(answer, secret=token, wall_clock=wall_clock))
        return structure(data, action.result, path=path)
    except DecodeError as error:
        raise undecodable(error, answer, token) from None
