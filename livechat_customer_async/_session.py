"""`AsyncCustomerSession`: configuration, lifecycle, namespaces."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict, Unpack

import httpx

from . import _options as configure
from ._base.clock import Clock
from ._call.action import Replay, raw_action
from ._call.observe import Observer
from ._call.pipeline import Options, Pipeline
from ._call.shared import Pool, SessionStats
from ._net.clients import TransportOptions
from ._net.open import open_transport
from ._version import __version__
from .config import Limits, RetryPolicy, Timeouts, TokenProvider
from .errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from .actions.chats import ChatsActions
    from .actions.customers import CustomersActions
    from .actions.events import EventsActions
    from .actions.other import OtherActions
    from .actions.properties import PropertiesActions
    from .actions.status import StatusActions

_ACTION_NAME = re.compile(r"[a-z_]+")
_DEFAULT_USER_AGENT = f"livechat-customer-async/{__version__}"
_BASE_URL = "https://api.livechatinc.com"
_UNCHANGED: Any = object()


class SessionOptions(TypedDict, total=False):
    """The keyword arguments of `AsyncCustomerSession`; what each means is said there."""

    base_url: str
    region: str | None
    user_agent: str | None
    headers: Mapping[str, str] | None
    timeouts: Timeouts
    limits: Limits
    retry: RetryPolicy
    observers: Iterable[Observer]
    proxy: str | None
    ssl_context: ssl.SSLContext | None
    trust_env: bool
    engine: str
    transport: httpx.AsyncBaseTransport | None
    http_client: httpx.AsyncClient | None


class AsyncCustomerSession:
    """A session of one customer with the LiveChat Customer Chat Web API v3.0.

    It is ready when made, and ends with `async with` or `await session.aclose()`. Its first call binds it to the
    running event loop. Any number of calls may run at once; cancelling any of them leaves the session usable.

    Attributes:
        chats: list, read, start, activate and close chats.
        events: send events and files.
        properties: properties of chats, threads and events.
        customers: the customer itself.
        status: whether groups are online.
        other: goals, forms, the predicted agent, URL details, what was last seen.

    Args:
        license_id: the LiveChat license.
        access_token: a customer access token, or an async callable that returns one (see `TokenProvider`). It is
            asked once for any number of waiting calls, ahead of expiry, and again when the server refuses the
            token; the call is then repeated once.
        base_url: where the API is; https, or http on this machine.
        region: data centre, `dal` or `fra`; `None`: what the token's prefix says.
        user_agent: the server takes it for the customer's own; `None`: this package's name.
        headers: added to each request. Authorization, Host, Content-* and X-Region are not yours to set.
        timeouts: limits of time.
        limits: limits of the connection pool.
        retry: when a call is tried again.
        observers: told of what calls do.
        proxy: URL of a proxy; `None`: what the environment says, where `trust_env`.
        ssl_context: for TLS; `None`: the default one, which the process makes once.
        trust_env: whether proxies and certificates are also looked up in the environment.
        engine: `"auto"`, or `"httpx"` for httpx's own transport.
        transport: replaces the transport; for tests, mostly.
        http_client: your own client, with its hooks, mounts and proxies; it stays yours to close.

    Raises:
        ConfigurationError: an argument is not sound; its text says which and why.
    """

    def __init__(
        self,
        license_id: int,
        access_token: str | TokenProvider,
        *,
        base_url: str = _BASE_URL,
        region: str | None = None,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts = Timeouts(),
        limits: Limits = Limits(),
        retry: RetryPolicy = RetryPolicy(),
        observers: Iterable[Observer] = (),
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        engine: str = "auto",
        transport: httpx.AsyncBaseTransport | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._license_id = configure.license_id(license_id)
        self._access = configure.access(access_token)
        self._region = configure.region(region)
        self._user_agent = None if user_agent is None else configure.header_value(user_agent, "user_agent")
        self._headers = configure.headers(headers)
        self._timeouts = configure.instance(timeouts, Timeouts, "timeouts")
        self._retry = configure.instance(retry, RetryPolicy, "retry")
        self._base_url = configure.base_url(base_url)
        self._owns_pool = True
        options = TransportOptions(
            base_url=self._base_url,
            limits=configure.instance(limits, Limits, "limits"),
            proxy=configure.optional_instance(proxy, str, "proxy"),
            ssl_context=configure.optional_instance(ssl_context, ssl.SSLContext, "ssl_context"),
            trust_env=configure.instance(trust_env, bool, "trust_env"),
            engine=engine,
            transport=configure.optional_instance(transport, httpx.AsyncBaseTransport, "transport"),
            http_client=configure.optional_instance(http_client, httpx.AsyncClient, "http_client"),
        )
        self._pool = Pool(
            license_id=self._license_id,
            base_url=self._base_url,
            observers=configure.observers(observers),
            transport=open_transport(options),
            limits=limits,
            budget=retry.budget,
            clock=Clock(),
        )
        self._fixed_headers = self._join_headers()
        self._call = self._pipeline()

    @classmethod
    def from_env(cls, **options: Unpack[SessionOptions]) -> Self:
        """Make a session from the environment.

        `LIVECHAT_LICENSE_ID` and `LIVECHAT_ACCESS_TOKEN` must be there; `LIVECHAT_BASE_URL` and `LIVECHAT_REGION` are
        used where they are and the keyword is not given.

        Args:
            **options: the keyword arguments of the class.

        Raises:
            ConfigurationError: a variable is missing or bad; its text names it.
        """
        license_id = configure.license_id_from_environment("LIVECHAT_LICENSE_ID")
        token = configure.required_from_environment("LIVECHAT_ACCESS_TOKEN")
        base_url = configure.from_environment("LIVECHAT_BASE_URL")
        if base_url is not None and "base_url" not in options:
            _named("LIVECHAT_BASE_URL", configure.base_url, base_url)
            options["base_url"] = base_url
        region = configure.from_environment("LIVECHAT_REGION")
        if region is not None and "region" not in options:
            _named("LIVECHAT_REGION", configure.region, region)
            options["region"] = region
        _named("LIVECHAT_ACCESS_TOKEN", configure.access, token)
        return cls(license_id, token, **options)

    # ---- namespaces; imported on first use, since making their request models is a tenth of the whole import

    @cached_property
    def chats(self) -> ChatsActions:
        """List, read, start, activate and close chats."""
        from .actions.chats import ChatsActions

        return ChatsActions(self._call)

    @cached_property
    def events(self) -> EventsActions:
        """Send events and files."""
        from .actions.events import EventsActions

        return EventsActions(self._call)

    @cached_property
    def properties(self) -> PropertiesActions:
        """Set and delete properties of chats, threads and events."""
        from .actions.properties import PropertiesActions

        return PropertiesActions(self._call)

    @cached_property
    def customers(self) -> CustomersActions:
        """What is known of the customer."""
        from .actions.customers import CustomersActions

        return CustomersActions(self._call)

    @cached_property
    def status(self) -> StatusActions:
        """Whether groups are online."""
        from .actions.status import StatusActions

        return StatusActions(self._call)

    @cached_property
    def other(self) -> OtherActions:
        """Goals, forms, the predicted agent, URL details, what was last seen."""
        from .actions.other import OtherActions

        return OtherActions(self._call)

    async def call(self, action: str, payload: Mapping[str, Any], *, replay: Replay = Replay.UNSAFE) -> Any:
        """Call an action that has no method here, and return its result as plain data; `None` for an empty answer.

        Args:
            action: its name on the wire, of the characters a-z and _.
            payload: its parameters, any JSON object.
            replay: whether performing it twice is performing it once, so that it may be repeated after an unknown
                outcome.

        Raises:
            InvalidRequestError: the name or the payload cannot be sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        if not isinstance(action, str) or _ACTION_NAME.fullmatch(action) is None:
            raise InvalidRequestError("expected a name of the characters a-z and _", parameter="action")
        if not isinstance(replay, Replay):
            raise InvalidRequestError("expected Replay.SAFE or Replay.UNSAFE", parameter="replay", action=action)
        return await self._call(raw_action(action, replay), payload)

    # ---- other sessions over the same pool

    def for_customer(
        self,
        access_token: str | TokenProvider,
        *,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncCustomerSession:
        """Return a session of another customer over the same connections, limits and retry budget.

        It takes microseconds: make one for each request. What is known of a customer, its token and region, is kept
        with the pool. Closing it closes nothing; this session's end is its end.

        Args:
            access_token: the other customer's token or provider. Pass the same provider object each time: its tokens
                are found again by it.
            user_agent: the other customer's own; `None`: this session's.
            headers: added to this session's; `None`: none.

        Raises:
            ConfigurationError: an argument is not sound.
        """
        child = self._child()
        child._access = configure.access(access_token)
        if user_agent is not None:
            child._user_agent = configure.header_value(user_agent, "user_agent")
        if headers is not None:
            child._headers = {**self._headers, **configure.headers(headers)}
            if user_agent is None and "user-agent" in (name.lower() for name in headers):
                child._user_agent = None  # the one that was given for this customer goes before this session's
        if user_agent is not None or headers is not None:
            child._fixed_headers = child._join_headers()
        child._call = child._pipeline()
        return child

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        region: str | None = _UNCHANGED,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncCustomerSession:
        """Return a session of the same customer with other options; what is not given stays as it is.

        Args:
            timeouts: replace all of them; `attrs.evolve` changes one.
            retry: replaces the policy; the budget stays that of the pool.
            region: data centre; `None`: what the token's prefix says.
            headers: replace those that this session adds.

        Raises:
            ConfigurationError: an argument is not sound.
        """
        child = self._child()
        if timeouts is not None:
            child._timeouts = configure.instance(timeouts, Timeouts, "timeouts")
        if retry is not None:
            child._retry = configure.instance(retry, RetryPolicy, "retry")
        if region is not _UNCHANGED:
            child._region = configure.region(region)
        if headers is not None:
            child._headers = configure.headers(headers)
            child._fixed_headers = child._join_headers()
        child._call = child._pipeline()
        return child

    def _child(self) -> AsyncCustomerSession:
        child = object.__new__(AsyncCustomerSession)
        child._license_id = self._license_id
        child._access = self._access
        child._region = self._region
        child._user_agent = self._user_agent
        child._headers = self._headers
        child._timeouts = self._timeouts
        child._retry = self._retry
        child._base_url = self._base_url
        child._owns_pool = False
        child._pool = self._pool
        child._fixed_headers = self._fixed_headers
        return child

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            self._pool,
            Options(
                access=self._access,
                timeouts=self._timeouts,
                retry=self._retry,
                region=self._region,
                headers=self._fixed_headers,
            ),
        )

    def _join_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        host = self._base_url.netloc.decode("ascii")
        joined = {
            **self._pool.transport.default_headers,
            "host": host,
            "accept": "application/json",
            "user-agent": _DEFAULT_USER_AGENT,
            **self._headers,
        }
        if self._user_agent is not None:
            joined["user-agent"] = self._user_agent
        return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in joined.items())

    # ---- lifecycle

    def stats(self) -> SessionStats:
        """Return what the pool is doing now, and has done."""
        return self._pool.stats()

    async def aclose(self) -> None:
        """Let calls in flight finish for 5 s, end the rest with an error, and close all connections. Idempotent.

        Does nothing on a session that `for_customer` or `with_options` made.
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
        return f"<AsyncCustomerSession license_id={self._license_id} base_url={str(self._base_url)!r} {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncCustomerSession is not pickled: make one in each process")


def _named(variable: str, check: Any, value: str) -> None:
    """Check a variable's value, so that the error names the variable rather than the parameter."""
    try:
        check(value)
    except ConfigurationError as error:
        said = error.message.partition(": ")[2] or error.message
        raise ConfigurationError(f"the environment variable {variable} is bad: {said}") from None
