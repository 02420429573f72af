"""Which httpx client sends: the caller's own, one over the engine in `_http11`, or one over httpx's own transport."""

from __future__ import annotations

import functools
import os
import ssl
import sys
import urllib.request
from typing import TYPE_CHECKING

import attrs
import httpx

from ._guard import Guard
from ._transport import Transport
from .config import Limits
from .errors import ConfigurationError

if TYPE_CHECKING:
    from ._http11 import Http11Transport

# More of them make httpx's own pool slower: it looks at each idle connection twice per call.
_KEEPALIVE_OF_HTTPX = 20


@functools.cache
def _shared_ssl_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the one default context of the process: making one takes 20 ms."""
    path = os.environ.get("SSL_CERT_FILE") if trust_env else None
    if not path:
        return httpx.create_ssl_context(trust_env=trust_env)
    try:
        # What httpx does; before 0.28 it took its own certificates where the file was missing.
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # also what TLS says of a file that holds no certificates
        why = error.strerror or type(error).__name__
        raise ConfigurationError(f"SSL_CERT_FILE: the file that the environment names is no use ({why})") from error


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransportOptions:
    """What a session's constructor says of the transport."""

    base_url: httpx.URL
    limits: Limits
    proxy: str | None
    ssl_context: ssl.SSLContext | None
    trust_env: bool
    engine: str
    transport: httpx.AsyncBaseTransport | None
    http_client: httpx.AsyncClient | None


def open_transport(options: TransportOptions) -> Transport:
    """Choose the client and the transport below it.

    Raises:
        ConfigurationError: the options contradict each other.
    """
    _refuse_contradictions(options)
    if options.http_client is not None:
        return Transport(options.http_client, ours=False, count=_unknown, guard=Guard(may_queue=True))
    if options.transport is not None:
        client = _Client(transport=options.transport, trust_env=False)
        return Transport(client, ours=True, count=_unknown, guard=Guard(may_queue=True))
    proxied = options.proxy is not None or (options.trust_env and _has_proxy(options.base_url))
    if options.engine == "httpx" or proxied:
        return Transport(_httpx_client(options), ours=True, count=_unknown, guard=Guard(may_queue=proxied))
    engine = _engine(options)
    client = _Client(transport=_MockAware(engine, options), trust_env=False)
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
    from ._http11 import Http11Transport  # not where another transport is used

    limits = options.limits
    tls = options.ssl_context or functools.partial(_shared_ssl_context, trust_env=options.trust_env)
    if not isinstance(tls, ssl.SSLContext) and options.trust_env and os.environ.get("SSL_CERT_FILE"):
        tls()  # which takes 20 ms, but may fail, and then should do so here
    return Http11Transport(
        ssl_context=tls,
        max_connections=limits.connections,
        max_keepalive=limits.keepalive,
        keepalive_expiry=limits.keepalive_expiry,
    )


def _httpx_client(options: TransportOptions) -> httpx.AsyncClient:
    limits = options.limits
    tls = options.ssl_context or _shared_ssl_context(trust_env=options.trust_env)
    try:
        return _Client(
            verify=tls,
            proxy=options.proxy,
            trust_env=options.trust_env,
            limits=httpx.Limits(
                max_connections=limits.connections,
                max_keepalive_connections=_KEEPALIVE_OF_HTTPX if limits.keepalive is None else limits.keepalive,
                keepalive_expiry=limits.keepalive_expiry,
            ),
        )
    except (ValueError, TypeError, ImportError, httpx.InvalidURL) as error:
        # Its text is left out: a proxy's URL may hold a password.
        named = "the proxy that the environment names (as in HTTPS_PROXY) is bad" if options.proxy is None else "proxy"
        why = "SOCKS needs httpx[socks]" if isinstance(error, ImportError) else type(error).__name__
        raise ConfigurationError(f"{named}: httpx refuses it ({why})") from None


def _has_proxy(url: httpx.URL) -> bool:
    proxies = urllib.request.getproxies()
    return (url.scheme in proxies or "all" in proxies) and not urllib.request.proxy_bypass(url.host)


class _NoCookies(httpx.Cookies):
    """Keeps none: over one pool they would go from one customer to another. And looking for them takes 40 µs a call."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them."""


_NO_COOKIES = _NoCookies()


class _Client(httpx.AsyncClient):
    """An httpx client of our own."""

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies, ever."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Keep none of these either."""


def _is_mocked() -> bool:
    """Tell whether somebody has replaced a method of httpx's own transport, or of httpcore's pool below it."""
    if httpx.AsyncHTTPTransport.handle_async_request is not _OWN_METHOD:
        return True
    # Not imported for this: unless somebody did, nobody has replaced anything, and it takes 17 ms.
    core = sys.modules.get("httpcore")
    return core is not None and not core.AsyncConnectionPool.handle_async_request.__module__.startswith("httpcore.")


_OWN_METHOD = httpx.AsyncHTTPTransport.handle_async_request


class _MockAware(httpx.AsyncBaseTransport):
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
            self._mocked = _httpx_client(attrs.evolve(self._options, trust_env=False))
        return await self._mocked.send(request, stream=True, auth=None, follow_redirects=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._engine.aclose()
        if self._mocked is not None:
            await self._mocked.aclose()
