"""Whether a mock stands in for httpx."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs
import httpx

from .clients import TransportOptions, httpx_client

if TYPE_CHECKING:
    from .http11 import Http11Transport


def _is_mocked() -> bool:
    """Tell whether somebody has replaced a method of httpx's own transport, or of httpcore's pool below it."""
    if httpx.AsyncHTTPTransport.handle_async_request is not _OWN_METHOD:
        return True
    # Not imported for this: unless somebody did, nobody has replaced anything, and it takes 17 ms.
    core = sys.modules.get("httpcore")
    return core is not None and not core.AsyncConnectionPool.handle_async_request.__module__.startswith("httpcore.")


_OWN_METHOD = httpx.AsyncHTTPTransport.handle_async_request


class MockAware(httpx.AsyncBaseTransport):
    """The engine, unless a mocking library has replaced httpx's own transport: then the mock must see the request.

    respx in its plain form patches httpcore, pytest-httpx patches httpx's transport. A test that uses them relies on
    nothing reaching the network, which over an engine of our own it would.
    """

    def __init__(self, engine: Http11Transport, options: TransportOptions) -> None:
        self._engine = engine
        self._options = options
        self._mocked: httpx.AsyncClient | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send by the engine, or let the mock answer."""
        if not _is_mocked():
            request.extensions["watched"]()
            return await self._engine.handle_async_request(request)
        if self._mocked is None:
            self._mocked = httpx_client(attrs.evolve(self._options, trust_env=False))
        return await self._mocked.send(request, stream=True, auth=None, follow_redirects=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._engine.aclose()
        if self._mocked is not None:
            await self._mocked.aclose()
