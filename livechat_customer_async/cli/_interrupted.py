"""What is known of the calls that Ctrl-C ended."""

from __future__ import annotations

import asyncio
from typing import Any

from livechat_customer_async import CallEnd, Observer, Outcome

_IN_WORDS = {
    Outcome.NOT_SENT: "nothing was sent",
    Outcome.UNKNOWN: "the API may have acted",
    Outcome.REJECTED: "the API did nothing",
}


class Interrupted(Observer):
    """Notes how far calls had come when they were cancelled, by the task that made them."""

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[Any] | None, CallEnd] = {}

    def on_call_end(self, event: CallEnd) -> None:
        """Note a call that was cancelled."""
        if event.error == "CancelledError":
            self._ends[asyncio.current_task()] = event

    def outcome(self) -> Outcome:
        """Return what is known of this task's call; one that had not begun sent nothing."""
        end = self._ends.get(asyncio.current_task())
        return Outcome.NOT_SENT if end is None or end.outcome is None else end.outcome

    def __str__(self) -> str:
        """Say it of all of them; nothing where there was none."""
        return "; ".join(f"{end.action}: {in_words(end.outcome or Outcome.UNKNOWN)}" for end in self._ends.values())


def in_words(outcome: Outcome) -> str:
    """Say what a call may have done."""
    return _IN_WORDS[outcome]
