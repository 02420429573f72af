"""Where a call starts: one customer's pipeline, the `Caller` of its namespaces."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from .._base.clock import Clock
from .._net.outgoing import timeout_of
from .._version import __version__
from ..errors import InvalidRequestError, LiveChatError, SessionStateError
from .action import Action
from .api import V3_0, HeaderPairs, HttpExchange
from .options import Options
from .running import RunningCall
from .shared import Pool, SessionStats
from .tokens import Customer

T = TypeVar("T")
_DEFAULT_USER_AGENT = f"livechat-customer-async/{__version__}"


class Pipeline:
    """Starts the calls of one customer; each goes its way as a `RunningCall`."""

    def __init__(self, pool: Pool, options: Options) -> None:
        self._pool = pool
        self._options = options
        self._customer = None if options.access is None else pool.customers.find(options.access, options.key)
        self._exchange = HttpExchange(
            V3_0, pool.transport, pool.endpoints, _headers_of(pool, options), timeout_of(options.timeouts)
        )

    async def __call__(self, action: Action[T], /, **arguments: Any) -> T:
        """Perform an action: check its arguments, send it, and return its result."""
        try:
            customer = self._usable_customer()
            call = RunningCall(self._pool, self._options, customer, self._exchange, action)
            result: T = await call.run(arguments)
        except InvalidRequestError as error:
            # The frames in between are ours: whoever passed the argument needs none of them.
            raise error.with_traceback(None)  # noqa: B904
        except SessionStateError as error:
            error.action = action.name
            raise
        else:
            return result

    def _usable_customer(self) -> Customer:
        self._pool.check_process()
        if self._customer is None:
            raise SessionStateError("this session has no customer: call for_customer(access_token) and use the result")
        return self._customer

    def stats(self) -> SessionStats:
        """Return what the pool is doing now, and has done."""
        return self._pool.stats(self._customer)

    @property
    def clock(self) -> Clock:
        """The clock of the pool."""
        return self._pool.clock

    @property
    def total(self) -> float | None:
        """Seconds that one call may take."""
        return self._options.timeouts.total

    def check(self, action: Action[Any], /, **arguments: Any) -> None:
        """Refuse arguments as a call would, and send nothing."""
        try:
            self._exchange.encode(action.request(arguments).payload)
        except LiveChatError as error:
            error.action = action.name
            raise

    def limited(self, total: float) -> Pipeline:
        """Return a pipeline of the same customer whose calls may take that many seconds each."""
        timeouts = attrs.evolve(self._options.timeouts, total=total)
        return Pipeline(self._pool, attrs.evolve(self._options, timeouts=timeouts))


def _headers_of(pool: Pool, options: Options) -> HeaderPairs:
    """Return the headers that all requests of one customer have."""
    joined = {
        **pool.transport.default_headers,
        "host": pool.endpoints.host.decode("ascii"),
        "accept": "application/json",
        "user-agent": _DEFAULT_USER_AGENT,
        **options.headers,
    }
    if options.user_agent is not None:
        joined["user-agent"] = options.user_agent
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in joined.items())
