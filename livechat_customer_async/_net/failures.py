"""What a failed attempt means, in terms of the package."""

from __future__ import annotations

import enum
import re
import ssl

import attrs
import httpx

from .._base.value import Value
from ..errors import CallTimeoutError, LiveChatError, Outcome, TransportError
from .outgoing import Outgoing


class Fault(enum.Enum):
    """Why a transport gave no answer."""

    CONNECT = enum.auto()
    """No connection was made, or it broke before the request was on it."""
    BROKEN = enum.auto()
    """The connection broke with the request on it."""
    HOPELESS = enum.auto()
    """Another try would end the same: a certificate that does not verify, a protocol that is not spoken."""


@attrs.frozen(eq=False, repr=False)
class Failure(Value):
    """A failed attempt; `fault` is `None` where an answer came."""

    error: LiveChatError
    fault: Fault | None = None


NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_PHASES: dict[type[httpx.TimeoutException], str] = {
    httpx.ConnectTimeout: "connect",
    httpx.ReadTimeout: "read",
    httpx.WriteTimeout: "write",
    httpx.PoolTimeout: "queue",
}


def failure_of(error: httpx.HTTPError, outgoing: Outgoing) -> Failure:
    """Say what an error of httpx means, in the package's own terms."""
    outcome = Outcome.NOT_SENT if is_unsent(error, outgoing) else Outcome.UNKNOWN
    fault = _fault_of(error, outcome)
    if isinstance(error, httpx.TimeoutException):
        phase = _PHASES.get(type(error), "read")
        limit = outgoing.timeout.get("pool" if phase == "queue" else phase)
        within = "" if limit is None else f" within {limit:g} s"
        ours: TransportError = CallTimeoutError(f"{_WAITED_FOR[phase]}{within}", phase=phase, outcome=outcome)
    else:
        ours = TransportError(f"{_what_failed(error, outcome)} ({_words_of(error)})", outcome=outcome)
    ours.__cause__ = _detached(error)
    return Failure(ours, fault)


def is_unsent(error: httpx.HTTPError, outgoing: Outgoing) -> bool:
    """Tell whether the server saw nothing of a request that failed.

    Without a transport that tells, an error's class is believed where it came from httpcore or from a mock. Transports
    over other libraries raise `ConnectError` also for connections that broke after the request was sent.
    """
    if outgoing.told:
        return not outgoing.sent
    library = "" if error.__cause__ is None else type(error.__cause__).__module__.partition(".")[0]
    return isinstance(error, NEVER_SENT) and library in ("", "httpcore", "respx")


_WAITED_FOR = {
    "connect": "no connection was made",
    "read": "no answer came",
    "write": "the server took no more of the request",
    "queue": "no connection came free",
}


def _what_failed(error: httpx.HTTPError, outcome: Outcome) -> str:
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    if _certificate_error(error) is not None:
        return "the server's certificate does not verify"
    if outcome is Outcome.NOT_SENT:
        return "no connection was made"
    return "the connection broke before an answer was complete"


def _words_of(error: httpx.HTTPError) -> str:
    text = _without_bytes(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _without_bytes(error: httpx.HTTPError) -> str:
    """Return the text of an error up to where it quotes what the server sent, which may be our own token."""
    return re.split(r"bytearray\(|\bb['\"]", str(error))[0].strip(" :(")


def _fault_of(error: httpx.HTTPError, outcome: Outcome) -> Fault:
    if isinstance(error, httpx.UnsupportedProtocol | httpx.PoolTimeout | httpx.LocalProtocolError):
        return Fault.HOPELESS
    if _certificate_error(error) is not None:
        return Fault.HOPELESS
    return Fault.CONNECT if outcome is Outcome.NOT_SENT else Fault.BROKEN


def _certificate_error(error: BaseException) -> ssl.SSLError | None:
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return inner
        inner = inner.__cause__ or inner.__context__
    return None


def _detached(error: httpx.HTTPError) -> httpx.HTTPError:
    """Cut an error off its request, which holds the token and the body, and off what quotes the server's bytes."""
    error.request = httpx.Request("POST", "https://detached.invalid/")
    error.args = (_without_bytes(error),)
    below = _system_error(error)
    if below is not None:
        below.__cause__ = below.__context__ = None
    error.__cause__, error.__context__ = below, None
    return error


def _system_error(error: BaseException) -> OSError | None:
    """Return what the system or TLS said, of all that an error came from: the rest is other libraries' wording."""
    inner = error.__cause__ or error.__context__
    while inner is not None and not isinstance(inner, OSError):
        inner = inner.__cause__ or inner.__context__
    return inner
