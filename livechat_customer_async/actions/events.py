"""Events: send them, upload files, press buttons, preview what is being typed."""

from __future__ import annotations

from typing import Literal

from .._base.checks import check_bool, check_id, check_str, is_object
from .._call.action import Action, Caller, Replay, instance_of, nothing, optional
from .._uploads.source import FileSource, OnProgress
from ..errors import InvalidRequestError, ResponseDecodeError
from ..models import NewEvent, NewMessage, Postback, SentEvent, UploadedFile
from ._verified import VerifiedSend


def _sent_event(payload: object) -> tuple[object, str]:
    """The payload is the result. Without an event it does not tell that the event arrived, whatever else it lacks."""
    if is_object(payload) and payload.get("event") is None:
        raise ResponseDecodeError("required field is missing", path="$.event")
    return payload, "$"


SEND_EVENT = Action(
    "send_event",
    {
        "chat_id": check_id,
        "event": instance_of(NewEvent),
        "attach_to_last_thread": optional(check_bool),
        "require_active_thread": optional(check_bool),
    },
    SentEvent,
    unwrap=_sent_event,
)
SEND_FILE = Action(
    "send_file",
    {"chat_id": check_id, "custom_id": optional(check_str), "require_active_thread": optional(check_bool)},
    UploadedFile,
    upload=True,
)
UPLOAD_FILE = Action("upload_file", {}, UploadedFile, upload=True, replay=Replay.SAFE)
SEND_RICH_MESSAGE_POSTBACK = Action(
    "send_rich_message_postback",
    {"chat_id": check_id, "thread_id": check_id, "event_id": check_id, "postback": instance_of(Postback)},
    type(None),
    unwrap=nothing,
)
SEND_SNEAK_PEEK = Action(
    "send_sneak_peek", {"chat_id": check_id, "sneak_peek_text": check_str}, type(None), unwrap=nothing
)

OnUnknown = Literal["raise", "verify", "once", "resend"]


class EventsActions:
    """`session.events`: send events and files, press buttons of rich messages."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def send_event(
        self,
        chat_id: str,
        event: NewEvent | str,
        *,
        attach_to_last_thread: bool | None = None,
        require_active_thread: bool | None = None,
        on_unknown: OnUnknown = "raise",
    ) -> SentEvent:
        """Send an event to a chat and return it as the server keeps it.

        Reference: Customer Chat Web API v3.0, Send Event. The event goes to the active thread. If no thread is active,
        `attach_to_last_thread` adds it to the last one, `require_active_thread` makes it an error; otherwise a new
        thread starts.

        Args:
            chat_id: the chat.
            event: one of the `New…` events; a `str` is the text of a `NewMessage`; a mapping is sent as it is.
            attach_to_last_thread: see above; `None`: no.
            require_active_thread: see above; `None`: no.
            on_unknown: what to do if no answer tells whether the server has the event:

                - `"raise"`: raise the error.
                - `"verify"`: search the chat's newest threads for the event until the server's own limit of 15 s has
                  passed, and send it once more if it is not there. It carries a `custom_id`: yours, which must be
                  unique, or a fresh one.
                - `"once"`: like `"verify"`, but search for your `custom_id` before the first send too, and return the
                  event if it is already there: for webhooks that are delivered more than once, and resumed jobs.
                - `"resend"`: send it again at once, so that it may arrive twice.

                `"verify"` and `"once"` cannot rule out two things: a server that performs a request later than its own
                limit, and two sends with one `custom_id` at the same time, either of which may be taken for the other.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        arguments = {
            "chat_id": chat_id,
            "event": NewMessage(text=event) if isinstance(event, str) else event,
            "attach_to_last_thread": attach_to_last_thread,
            "require_active_thread": require_active_thread,
        }
        match on_unknown:
            case "raise":
                return await self._call(SEND_EVENT, **arguments)
            case "verify":
                return await VerifiedSend(self._call, SEND_EVENT, arguments).run()
            case "once":
                return await VerifiedSend(self._call, SEND_EVENT, arguments).run_once()
            case "resend":
                return await VerifiedSend(self._call, SEND_EVENT, arguments).resend()
            case _:
                raise InvalidRequestError(
                    'expected "raise", "verify", "once" or "resend"', parameter="on_unknown", action=SEND_EVENT.name
                )

    async def send_file(
        self,
        chat_id: str,
        file: FileSource,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        custom_id: str | None = None,
        require_active_thread: bool | None = None,
        on_progress: OnProgress | None = None,
    ) -> UploadedFile:
        """Send a file of at most 10 MB (10,485,760 bytes) to a chat and return its URL.

        Reference: Customer Chat Web API v3.0, Send File. The file is streamed: it is read in chunks, off the event
        loop, and never held in memory as a whole.

        Args:
            chat_id: the chat.
            file: a `pathlib.Path`, bytes, a binary file object (read from its current position, left open), an async
                file, a web framework's upload object, or an iterable of bytes, async or not. A `str` is refused.
            filename: the file's name; `None`: the source's own name, or "file".
            content_type: the file's media type; `None`: the source's own, or guessed from the name.
            custom_id: your own id of the event; `None`: none.
            require_active_thread: whether a chat without an active thread is an error; `None`: a new one starts.
            on_progress: called with the number of bytes sent and the total (`None` while unknown), from the start
                again if the upload is repeated. It may be async; an exception ends the upload.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit, or the file could not be read.
            FileTooLargeError: the file is larger than the limit; so is an `EntityTooLargeError` of the server.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(
            SEND_FILE,
            file=file,
            chat_id=chat_id,
            filename=filename,
            content_type=content_type,
            custom_id=custom_id,
            require_active_thread=require_active_thread,
            on_progress=on_progress,
        )

    async def upload_file(
        self,
        file: FileSource,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> UploadedFile:
        """Upload a file of at most 10 MB (10,485,760 bytes) for a `NewFile` event and return its URL.

        Reference: Customer Chat Web API v3.0, Upload File. The URL expires after 24 h unless an event uses it. For
        the arguments and errors see `send_file`.
        """
        return await self._call(
            UPLOAD_FILE, file=file, filename=filename, content_type=content_type, on_progress=on_progress
        )

    async def send_rich_message_postback(self, chat_id: str, thread_id: str, event_id: str, postback: Postback) -> None:
        """Press a button of a rich message.

        Reference: Customer Chat Web API v3.0, Send Rich Message Postback.

        Args:
            chat_id: the chat.
            thread_id: the thread of the rich message.
            event_id: the rich message.
            postback: the button, and whether it is on.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        await self._call(
            SEND_RICH_MESSAGE_POSTBACK, chat_id=chat_id, thread_id=thread_id, event_id=event_id, postback=postback
        )

    async def send_sneak_peek(self, chat_id: str, sneak_peek_text: str) -> None:
        """Show the agent what the customer is typing.

        Reference: Customer Chat Web API v3.0, Send Sneak Peek.

        Args:
            chat_id: the chat.
            sneak_peek_text: the text so far.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        await self._call(SEND_SNEAK_PEEK, chat_id=chat_id, sneak_peek_text=sneak_peek_text)
