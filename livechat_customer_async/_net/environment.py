"""The proxy that the environment names for a URL, and the hosts that `NO_PROXY` excludes."""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from collections.abc import Mapping

import httpx

_PORTS = {"http": 80, "https": 443}
_ENTRY = re.compile(
    r"(?:(?P<scheme>\w+)://)?"
    r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<host>[^:\[\]]*|[^\[\]]*:[^\[\]]*:[^\[\]]*))"  # with several colons it is IPv6
    r"(?::(?P<port>\d+))?"
)


def proxy_of_environment(url: httpx.URL) -> str | None:
    """Return the URL of the proxy for a URL; the settings of the system count where the environment has none."""
    proxies = urllib.request.getproxies()
    proxy = proxy_for(url, proxies)
    if proxy is None or ("no" not in proxies and urllib.request.proxy_bypass(url.host)):
        return None
    return proxy


def proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """Return the proxy for a URL, `None` for none.

    Args:
        url: of the server.
        proxies: by scheme, with "all" for any scheme and the excluded hosts as "no".
    """
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or is_excluded(url, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_excluded(url: httpx.URL, no_proxy: str) -> bool:
    """Return whether `NO_PROXY` excludes a URL.

    Its entries are separated by commas or spaces: `*` for all hosts, a domain with its subdomains (with or without a
    leading dot or `*.`), an IP address or network, each with or without a port or a scheme. Entries that are none of
    these are ignored.
    """
    return any(_matches(entry, url) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _matches(entry: str, url: httpx.URL) -> bool:
    if entry == "*":
        return True
    parts = _ENTRY.fullmatch(entry)
    if parts is None or parts["scheme"] not in (None, url.scheme):
        return False
    if parts["port"] is not None and int(parts["port"]) != (url.port or _PORTS[url.scheme]):
        return False
    return _is_within(url.host, parts["bracketed"] or parts["host"] or "")


def _is_within(host: str, named: str) -> bool:
    network, address = _network(named), _address(host)
    if network is not None or address is not None:
        return network is not None and address is not None and address in network
    domain = named.lower().removeprefix("*").strip("./")
    return bool(domain) and f".{host.lower().rstrip('.')}".endswith(f".{domain}")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
