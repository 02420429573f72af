"""Events: send them, upload files, press buttons, preview what is being typed."""

from typing import Literal

import attrs

from .._base.checks import check_bool, check_id, check_str, optional, required
from .._call.action import Action, Caller, Replay, UploadRequest, nothing
from .._uploads.source import FileSource, OnProgress
from ..errors import InvalidRequestError
from ..models import NewEvent, Postback, SentEvent, UploadedFile
from ._verified import Send


@attrs.frozen(eq=False, repr=False)
class _SendEvent:
    chat_id: str = attrs.field(validator=required(check_id))
    event: NewEvent
    attach_to_last_thread: bool | None = attrs.field(default=None, kw_only=True, validator=optional(check_bool))
    require_active_thread: bool | None = attrs.field(default=None, kw_only=True, validator=optional(check_bool))


@attrs.frozen(eq=False, repr=False)
class _UploadFile(UploadRequest):
    pass


@attrs.frozen(eq=False, repr=False)
class _SendFile(UploadRequest):
    chat_id: str = attrs.field(kw_only=True, validator=required(check_id))
    custom_id: str | None = attrs.field(default=None, kw_only=True, validator=optional(check_str))
    require_active_thread: bool | None = attrs.field(default=None, kw_only=True, validator=optional(check_bool))


@attrs.frozen(eq=False, repr=False)
class _SendRichMessagePostback:
    chat_id: str = attrs.field(validator=required(check_id))
    thread_id: str = attrs.field(validator=required(check_id))
    event_id: str = attrs.field(validator=required(check_id))
    postback: Postback


@attrs.frozen(eq=False, repr=False)
class _SendSneakPeek:
    chat_id: str = attrs.field(validator=required(check_id))
    sneak_peek_text: str


SEND_EVENT = Action("send_event", _SendEvent, SentEvent)
SEND_FILE = Action("send_file", _SendFile, UploadedFile, upload=True)
UPLOAD_FILE = Action("upload_file", _UploadFile, UploadedFile, upload=True, replay=Replay.SAFE)
SEND_RICH_MESSAGE_POSTBACK = Action("send_rich_message_postback", _SendRichMessagePostback, type(None), unwrap=nothing)
SEND_SNEAK_PEEK = Action("send_sneak_peek", _SendSneakPeek, type(None), unwrap=nothing)

OnUnknown = Literal["raise", "verify", "resend"]


class EventsActions:
    """`session.events`: send events and files, press buttons of rich messages."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def send_event(
        self,
        chat_id: str,
        event: NewEvent,
        *,
        attach_to_last_thread: bool | None = None,
        require_active_thread: bool | None = None,
        on_unknown: OnUnknown = "raise",
    ) -> SentEvent:
        """Send an event to a chat and return it as the server keeps it.

        Reference: Customer Chat Web API v3.0, Send Event. It goes to the active thread. Where none is active,
        `attach_to_last_thread` adds it to the last one, `require_active_thread` makes it an error, and else a new
        thread starts.

        Args:
            chat_id: the chat.
            event: one of the `New…` events; a mapping is sent as it is.
            attach_to_last_thread: see above; `None`: no.
            require_active_thread: see above; `None`: no.
            on_unknown: what to do where no answer tells whether the server has the event. `"raise"`: raise.
                `"resend"`: send it again at once, so that it may be there twice. `"verify"`: look for it in the
                chat's newest threads until the server's own limit of 15 s has passed, and send it once more where it
                is not there. For that it carries a `custom_id`, a fresh one where you give none. Two things cannot
                be ruled out: a server that performs the event later than its own limit, and two sends of one
                `custom_id` at the same time, of which either may be taken for the other.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        if on_unknown == "raise":
            return await self._call(
                SEND_EVENT,
                chat_id,
                event,
                attach_to_last_thread=attach_to_last_thread,
                require_active_thread=require_active_thread,
            )
        send = Send(
            self._call,
            SEND_EVENT,
            chat_id,
            event,
            {"attach_to_last_thread": attach_to_last_thread, "require_active_thread": require_active_thread},
        )
        match on_unknown:
            case "resend":
                return await send.again()
            case "verify":
                return await send.verified()
            case _:
                raise InvalidRequestError(
                    'expected "raise", "verify" or "resend"', parameter="on_unknown", action=SEND_EVENT.name
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
        loop, and never held in memory whole.

        Args:
            chat_id: the chat.
            file: a `pathlib.Path`, bytes, a binary file object (read from where it stands, left open), an async file,
                or an iterable of bytes, async or not. A plain `str` is refused.
            filename: what it is called; `None`: the source's own name, or "file".
            content_type: its media type; `None`: guessed from the name.
            custom_id: your own tag; `None`: none.
            require_active_thread: whether a chat without an active thread is an error; `None`: a new one starts.
            on_progress: called with the bytes sent and the bytes in all (`None` while that is not known), from the
                start again when the upload is repeated. It may be async; raising ends the upload.

        Raises:
            InvalidRequestError: an argument is of the wrong type or beyond a limit, or the file could not be read.
            EntityTooLargeError: the server finds it too large.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(
            SEND_FILE,
            file,
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

        Reference: Customer Chat Web API v3.0, Upload File. The URL dies after 24 h unless an event uses it. For the
        arguments and errors see `send_file`.
        """
        return await self._call(
            UPLOAD_FILE, file, filename=filename, content_type=content_type, on_progress=on_progress
        )

    async def send_rich_message_postback(self, chat_id: str, thread_id: str, event_id: str, postback: Postback) -> None:
        """Press a button of a rich message.

        Reference: Customer Chat Web API v3.0, Send Rich Message Postback.

        Args:
            chat_id: the chat.
            thread_id: the rich message's thread.
            event_id: the rich message.
            postback: which button, and whether it is on now.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        await self._call(SEND_RICH_MESSAGE_POSTBACK, chat_id, thread_id, event_id, postback)

    async def send_sneak_peek(self, chat_id: str, sneak_peek_text: str) -> None:
        """Show the agent what the customer is typing.

        Reference: Customer Chat Web API v3.0, Send Sneak Peek.

        Args:
            chat_id: the chat.
            sneak_peek_text: the text so far.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        await self._call(SEND_SNEAK_PEEK, chat_id, sneak_peek_text)
