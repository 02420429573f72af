"""Which header names and values a caller may add to a request."""

from __future__ import annotations

import re

from ..errors import ConfigurationError

# RFC 9110: a field name is a token; a value has no control characters but the tab, and no blank at its ends.
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?|")
_LONGEST_SHOWN = 40

# Set by the session, or able to make a server read the request as a different one.
_RESERVED = {
    "authorization",
    "connection",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-api-version",
    "x-region",
}


def is_reserved(name: str) -> bool:
    """Tell whether a header, by its name in lower case, is not the caller's to set."""
    return name in _RESERVED or name.startswith("content-")


def check_header_name(name: object) -> str:
    """Return a header name in lower case.

    Raises:
        ConfigurationError: not a valid header name, or a header that the session sets itself.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f"headers: expected names of type str, got {type(name).__name__}")
    if _FIELD_NAME.fullmatch(name) is None:
        shown = repr(name) if len(name) <= _LONGEST_SHOWN else f"a str of {len(name)} characters"
        raise ConfigurationError(f"headers: {shown} is not a valid header name")
    lower = name.lower()
    if is_reserved(lower):
        raise ConfigurationError(f"headers: {name} is set by the session and cannot be replaced")
    return lower


def check_header_value(value: object, name: str) -> str:
    """Return a header value; `name` is what an error calls it.

    Raises:
        ConfigurationError: not a str, or characters that an HTTP header cannot contain.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name}: expected a str, got {type(value).__name__}")
    if _FIELD_VALUE.fullmatch(value) is None:
        what = "leading or trailing whitespace" if value != value.strip() else "characters"
        raise ConfigurationError(f"{name}: contains {what} that an HTTP header cannot contain")
    return value
