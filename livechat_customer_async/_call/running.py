"""One call from its start to its result: token, slot, attempt and decision in a loop."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from .._base.clock import Deadline, let_scopes_notice
from .._net.failures import Failure, fault_of_answer
from .._net.outgoing import Outgoing
from .._uploads.multipart import MultipartBody
from .._uploads.source import Source
from ..errors import (
    ApiError,
    CallTimeoutError,
    LiveChatError,
    Outcome,
    ResponseDecodeError,
    TokenProviderError,
    TransportError,
)
from .action import Action, Request
from .api import DEFAULT_REGION, V3_0, Exchange, multipart, region_of
from .middleware import Attempt
from .options import Options
from .report import CallReport, RunningAttempt
from .result import decode
from .retry import GiveUp, Reroute, Retry, RetryState, decide, is_throttling
from .shared import Pool
from .tokens import Customer

T = TypeVar("T")
_NO_HEADERS: Mapping[str, str] = {}
_NOT_SENT = object()


class CallPhase(enum.Enum):
    """What a call is doing, so that the end of its time can be explained."""

    OPEN = "the file was not opened"
    TOKEN = "the token provider returned no token"  # noqa: S105
    QUEUE = "no connection became free"
    EXCHANGE = "no complete answer arrived"
    BACKOFF = "the call did not finish"


class RunningCall:
    """One call of one customer."""

    def __init__(
        self, pool: Pool, options: Options, customer: Customer, exchange: Exchange, action: Action[Any]
    ) -> None:
        self._pool = pool
        self._options = options
        self._customer = customer
        self._exchange = exchange
        self._action = action
        self._total = options.timeouts.upload_total if action.upload else options.timeouts.total
        self._deadline = Deadline(pool.clock, self._total)
        self._state = RetryState(action.replay)
        self._report = CallReport(pool, action.name, self._state, self._deadline)
        self._phase = CallPhase.OPEN
        self._last: RunningAttempt | None = None
        self._last_error: LiveChatError | None = None

    async def run(self, arguments: dict[str, Any]) -> Any:
        """Check the arguments, perform the action and return its result."""
        error: BaseException | None = None
        try:
            self._pool.check_loop()
            return await self._in_time(self._action.request(arguments))
        except LiveChatError as raised:
            self._report.stamp(raised, self._last)
            error = raised
            raise
        except BaseException as raised:
            error = raised
            raise
        finally:
            if self._pool.events.wanted:
                self._report.ended(error, self._last)
            error = self._last_error = None  # or the traceback's frames and the error would hold each other

    # ---- time

    async def _in_time(self, request: Request) -> Any:
        timer = asyncio.timeout(self._deadline.own_left() if self._total is not None else None)
        try:
            async with timer:
                self._pool.entered(timer)
                try:
                    return await self._perform(request)
                finally:
                    self._pool.left(timer)
        except TimeoutError as error:
            if isinstance(error, LiveChatError) or not timer.expired():
                raise
        raise self._out_of_time() from self._last_error

    def _out_of_time(self) -> LiveChatError:
        """Return the error of a call that was ended by its time limit, or by closing the session."""
        if self._pool.closed and not self._deadline.passed:
            return TransportError("the session was closed during the call", outcome=self._report.outcome(self._last))
        kind = TokenProviderError if self._phase is CallPhase.TOKEN else CallTimeoutError
        return kind(
            f"{self._phase.value} within the call's total of {self._total:g} s",
            outcome=self._report.outcome(self._last),
        )

    # ---- the request

    async def _perform(self, request: Request) -> Any:
        if request.upload is None:
            return await self._attempts(self._exchange.encode(request.payload), None)
        # A source that can be read only once is kept as it is read, if the call may be repeated at all.
        keep = self._options.retry.attempts > 1 or self._customer.source is not None
        source = await request.upload.open(keep=keep)
        succeeded = False
        try:
            body = multipart(V3_0, request.payload, source, request.upload.on_progress)
            result = await self._attempts(body, source)
            succeeded = True
        finally:
            await source.aclose(succeeded=succeeded)
        return result

    # ---- the loop

    async def _attempts(self, body: bytes | MultipartBody, source: Source | None) -> Any:
        while True:
            token = await self._token()
            self._last = RunningAttempt(token, self._region(token))
            result = await self._attempt(self._last, body)
            if not isinstance(result, Failure):
                self._pool.budget.succeeded(self._state.spent)
                return result
            await self._recover(self._last, result, source)

    async def _attempt(self, this: RunningAttempt, body: bytes | MultipartBody) -> Any:
        """Send once and decode. Return the result, or the `Failure`."""
        await self._slot()
        try:
            self._phase = CallPhase.EXCHANGE
            this.began = self._pool.clock.now()
            if self._deadline.passed:  # some transports send before they first wait
                await let_scopes_notice()
                raise CallTimeoutError(
                    "deadline exceeded while waiting for a connection", outcome=self._report.outcome(self._last)
                )
            if self._pool.middleware:
                return await self._within_middleware(this, body)
            return await self._observed(this, body, _NO_HEADERS)
        finally:
            self._pool.limiter.release(upload=self._action.upload)

    async def _within_middleware(self, this: RunningAttempt, body: bytes | MultipartBody) -> Any:
        attempt = Attempt(
            call_id=self._report.call_id,
            action=self._action.name,
            number=self._state.attempts + 1,
            base_url=self._pool.endpoints.base_url,
        )
        result: Any = _NOT_SENT
        try:
            async with AsyncExitStack() as stack:
                for middleware in self._pool.middleware:
                    await stack.enter_async_context(middleware.attempt(attempt))
                result = await self._observed(this, body, attempt.headers)
                if isinstance(result, Failure):
                    raise result.error  # noqa: TRY301 - it passes through the middleware
        except Exception as error:
            if isinstance(result, Failure) and error is result.error:
                error.__traceback__ = None
                return result
            if isinstance(error, LiveChatError):
                raise
            raise self._failed_middleware(f"raised {type(error).__name__}") from error
        if result is _NOT_SENT:
            raise self._failed_middleware("suppressed the exception of another one")
        return result

    def _failed_middleware(self, how: str) -> LiveChatError:
        return LiveChatError(f"a middleware {how}", outcome=self._report.outcome(self._last))

    async def _observed(self, this: RunningAttempt, body: bytes | MultipartBody, headers: Mapping[str, str]) -> Any:
        outgoing = self._exchange.prepare(self._action.name, body, this.token, this.region, headers)
        this.outgoing = outgoing
        self._state.attempts += 1
        self._pool.attempts += 1
        if not self._pool.events.wanted:
            return await self._exchanged(this, outgoing)
        self._report.attempt_started()
        error: BaseException | None = None
        try:
            result = await self._exchanged(this, outgoing)
            error = result.error if isinstance(result, Failure) else None
        except BaseException as raised:
            error = raised
            raise
        else:
            return result
        finally:
            self._report.attempt_ended(this, error)
            error = None

    async def _exchanged(self, this: RunningAttempt, outgoing: Outgoing) -> Any:
        answer = await self._exchange.send(outgoing)
        if isinstance(answer, Failure):
            return answer
        this.status = answer.status
        try:
            result = decode(self._action, answer, this.token, self._pool.clock.wall())
        except (ApiError, ResponseDecodeError) as error:
            self._tell_throttle(this, error)
            return Failure(error.with_traceback(None), fault_of_answer(answer, error))
        self._tell_throttle(this, None)
        return result

    def _tell_throttle(self, this: RunningAttempt, error: LiveChatError | None) -> None:
        throttle, now = self._pool.throttle, self._pool.clock.now()
        began = now if this.began is None else this.began
        limited = throttle.limited
        if error is not None and is_throttling(error):
            throttle.refused(self._customer, began, now, error.retry_after)
        elif this.status is not None and this.status < 500:
            throttle.served(self._customer, began, now)
        if throttle.limited is not limited:
            self._report.throttled(throttle.rate(self._customer))

    async def _slot(self) -> None:
        limiter, upload, again = self._pool.limiter, self._action.upload, self._state.refused > 0
        if limiter.try_acquire(self._customer, upload=upload):
            return
        pause = self._pool.throttle.wait(self._customer, self._pool.clock.now())
        if pause > 0 and pause >= self._deadline.left():
            raise CallTimeoutError(
                f"the server limits the rate, and a pause of {pause:.3g} s does not fit into the time left",
                phase="queue",
            ) from self._last_error
        if not again:
            limiter.check_queue()
        self._phase = CallPhase.QUEUE
        self._report.queued(limiter.queued + 1)
        limit = self._pool.queue_timeout
        timer = asyncio.timeout(limit)
        try:
            async with timer:
                await limiter.acquire(self._customer, upload=upload, again=again)
        except TimeoutError:
            if not timer.expired():
                raise
            raise CallTimeoutError(f"no connection became free within {limit:g} s", phase="queue") from None

    # ---- after a failed attempt

    async def _recover(self, this: RunningAttempt, failure: Failure, source: Source | None) -> None:
        """Prepare a further attempt, or raise the error."""
        error = self._last_error = failure.error
        state = self._state
        state.maybe_acted |= error.outcome is Outcome.UNKNOWN
        state.regions |= {this.region or DEFAULT_REGION}
        this.outgoing = None
        decision = decide(
            failure,
            state,
            self._options.retry,
            time_left=self._deadline.left(),
            chance=self._pool.clock.chance(),
            can_refresh=self._customer.source is not None,
        )
        if isinstance(decision, GiveUp):
            error.not_repeated = decision.why
            raise error
        if source is not None and not source.replayable:
            error.not_repeated = source.why_one_shot
            raise error
        if isinstance(decision, Retry):
            await self._wait(error, decision)
            return
        how = "new token"
        if isinstance(decision, Reroute):
            state.rerouted = True
            self._customer.region = decision.region
            how = f"region {decision.region}"
        elif not await self._refresh(this.token):
            raise error
        state.replays += 1
        self._report.retried(error, 0.0, how)

    async def _wait(self, error: LiveChatError, retry: Retry) -> None:
        if not self._pool.budget.take(retry.cost):
            error.not_repeated = "the retry budget of the pool is used up"
            raise error
        state, refused = self._state, retry.cost == 0
        after = self._pool.throttle.wait(self._customer, self._pool.clock.now()) if refused else retry.after
        if after >= self._deadline.left():
            error.not_repeated = f"a wait of {after:.3g} s does not fit into the time left"
            raise error
        state.spent += retry.cost
        state.refused += refused
        self._pool.retries += 1
        how = "refused" if refused else f"attempt {state.tries + 1} of {self._options.retry.attempts}"
        self._report.retried(error, after, how)
        if not refused:  # else it waits in the queue, for the pace
            self._phase = CallPhase.BACKOFF
            await self._pool.clock.sleep(after)

    # ---- token and region

    async def _token(self) -> str:
        access, source = self._options.access, self._customer.source
        if source is None or not callable(access):
            assert isinstance(access, str)
            return access
        token = source.current()
        if token is not None:
            return token
        return await self._asked(source.get(access, self._provider_limit(), self._deadline.left()))

    async def _refresh(self, refused: str) -> bool:
        access, source = self._options.access, self._customer.source
        if source is None or not callable(access):
            return False
        self._state.refreshed = True
        return await self._asked(source.replace(access, refused, self._provider_limit()))

    def _provider_limit(self) -> float:
        # Not the deadline of a scope around this call: others may wait for the same answer, or come for it later.
        return self._deadline.own_left()

    async def _asked(self, asking: Awaitable[T]) -> T:
        self._phase = CallPhase.TOKEN
        return await asking

    def _region(self, token: str) -> str | None:
        """Return the region to name, `None` for none: no name means the default one."""
        if self._customer.region is not None:
            return self._customer.region
        region = self._options.region or region_of(token)
        return None if region == DEFAULT_REGION else region
