"""Checks of a session's configuration: what comes in is anything, what goes on is known to be sound."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import httpx

from ._base.checks import is_mapping
from ._call.observe import Observer
from ._call.tokens import REGIONS
from .config import TokenProvider, checked_token, is_reserved
from .errors import ConfigurationError

T = TypeVar("T")
_LONGEST_SHOWN = 8
HeaderPairs = tuple[tuple[bytes, bytes], ...]

# RFC 9110: a field name is a token; a value has no control characters but the tab, and no blank at its ends.
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?|")


def instance(value: Any, cls: type[T], name: str) -> T:
    """Pass an object of a class."""
    if not isinstance(value, cls):
        raise ConfigurationError(f"{name}: expected {cls.__name__}, got {type(value).__name__}")
    return value


def optional_instance(value: Any, cls: type[T], name: str) -> T | None:
    """Pass an object of a class, or `None`."""
    return None if value is None else instance(value, cls, name)


def license_id(value: object) -> int:
    """Pass a positive int."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"license_id: expected a positive int, got {type(value).__name__}")
    if value <= 0:
        raise ConfigurationError(f"license_id: expected a positive int, got {value}")
    return value


def access(value: object) -> str | TokenProvider:
    """Pass a token or a provider of tokens."""
    if callable(value):
        # Whether it is async is seen when it is asked.
        return cast("TokenProvider", value)
    return checked_token(value)


def region(value: object) -> str | None:
    """Pass the name of a data centre, or `None`."""
    if value is None or (isinstance(value, str) and value in REGIONS):
        return value
    raise ConfigurationError(f"region: expected {' or '.join(map(repr, REGIONS))} or None, got {_shown(value)}")


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return type(value).__name__
    # A longer one may be a token that was put into the wrong place.
    return repr(value) if len(value) <= _LONGEST_SHOWN else f"a str of {len(value)} characters"


def base_url(value: object) -> httpx.URL:
    """Pass an https URL, or an http one of this machine: a token must not travel in the clear."""
    if not isinstance(value, str):
        raise ConfigurationError(f"base_url: expected a str, got {type(value).__name__}")
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"base_url: it is no URL ({error})") from None
    if not url.host or url.scheme not in ("https", "http"):
        raise ConfigurationError("base_url: expected https:// and a host")
    if url.port is not None and not 0 < url.port < 2**16:
        raise ConfigurationError("base_url: there is no such port")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("base_url: it must have no user, query or fragment")
    if re.search(r"/v\d", url.path):
        raise ConfigurationError("base_url: it ends before /v3.0, which the session adds itself")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ConfigurationError("base_url: http:// would send tokens in the clear; it is for this machine only")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def observers(value: Any) -> tuple[Observer, ...]:
    """Pass observers as a tuple."""
    if not isinstance(value, Iterable):
        raise ConfigurationError(f"observers: expected an iterable of Observers, got {type(value).__name__}")
    return tuple(instance(observer, Observer, "observers") for observer in cast("Iterable[object]", value))


def headers(value: object, name: str = "headers") -> dict[str, str]:
    """Pass headers to add to each request, their names in lower case."""
    if value is None:
        return {}
    if not is_mapping(value):
        raise ConfigurationError(f"{name}: expected a mapping, got {type(value).__name__}")
    return {_field_name(key): header_value(item, f"{name}[{key!r}]") for key, item in value.items()}


def _field_name(name: object) -> str:
    if not isinstance(name, str) or _FIELD_NAME.fullmatch(name) is None:
        raise ConfigurationError(f"headers: {_shown(name)} is no name of a header")
    lower = name.lower()
    if is_reserved(lower):
        raise ConfigurationError(f"headers: {name} is set by the session itself")
    return lower


def header_value(value: object, name: str) -> str:
    """Pass what a header can hold."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected a str, got {type(value).__name__}")
    if _FIELD_VALUE.fullmatch(value) is None:
        what = "a blank at an end" if value != value.strip() else "characters"
        raise ConfigurationError(f"{name}: it holds {what} that an HTTP header cannot hold")
    return value


def from_environment(variable: str) -> str | None:
    """Return a variable of the environment; an empty one is as if absent."""
    return os.environ.get(variable) or None


def required_from_environment(variable: str) -> str:
    """Return a variable that must be there."""
    value = from_environment(variable)
    if value is None:
        raise ConfigurationError(f"the environment variable {variable} is missing or empty")
    return value


def license_id_from_environment(variable: str) -> int:
    """Return a variable that must hold a license id."""
    value = required_from_environment(variable)
    # 19 digits are 64 bits: beyond 4,300 `int` itself would raise.
    if not (value.isascii() and value.isdecimal() and len(value) <= 19) or int(value) == 0:
        raise ConfigurationError(f"the environment variable {variable} must be a positive int")
    return int(value)
