"""What is known of the calls that Ctrl-C ended."""

from __future__ import annotations

import asyncio
from typing import Any

from .. import CallEnd, Observer, Outcome, Replay, replay_of

_TEXTS = {
    Outcome.NOT_SENT: "nothing was sent",
    Outcome.UNKNOWN: "the API may have acted",
    Outcome.REJECTED: "the API did nothing",
}


class InterruptedCalls(Observer):
    """Records the cancelled calls by the task that made them.

    Args:
        actions: the actions to record; none: all.
    """

    def __init__(self, *actions: str) -> None:
        self._actions = actions
        self._ends: dict[asyncio.Task[Any] | None, CallEnd] = {}

    def on_call_end(self, event: CallEnd) -> None:
        """Record a call that was cancelled."""
        if event.error == "CancelledError" and (not self._actions or event.action in self._actions):
            self._ends[asyncio.current_task()] = event

    def outcome(self) -> Outcome:
        """Return the outcome of the current task's call; `NOT_SENT` if it made none."""
        end = self._ends.get(asyncio.current_task())
        return Outcome.NOT_SENT if end is None or end.outcome is None else end.outcome

    def __str__(self) -> str:
        """Describe the outcome of every cancelled call; empty if there was none."""
        return "; ".join(_describe(end) for end in self._ends.values())


def _describe(end: CallEnd) -> str:
    outcome = end.outcome or Outcome.UNKNOWN
    if outcome is Outcome.UNKNOWN and replay_of(end.action) is Replay.SAFE:
        return f"{end.action}: safe to repeat"
    return f"{end.action}: {outcome_text(outcome)}"


def outcome_text(outcome: Outcome) -> str:
    """Describe an outcome in words."""
    return _TEXTS[outcome]
