"""The only I/O: one request out, one answer read whole, and what a failure in between means.

The client is always an `httpx.AsyncClient`; `_client` chooses which. httpx's own transport loses connections of its
pool when a send is cancelled natively, so over it a send runs guarded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from ..errors import InvalidRequestError, SessionStateError
from .failures import NEVER_SENT, Failure, failure_of, is_unsent
from .guard import Guard
from .headers import is_reserved
from .outgoing import MAX_ANSWER_SIZE, Answer, Outgoing, request_of
from .trace import Trace


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

    async def send(self, outgoing: Outgoing) -> Answer | Failure:
        """Send a request once and read the answer whole."""
        guard = self._guard
        try:
            if guard is None:
                return await self._send(request_of(outgoing), outgoing)
            return await guard.run(self._send_traced(guard, outgoing), outgoing)
        except asyncio.CancelledError:
            if outgoing.sent is None and guard is not None and guard.traces:
                outgoing.sent = False  # it was still waiting inside httpx's pool
            raise
        except httpx.HTTPStatusError as error:  # raised by a hook of a caller's client: it is an answer all the same
            return Answer(error.response.status_code, error.response.headers, _content_of(error.response))
        except httpx.HTTPError as error:
            return failure_of(error, outgoing)
        except InvalidRequestError as error:  # by the source of an upload; httpcore takes off what caused it
            error.__cause__ = error.__cause__ or error.__context__
            raise

    async def _send_traced(self, guard: Guard, outgoing: Outgoing) -> Answer:
        if self._client.is_closed:
            raise SessionStateError("the http_client of this session is closed: open a new one and a new session")
        request = request_of(outgoing)
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
        except NEVER_SENT as error:
            if is_unsent(error, outgoing):  # noted here: the call may be cancelled in the step that would hear of it
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


def _content_of(response: httpx.Response) -> bytes:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return b""
