"""The tokens of a pool's customers.

A `TokenSource` asks one provider: once for any number of waiting calls, ahead of expiry, and again when the server
refuses the token. The `Customers` of a pool find the same source for the same key or provider, so that a session made
for each request loses nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from types import MethodType
from typing import Any, Generic, TypeVar

from .._base.clock import Clock
from ..config import AccessToken, TokenProvider
from ..errors import ConfigurationError, LiveChatError, TokenProviderError

V = TypeVar("V")

# Customers known by a key, by a token or by a provider that cannot be held weakly: the least recently used are dropped.
_MOST_KEPT = 10_000
# get_predicted_agent answers `authentication` to valid tokens too: a fresh token is not replaced for that.
_TRUST_AFTER_REFRESH = 30.0
# A token is replaced in the last fifth of its life, at most a minute before it expires. After an early refresh that
# failed, the old token is used for this long before the next one.
_EARLY_SHARE, _EARLIEST, _EARLY_RETRY = 0.2, 60.0, 5.0
# Calls that have a valid token wait no longer than this for a newer one: a provider may hang.
_EARLY_PATIENCE = 5.0


class _Answer:
    """What a provider returned: a token, or what was wrong with it."""

    def __init__(
        self,
        token: AccessToken | None = None,
        *,
        wrong: str = "",
        cause: BaseException | None = None,
        too_late: bool = False,
    ) -> None:
        self.token = token
        self.wrong = wrong
        self.cause = cause
        self.too_late = too_late


class TokenSource:
    """The token of one provider, which each call passes in: a reference kept here would keep the provider alive."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token: AccessToken | None = None
        self._offset = 0.0  # of this clock, for a token whose lifetime was counted on the system's
        self._refresh_at = math.inf
        self._refreshed_at = -math.inf
        self._asking: asyncio.Task[_Answer] | None = None

    def current(self) -> str | None:
        """Return the token if there is one that need not be replaced."""
        if self._token is None or (self._refresh_at != math.inf and self._clock.wall() >= self._refresh_at):
            return None
        return self._token.value

    async def get(self, provider: TokenProvider, limit: float, time_left: float = math.inf) -> str:
        """Return a token; ask the provider if there is none or it is about to expire.

        Args:
            provider: what to ask.
            limit: seconds that the provider may take.
            time_left: seconds that this caller has, which may be fewer: others wait for the same answer.

        Raises:
            TokenProviderError: the provider failed or took too long.
        """
        token = self.current()
        if token is not None:
            return token
        if self._token is not None and not self._has_ended(self._token):
            self._postpone(self._token)  # before the first await: no other call waits for this refresh
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
        """Replace a token that the server refused; return whether there is a different one now.

        Args:
            provider: what to ask.
            refused: the token.
            limit: seconds that the provider may take.

        Raises:
            TokenProviderError: the provider failed or took too long.
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
        """Stop waiting for the provider."""
        if self._asking is not None:
            self._asking.cancel()

    def _postpone(self, token: AccessToken) -> None:
        self._refresh_at = min(self._clock.wall() + _EARLY_RETRY, self._end_of(token))

    def _end_of(self, token: AccessToken) -> float:
        return math.inf if token.expires_at is None else token.expires_at.timestamp() + self._offset

    def _has_ended(self, token: AccessToken) -> bool:
        return self._end_of(token) <= self._clock.wall()

    async def _ask(self, provider: TokenProvider, limit: float, patience: float | None = None) -> _Answer:
        while True:
            ours = self._asking is None
            if self._asking is None:
                # In its own task: a waiter that is cancelled must not end it for the others.
                self._asking = asyncio.create_task(self._answer_of(provider, limit))
                self._asking.add_done_callback(self._keep)
            asking = self._asking
            await asyncio.wait([asking], timeout=patience)
            if not asking.done():
                return _Answer(wrong=f"returned no token within {patience:g} s")
            answer = _outcome_of(asking)
            # The limit that was exceeded is that of the call which asked first: this one may have more time.
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
        except BaseException as cause:  # noqa: BLE001 - a provider may raise anything, and each waiting call has to report it
            if isinstance(cause, TimeoutError) and timer.expired():
                return _Answer(wrong=f"returned no token within {limit:.3g} s", too_late=True)
            return _Answer(wrong=f"raised {_described(cause)}", cause=cause)
        return _checked(given)

    def _keep(self, asking: asyncio.Task[_Answer]) -> None:
        self._asking = None
        token = _outcome_of(asking).token
        if token is None:
            return
        if self._token is not None:
            self._refreshed_at = self._clock.now()
        self._token = token
        self._offset = 0.0 if token.expires_in is None else self._clock.wall() - time.time()
        self._refresh_at = self._early(token)

    def _early(self, token: AccessToken) -> float:
        if token.expires_at is None:
            return math.inf
        end = self._end_of(token)
        margin = min(_EARLIEST, max(0.0, end - self._clock.wall()) * _EARLY_SHARE)
        # At random, so that many processes with one token do not ask at the same moment.
        return end - margin * (1 + self._clock.chance()) / 2


def _outcome_of(asking: asyncio.Task[_Answer]) -> _Answer:
    if asking.cancelled():
        return _Answer(wrong="was cancelled")
    ended = asking.exception()  # one that ends the program: it has left through the event loop
    return asking.result() if ended is None else _Answer(wrong=f"raised {type(ended).__name__}", cause=ended)


def _checked(given: Any) -> _Answer:
    if not isinstance(given, str | AccessToken):
        return _Answer(wrong=f"returned {type(given).__name__}, expected a str or an AccessToken")
    try:
        return _Answer(given if isinstance(given, AccessToken) else AccessToken(given))
    except ConfigurationError as error:
        return _Answer(wrong=f"returned an invalid token: {error.message.removeprefix('access_token: ')}")


def _described(cause: BaseException) -> str:
    """Name an exception; with its text only if that is known to hold no secret."""
    if isinstance(cause, LiveChatError):
        return f"{type(cause).__name__}: {cause}"
    if isinstance(cause, TypeError) and _is_of_the_call(cause):
        return f"TypeError: {cause}"
    return type(cause).__name__


def _is_of_the_call(error: TypeError) -> bool:
    """Tell whether the provider could not even be called, as for a missing argument."""
    traceback = error.__traceback__
    return traceback is not None and traceback.tb_next is None


def _error_of(answer: _Answer) -> TokenProviderError:
    error = TokenProviderError(f"the token provider {answer.wrong}")
    error.__cause__ = answer.cause
    return error


def _identity(provider: Any) -> tuple[Any, Any]:
    return (provider.__self__, provider.__func__) if isinstance(provider, MethodType) else (provider, None)


class _Recent(OrderedDict[Hashable, V], Generic[V]):
    """A dict that drops its least recently used entry when it is full."""

    def find(self, key: Hashable) -> V | None:
        """Return an entry, which counts as a use."""
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def keep(self, key: Hashable, value: V) -> V:
        """Add an entry, and return it."""
        self[key] = value
        if len(self) > _MOST_KEPT:
            self.popitem(last=False)
        return value


class Customer:
    """What a pool knows of one customer across the sessions made for it.

    Attributes:
        source: where its tokens come from; `None` for a fixed token.
        region: where the server said that the customer belongs; `None` while it has not.
    """

    def __init__(self, source: TokenSource | None = None) -> None:
        self.source = source
        self.region: str | None = None


class Customers:
    """The customers of one pool, found by their key, their provider or their token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_provider: dict[Hashable, tuple[weakref.ref[Any], Customer]] = {}
        self._by_strong_provider: _Recent[tuple[Any, Customer]] = _Recent()
        self._by_token: _Recent[Customer] = _Recent()
        self._by_key: _Recent[Customer] = _Recent()

    def find(self, access: str | TokenProvider, key: Hashable | None = None) -> Customer:
        """Return the one `Customer` of a key, if given, else of a token or a provider."""
        if key is not None:
            return self._of_key(key, access)
        if isinstance(access, str):
            return self._by_token.find(access) or self._by_token.keep(access, Customer())
        return self._of_provider(access)

    def close(self) -> None:
        """Stop waiting for any provider."""
        strong = (customer for _, customer in self._by_strong_provider.values())
        weak = (customer for _, customer in self._by_provider.values())
        for customer in [*weak, *strong, *self._by_key.values()]:
            if customer.source is not None:
                customer.source.close()

    def _of_key(self, key: Hashable, access: str | TokenProvider) -> Customer:
        customer = self._by_key.find(key) or self._by_key.keep(key, Customer())
        if customer.source is None and callable(access):
            customer.source = TokenSource(self._clock)
        return customer

    def _of_provider(self, provider: TokenProvider) -> Customer:
        # A bound method is a new object each time it is read: it is known by its object and its function.
        anchor, function = _identity(provider)
        key = (id(anchor), function)
        known = self._by_provider.get(key)
        if known is not None and known[0]() is anchor:
            return known[1]
        strong = self._by_strong_provider.find(key)
        if strong is not None:
            return strong[1]
        customer = Customer(TokenSource(self._clock))
        try:
            self._by_provider[key] = (weakref.ref(anchor, self._forget(key)), customer)
        except TypeError:  # an object with slots may have none for weak references
            self._by_strong_provider.keep(key, (anchor, customer))
        return customer

    def _forget(self, key: Hashable) -> Callable[[Any], None]:
        registry = self._by_provider

        def forget(gone: weakref.ref[Any]) -> None:
            known = registry.get(key)
            if known is not None and known[0] is gone:
                del registry[key]

        return forget
