"""Sending an event whose outcome may be unknown: what `on_unknown` does.

The event is recognised by its `custom_id`, so each search needs only `id` and `custom_id` of the chat's events.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

import attrs

from .._base.checks import kind
from .._base.clock import Deadline, let_scopes_notice
from .._call.action import Action, Caller
from ..errors import CallTimeoutError, DecodeError, InvalidRequestError, LiveChatError, Outcome
from ..models import Event, NewEvent, SentEvent
from .chats import GET_CHAT_THREADS, GET_CHAT_THREADS_SUMMARY

# The server gives up on a request after 15 s: what it has not performed by then it will not.
SERVER_LIMIT = 15.0
BETWEEN_SEARCHES = 1.0
# The event goes to the active thread, the last one or a new one; further threads may have started meanwhile.
NEWEST_THREADS = 3


class VerifiedSend:
    """One event on its way to one chat."""

    def __init__(self, call: Caller, action: Action[SentEvent], arguments: dict[str, Any]) -> None:
        self._call = call
        self._action = action
        self._arguments = arguments
        self._deadline = Deadline(call.clock, call.total)
        self._attempts = 0
        self._maybe_acted = False

    async def resend(self) -> SentEvent:
        """Send it, and once more at once if the outcome is unknown."""
        result = await self._send()
        return self._sent(result if _arrived(result) else await self._send())

    async def run(self) -> SentEvent:
        """Send it, and once more if the chat does not show it after the server's limit."""
        custom_id = self._given_id() or str(uuid.uuid4())
        self._arguments["event"] = _with_custom_id(self._arguments["event"], custom_id)
        result = await self._send_and_search(custom_id)
        return self._sent(result if _arrived(result) else await self._send_and_search(custom_id))

    async def run_once(self) -> SentEvent:
        """Return the event if the chat shows it already; else do as `run`."""
        self._call.check(self._action, **self._arguments)
        custom_id = self._given_id()
        if custom_id is None:
            raise InvalidRequestError(
                'on_unknown="once" needs a custom_id of yours', parameter="event.custom_id", action=self._action.name
            )
        try:
            earlier = await self._search(custom_id)
        except LiveChatError as error:
            error.action = self._action.name
            if error.outcome is Outcome.UNKNOWN:  # of the search: the event itself has not been sent
                error.outcome = Outcome.NOT_SENT
            raise
        return earlier or await self.run()

    # ---- one attempt

    async def _send_and_search(self, custom_id: str) -> SentEvent | LiveChatError:
        result = await self._send()
        if isinstance(result, SentEvent):
            return result
        return await self._search_until_certain(result, custom_id) or result

    async def _send(self) -> SentEvent | LiveChatError:
        """Send it; return the error if it leaves open what the server did."""
        try:
            call = await self._in_time()
            return await call(self._action, **self._arguments)
        except LiveChatError as error:
            unknown = error.outcome is Outcome.UNKNOWN
            self._stamp(error)
            if not unknown:
                raise
            return error

    def _sent(self, result: SentEvent | LiveChatError) -> SentEvent:
        if isinstance(result, LiveChatError):
            raise self._timed(result)
        return result

    def _timed(self, error: LiveChatError) -> LiveChatError:
        error.elapsed = self._deadline.elapsed
        return error

    def _stamp(self, error: LiveChatError) -> None:
        """Make an error describe the whole: both sends and the time between them."""
        self._attempts += error.attempts
        self._maybe_acted |= error.outcome is Outcome.UNKNOWN
        error.attempts = self._attempts
        self._timed(error).outcome = Outcome.UNKNOWN if self._maybe_acted else error.outcome

    async def _in_time(self) -> Caller:
        """Return a caller that has the time left of the whole."""
        if self._call.total is None:
            return self._call
        if self._deadline.passed:
            await let_scopes_notice()
            raise CallTimeoutError("no time is left", action=self._action.name)
        return self._call.limited(self._deadline.own_left())

    # ---- searching for the event

    async def _search_until_certain(self, error: LiveChatError, custom_id: str) -> SentEvent | None:
        """Search until the server can no longer add the event; `None`: it is not there."""
        clock = self._call.clock
        certain_at = clock.now() - (error.since_attempt or 0.0) + SERVER_LIMIT
        while True:
            certain = clock.now() >= certain_at
            try:
                sent = await self._search(custom_id)
            except LiveChatError as failed:
                error.not_repeated = f"searching for the event failed ({type(failed).__name__})"
                raise self._timed(error) from failed
            if sent is not None or certain:
                return sent
            pause = min(BETWEEN_SEARCHES, certain_at - clock.now())
            if pause >= self._deadline.left():
                error.not_repeated = "too little time is left to find out whether the event arrived"
                raise self._timed(error)
            await clock.sleep(max(pause, 0.0))

    async def _search(self, custom_id: str) -> SentEvent | None:
        """Return the event of the chat's newest threads that has a custom id."""
        chat_id = self._arguments["chat_id"]
        call = await self._in_time()
        page = await call(GET_CHAT_THREADS_SUMMARY, chat_id=chat_id, offset=None, limit=NEWEST_THREADS)
        thread_ids = [summary.id for summary in page.threads_summary[:NEWEST_THREADS]]
        if not thread_ids:
            return None
        call = await self._in_time()
        chat = await call(GET_CHAT_THREADS, chat_id=chat_id, thread_ids=thread_ids)
        for thread in chat.threads:
            for event in thread.events:
                if _custom_id_of(event) == custom_id:
                    return SentEvent(thread_id=thread.id, event=event)
        return None

    def _given_id(self) -> str | None:
        given: object = _custom_id_of(self._arguments["event"])
        if given is not None and not isinstance(given, str):
            raise InvalidRequestError(
                f"expected a str, got {kind(given)}", parameter="event.custom_id", action=self._action.name
            )
        return given or None  # an empty one identifies nothing


def _custom_id_of(event: Event | NewEvent) -> Any:
    return cast("Any", event).get("custom_id") if isinstance(event, Mapping) else getattr(event, "custom_id", None)


def _with_custom_id(event: NewEvent, custom_id: str) -> NewEvent:
    if isinstance(event, Mapping):
        return {**event, "custom_id": custom_id}
    return attrs.evolve(event, custom_id=custom_id) if attrs.has(type(event)) else event


def _arrived(result: SentEvent | LiveChatError) -> bool:
    """Return whether the answer shows the event, even if it does not name the thread."""
    return isinstance(result, SentEvent) or (isinstance(result, DecodeError) and result.path == "$.thread_id")
