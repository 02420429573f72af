"""An action as data, and the one type of function through which every call goes.

An `Action` says what one of the API's methods is called, what it takes, where its result is and whether it may be
performed twice. It knows nothing of HTTP.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs

from .._base.checks import check_json, check_mapping, is_object
from .._base.clock import Clock
from .._uploads.source import Upload
from .._wire.converter import unstructurer
from ..errors import ResponseDecodeError

T = TypeVar("T")


class Replay(enum.Enum):
    """Whether performing an action twice has the effect of performing it once."""

    SAFE = "safe"
    """It reads, or sets an absolute state: it may be repeated even if its first outcome is unknown."""
    UNSAFE = "unsafe"
    """It adds or triggers something: it is repeated only if the server cannot have acted."""


# ---- what a call gives: checks, each from a value and its parameter's name to plain data

Check = Callable[[object, str], Any]


def optional(check: Check) -> Check:
    """Make a check of a parameter whose `None` means "not sent"."""
    return lambda value, parameter: None if value is None else check(value, parameter)


def instance_of(type_: Any) -> Check:
    """Make a check of a parameter that takes a model, or whatever else its type allows."""
    return unstructurer(type_)


# ---- where a result is in the payload: (the part that holds it, its path)

Unwrap = Callable[[object], tuple[object, str]]
NO_RESULT: Any = object()
"""What an unwrap rule returns where the payload rightly holds no result."""


def whole(payload: object) -> tuple[object, str]:
    """The payload is the result."""
    return payload, "$"


def whole_with_any_of(model: type[Any]) -> Unwrap:
    """The payload is the result, of a model without required fields: one of them has to be there, or none at all."""
    names = frozenset(field.name for field in attrs.fields(model))

    def unwrap(payload: object) -> tuple[object, str]:
        if is_object(payload) and payload and names.isdisjoint(payload):
            raise ResponseDecodeError(f"expected an object with one of the keys {', '.join(sorted(names))}", path="$")
        return payload, "$"

    return unwrap


def under(key: str) -> Unwrap:
    """The result is always under a key."""

    def unwrap(payload: object) -> tuple[object, str]:
        if not is_object(payload):
            raise ResponseDecodeError(f"expected an object with the key {key!r}", path="$")
        if payload.get(key) is None:
            raise ResponseDecodeError("required field is missing", path=f"$.{key}")
        return payload[key], f"$.{key}"

    return unwrap


def under_or_bare(key: str) -> Unwrap:
    """The result is under a key, or is the payload itself."""

    def unwrap(payload: object) -> tuple[object, str]:
        if is_object(payload) and is_object(payload.get(key)):
            return payload[key], f"$.{key}"
        return payload, "$"

    return unwrap


def nothing(payload: object) -> tuple[object, str]:
    """There is no result: an empty answer and any object mean success."""
    if payload is not None and not is_object(payload):
        raise ResponseDecodeError("expected an object or an empty body", path="$")
    return NO_RESULT, "$"


# ---- the action

Arrange = Callable[[dict[str, Any]], dict[str, Any]]
_FILE_ARGUMENTS = ("file", "filename", "content_type", "on_progress")


def as_they_are(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters are the payload."""
    return parameters


class Request:
    """What a call sends: plain data, checked; and the file where it is an upload."""

    __slots__ = ("payload", "upload")

    def __init__(self, payload: dict[str, Any], upload: Upload | None = None) -> None:
        self.payload: dict[str, Any] = payload
        self.upload: Upload | None = upload


@attrs.frozen(eq=False, repr=False)
class Action(Generic[T]):
    """One method of the API.

    Attributes:
        name: its name on the wire.
        takes: a check for each parameter, in the wire's order.
        result: type of the result; `NoneType` for none.
        unwrap: where the result is in the payload.
        arrange: how the parameters become the payload.
        replay: whether performing it twice has the effect of performing it once.
        upload: whether it takes a file as well, and goes as multipart.
    """

    name: str
    takes: Mapping[str, Check]
    result: type[T]
    unwrap: Unwrap = attrs.field(default=whole, kw_only=True)
    arrange: Arrange = attrs.field(default=as_they_are, kw_only=True)
    replay: Replay = attrs.field(default=Replay.UNSAFE, kw_only=True)
    upload: bool = attrs.field(default=False, kw_only=True)

    def request(self, arguments: dict[str, Any]) -> Request:
        """Check a call's arguments; those that are `None` are not sent.

        Raises:
            InvalidRequestError: an argument cannot be sent; `parameter` names it.
        """
        file = {name: arguments.pop(name) for name in _FILE_ARGUMENTS} if self.upload else None
        parameters: dict[str, Any] = {}
        for name, check in self.takes.items():
            plain = check(arguments[name], name)
            if plain is not None:
                parameters[name] = plain
        return Request(self.arrange(parameters), None if file is None else Upload(file.pop("file"), **file))

    def safe(self) -> Action[T]:
        """Return the same action as one that may be performed twice: for arguments that make it so."""
        return attrs.evolve(self, replay=Replay.SAFE)


def raw_action(name: str, replay: Replay) -> Action[Any]:
    """Describe an action that is known by its name only; its one argument is the payload."""
    return Action(name, {"payload": _check_payload}, object, arrange=lambda given: given["payload"], replay=replay)


def _check_payload(value: object, parameter: str) -> Any:
    return check_json(check_mapping(value, parameter), parameter)


class Caller(Protocol):
    """Performs an action: the only way by which anything is sent."""

    @property
    def clock(self) -> Clock:
        """The clock of the pool."""
        ...

    @property
    def total(self) -> float | None:
        """Seconds that one call may take; `None` for no limit."""
        ...

    def check(self, action: Action[Any], /, **arguments: object) -> None:
        """Refuse arguments as a call would, and send nothing."""
        ...

    def limited(self, total: float) -> Caller:
        """Return a caller for the same customer whose calls may take that many seconds each."""
        ...

    def __call__(self, action: Action[T], /, **arguments: object) -> Awaitable[T]:
        """Perform an action and return its result."""
        ...
