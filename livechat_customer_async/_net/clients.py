"""httpx clients, and what a session's constructor says about its transport."""

from __future__ import annotations

import functools
import os
import ssl

import attrs
import httpx

from ..config import Limits
from ..errors import ConfigurationError

# With more of them httpx's own pool gets slower: it looks at each idle connection twice per call.
_KEEPALIVE_OF_HTTPX = 20


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransportOptions:
    """Options of a session that concern the transport."""

    base_url: httpx.URL
    limits: Limits
    proxy: str | None
    ssl_context: ssl.SSLContext | None
    trust_env: bool
    engine: str
    transport: httpx.AsyncBaseTransport | None
    http_client: httpx.AsyncClient | None

    def tls(self) -> ssl.SSLContext:
        """Return the context for TLS."""
        return self.ssl_context or shared_ssl_context(trust_env=self.trust_env)


@functools.cache
def shared_ssl_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the default context, one per process: making one takes 20 ms."""
    path = os.environ.get("SSL_CERT_FILE") if trust_env else None
    if not path:
        return httpx.create_ssl_context(trust_env=trust_env)
    try:
        # As httpx does; before 0.28 it used its own certificates where the file was missing.
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # also for a file without certificates
        why = error.strerror or type(error).__name__
        raise ConfigurationError(f"SSL_CERT_FILE: cannot load certificates from the file it names ({why})") from error


class _NoCookies(httpx.Cookies):
    """Discards cookies: a shared pool must not leak them between customers. Extracting them takes 40 µs a call."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing."""


_NO_COOKIES = _NoCookies()


class Client(httpx.AsyncClient):
    """An httpx client without cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Discard the cookies."""


def httpx_client(options: TransportOptions, proxy: httpx.URL | None) -> httpx.AsyncClient:
    """Return a client over httpx's own transport.

    Raises:
        ConfigurationError: httpx does not accept the proxy.
    """
    limits, tls = options.limits, options.tls()
    try:
        return Client(
            verify=tls,
            proxy=proxy,
            trust_env=False,  # the proxy of the environment has been looked up already
            limits=httpx.Limits(
                max_connections=limits.connections,
                max_keepalive_connections=_KEEPALIVE_OF_HTTPX if limits.keepalive is None else limits.keepalive,
                keepalive_expiry=limits.keepalive_expiry,
            ),
        )
    except (ValueError, TypeError, ImportError) as error:
        # Without the text of the error: the URL of a proxy may hold a password.
        why = "SOCKS requires httpx[socks]" if isinstance(error, ImportError) else "unsupported scheme"
        raise ConfigurationError(f"{proxy_name(options)}: {why}") from None


def proxy_name(options: TransportOptions) -> str:
    """Return where the proxy comes from."""
    return "proxy from the environment (such as HTTPS_PROXY)" if options.proxy is None else "proxy"
