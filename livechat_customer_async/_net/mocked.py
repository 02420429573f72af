"""Whether a mock stands in for httpx.

respx patches httpcore, or the client with `using="httpx"`; pytest-httpx and vcrpy patch httpx's transport; a test may
patch either itself. It relies on nothing reaching the network, which over an engine of our own it would.

Instrumentation (OpenTelemetry, Sentry and the like) patches the same methods and calls the original: not a mock.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any

import httpx

_CLIENT, _TRANSPORT = vars(httpx.AsyncClient), vars(httpx.AsyncHTTPTransport)
# sentry_sdk patches with plain functions; the others wrap with objects such as wrapt's.
_ORIGINAL_OR_INSTRUMENTED = ("httpx", "httpcore", "sentry_sdk")


def is_mocked() -> bool:
    """Return whether a mock has replaced a method of httpx's client or transport, or of httpcore's pool below them."""
    # Not imported for this, which takes 17 ms: a module that is not imported has not been patched either.
    core: Any = sys.modules.get("httpcore")
    return _any_mock(
        _CLIENT["send"],
        _CLIENT.get("_send_single_request"),
        _CLIENT.get("_transport_for_url"),
        _TRANSPORT["handle_async_request"],
        None if core is None else core.AsyncConnectionPool.__dict__["handle_async_request"],
    )


@functools.lru_cache(maxsize=4)
def _any_mock(*methods: object) -> bool:
    return any(method is not None and not _is_original(method) for method in methods)


def _is_original(method: object) -> bool:
    while not isinstance(method, FunctionType):  # a function with `functools.wraps` may well be a mock: vcrpy's is
        method = getattr(method, "__wrapped__", None)
        if method is None:
            return False
    module: str = method.__globals__["__name__"]
    return module.partition(".")[0] in _ORIGINAL_OR_INSTRUMENTED
