"""Sending an event whose outcome may be left open: what `on_unknown` does.

An event that is looked for is known by its `custom_id`. One that the caller gave may have been used before: the
events that carry it already are noted before the first send, and never taken for the new one.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping

import anyio
import attrs

from .._base.checks import kind
from .._base.clock import let_scopes_notice
from .._call.action import Action, Caller
from ..errors import CallTimeoutError, InvalidRequestError, LiveChatError, Outcome
from ..models import NewEvent, SentEvent
from .chats import GET_CHAT_THREADS, GET_CHAT_THREADS_SUMMARY

# The server gives up on a request after 15 s: what it has not performed by then it will not.
SERVER_LIMIT = 15.0
BETWEEN_LOOKS = 1.0
# The event goes to the active thread, the last one or a new one; a few more for threads begun meanwhile.
NEWEST_THREADS = 3


class Send:
    """One event on its way to one chat."""

    def __init__(
        self,
        call: Caller,
        action: Action[..., SentEvent],
        chat_id: str,
        event: NewEvent,
        options: Mapping[str, bool | None],
    ) -> None:
        self._call = call
        self._action = action
        self._chat_id = chat_id
        self._event = event
        self._options = options
        self._began = call.clock.now()
        own = math.inf if call.total is None else self._began + call.total
        self._deadline = min(own, anyio.current_effective_deadline())
        self._attempts = 0
        self._maybe_acted = False

    async def again(self) -> SentEvent:
        """Send it, and once more at once where the first outcome is unknown."""
        result = await self._try()
        if not isinstance(result, SentEvent):
            result = await self._try()
        return _sent(result)

    async def verified(self) -> SentEvent:
        """Send it, and once more where the chat does not show it although the server's time for it has passed."""
        # Before the first look, which would already send something.
        self._call.check(self._action, self._chat_id, self._event, **self._options)
        try:
            return await self._verified()
        except LiveChatError as error:
            error.elapsed = self._call.clock.now() - self._began
            raise

    async def _verified(self) -> SentEvent:
        given = self._given_id()
        known: set[str | None] = set() if given is None else await self._older_with(given)
        custom_id = given or str(uuid.uuid4())
        self._event = _with_custom_id(self._event, custom_id)
        result = await self._try_and_look(custom_id, known)
        if not isinstance(result, SentEvent):
            result = await self._try_and_look(custom_id, known)
        return _sent(result)

    # ---- one try

    async def _try_and_look(self, custom_id: str, known: set[str | None]) -> SentEvent | LiveChatError:
        result = await self._try()
        if isinstance(result, SentEvent):
            return result
        return await self._look(result, custom_id, known) or result

    async def _try(self) -> SentEvent | LiveChatError:
        """Send it; return the error, where it leaves open what the server did."""
        try:
            call = await self._in_time()
            return await call(self._action, self._chat_id, self._event, **self._options)
        except LiveChatError as error:
            unknown = error.outcome is Outcome.UNKNOWN
            self._stamp(error)
            if not unknown:
                raise
            return error

    def _stamp(self, error: LiveChatError) -> None:
        """Make an error speak of the whole: of both sends, and of the time between them."""
        self._attempts += error.attempts
        self._maybe_acted |= error.outcome is Outcome.UNKNOWN
        error.attempts = self._attempts
        error.elapsed = self._call.clock.now() - self._began
        error.outcome = Outcome.UNKNOWN if self._maybe_acted else error.outcome

    async def _in_time(self) -> Caller:
        """Return a caller that has what is left of the time of the whole."""
        if self._deadline == math.inf:
            return self._call
        left = self._time_left()
        if left <= 0:
            await let_scopes_notice()
            raise CallTimeoutError("no time is left for it", action=self._action.name)
        return self._call.limited(left)

    def _time_left(self) -> float:
        return self._deadline - self._call.clock.now()

    # ---- looking for the event

    async def _look(self, error: LiveChatError, custom_id: str, known: set[str | None]) -> SentEvent | None:
        """Look for the event until the server can no longer add it; `None`: it is not there."""
        clock = self._call.clock
        certain_at = clock.now() - (error.since_attempt or 0.0) + SERVER_LIMIT
        while True:
            certain = clock.now() >= certain_at
            try:
                sent = await self._events_with(custom_id)
            except LiveChatError as failed:
                error.not_repeated = f"looking for the event failed ({type(failed).__name__})"
                raise error from failed
            for candidate in sent:
                if candidate.event.id not in known:
                    return candidate
            if certain:
                return None
            pause = min(BETWEEN_LOOKS, certain_at - clock.now())
            if pause >= self._time_left():
                error.not_repeated = "the time that is left does not suffice to see whether the event is there"
                raise error
            await clock.sleep(max(pause, 0.0))

    async def _events_with(self, custom_id: str) -> list[SentEvent]:
        """Return the events of the chat's newest threads that carry a custom id."""
        call = await self._in_time()
        page = await call(GET_CHAT_THREADS_SUMMARY, self._chat_id, limit=NEWEST_THREADS)
        thread_ids = [summary.id for summary in page.threads_summary[:NEWEST_THREADS]]
        if not thread_ids:
            return []
        call = await self._in_time()
        chat = await call(GET_CHAT_THREADS, self._chat_id, thread_ids=thread_ids)
        return [
            SentEvent(thread_id=thread.id, event=event)
            for thread in chat.threads
            for event in thread.events
            if event.custom_id == custom_id
        ]

    async def _older_with(self, custom_id: str) -> set[str | None]:
        """Return the ids of the events that carry a custom id before the first send."""
        try:
            return {sent.event.id for sent in await self._events_with(custom_id)}
        except LiveChatError as error:
            error.action = self._action.name
            if error.outcome is Outcome.UNKNOWN:  # of a look: the event itself was not sent yet
                error.outcome = Outcome.NOT_SENT
            raise

    # ---- its tag

    def _given_id(self) -> str | None:
        event = self._event
        given = event.get("custom_id") if isinstance(event, Mapping) else event.custom_id
        if given is not None and not isinstance(given, str):
            raise InvalidRequestError(
                f"expected a str, got {kind(given)}", parameter="event.custom_id", action=self._action.name
            )
        return given or None  # an empty one tells nothing apart


def _sent(result: SentEvent | LiveChatError) -> SentEvent:
    if isinstance(result, LiveChatError):
        raise result
    return result


def _with_custom_id(event: NewEvent, custom_id: str) -> NewEvent:
    if isinstance(event, Mapping):
        return {**event, "custom_id": custom_id}
    return attrs.evolve(event, custom_id=custom_id)
