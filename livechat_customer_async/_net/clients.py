"""The httpx client of a session."""

from __future__ import annotations

import functools
import os
import ssl

import attrs
import httpx

from ..config import Limits
from ..errors import ConfigurationError

# More of them make httpx's own pool slower: it looks at each idle connection twice per call.
_KEEPALIVE_OF_HTTPX = 20


@functools.cache
def shared_ssl_context(*, trust_env: bool) -> ssl.SSLContext:
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


class _NoCookies(httpx.Cookies):
    """Keeps none: over one pool they would go from one customer to another. And looking for them takes 40 µs a call."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them."""


_NO_COOKIES = _NoCookies()


class Client(httpx.AsyncClient):
    """An httpx client of our own."""

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies, ever."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Keep none of these either."""


def httpx_client(options: TransportOptions) -> httpx.AsyncClient:
    limits = options.limits
    tls = options.ssl_context or shared_ssl_context(trust_env=options.trust_env)
    try:
        return Client(
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
