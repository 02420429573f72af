"""The only I/O: one request out, one answer read whole, and what a failure in between means.

The client is always an `httpx.AsyncClient`; `_client` chooses which. httpx's own transport loses connections of its
pool when a send is cancelled natively, so over it a send runs guarded.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

import attrs
import httpx

from ._envelope import Answer
from ._guard import Guard
from ._multipart import MultipartBody
from ._retry import Failure, Fault
from ._trace import Trace
from .config import Timeouts, is_reserved
from .errors import CallTimeoutError, InvalidRequestError, Outcome, SessionStateError, TransportError


@attrs.frozen(eq=False, repr=False)
class JsonBody:
    """A request's JSON, ready to be sent any number of times."""

    content: bytes = attrs.field(repr=False)


MAX_ANSWER_SIZE: Final = 64 * 1024 * 1024
"""Bytes of an answer's body, as sent and inflated; a larger one is refused."""
HeaderPairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
Body: TypeAlias = JsonBody | MultipartBody


@attrs.define(eq=False)
class Outgoing:
    """One request on its way.

    Attributes:
        sent: whether the server may have seen it whole: set before its body's first byte is handed out. `None` with a
            transport that has not shown yet that it can tell: a mock, say, takes the body without asking for it.
        begun: whether it is past the waiting inside a pool, if there is one: httpcore has a connection for it and says
            so, or the body is asked for.
        on_begun: called when it is.
        told: whether the transport at work says itself when it begins to send.
    """

    url: httpx.URL
    headers: httpx.Headers = attrs.field(repr=False)
    body: Body = attrs.field(repr=False)
    timeout: dict[str, float | None]
    sent: bool | None = False
    begun: bool = False
    on_begun: Callable[[], None] | None = None
    told: bool = False
    _watched: bool = False

    def mark_sent(self) -> None:
        """Note that the request is about to leave."""
        self.sent = True

    def mark_watched(self) -> None:
        """Note that the transport at work will tell when it begins to send, which is not when it asks for the body."""
        self.sent = False
        self.told = self._watched = True

    def mark_told(self) -> None:
        """Note that httpcore is at work, which asks for the body when it sends it."""
        self.told = True
        self.sent = bool(self.sent)

    def mark_asked(self) -> None:
        """Note that the body is asked for."""
        self.sent = self.sent or not self._watched
        self.mark_begun()

    def mark_begun(self) -> None:
        """Note that it has a connection."""
        self.begun = True
        if self.on_begun is not None:
            self.on_begun()


class _Bytes(httpx.ByteStream):
    """A body of bytes that notes when httpx's own transport begins to send it, which is after the head."""

    def __init__(self, content: bytes, outgoing: Outgoing) -> None:
        super().__init__(content)
        self._outgoing = outgoing

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._outgoing.mark_asked()
        async for part in super().__aiter__():
            yield part


class _Stream(httpx.AsyncByteStream):
    """A body that is produced while it is sent."""

    def __init__(self, body: MultipartBody, outgoing: Outgoing) -> None:
        self._body = body
        self._outgoing = outgoing

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._outgoing.mark_asked()
        async with aclosing(self._body.stream()) as parts:
            async for part in parts:
                yield part


class Transport:
    """Sends requests over one httpx client."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        ours: bool,
        count: Callable[[], int | None],
        guard: Guard | None = None,
    ) -> None:
        """Make a transport.

        Args:
            client: what sends.
            ours: whether the client is the session's to close.
            count: tells how many connections are open, `None` where nobody knows.
            guard: for a client over httpx's own pool, or over a transport that may be it.
        """
        self._client = client
        self._ours = ours
        self._guard = guard
        self.connections = count

    @property
    def default_headers(self) -> dict[str, str]:
        """Headers that a request built by hand would lack, in lower case."""
        if self._ours:
            return {"accept-encoding": "gzip, deflate"}
        # What is ours to say is not the client's, nor what could make a request read as another one.
        return {name: value for name, value in self._client.headers.items() if not is_reserved(name)}

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send a request once and read the answer whole.

        Raises:
            AttemptError: no answer came.
        """
        guard = self._guard
        try:
            if guard is None:
                return await self._send(_request_of(outgoing), outgoing)
            return await guard.run(self._send_traced(guard, outgoing), outgoing)
        except asyncio.CancelledError:
            if outgoing.sent is None and guard is not None and guard.traces:
                outgoing.sent = False  # it was still waiting inside httpx's pool
            raise
        except httpx.HTTPStatusError as error:  # raised by a hook of a caller's client: it is an answer all the same
            return Answer(error.response.status_code, error.response.headers, _content_of(error.response))
        except httpx.HTTPError as error:
            raise AttemptError(failure_of(error, outgoing)) from None
        except InvalidRequestError as error:  # by the source of an upload; httpcore takes off what caused it
            error.__cause__ = error.__cause__ or error.__context__
            raise

    async def _send_traced(self, guard: Guard, outgoing: Outgoing) -> Answer:
        if self._client.is_closed:
            raise SessionStateError("the http_client of this session is closed: open a new one and a new session")
        request = _request_of(outgoing)
        request.extensions["trace"] = Trace(request, outgoing, guard)
        answer = await self._send(request, outgoing)
        if not outgoing.told:
            guard.traces = False
        return answer

    async def _send(self, request: httpx.Request, outgoing: Outgoing) -> Answer:
        outgoing.sent = None
        try:
            # A caller's client may follow redirects, and have an auth that would replace our bearer token.
            response = await self._client.send(request, auth=None, follow_redirects=False, stream=True)
            try:
                # Our engine has read most of them already, and holds nothing for them.
                content: bytes | None = response.extensions.get("body") if self._guard is None else None
                return Answer(response.status_code, response.headers, content or await _read(response))
            finally:
                # httpx's own refers to the response in its turn: all of the call would wait for Python's collector,
                # which then takes up to a fifth of the time.
                response.stream = _NOTHING_LEFT
        except _NEVER_SENT as error:
            if _is_unsent(error, outgoing):  # noted here: the call may be cancelled in the step that would hear of it
                outgoing.sent = False
            raise

    async def aclose(self) -> None:
        """Close the client, unless it is the caller's."""
        if self._guard is not None:
            self._guard.close()
        if self._ours:
            await self._client.aclose()


_NOTHING_LEFT = httpx.ByteStream(b"")


async def _read(response: httpx.Response) -> bytes:
    """Read an answer, of a bounded size: httpx itself would inflate any."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER_SIZE:
                raise httpx.DecodingError(f"the answer's body is larger than {MAX_ANSWER_SIZE} bytes")
    finally:
        await response.aclose()
    return b"".join(parts)


class AttemptError(Exception):
    """Carries a `Failure` from the transport to the pipeline."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def _content_of(response: httpx.Response) -> bytes:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return b""


def _request_of(outgoing: Outgoing) -> httpx.Request:
    body = outgoing.body
    request = httpx.Request(
        "POST",
        outgoing.url,
        headers=outgoing.headers,
        stream=_Bytes(body.content, outgoing) if isinstance(body, JsonBody) else _Stream(body, outgoing),
        extensions={"timeout": outgoing.timeout, "watched": outgoing.mark_watched, "sent": outgoing.mark_sent},
    )
    if isinstance(body, JsonBody):
        request.headers["Content-Length"] = str(len(body.content))
        request.read()  # hooks and mocks look at `request.content`
        return request
    request.headers["Content-Type"] = body.content_type
    if body.content_length is None:
        request.headers["Transfer-Encoding"] = "chunked"
    else:
        request.headers["Content-Length"] = str(body.content_length)
    return request


def headers_of(fixed: HeaderPairs, token: str, region: str | None) -> httpx.Headers:
    """Return the headers of a customer's requests, made once and copied for each; JSON is what most of them carry."""
    headers = [*fixed, (b"Content-Type", b"application/json"), (b"Authorization", b"Bearer " + token.encode())]
    return httpx.Headers(headers if region is None else [*headers, (b"X-Region", region.encode())])


# ---- what a failure means


_NEVER_SENT = (
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
    outcome = Outcome.NOT_SENT if _is_unsent(error, outgoing) else Outcome.UNKNOWN
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


def _is_unsent(error: httpx.HTTPError, outgoing: Outgoing) -> bool:
    """Tell whether the server saw nothing of a request that failed.

    Without a transport that tells, an error's class is believed where it came from httpcore or from a mock. Transports
    over other libraries raise `ConnectError` also for connections that broke after the request was sent.
    """
    if outgoing.told:
        return not outgoing.sent
    library = "" if error.__cause__ is None else type(error.__cause__).__module__.partition(".")[0]
    return isinstance(error, _NEVER_SENT) and library in ("", "httpcore", "respx")


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


def timeout_of(timeouts: Timeouts) -> dict[str, float | None]:
    """Return the limits of one attempt as httpx takes them. Waiting for a slot is not its business."""
    return {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
