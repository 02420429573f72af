"""A transport scripted per action, timed by the event loop's clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import httpx

# Errors that mean that nothing was sent.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
OTHER_FAULTS = (
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
)
MAY_HAVE_ACTED = ("internal", "request_timeout")


@attrs.frozen
class Step:
    """What happens to one request.

    Attributes:
        delay: seconds until it does; infinite for never.
        fault: the error of httpx that ends it; `None`: an answer comes.
        status: of the answer.
        body: of the answer.
        headers: of the answer.
        asks: whether the transport asks for the body, as those that send it do; mocks do not.
    """

    delay: float = 0.0
    fault: type[httpx.HTTPError] | None = None
    status: int = 200
    body: bytes = b'{"payload":{}}'
    headers: Mapping[str, str] = attrs.field(factory=dict)
    asks: bool = True

    @property
    def surely_did_nothing(self) -> bool:
        """Whether the server has not acted, by the API's rules."""
        if self.fault is not None:
            return issubclass(self.fault, NEVER_SENT)
        type_ = self._error_type()
        if type_ is not None:
            return type_ not in MAY_HAVE_ACTED
        return 300 <= self.status < 500

    def _error_type(self) -> str | None:
        try:
            body = json.loads(self.body)
        except ValueError:
            return None
        error = body.get("error") if isinstance(body, dict) else None
        return error.get("type") if isinstance(error, dict) else None


def refusal(type_: str, *, status: int = 400, data: Any = None, retry_after: str | None = None, **of: Any) -> Step:
    """Return a step that answers with an error object."""
    error = {"type": type_, "message": "no", **({} if data is None else {"data": data})}
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Step(status=status, body=json.dumps({"error": error}).encode(), headers=headers, **of)


@attrs.define
class Begun:
    """A request that reached the transport; `ended` is set when its step is over."""

    at: float
    step: Step
    token: str
    region: str | None
    ended: float | None = None

    @property
    def may_have_acted(self) -> bool:
        """Whether the server may have acted, as far as a client can tell."""
        return self.ended is None or not self.step.surely_did_nothing


class ScriptedTransport(httpx.AsyncBaseTransport):
    """Plays a script for each action; the last step repeats."""

    def __init__(self, scripts: Mapping[str, Sequence[Step]]) -> None:
        self.scripts = scripts
        self.begun: dict[str, list[Begun]] = {action: [] for action in scripts}

    @property
    def requests(self) -> int:
        """The total number of requests."""
        return sum(map(len, self.begun.values()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        action = request.url.path.rpartition("/")[2]
        script, begun = self.scripts[action], self.begun[action]
        step = script[min(len(begun), len(script) - 1)]
        token = request.headers["authorization"].removeprefix("Bearer ")
        one = Begun(asyncio.get_running_loop().time(), step, token, request.headers.get("x-region"))
        begun.append(one)
        if step.asks and not (step.fault is not None and issubclass(step.fault, NEVER_SENT)):
            assert isinstance(request.stream, httpx.AsyncByteStream)
            assert b"".join([part async for part in request.stream])
        if step.delay == float("inf"):
            await asyncio.Event().wait()
        await asyncio.sleep(step.delay)
        one.ended = asyncio.get_running_loop().time()
        if step.fault is not None:
            raise step.fault("scripted")
        return httpx.Response(step.status, headers=step.headers, content=step.body)
