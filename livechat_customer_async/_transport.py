"""The only I/O: one request out, one answer read whole, and what a failure in between means.

The client is always an `httpx.AsyncClient`; `_client` chooses which. httpx's own transport loses connections of its
pool when a send is cancelled natively, so over it a send runs guarded.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

import attrs
import httpx

from ._envelope import Answer
from ._guard import Guard
from ._multipart import MultipartBody
from ._retry import Failure, Fault
from .config import Timeouts, is_reserved
from .errors import CallTimeoutError, Outcome, SessionStateError, TransportError


@attrs.frozen(eq=False, repr=False)
class JsonBody:
    """A request's JSON, ready to be sent any number of times."""

    content: bytes = attrs.field(repr=False)


HeaderPairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
Body: TypeAlias = JsonBody | MultipartBody


@attrs.define(eq=False)
class Outgoing:
    """One request on its way.

    Attributes:
        sent: whether the server may have seen it whole: set before its body's first byte is handed out. `None` with a
            transport that has not shown yet that it can tell: a mock, say, takes the body without asking for it.
        begun: whether httpcore, if it is at work, has a connection for it. It asks for the body when it sends it.
        on_begun: called when it has.
    """

    url: httpx.URL
    headers: httpx.Headers = attrs.field(repr=False)
    body: Body = attrs.field(repr=False)
    timeout: dict[str, float | None]
    sent: bool | None = False
    begun: bool = False
    on_begun: Callable[[], None] | None = None
    _watched: bool = False

    def mark_sent(self) -> None:
        """Note that the request is about to leave."""
        self.sent = True

    def mark_watched(self) -> None:
        """Note that the transport at work will tell when it begins to send, which is not when it asks for the body."""
        self.sent = False
        self._watched = True

    def mark_begun(self) -> None:
        """Note that httpcore is at work and has a connection for it."""
        self.begun = True
        self.sent = bool(self.sent)
        if self.on_begun is not None:
            self.on_begun()

    def mark_asked(self) -> None:
        """Note that the body is asked for."""
        self.sent = self.sent or not self._watched


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
        self._sending = 0
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
        request = _request_of(outgoing)
        try:
            sending = self._send(request, outgoing)
            response = await (sending if self._guard is None else self._guard.run(sending, outgoing))
        except asyncio.CancelledError:
            if (
                outgoing.sent is None and self._guard is not None and self._guard.traces
            ):  # it was still waiting inside httpx's pool
                outgoing.sent = False
            raise
        except httpx.HTTPStatusError as error:  # raised by a hook of a caller's client: it is an answer all the same
            response = error.response
        except httpx.HTTPError as error:
            raise AttemptError(failure_of(error, outgoing)) from None
        return Answer(response.status_code, response.headers, _content_of(response))

    async def _send(self, request: httpx.Request, outgoing: Outgoing) -> httpx.Response:
        if self._client.is_closed:
            raise SessionStateError("the http_client of this session is closed: open a new one and a new session")
        guard = self._guard
        outgoing.sent = False if guard is not None and guard.traces else None
        if guard is not None and (not guard.traces or self._sending):
            request.extensions["trace"] = _tracer(guard, outgoing)
        else:  # nothing to learn and nobody to wait for: ten calls less for each request
            outgoing.begun = True
        self._sending += 1
        try:
            # A caller's client may follow redirects, and have an auth that would replace our bearer token.
            return await self._client.send(request, auth=None, follow_redirects=False)
        except _NEVER_SENT:
            outgoing.sent = False  # noted here: the call may be cancelled in the very step that would hear of it
            raise
        finally:
            self._sending -= 1

    async def aclose(self) -> None:
        """Close the client, unless it is the caller's."""
        if self._guard is not None:
            self._guard.close()
        if self._ours:
            await self._client.aclose()


def _tracer(guard: Guard, outgoing: Outgoing) -> Callable[[str, object], Awaitable[None]]:
    async def trace(_name: str, _info: object) -> None:
        guard.traces = True
        outgoing.mark_begun()

    return trace


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
    unsent = isinstance(error, _NEVER_SENT) or outgoing.sent is False
    outcome = Outcome.NOT_SENT if unsent else Outcome.UNKNOWN
    if isinstance(error, httpx.TimeoutException):
        phase = _PHASES.get(type(error), "read")
        limit = outgoing.timeout.get("pool" if phase == "queue" else phase)
        within = "" if limit is None else f" within {limit:g} s"
        ours: TransportError = CallTimeoutError(f"{_WAITED_FOR[phase]}{within}", phase=phase, outcome=outcome)
    else:
        ours = TransportError(f"{_what_failed(error, outcome)} ({_words_of(error)})", outcome=outcome)
    ours.__cause__ = _detached(error)
    return Failure(ours, _fault_of(error, outcome))


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
    """Cut an error off its request, which holds the token and the body, and off what its text quotes."""
    error.request = httpx.Request("POST", "https://detached.invalid/")
    error.args = (_without_bytes(error),)
    return error


def timeout_of(timeouts: Timeouts) -> dict[str, float | None]:
    """Return the limits of one attempt as httpx takes them. Waiting for a slot is not its business."""
    return {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
