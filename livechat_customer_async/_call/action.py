"""An action as data, and the one function type through which every call goes.

An `Action` says what one of the API's methods is called, what it takes, where its result stands and whether it may be
performed twice. It knows nothing of HTTP: the pipeline turns it into a request and an answer into its result.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

import attrs

from .._base.checks import is_object
from .._base.clock import Clock
from .._uploads.source import FileSource, OnProgress, check_upload
from ..errors import ResponseDecodeError

P = ParamSpec("P")
T = TypeVar("T")


class Replay(enum.Enum):
    """Whether performing an action twice is the same as performing it once."""

    SAFE = "safe"
    """It reads, or sets an absolute state: it may be repeated although its first outcome is unknown."""
    UNSAFE = "unsafe"
    """It adds or triggers something: it is repeated only where the server cannot have acted."""


# ---- where a result stands in the payload: (the part that holds it, its path)

Unwrap = Callable[[object], tuple[object, str]]
NO_RESULT: Any = object()
"""What an unwrap rule returns where the payload rightly holds no result."""


def whole(payload: object) -> tuple[object, str]:
    """The payload is the result."""
    return payload, "$"


def under(key: str) -> Unwrap:
    """The result stands under a key, always."""

    def unwrap(payload: object) -> tuple[object, str]:
        if not is_object(payload):
            raise ResponseDecodeError(f"expected an object that holds {key!r}", path="$")
        if payload.get(key) is None:
            raise ResponseDecodeError("it is missing", path=f"$.{key}")
        return payload[key], f"$.{key}"

    return unwrap


def under_or_bare(key: str) -> Unwrap:
    """The result stands under a key, or is the payload itself."""

    def unwrap(payload: object) -> tuple[object, str]:
        if is_object(payload) and is_object(payload.get(key)):
            return payload[key], f"$.{key}"
        return payload, "$"

    return unwrap


def nothing(payload: object) -> tuple[object, str]:
    """There is no result: an empty answer and any object mean success."""
    if payload is not None and not is_object(payload):
        raise ResponseDecodeError("expected an object or nothing", path="$")
    return NO_RESULT, "$"


# ---- how a request's fields become the payload

Arrange = Callable[[dict[str, Any]], dict[str, Any]]


def as_they_are(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields are the payload."""
    return fields


@attrs.frozen(eq=False, repr=False)
class UploadRequest:
    """What both uploads take. Every further field of a subclass becomes a form field."""

    file: FileSource
    filename: str | None = attrs.field(default=None, kw_only=True)
    content_type: str | None = attrs.field(default=None, kw_only=True)
    on_progress: OnProgress | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_upload(self.file, self.filename, self.content_type, self.on_progress)

    def form_fields(self) -> list[tuple[str, str]]:
        """Return names and values of the form fields beside the file; the names carry the wire's literal prefix."""
        own = [field.name for field in attrs.fields(type(self)) if field.name not in _OF_THE_FILE]
        given = [(name, getattr(self, name)) for name in own]
        return [
            (f"payload.{name}", str(value).lower() if isinstance(value, bool) else value)
            for name, value in given
            if value is not None
        ]


_OF_THE_FILE = {field.name for field in attrs.fields(UploadRequest)}


@attrs.frozen(eq=False, repr=False)
class Action(Generic[P, T]):
    """One method of the API.

    Attributes:
        name: its name on the wire.
        request: makes the request model from the call's arguments, checking them.
        result: type of the result; `NoneType` for none.
        unwrap: where the result stands in the payload.
        arrange: how the request's fields become the payload.
        replay: whether performing it twice is performing it once.
        upload: whether it goes as multipart; its request is an `UploadRequest` then.
    """

    name: str
    request: Callable[P, object]
    result: type[T]
    unwrap: Unwrap = attrs.field(default=whole, kw_only=True)
    arrange: Arrange = attrs.field(default=as_they_are, kw_only=True)
    replay: Replay = attrs.field(default=Replay.UNSAFE, kw_only=True)
    upload: bool = attrs.field(default=False, kw_only=True)

    def safe(self) -> Action[P, T]:
        """Return the same action as one that may be performed twice: for arguments that make it so."""
        return attrs.evolve(self, replay=Replay.SAFE)


class Caller(Protocol):
    """Performs an action: the only way by which anything is sent.

    Attributes:
        clock: the time it runs on.
        total: seconds that one call may take; `None` for no limit.
    """

    @property
    def clock(self) -> Clock: ...
    @property
    def total(self) -> float | None: ...

    def check(self, action: Action[P, T], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Refuse arguments as a call would, and send nothing."""
        ...

    def limited(self, total: float) -> Caller:
        """Return a caller for the same customer whose calls may take so many seconds each."""
        ...

    def __call__(self, action: Action[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Perform `action` with the arguments of its request and return its result."""
        ...


@attrs.frozen(eq=False, repr=False)
class RawRequest:
    """A payload given whole, for actions without a method of their own."""

    payload: Mapping[str, Any]


def raw_action(name: str, replay: Replay) -> Action[[Mapping[str, Any]], Any]:
    """Describe an action that is known by its name only."""
    return Action(name, RawRequest, object, arrange=_payload_alone, replay=replay)


def _payload_alone(fields: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = fields["payload"]
    return payload
