"""Whether a mock stands in for httpx.

respx in its plain form patches httpcore, or the client with `using="httpx"`; pytest-httpx patches httpx's transport. A
test that uses them relies on nothing reaching the network, which over an engine of our own it would.
"""

from __future__ import annotations

import sys

import httpx

_SEND = httpx.AsyncClient.send
_CHOOSE: object = getattr(httpx.AsyncClient, "_transport_for_url", None)
_HANDLE = httpx.AsyncHTTPTransport.handle_async_request


def is_mocked() -> bool:
    """Tell whether somebody has replaced a method of httpx's client or transport, or of httpcore's pool below them."""
    client = httpx.AsyncClient
    if client.send is not _SEND or getattr(client, "_transport_for_url", None) is not _CHOOSE:
        return True
    if httpx.AsyncHTTPTransport.handle_async_request is not _HANDLE:
        return True
    # Not imported for this, which takes 17 ms: nobody has replaced a part of what is not imported.
    core = sys.modules.get("httpcore")
    return core is not None and not core.AsyncConnectionPool.handle_async_request.__module__.startswith("httpcore.")
