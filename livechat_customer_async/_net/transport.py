"""The only I/O of a call: send one request, read its answer whole, and say what a failure in between means."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import httpx

from ..errors import InvalidRequestError, SessionStateError
from .delivery import Delivery, Witness
from .failures import Failure, client_certificate_refused, failure_of, refused_by_proxy
from .guard import Guard, Progress
from .headers import is_reserved
from .kept import kept_streams
from .mocked import is_mocked
from .outgoing import MAX_ANSWER_SIZE, Answer, Outgoing
from .trace import Trace

if TYPE_CHECKING:
    from .http11.engine import Engine

_ACCEPTED = {"accept-encoding": "gzip, deflate"}
_PROXY_AUTHENTICATION_REQUIRED = 407


class Transport(Protocol):
    """Sends the requests of a session."""

    async def send(self, outgoing: Outgoing) -> Answer | Failure:
        """Send a request once and read the answer whole.

        Raises:
            InvalidRequestError: raised by the source of an upload.
            SessionStateError: the client of the caller is closed.
        """
        ...

    def connections(self) -> int | None:
        """Return how many connections are open; `None` where the transport does not tell."""
        ...

    @property
    def default_headers(self) -> dict[str, str]:
        """Headers that the transport adds to each request, names in lower case."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class EngineTransport:
    """Sends by our own engine; while httpx is mocked, by an httpx client, so that the mock sees the request."""

    def __init__(self, engine: Engine, stand_in: Callable[[], ClientTransport]) -> None:
        self._engine = engine
        self._make_stand_in = stand_in
        self._stand_in: ClientTransport | None = None
        self.default_headers = _ACCEPTED

    async def send(self, outgoing: Outgoing) -> Answer | Failure:
        if is_mocked():
            self._stand_in = self._stand_in or self._make_stand_in()
            return await self._stand_in.send(outgoing)
        body, engine = outgoing.body, self._engine
        try:
            fields = outgoing.all_headers().encoded
            if isinstance(body, bytes):
                response = await engine.post(outgoing.url, fields, body, outgoing.timeout, outgoing.mark_sent)
            else:
                stream, length = body.stream(), body.content_length
                response = await engine.upload(
                    outgoing.url, fields, stream, length, outgoing.timeout, outgoing.mark_sent
                )
            if response.status == _PROXY_AUTHENTICATION_REQUIRED and engine.route.forwarded:
                return refused_by_proxy(response.status)
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, headers, engine.content(response), reused=response.reused)
        except httpx.ConnectError as error:  # also where a server ends the handshake after the request was written
            outgoing.delivery = Delivery.NOTHING
            return failure_of(error, outgoing)
        except httpx.HTTPError as error:
            return failure_of(error, outgoing)

    def connections(self) -> int | None:
        return self._engine.connections

    async def aclose(self) -> None:
        await self._engine.aclose()
        if self._stand_in is not None:
            await self._stand_in.aclose()


class ClientTransport:
    """Sends by an httpx client, guarded: httpx's own pool loses connections when a send is cancelled natively."""

    def __init__(self, client: httpx.AsyncClient, *, ours: bool, may_queue: bool, forwarded: bool = False) -> None:
        """Make a transport.

        Args:
            client: what sends.
            ours: whether the client is the session's to close.
            may_queue: whether sends may wait inside the client's pool, or for a tunnel.
            forwarded: whether a proxy gets each request itself, in place of a tunnel.
        """
        self._client = client
        self._ours = ours
        self._forwarded = forwarded
        self._witness = Witness()
        self._guard = Guard(self._witness, may_queue=may_queue)
        self._kept = kept_streams(client)

    @property
    def default_headers(self) -> dict[str, str]:
        if self._ours:
            return _ACCEPTED
        # Not those that the session sets, nor those that could change how a request is read.
        return {name: value for name, value in self._client.headers.items() if not is_reserved(name)}

    async def send(self, outgoing: Outgoing) -> Answer | Failure:
        if self._client.is_closed:
            raise SessionStateError("the http_client of this session is closed: open a new one and a new session")
        if self._kept.expired:
            await self._kept.close_expired()
        progress = Progress()
        self._kept.requests += 1
        try:
            result = await self._guarded(outgoing, progress)
        finally:
            self._kept.requests -= 1
        if progress.silent:
            await self._kept.close_all()  # their peer has probably vanished as well
        return result

    async def _guarded(self, outgoing: Outgoing, progress: Progress) -> Answer | Failure:
        self._witness.handed_over(outgoing)
        try:
            answer = await self._guard.run(self._send(outgoing, progress), progress)
        except asyncio.CancelledError:
            self._witness.cancelled(outgoing, begun=progress.begun)
            raise
        except httpx.HTTPStatusError as error:  # raised by a hook of the caller's client: an answer all the same
            answer = Answer(error.response.status_code, error.response.headers, _content_of(error.response))
        except httpx.HTTPError as error:
            progress.silent = isinstance(error, httpx.ReadTimeout) and progress.reused
            return failure_of(error, outgoing)
        except InvalidRequestError as error:  # from the source of an upload; httpcore removes its cause
            error.__cause__ = error.__cause__ or error.__context__
            raise
        if answer.status == _PROXY_AUTHENTICATION_REQUIRED and self._forwarded:
            return refused_by_proxy(answer.status)
        return answer

    async def _send(self, outgoing: Outgoing, progress: Progress) -> Answer:
        request = _request_of(outgoing, progress)
        request.extensions["trace"] = Trace(outgoing, progress, self._witness, request)
        try:
            answer = await self._exchange(request, progress)
        except (httpx.HTTPError, ssl.SSLError) as raised:
            error = raised if isinstance(raised, httpx.HTTPError) else _read_error(raised)
            # Here: the call may be cancelled before it could hear of it.
            self._witness.failed(outgoing, error)
            if progress.fresh and client_certificate_refused(error):
                outgoing.delivery = Delivery.NOTHING
            raise error from error.__cause__
        self._witness.answered(outgoing)
        return answer

    async def _exchange(self, request: httpx.Request, progress: Progress) -> Answer:
        # A caller's client may follow redirects, and have an auth that would replace our bearer token.
        response = await self._client.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            content = await _read(response)
            self._kept.answered(response)
            return Answer(response.status_code, response.headers, content, reused=progress.reused)
        finally:
            # httpx's stream refers to the response in its turn: the whole call would wait for the garbage
            # collector, which then takes up to a fifth of the time.
            response.stream = _NOTHING_LEFT

    def connections(self) -> int | None:
        return None

    async def aclose(self) -> None:
        """Close the client, unless it is the caller's."""
        self._guard.close()
        if self._ours:
            await self._client.aclose()


_NOTHING_LEFT = httpx.ByteStream(b"")


def _request_of(outgoing: Outgoing, progress: Progress) -> httpx.Request:
    body = outgoing.body
    headers = outgoing.all_headers().for_httpx.copy()
    if isinstance(body, bytes):
        stream: httpx.AsyncByteStream = _Bytes(body, progress)
        headers["Content-Length"] = str(len(body))
    else:
        stream = _Parts(body.stream, progress)
        if body.content_length is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(body.content_length)
    extensions = {"timeout": outgoing.timeout}
    request = httpx.Request("POST", outgoing.url, headers=headers, stream=stream, extensions=extensions)
    if isinstance(body, bytes):
        request.read()  # hooks and mocks look at `request.content`
    return request


class _Bytes(httpx.ByteStream):
    """A body of bytes that notes when a transport asks for it."""

    def __init__(self, content: bytes, progress: Progress) -> None:
        super().__init__(content)
        self._progress = progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._progress.begin()
        async for part in super().__aiter__():
            yield part


class _Parts(httpx.AsyncByteStream):
    """A body that is produced while it is sent, and notes when a transport asks for it."""

    def __init__(self, stream: Callable[[], AsyncGenerator[bytes, None]], progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._progress.begin()
        async with aclosing(self._stream()) as parts:
            async for part in parts:
                yield part


async def _read(response: httpx.Response) -> bytes:
    """Read an answer up to the limit: httpx itself inflates without one."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER_SIZE:
                raise httpx.DecodingError(f"the response body is larger than {MAX_ANSWER_SIZE} bytes")
    finally:
        await response.aclose()
    return b"".join(parts)


def _read_error(error: ssl.SSLError) -> httpx.ReadError:
    """Return what httpx should have raised: an alert of the server's passes httpcore as it is."""
    read_error = httpx.ReadError(str(error))
    read_error.__cause__ = error
    return read_error


def _content_of(response: httpx.Response) -> bytes:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return b""
