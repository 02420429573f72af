"""Which httpx client sends: the caller's own, one over the engine in `_http11`, or one over httpx's own transport."""

from __future__ import annotations

import functools
import os
import ssl
import urllib.request
from typing import TYPE_CHECKING

import httpx

from ..errors import ConfigurationError
from .clients import Client, TransportOptions, httpx_client, shared_ssl_context
from .guard import Guard
from .mocked import MockAware
from .transport import Transport

if TYPE_CHECKING:
    from .http11 import Http11Transport


def open_transport(options: TransportOptions) -> Transport:
    """Choose the client and the transport below it.

    Raises:
        ConfigurationError: the options contradict each other.
    """
    _refuse_contradictions(options)
    if options.http_client is not None:
        return Transport(options.http_client, ours=False, count=_unknown, guard=Guard(may_queue=True))
    if options.transport is not None:
        client = Client(transport=options.transport, trust_env=False)
        return Transport(client, ours=True, count=_unknown, guard=Guard(may_queue=True))
    proxied = options.proxy is not None or (options.trust_env and _has_proxy(options.base_url))
    if options.engine == "httpx" or proxied:
        return Transport(httpx_client(options), ours=True, count=_unknown, guard=Guard(may_queue=proxied))
    engine = _engine(options)
    client = Client(transport=MockAware(engine, options), trust_env=False)
    return Transport(client, ours=True, count=lambda: engine.connections)


def _refuse_contradictions(options: TransportOptions) -> None:
    if options.engine not in ("auto", "httpx"):
        raise ConfigurationError('engine: expected "auto" or "httpx"')
    for given in ("http_client", "transport"):
        if getattr(options, given) is None:
            continue
        for other in ("transport", "proxy", "ssl_context"):
            if other != given and getattr(options, other) is not None:
                raise ConfigurationError(f"{other}: {given} brings its own; give it there")


def _unknown() -> None:
    """httpx does not say how many connections it has."""


def _engine(options: TransportOptions) -> Http11Transport:
    from .http11 import Http11Transport  # not where another transport is used

    limits = options.limits
    tls = options.ssl_context or functools.partial(shared_ssl_context, trust_env=options.trust_env)
    if not isinstance(tls, ssl.SSLContext) and options.trust_env and os.environ.get("SSL_CERT_FILE"):
        tls()  # which takes 20 ms, but may fail, and then should do so here
    return Http11Transport(
        ssl_context=tls,
        max_connections=limits.connections,
        max_keepalive=limits.keepalive,
        keepalive_expiry=limits.keepalive_expiry,
    )


def _has_proxy(url: httpx.URL) -> bool:
    proxies = urllib.request.getproxies()
    return (url.scheme in proxies or "all" in proxies) and not urllib.request.proxy_bypass(url.host)
