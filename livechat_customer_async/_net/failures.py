"""What a failed attempt means, in terms of the package."""

from __future__ import annotations

import enum
import http
import re
import ssl
from collections.abc import Iterator

import attrs
import httpx

from .._base.value import Value
from ..errors import ApiError, CallTimeoutError, LiveChatError, Outcome, Phase, TransportError
from .http11.alerts import refuses_certificate
from .outgoing import Answer, Outgoing


class Fault(enum.Enum):
    """Why a transport gave no answer to a request."""

    CONNECT = enum.auto()
    """No connection was made, or it broke before the request was on it."""
    BROKEN = enum.auto()
    """The connection broke with the request on it."""
    CROSSED = enum.auto()
    """An answer came, but not to the request: the server closed an idle connection."""
    HOPELESS = enum.auto()
    """Another attempt would fail in the same way, such as with a certificate that does not verify."""


@attrs.frozen
class Failure(Value):
    """A failed attempt; `fault` is `None` where the server answered the request."""

    error: LiveChatError
    fault: Fault | None = None


_TIMED_OUT: dict[type[httpx.TimeoutException], tuple[Phase, str]] = {
    httpx.ConnectTimeout: ("connect", "no connection was made"),
    httpx.ReadTimeout: ("read", "the server sent nothing"),
    httpx.WriteTimeout: ("write", "the server did not accept more of the request"),
    httpx.PoolTimeout: ("queue", "no connection became free"),
}


def failure_of(error: httpx.HTTPError, outgoing: Outgoing) -> Failure:
    """Return what an error of httpx means for a request."""
    outcome = outgoing.delivery.outcome
    ours = _timeout(error, outgoing) if isinstance(error, httpx.TimeoutException) else _broken(error, outcome)
    ours.outcome = outcome
    fault = _fault_of(error, outcome)
    ours.__cause__ = _detached(error)
    return Failure(ours, fault)


def fault_of_answer(answer: Answer, error: LiveChatError) -> Fault | None:
    """Return `Fault.CROSSED` for an error answer that was not meant for the request.

    A server that closes an idle connection may send a 408 first, which crosses with the next request.
    """
    timed_out = answer.reused and answer.status == http.HTTPStatus.REQUEST_TIMEOUT
    return Fault.CROSSED if timed_out and isinstance(error, ApiError) and error.type is None else None


def refused_by_proxy(status: int) -> Failure:
    """Return the failure of a request that a proxy answered itself, in place of the server."""
    return Failure(TransportError(_refusal(status), outcome=Outcome.NOT_SENT), Fault.HOPELESS)


def _timeout(error: httpx.TimeoutException, outgoing: Outgoing) -> CallTimeoutError:
    phase, what = _TIMED_OUT.get(type(error), _TIMED_OUT[httpx.ReadTimeout])
    limit = outgoing.timeout.get("pool" if phase == "queue" else phase)
    within = "" if limit is None else f" within {limit:g} s"
    return CallTimeoutError(f"{what}{within}", phase=phase)


def _broken(error: httpx.HTTPError, outcome: Outcome) -> TransportError:
    if isinstance(error, httpx.ProxyError):
        status = _proxy_status(error)
        return TransportError("the proxy refused the connection" if status is None else _refusal(status))
    if _is_certificate_error(error):
        what = "the server's certificate does not verify"
    elif client_certificate_refused(error):
        what = "the server refused the client certificate"
    elif outcome is Outcome.NOT_SENT:
        what = "no connection was made"
    else:
        what = "the connection broke before the answer was complete"
    return TransportError(f"{what} ({_words_of(error)})")


def _refusal(status: int) -> str:
    """Return a text for a proxy's status, without the proxy's own words."""
    try:
        phrase = f" {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return f"the proxy refused the connection ({status}{phrase})"


def _proxy_status(error: httpx.HTTPError) -> int | None:
    """Return the status that the text of a `ProxyError` begins with: httpcore's and our engine's do."""
    status = re.match(r"\d{3}\b", str(error))
    return None if status is None else int(status[0])


def _words_of(error: httpx.HTTPError) -> str:
    text = _without_bytes(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _without_bytes(error: httpx.HTTPError) -> str:
    """Return the text of an error up to where it quotes what the server sent, which may repeat the token."""
    return re.split(r"bytearray\(|\bb['\"]", str(error))[0].strip(" :(")


def _fault_of(error: httpx.HTTPError, outcome: Outcome) -> Fault:
    if isinstance(error, httpx.UnsupportedProtocol | httpx.PoolTimeout | httpx.LocalProtocolError):
        return Fault.HOPELESS
    if _is_certificate_error(error) or client_certificate_refused(error):
        return Fault.HOPELESS
    if isinstance(error, httpx.ProxyError) and _proxy_status(error) == http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return Fault.HOPELESS
    return Fault.CONNECT if outcome is Outcome.NOT_SENT else Fault.BROKEN


def client_certificate_refused(error: BaseException) -> bool:
    """Return whether an error comes from the alert by which a server refuses the client's certificate."""
    return any(map(refuses_certificate, _chain(error)))


def _is_certificate_error(error: BaseException) -> bool:
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it came from."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _detached(error: httpx.HTTPError) -> httpx.HTTPError:
    """Remove the request (token, body) and the quoted bytes of the server from an exception.

    Of what it came from, only the error of the system or of TLS stays: the rest is other libraries' wording.
    """
    error.request = httpx.Request("POST", "https://detached.invalid/")
    error.args = (_without_bytes(error),)
    below = next((one for one in _chain(error) if isinstance(one, OSError)), None)
    if below is not None:
        below.__cause__ = below.__context__ = None
    error.__cause__, error.__context__ = below, None
    return error
