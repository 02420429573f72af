"""How much of a request may have reached the server: what `Outcome.NOT_SENT` and `Outcome.UNKNOWN` rest on.

Our own engine reports its first write, so `Outgoing.delivery` is exact there. Over an httpx client it is judged by a
`Witness`: httpcore reports its steps to the trace of a request; a mock, or a transport over another library, reports
nothing. Which of them a client uses is learnt from the first report.
"""

from __future__ import annotations

import enum
from typing import Protocol

import httpx

from ..errors import Outcome

_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
# Transports over other libraries raise ConnectError also for connections that broke after the request was sent.
_BELIEVED = ("", "httpcore", "respx")


class Delivery(enum.Enum):
    """How much of a request the server may have seen."""

    NOTHING = enum.auto()
    """Not a whole request: the server cannot have acted."""
    UNSURE = enum.auto()
    """The transport has not reported anything."""
    SENT = enum.auto()
    """The request was about to leave, or has left."""

    @property
    def outcome(self) -> Outcome:
        """The outcome of a request that failed now."""
        return Outcome.NOT_SENT if self is Delivery.NOTHING else Outcome.UNKNOWN


class Delivered(Protocol):
    """An `Outgoing`."""

    delivery: Delivery


class Witness:
    """Judges the delivery of requests over one httpx client.

    Attributes:
        traces: whether the client's transport is httpcore's, which reports its steps: `None` until one request has
            shown it, `False` once an answer came without a report.
    """

    def __init__(self) -> None:
        self.traces: bool | None = None

    def handed_over(self, outgoing: Delivered) -> None:
        """The client has the request."""
        outgoing.delivery = Delivery.UNSURE

    def heard(self, outgoing: Delivered) -> None:
        """A step was reported."""
        self.traces = self.traces is not False
        if outgoing.delivery is Delivery.UNSURE:
            outgoing.delivery = Delivery.NOTHING

    def sending(self, outgoing: Delivered) -> None:
        """The body is about to leave, which follows the head: without it a request is not whole."""
        outgoing.delivery = Delivery.SENT

    def answered(self, outgoing: Delivered) -> None:
        """An answer came."""
        if outgoing.delivery is Delivery.UNSURE:
            self.traces = False

    def failed(self, outgoing: Delivered, error: httpx.HTTPError) -> None:
        """The request failed; without a report, the class of the error is believed where its origin allows."""
        library = "" if error.__cause__ is None else type(error.__cause__).__module__.partition(".")[0]
        unsure = outgoing.delivery is Delivery.UNSURE
        if unsure and isinstance(error, _BEFORE_SENDING) and library in _BELIEVED:
            outgoing.delivery = Delivery.NOTHING

    def cancelled(self, outgoing: Delivered, *, begun: bool) -> None:
        """The request was cancelled; `begun`: it was past the wait for a connection in the client's pool."""
        if outgoing.delivery is Delivery.UNSURE and self.traces and not begun:
            outgoing.delivery = Delivery.NOTHING
