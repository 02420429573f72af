"""Idle connections of httpx's own pool, as far as answers have shown them.

httpcore heeds no `Keep-Alive: timeout`, and does not conclude from one dead connection that the others are dead, too.
It drops a connection whose stream is closed, and an answer shows its stream. Which connection a request takes is not
shown: so streams are closed only while no request of ours is under way over the client.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from .http11.fields import idle_limit


class KeptStreams:
    """The streams of one client.

    Attributes:
        requests: how many are under way over the client.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests = 0
        self._clock = clock
        self._expiry: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._soonest = math.inf

    @property
    def expired(self) -> bool:
        """Whether the server is about to close one of them."""
        return self._soonest < math.inf and self._soonest <= self._clock()

    def answered(self, response: httpx.Response) -> None:
        """Note the stream of an answer."""
        stream = response.extensions.get("network_stream")
        if stream is None:
            return
        announced = response.headers.get("keep-alive")
        self._expiry[stream] = expiry = (
            math.inf if announced is None else self._clock() + idle_limit(announced.encode("latin-1", "replace"))
        )
        self._soonest = min(self._soonest, expiry)

    async def close_expired(self) -> None:
        """Close those that the server is about to close."""
        now = self._clock()
        await self._close([stream for stream, expiry in self._expiry.items() if expiry <= now])

    async def close_all(self) -> None:
        """Close all of them."""
        await self._close(list(self._expiry))

    async def _close(self, streams: list[Any]) -> None:
        if self.requests:
            return
        for stream in streams:
            del self._expiry[stream]
        self._soonest = min(self._expiry.values(), default=math.inf)
        # Each is closed in the first turn of its task, which comes before those of requests that begin now.
        await asyncio.gather(*(asyncio.ensure_future(stream.aclose()) for stream in streams), return_exceptions=True)


_kept: WeakKeyDictionary[httpx.AsyncClient, KeptStreams] = WeakKeyDictionary()


def kept_streams(client: httpx.AsyncClient) -> KeptStreams:
    """Return what is known of a client, which several sessions may share."""
    return _kept.setdefault(client, KeptStreams())
