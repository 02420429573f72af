"""`AsyncCustomerSession`: configuration, lifecycle, namespaces."""

from __future__ import annotations

import inspect
import re
import ssl
from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, TypedDict, Unpack

import attrs
import httpx

from . import _options as options_
from ._base.clock import Clock
from ._call.action import Replay, raw_action
from ._call.api import V3_0, Endpoints
from ._call.middleware import Middleware
from ._call.observe import Observer
from ._call.options import Options
from ._call.pipeline import Pipeline
from ._call.shared import Pool, SessionStats
from ._net.clients import TransportOptions
from ._net.headers import check_header_value
from ._net.open import open_transport
from .actions.chats import ChatsActions
from .actions.customers import CustomersActions
from .actions.events import EventsActions
from .actions.other import OtherActions
from .actions.properties import PropertiesActions
from .actions.status import StatusActions
from .config import Limits, RetryPolicy, Timeouts, TokenProvider
from .errors import ConfigurationError, InvalidRequestError

_ACTION_NAME = re.compile(r"[a-z_]+")
_BASE_URL = "https://api.livechatinc.com"
_UNCHANGED: Any = object()
_FROM_ENVIRONMENT: Any = object()


class SessionOptions(TypedDict, total=False):
    """The keyword arguments of `AsyncCustomerSession`, described there."""

    base_url: str
    region: str | None
    user_agent: str | None
    headers: Mapping[str, str] | None
    timeouts: Timeouts
    limits: Limits
    retry: RetryPolicy
    observers: Iterable[Observer]
    middleware: Iterable[Middleware]
    proxy: str | None
    ssl_context: ssl.SSLContext | None
    trust_env: bool
    engine: Literal["auto", "httpx"]
    transport: httpx.AsyncBaseTransport | None
    http_client: httpx.AsyncClient | None
    clock: Clock | None


class AsyncCustomerSession:
    """A session of one customer with the LiveChat Customer Chat Web API v3.0.

    It is ready when constructed and ends with `async with` or `await session.aclose()`. Its first call binds it to the
    running event loop. Any number of calls may run concurrently; cancelling them leaves the session usable.

    Attributes:
        chats: list, read, start, activate and close chats.
        events: send events and files.
        properties: set and delete properties of chats, threads and events.
        customers: update the customer.
        status: read the status of groups.
        other: goals, forms, the predicted agent, URL details, last seen timestamp.

    Args:
        license_id: the LiveChat license.
        access_token: a customer access token, or an async callable that returns one (see `TokenProvider`). A provider
            is called once for any number of waiting calls, before the token expires, and again when the server refuses
            the token; the call is then repeated once. `None`: the pool has no customer of its own, and calls are made
            on the sessions that `for_customer` returns.
        base_url: where the API is; https, or http on this machine.
        region: data centre, `dal` or `fra`; `None`: what the token's prefix says.
        user_agent: the server takes it for the customer's own; `None`: this package's name.
        headers: added to each request; Authorization, Host, Content-* and X-Region are refused.
        timeouts: time limits.
        limits: limits of the connection pool.
        retry: when a call is attempted again.
        observers: objects that are told what calls do.
        middleware: objects whose `attempt` is entered around each attempt of a call, outermost first.
        proxy: URL of a proxy; `None`: what the environment says, if `trust_env`.
        ssl_context: for TLS; `None`: the default context, which the process makes once.
        trust_env: whether to look up proxies and certificates in the environment.
        engine: `"auto"`, or `"httpx"` for httpx's own transport.
        transport: an httpx transport to use instead; mostly for tests.
        http_client: your own client, with its hooks, mounts and proxies; it stays yours to close.
        clock: source of time and random numbers; `None`: the system's. For tests.

    Raises:
        ConfigurationError: an argument is invalid; the text says which and why.
    """

    def __init__(
        self,
        license_id: int,
        access_token: str | TokenProvider | None = None,
        *,
        base_url: str = _BASE_URL,
        region: str | None = None,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = Timeouts(),
        limits: Limits = Limits(),
        retry: RetryPolicy = RetryPolicy(),
        observers: Iterable[Observer] = (),
        middleware: Iterable[Middleware] = (),
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        engine: Literal["auto", "httpx"] = "auto",
        transport: httpx.AsyncBaseTransport | None = None,
        http_client: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._license_id = options_.check_license_id(license_id)
        options = Options(
            access=None if access_token is None else options_.check_access(access_token),
            timeouts=options_.check_instance(timeouts, Timeouts, "timeouts"),
            retry=options_.check_instance(retry, RetryPolicy, "retry"),
            region=options_.check_region(region),
            user_agent=_checked_user_agent(user_agent),
            headers=options_.check_headers(headers),
        )
        url = options_.check_base_url(base_url)
        transport_options = TransportOptions(
            base_url=url,
            limits=options_.check_instance(limits, Limits, "limits"),
            proxy=options_.check_optional(proxy, str, "proxy"),
            ssl_context=options_.check_optional(ssl_context, ssl.SSLContext, "ssl_context"),
            trust_env=options_.check_instance(trust_env, bool, "trust_env"),
            engine=engine,
            transport=options_.check_optional(transport, httpx.AsyncBaseTransport, "transport"),
            http_client=options_.check_optional(http_client, httpx.AsyncClient, "http_client"),
        )
        pool = Pool(
            endpoints=Endpoints(V3_0, url, license_id),
            observers=options_.check_observers(observers),
            middleware=options_.check_middleware(middleware),
            clock=options_.check_clock(clock),
            transport=open_transport(transport_options),
            limits=limits,
            budget=retry.budget,
            made_at=_caller_of_the_package(),
        )
        self._start(pool, options, owns_pool=True)

    def _start(self, pool: Pool, options: Options, *, owns_pool: bool) -> None:
        self._pool = pool
        self._options = options
        self._owns_pool = owns_pool
        self._call = Pipeline(pool, options)

    @classmethod
    def from_env(
        cls, access_token: str | TokenProvider | None = _FROM_ENVIRONMENT, **options: Unpack[SessionOptions]
    ) -> Self:
        """Create a session from environment variables.

        `LIVECHAT_LICENSE_ID` and `LIVECHAT_ACCESS_TOKEN` are required; `LIVECHAT_BASE_URL` and `LIVECHAT_REGION` are
        used if they are set and the keyword is not given.

        Args:
            access_token: in place of `LIVECHAT_ACCESS_TOKEN`; `None`: a pool without a customer of its own.
            **options: the keyword arguments of the class.

        Raises:
            ConfigurationError: a variable is missing or invalid; the text names it.
        """
        license_id = options_.license_id_from_environment("LIVECHAT_LICENSE_ID")
        if access_token is _FROM_ENVIRONMENT:
            access_token = _token_from_environment("LIVECHAT_ACCESS_TOKEN")
        base_url = options_.from_environment("LIVECHAT_BASE_URL")
        if base_url is not None and "base_url" not in options:
            options["base_url"] = options_.checked_variable("LIVECHAT_BASE_URL", options_.check_base_url, base_url)
        region = options_.from_environment("LIVECHAT_REGION")
        if region is not None and "region" not in options:
            options["region"] = options_.checked_variable("LIVECHAT_REGION", options_.check_region, region)
        return cls(license_id, access_token, **options)

    # ---- calls

    @cached_property
    def chats(self) -> ChatsActions:
        """List, read, start, activate and close chats."""
        return ChatsActions(self._call)

    @cached_property
    def events(self) -> EventsActions:
        """Send events and files."""
        return EventsActions(self._call)

    @cached_property
    def properties(self) -> PropertiesActions:
        """Set and delete properties of chats, threads and events."""
        return PropertiesActions(self._call)

    @cached_property
    def customers(self) -> CustomersActions:
        """Update the customer."""
        return CustomersActions(self._call)

    @cached_property
    def status(self) -> StatusActions:
        """Read the status of groups."""
        return StatusActions(self._call)

    @cached_property
    def other(self) -> OtherActions:
        """Goals, forms, the predicted agent, URL details, last seen timestamp."""
        return OtherActions(self._call)

    async def call(self, action: str, payload: Mapping[str, Any], *, replay: Replay = Replay.UNSAFE) -> Any:
        """Call an action that has no method here, and return its result as plain data; `None` for an empty answer.

        Ints beyond 64 bits in the result become floats.

        Args:
            action: its name on the wire, of the characters a-z and _.
            payload: its parameters, any JSON object.
            replay: whether performing it twice has the effect of performing it once, so that it may be repeated after
                an unknown outcome.

        Raises:
            InvalidRequestError: the name or the payload cannot be sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        if not isinstance(action, str) or _ACTION_NAME.fullmatch(action) is None:
            raise InvalidRequestError("expected a name of the characters a-z and _", parameter="action")
        if not isinstance(replay, Replay):
            raise InvalidRequestError("expected Replay.SAFE or Replay.UNSAFE", parameter="replay", action=action)
        return await self._call(raw_action(action, replay), payload=payload)

    # ---- other sessions over the same pool

    def for_customer(
        self,
        access_token: str | TokenProvider,
        *,
        key: Hashable | None = None,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncCustomerSession:
        """Return a session of another customer over the same connections, limits and retry budget.

        It takes microseconds: make one for each request. What is known of a customer, its token and region, belongs to
        the pool. Closing the returned session does nothing; closing this one ends it.

        Args:
            access_token: the other customer's token or provider.
            key: what the customer is known by, such as a user id, so that a provider made for each request serves;
                two keys never share a token. `None`: the provider object itself (pass the same one each time), or the
                token.
            user_agent: the other customer's own; `None`: this session's.
            headers: added to this session's; `None`: none.

        Raises:
            ConfigurationError: an argument is invalid.
        """
        changes: dict[str, Any] = {"access": options_.check_access(access_token), "key": options_.check_key(key)}
        if headers is not None:
            added = options_.check_headers(headers)
            changes["headers"] = {**self._options.headers, **added}
            if "user-agent" in added:
                changes["user_agent"] = None  # the one among the headers replaces this session's
        if user_agent is not None:
            changes["user_agent"] = _checked_user_agent(user_agent)
        return self._with(changes)

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        region: str | None = _UNCHANGED,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncCustomerSession:
        """Return a session of the same customer with other options; those not given stay as they are.

        Args:
            timeouts: replaces all of them; `attrs.evolve` changes one.
            retry: replaces the policy; the budget stays that of the pool.
            region: data centre; `None`: what the token's prefix says.
            headers: replaces those that this session adds.

        Raises:
            ConfigurationError: an argument is invalid.
        """
        changes: dict[str, Any] = {}
        if timeouts is not None:
            changes["timeouts"] = options_.check_instance(timeouts, Timeouts, "timeouts")
        if retry is not None:
            changes["retry"] = options_.check_instance(retry, RetryPolicy, "retry")
        if region is not _UNCHANGED:
            changes["region"] = options_.check_region(region)
        if headers is not None:
            changes["headers"] = options_.check_headers(headers)
        return self._with(changes)

    def _with(self, changes: dict[str, Any]) -> AsyncCustomerSession:
        other = object.__new__(AsyncCustomerSession)
        other._license_id = self._license_id
        other._start(self._pool, attrs.evolve(self._options, **changes), owns_pool=False)
        return other

    # ---- lifecycle

    def stats(self) -> SessionStats:
        """Return what the pool is doing now, and has done."""
        return self._call.stats()

    async def aclose(self) -> None:
        """Let calls in flight finish for 5 s, end the rest with an error, and close all connections. Idempotent.

        It does nothing on a session that `for_customer` or `with_options` returned.
        """
        if self._owns_pool:
            await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "closed" if self._pool.closed else "open"
        url = self._pool.endpoints.base_url
        return f"<AsyncCustomerSession license_id={self._license_id} base_url={url!r} {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncCustomerSession cannot be pickled: create one in each process")


def _checked_user_agent(user_agent: str | None) -> str | None:
    return None if user_agent is None else check_header_value(user_agent, "user_agent")


def _token_from_environment(variable: str) -> str:
    token = options_.from_environment(variable)
    if token is None:
        raise ConfigurationError(
            f"the environment variable {variable} is missing or empty: set it to a customer access token (from "
            "LiveChat's Customer Authorization API), or try everything without an account: livechat-customer sandbox"
        )
    return options_.checked_variable(variable, options_.check_access, token)


def _caller_of_the_package() -> str:
    """Return file and line of the code that creates a session."""
    package = __name__.partition(".")[0]
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
