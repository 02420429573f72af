"""Which transport sends: a client of the caller, our own engine, or httpx's own transport."""

from __future__ import annotations

import base64
import functools
import math
import os
from typing import TYPE_CHECKING

import httpx

from ..errors import ConfigurationError
from .clients import Client, TransportOptions, httpx_client, proxy_name
from .environment import proxy_of_environment
from .outgoing import MAX_ANSWER_SIZE
from .transport import ClientTransport, EngineTransport, Transport

if TYPE_CHECKING:
    from .http11.engine import Engine
    from .http11.tunnel import Hop

_PORTS = {"http": 80, "https": 443}


def open_transport(options: TransportOptions) -> Transport:
    """Choose the transport of a session.

    Raises:
        ConfigurationError: the options contradict each other, or the proxy is not usable.
    """
    _refuse_contradictions(options)
    if options.http_client is not None:
        return ClientTransport(options.http_client, ours=False, may_queue=True)
    if options.transport is not None:
        return ClientTransport(Client(transport=options.transport, trust_env=False), ours=True, may_queue=True)
    proxy = _proxy(options)
    by_httpx = functools.partial(_over_httpx, options, proxy)
    if options.engine == "httpx" or (proxy is not None and proxy.scheme.startswith("socks")):
        return by_httpx()
    return EngineTransport(_engine(options, proxy), by_httpx)


def _refuse_contradictions(options: TransportOptions) -> None:
    if options.engine not in ("auto", "httpx"):
        raise ConfigurationError('engine: expected "auto" or "httpx"')
    for given in ("http_client", "transport"):
        if getattr(options, given) is None:
            continue
        for other in ("transport", "proxy", "ssl_context"):
            if other != given and getattr(options, other) is not None:
                raise ConfigurationError(f"{other}: cannot be combined with {given}; configure it there")


def _over_httpx(options: TransportOptions, proxy: httpx.URL | None) -> ClientTransport:
    forwarded = proxy is not None and proxy.scheme.startswith("http") and options.base_url.scheme == "http"
    return ClientTransport(httpx_client(options, proxy), ours=True, may_queue=proxy is not None, forwarded=forwarded)


def _engine(options: TransportOptions, proxy: httpx.URL | None) -> Engine:
    from .http11.engine import Engine  # not where another transport is used: it takes milliseconds
    from .http11.tunnel import Route

    if options.trust_env and options.ssl_context is None and os.environ.get("SSL_CERT_FILE"):
        options.tls()  # which takes 20 ms, but may fail, and then should do so here
    limits, url = options.limits, options.base_url
    expiry = limits.keepalive_expiry
    return Engine(
        Route(_hop(url, options), None if proxy is None else _hop(proxy, options), _authorization(proxy)),
        max_keepalive=limits.connections if limits.keepalive is None else limits.keepalive,
        keepalive_expiry=math.inf if expiry is None else expiry,
        max_body_bytes=MAX_ANSWER_SIZE,
    )


def _hop(url: httpx.URL, options: TransportOptions) -> Hop:
    from .http11.tunnel import Hop

    tls = options.tls if url.scheme == "https" else None
    return Hop(url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme], tls)


def _authorization(proxy: httpx.URL | None) -> bytes:
    if proxy is None or not proxy.userinfo:
        return b""
    credentials = base64.b64encode(f"{proxy.username}:{proxy.password}".encode())
    return b"Proxy-Authorization: Basic %b\r\n" % credentials


def _proxy(options: TransportOptions) -> httpx.URL | None:
    """Return the proxy to use: the given one, or that of the environment."""
    given = options.proxy
    if given is None and options.trust_env:
        given = proxy_of_environment(options.base_url)
    if given is None:
        return None
    try:
        proxy = httpx.URL(given)
    except httpx.InvalidURL:
        # Without the text of the error, which may hold a password.
        raise ConfigurationError(f"{proxy_name(options)}: not a valid URL") from None
    if proxy.scheme not in ("http", "https", "socks5", "socks5h"):
        raise ConfigurationError(f"{proxy_name(options)}: unsupported scheme; use http, https, socks5 or socks5h")
    if not proxy.host:
        raise ConfigurationError(f"{proxy_name(options)}: no host")
    return proxy
