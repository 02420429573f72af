"""Small in-memory transports: scripted answers, and answers after a delay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

Answer = Callable[[], httpx.Response]


def ok() -> httpx.Response:
    return httpx.Response(200)


def api_error(type: str, status: int, **headers: str) -> Answer:
    body = {"error": {"type": type, "message": "said the server"}}
    return lambda: httpx.Response(status, json=body, headers=headers)


def failing(error: type[httpx.TransportError]) -> Answer:
    def fail() -> httpx.Response:
        raise error("in the middle of it")

    return fail


class Scripted(httpx.AsyncBaseTransport):
    """Reads each request, then gives the next answer of the script; the last one repeats."""

    def __init__(self, *script: Answer) -> None:
        self._script = list(script) or [ok]
        self.actions: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async for _ in request.stream:  # type: ignore[union-attr]
            pass
        self.actions.append(request.url.path.rpartition("/")[2])
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        return answer()


class Slow(httpx.AsyncBaseTransport):
    """Reads each request and answers after `seconds`; `None` means never."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async for _ in request.stream:  # type: ignore[union-attr]
            pass
        name = request.headers.get("x-name", "")
        self.begun.append(name)
        if self._seconds is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(self._seconds)  # on a virtual clock
        self.ended.append(name)
        return httpx.Response(200, json={"url": "https://cdn.example.com/f"})
