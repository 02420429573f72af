"""An in-memory transport that records the requests it answers."""

from __future__ import annotations

import json
from typing import Any

import httpx


class Recording(httpx.AsyncBaseTransport):
    """Answers every request with the same result and records it."""

    def __init__(self, result: dict[str, Any] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.closed = 0
        self._answer = {} if result is None else result

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return httpx.Response(200, content=json.dumps(self._answer))

    async def aclose(self) -> None:
        self.closed += 1

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]
