"""Validation of a session's constructor arguments."""

from __future__ import annotations

import inspect
import ipaddress
import os
import re
from collections.abc import Hashable, Iterable
from types import FunctionType, MethodType
from typing import Any, TypeVar, cast

import httpx

from ._base.checks import is_mapping
from ._base.clock import Clock, SystemClock
from ._call.api import REGIONS
from ._call.middleware import Middleware
from ._call.observe import Observer
from ._net.headers import check_header_name, check_header_value
from .config import TokenProvider, checked_token
from .errors import ConfigurationError

T = TypeVar("T")
_LONGEST_SHOWN = 8


def check_instance(value: Any, cls: type[T], name: str) -> T:
    """Return an object of a class."""
    if not isinstance(value, cls):
        raise ConfigurationError(f"{name}: expected {cls.__name__}, got {type(value).__name__}")
    return value


def check_optional(value: Any, cls: type[T], name: str) -> T | None:
    """Return an object of a class, or `None`."""
    return None if value is None else check_instance(value, cls, name)


def check_license_id(value: object) -> int:
    """Return a positive int."""
    if isinstance(value, bool) or not isinstance(value, int):
        hint = "; convert it with int()" if isinstance(value, str) and value.isdecimal() else ""
        raise ConfigurationError(f"license_id: expected a positive int, got {type(value).__name__}{hint}")
    if value <= 0:
        raise ConfigurationError(f"license_id: expected a positive int, got {value}")
    return value


def check_access(value: object) -> str | TokenProvider:
    """Return a token or a provider of tokens."""
    if not callable(value):
        return checked_token(value)
    # Whether it is async is only seen when it is called.
    if not _takes_no_arguments(value):
        raise ConfigurationError(
            "access_token: the provider must be callable without arguments; bind them with functools.partial"
        )
    return cast("TokenProvider", value)


def _takes_no_arguments(provider: Any) -> bool:
    bound = isinstance(provider, MethodType)
    function = provider.__func__ if bound else provider
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):  # inspect takes 10 µs
        code = function.__code__
        required = code.co_argcount - len(function.__defaults__ or ()) - bound
        return required <= 0 and code.co_kwonlyargcount <= len(function.__kwdefaults__ or ())
    try:
        inspect.signature(provider).bind()
    except ValueError:  # some callables written in C have no signature
        return True
    except TypeError:
        return False
    return True


def check_key(value: object) -> Hashable | None:
    """Return what a customer is known by."""
    try:
        hash(value)
    except TypeError:
        raise ConfigurationError(f"key: expected a hashable value, got {type(value).__name__}") from None
    return value


def check_region(value: object) -> str | None:
    """Return the name of a data centre, or `None`."""
    if value is None or (isinstance(value, str) and value in REGIONS):
        return value
    raise ConfigurationError(f"region: expected {' or '.join(map(repr, REGIONS))} or None, got {_shown(value)}")


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return type(value).__name__
    # A longer one may be a token in the wrong place.
    return repr(value) if len(value) <= _LONGEST_SHOWN else f"a str of {len(value)} characters"


def check_base_url(value: object) -> httpx.URL:
    """Return an https URL, or an http one of this machine: a token must not travel unencrypted."""
    if not isinstance(value, str):
        raise ConfigurationError(f"base_url: expected a str, got {type(value).__name__}")
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"base_url: not a valid URL ({error})") from None
    if not url.host or url.scheme not in ("https", "http"):
        raise ConfigurationError("base_url: expected https:// and a host")
    if url.port is not None and not 0 < url.port < 2**16:
        raise ConfigurationError("base_url: expected a port from 1 to 65535")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("base_url: must not contain a user, a query or a fragment")
    if re.search(r"/v\d", url.path):
        raise ConfigurationError("base_url: must end before /v3.0, which the session adds")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ConfigurationError("base_url: http:// would send tokens unencrypted; it is allowed for this machine only")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_observers(value: Any) -> tuple[Observer, ...]:
    """Return observers as a tuple."""
    return tuple(check_instance(item, Observer, "observers") for item in _items(value, "observers", "Observers"))


def check_middleware(value: Any) -> tuple[Middleware, ...]:
    """Return middleware as a tuple."""
    items = tuple(_items(value, "middleware", "objects with an attempt() method"))
    for item in items:
        if isinstance(item, type) or not callable(getattr(item, "attempt", None)):
            got = f"the class {item.__name__}" if isinstance(item, type) else type(item).__name__
            raise ConfigurationError(f"middleware: expected objects with an attempt() method, got {got}")
    return cast("tuple[Middleware, ...]", items)


def _items(value: Any, name: str, expected: str) -> Iterable[object]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{name}: expected an iterable of {expected}, got {type(value).__name__}")
    return cast("Iterable[object]", value)


def check_clock(value: object) -> Clock:
    """Return a clock; the system's for `None`."""
    if value is None:
        return SystemClock()
    if isinstance(value, type) or not isinstance(value, Clock):
        raise ConfigurationError(f"clock: expected a Clock, got {type(value).__name__}")
    return value


def check_headers(value: object) -> dict[str, str]:
    """Return headers to add to each request, their names in lower case."""
    if value is None:
        return {}
    if not is_mapping(value):
        raise ConfigurationError(f"headers: expected a mapping, got {type(value).__name__}")
    return {check_header_name(key): check_header_value(item, f"headers[{key!r}]") for key, item in value.items()}


def from_environment(variable: str) -> str | None:
    """Return an environment variable; an empty one counts as missing."""
    return os.environ.get(variable) or None


def license_id_from_environment(variable: str) -> int:
    """Return an environment variable that must contain a license id."""
    value = from_environment(variable)
    if value is None:
        raise ConfigurationError(f"the environment variable {variable} is missing or empty")
    # 19 digits are 64 bits: beyond 4,300 `int` itself would raise.
    if not (value.isascii() and value.isdecimal() and len(value) <= 19) or int(value) == 0:
        raise ConfigurationError(f"the environment variable {variable} must be a positive int")
    return int(value)


def checked_variable(variable: str, check: Any, value: str) -> str:
    """Check an environment variable's value, so that the error names the variable rather than the parameter."""
    try:
        check(value)
    except ConfigurationError as error:
        reason = error.message.partition(": ")[2] or error.message
        raise ConfigurationError(f"the environment variable {variable} is invalid: {reason}") from None
    return value
