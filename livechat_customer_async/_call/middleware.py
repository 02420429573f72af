"""Code of the caller's own around each attempt of a call."""

from __future__ import annotations

from collections import UserDict
from collections.abc import MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from .._net.headers import check_header_name, check_header_value


class _AddedHeaders(UserDict[str, str]):
    """Headers that a middleware adds; each name and value is checked when it is set."""

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(check_header_name(name), check_header_value(value, f"headers[{name!r}]"))


@attrs.frozen(kw_only=True, eq=False)
class Attempt:
    """One attempt of a call, as a middleware sees it.

    Attributes:
        call_id: unique in the process; the same on the call's events and on its error.
        action: wire name of the action.
        number: counts from 1.
        headers: further headers for the request, empty at first. Setting a reserved one raises `ConfigurationError`.
        base_url: where the request goes.
    """

    call_id: int
    action: str
    number: int
    headers: MutableMapping[str, str] = attrs.field(factory=_AddedHeaders, repr=False)
    base_url: str = ""


class Middleware(Protocol):
    """What `AsyncCustomerSession(middleware=…)` takes."""

    def attempt(self, attempt: Attempt, /) -> AbstractAsyncContextManager[None]:
        """Return a context manager that is entered before the request is sent and left when the attempt has ended.

        An attempt that fails leaves it with the error. An exception that it raises on entering ends the call before
        anything is sent.
        """
        ...
