"""The 25 actions in their namespaces: each as data (`Action`) and as a coroutine."""

from __future__ import annotations

from typing import Any

from .._base.checks import check_str
from .._call.action import Action, Replay
from . import chats, customers, events, other, properties, status

_ACTIONS: dict[str, Action[Any]] = {
    action.name: action
    for module in (chats, customers, events, other, properties, status)
    for action in vars(module).values()
    if isinstance(action, Action)
}


def replay_of(action: str) -> Replay:
    """Return whether performing an action twice has the effect of performing it once.

    Args:
        action: its name on the wire. An unknown one is `Replay.UNSAFE`, and so is `update_last_seen_timestamp`, which
            is safe only with a timestamp.

    Raises:
        InvalidRequestError: the name is not a str.
    """
    known = _ACTIONS.get(check_str(action, "action"))
    return Replay.UNSAFE if known is None else known.replay
