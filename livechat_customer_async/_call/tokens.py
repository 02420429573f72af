"""Tokens of the customers of one pool, and the data centres they live in.

A `TokenSource` asks one provider: once for any number of waiting calls, ahead of expiry, and again when the server
refuses the token. The `Customers` of a pool find the same source for the same provider, so that a session made for
each request loses nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from types import MethodType
from typing import Any, Generic, TypeVar

import attrs

from .._base.clock import Clock
from ..config import AccessToken, TokenProvider
from ..errors import ConfigurationError, TokenProviderError

V = TypeVar("V")

DEFAULT_REGION = "dal"
REGIONS = (DEFAULT_REGION, "fra")
# Strangers must not fill the memory: what is kept by a token, or by a provider that cannot be held weakly, is bounded.
_MOST_KEPT = 10_000
# get_predicted_agent answers `authentication` to good tokens: a fresh one is not replaced for that.
_TRUST_AFTER_REFRESH = 30.0
# A token is replaced within its last fifth, but not earlier than a minute before its end; after an early refresh
# that failed, the old one serves for so long before the next try.
_EARLY_SHARE, _EARLIEST, _EARLY_RETRY = 0.2, 60.0, 5.0
# A provider that hangs must not hold up calls that have a good token: so long they wait for a better one.
_EARLY_PATIENCE = 5.0


def region_of(token: str) -> str | None:
    """Return the region that a token names by its prefix, or `None`."""
    return token[:3] if token[:3] in REGIONS and token[3:4] in ("-", ":") else None


@attrs.frozen(eq=False, repr=False)
class _Answer:
    """What a provider gave: a token, or what was wrong."""

    token: AccessToken | None = None
    wrong: str = ""
    cause: BaseException | None = None
    too_late: bool = False


class TokenSource:
    """The token of one provider. The provider comes with each call: held here, it would never be let go."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token: AccessToken | None = None
        self._refresh_at = math.inf
        self._refreshed_at = -math.inf
        self._asking: asyncio.Task[_Answer] | None = None

    def current(self) -> str | None:
        """Return the token if there is one that need not be replaced."""
        if self._token is None or (self._refresh_at != math.inf and self._clock.wall() >= self._refresh_at):
            return None
        return self._token.value

    async def get(self, provider: TokenProvider, limit: float, time_left: float = math.inf) -> str:
        """Return a token, asking the provider where there is none or its end is near.

        Args:
            provider: whom to ask.
            limit: seconds that the provider gets.
            time_left: seconds that this caller has, which may be fewer: others wait for the same answer.

        Raises:
            TokenProviderError: it gave none in time.
        """
        token = self.current()
        if token is not None:
            return token
        if self._token is not None and not self._has_ended(self._token):
            self._postpone(self._token)  # first of all: no other call waits for this try
            answer = await self._ask(provider, limit, min(_EARLY_PATIENCE, time_left / 2))
            if answer.token is not None:
                return answer.token.value
            if not self._has_ended(self._token):
                self._postpone(self._token)
                return self._token.value
        answer = await self._ask(provider, limit)
        if answer.token is None:
            raise _error_of(answer)
        return answer.token.value

    async def replace(self, provider: TokenProvider, refused: str, limit: float) -> bool:
        """Replace a token that the server refused; tell whether there is another one now. `limit`: as for `get`.

        Raises:
            TokenProviderError: the provider gave none in time.
        """
        if self._token is not None and self._token.value != refused:
            return True
        if self._clock.now() - self._refreshed_at < _TRUST_AFTER_REFRESH:
            return False
        answer = await self._ask(provider, limit)
        if answer.token is None:
            raise _error_of(answer)
        return answer.token.value != refused

    def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()

    def _postpone(self, token: AccessToken) -> None:
        self._refresh_at = min(self._clock.wall() + _EARLY_RETRY, self._end_of(token))

    @staticmethod
    def _end_of(token: AccessToken) -> float:
        return math.inf if token.expires_at is None else token.expires_at.timestamp()

    def _has_ended(self, token: AccessToken) -> bool:
        return self._end_of(token) <= self._clock.wall()

    async def _ask(self, provider: TokenProvider, limit: float, patience: float | None = None) -> _Answer:
        while True:
            ours = self._asking is None
            if self._asking is None:
                # A task of its own: a waiter that is cancelled must not end it for the others.
                self._asking = asyncio.create_task(self._answer_of(provider, limit))
                self._asking.add_done_callback(self._keep)
            asking = self._asking
            await asyncio.wait([asking], timeout=patience)
            if not asking.done():
                return _Answer(wrong=f"gave no token within {patience:g} s")
            answer = _outcome_of(asking)
            # The time that ran out was that of the call which asked first: another one may have more.
            if ours or not answer.too_late:
                return answer

    async def _answer_of(self, provider: TokenProvider, limit: float) -> _Answer:
        timer = asyncio.timeout(None if limit == math.inf else limit)
        try:
            async with timer:
                asking: Any = provider()
                if not inspect.isawaitable(asking):
                    return _Answer(wrong=f"is not async: it returned {type(asking).__name__}")
                given = await asking
        except asyncio.CancelledError as cause:
            return _Answer(wrong="was cancelled", cause=cause)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as cause:  # noqa: BLE001 - a provider may raise anything, and each call has to hear of it
            if isinstance(cause, TimeoutError) and timer.expired():
                return _Answer(wrong=f"gave no token within {limit:.3g} s", too_late=True)
            return _Answer(wrong=f"raised {type(cause).__name__}", cause=cause)
        return _checked(given)

    def _keep(self, asking: asyncio.Task[_Answer]) -> None:
        self._asking = None
        token = _outcome_of(asking).token
        if token is None:
            return
        if self._token is not None:
            self._refreshed_at = self._clock.now()
        self._token = token
        self._refresh_at = self._early(token)

    def _early(self, token: AccessToken) -> float:
        if token.expires_at is None:
            return math.inf
        end = token.expires_at.timestamp()
        margin = min(_EARLIEST, max(0.0, end - self._clock.wall()) * _EARLY_SHARE)
        # Drawn, so that many processes with one token do not ask in the same moment.
        return end - margin * (1 + self._clock.chance()) / 2


def _outcome_of(asking: asyncio.Task[_Answer]) -> _Answer:
    if asking.cancelled():
        return _Answer(wrong="was cancelled")
    ended = asking.exception()  # one that ends the program: it has left through the event loop
    return asking.result() if ended is None else _Answer(wrong=f"raised {type(ended).__name__}", cause=ended)


def _checked(given: Any) -> _Answer:
    if not isinstance(given, str | AccessToken):
        return _Answer(wrong=f"returned {type(given).__name__}: expected a str or an AccessToken")
    try:
        return _Answer(given if isinstance(given, AccessToken) else AccessToken(given))
    except ConfigurationError as error:
        return _Answer(wrong=f"returned no token: {error.message.removeprefix('access_token: ')}")


def _error_of(answer: _Answer) -> TokenProviderError:
    error = TokenProviderError(f"the token provider {answer.wrong}")
    error.__cause__ = answer.cause
    return error


def _identity(provider: Any) -> tuple[Any, Any]:
    return (provider.__self__, provider.__func__) if isinstance(provider, MethodType) else (provider, None)


class _Bounded(OrderedDict[Hashable, V], Generic[V]):
    """A dict that forgets its oldest entry when it is full."""

    def __setitem__(self, key: Hashable, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > _MOST_KEPT:
            self.popitem(last=False)


@attrs.define(eq=False)
class Customer:
    """What a pool knows of one customer across the sessions made for it.

    Attributes:
        region: where the server said that the customer lives; `None` where it did not have to.
    """

    source: TokenSource | None = None
    region: str | None = None


class Customers:
    """The customers of one pool, found by their provider or their token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_provider: dict[Hashable, tuple[weakref.ref[Any], Customer]] = {}
        self._by_strong_provider: _Bounded[tuple[Any, Customer]] = _Bounded()
        self._by_token: _Bounded[Customer] = _Bounded()

    def find(self, access: str | TokenProvider) -> Customer:
        """Return the one `Customer` of a token or a provider."""
        if isinstance(access, str):
            customer = self._by_token.get(access)
            if customer is None:
                customer = self._by_token[access] = Customer()
            return customer
        return self._of_provider(access)

    def close(self) -> None:
        """Stop asking any provider."""
        for _, customer in [*self._by_provider.values(), *self._by_strong_provider.values()]:
            if customer.source is not None:
                customer.source.close()

    def _of_provider(self, provider: TokenProvider) -> Customer:
        # A bound method is a new object each time it is read: it is known by its object and its function.
        anchor, function = _identity(provider)
        key = (id(anchor), function)
        known = self._by_provider.get(key)
        if known is not None and known[0]() is anchor:
            return known[1]
        strong = self._by_strong_provider.get(key)
        if strong is not None:
            return strong[1]
        customer = Customer(TokenSource(self._clock))
        try:
            self._by_provider[key] = (weakref.ref(anchor, self._forget(key)), customer)
        except TypeError:  # an object with slots may have none for weak references
            self._by_strong_provider[key] = (anchor, customer)
        return customer

    def _forget(self, key: Hashable) -> Callable[[Any], None]:
        registry = self._by_provider

        def forget(gone: weakref.ref[Any]) -> None:
            known = registry.get(key)
            if known is not None and known[0] is gone:
                del registry[key]

        return forget
