"""The result of a call, made of the server's answer."""

from __future__ import annotations

from typing import Any

from .._net.outgoing import Answer
from .._wire.converter import structure, structure_in_place
from .._wire.envelope import interpret
from ..errors import Outcome, ResponseDecodeError
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
        data, path = action.unwrap(payload)
        if data is NO_RESULT:
            return None
        try:
            return structure_in_place(data, action.result)
        except ResponseDecodeError:  # read anew to be explained: half of it has become models
            data, _ = action.unwrap(interpret(answer, secret=token, wall_clock=wall_clock))
            return structure(data, action.result, path=path)
    except ResponseDecodeError as error:
        error.outcome = Outcome.UNKNOWN
        raise
