"""The one way of a call: encode, then token, slot, attempt and decision in a loop, then decode."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import anyio
import attrs

from .._base.clock import Clock, let_scopes_notice
from .._net.failures import Failure, fault_of_answer
from .._net.outgoing import Answer, HeaderBlock, Outgoing, timeout_of
from .._uploads.multipart import MultipartBody
from .._uploads.source import Source, open_source
from .._wire.converter import dumps, structure, structure_in_place, unstructure
from .._wire.envelope import interpret
from ..config import RetryPolicy, Timeouts, TokenProvider
from ..errors import (
    ApiError,
    CallTimeoutError,
    LiveChatError,
    Outcome,
    ResponseDecodeError,
    SessionStateError,
    TokenProviderError,
    TransportError,
)
from .action import NO_RESULT, Action, UploadRequest
from .retry import Circumstances, GiveUp, Reroute, Retry, decide
from .running import Call
from .shared import Pool
from .tokens import DEFAULT_REGION, Customer, region_of

P = ParamSpec("P")
T = TypeVar("T")
Body: TypeAlias = bytes | MultipartBody
HeaderPairs: TypeAlias = tuple[tuple[bytes, bytes], ...]


class AttemptError(Exception):
    """Carries a failure to the loop."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options:
    """What one session adds to its pool."""

    access: str | TokenProvider = attrs.field(repr=False)
    timeouts: Timeouts
    retry: RetryPolicy
    region: str | None
    headers: HeaderPairs


class Pipeline:
    """One customer's way through a pool; the `Caller` of its namespaces."""

    def __init__(self, pool: Pool, options: Options) -> None:
        self.pool = pool
        self.options = options
        self._customer: Customer = pool.customers.find(options.access)
        self._timeout = timeout_of(options.timeouts)
        self._headers_for: tuple[str, str | None] | None = None
        self._headers: HeaderBlock | None = None

    async def __call__(self, action: Action[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Perform an action: check its arguments, send it, and return its result."""
        try:
            self.pool.check_process()  # first: a fork may have left no loop to read the time from
        except SessionStateError as refused:
            refused.action = action.name
            raise
        call = Call(action, self.pool.next_call_id(), self.pool.clock.now())
        error: BaseException | None = None
        try:
            self.pool.check_loop()
            request = action.request(*args, **kwargs)
            result: T = await self._in_time(call, request)
            return result
        except LiveChatError as raised:
            call.stamp(raised, self.pool.clock.now())
            error = raised
            raise
        except BaseException as raised:
            error = raised
            raise
        finally:
            if self.pool.audience.listens():
                self.pool.audience.tell(call.ended(error, self.pool.clock.now()))
            error = None

    @property
    def clock(self) -> Clock:
        """The pool's time."""
        return self.pool.clock

    @property
    def total(self) -> float | None:
        """Seconds that one call may take."""
        return self.options.timeouts.total

    def check(self, action: Action[P, T], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Refuse arguments as a call would, and send nothing."""
        try:
            _encode(action, action.request(*args, **kwargs))
        except LiveChatError as error:
            error.action = action.name
            raise

    def limited(self, total: float) -> Pipeline:
        """Return a pipeline of the same customer whose calls may take so many seconds each."""
        timeouts = attrs.evolve(self.options.timeouts, total=total)
        return Pipeline(self.pool, attrs.evolve(self.options, timeouts=timeouts))

    # ---- time

    async def _in_time(self, call: Call, request: Any) -> Any:
        timeouts = self.options.timeouts
        total = timeouts.upload_total if call.action.upload else timeouts.total
        own = math.inf if total is None else call.began + total
        call.own_deadline = own
        call.deadline = min(own, anyio.current_effective_deadline())
        with anyio.CancelScope(deadline=own) as scope:
            self.pool.entered(scope)
            try:
                return await self._perform(call, request)
            finally:
                self.pool.left(scope)
        raise self._ended(call, total)

    def _time_left(self, call: Call) -> float:
        return call.deadline - self.pool.clock.now()

    def _ended(self, call: Call, total: float | None) -> LiveChatError:
        """Return the error of a call whose scope was cancelled: by its time limit, or by closing the pool."""
        if self.pool.closed and self.pool.clock.now() < call.deadline:
            return TransportError("the session was closed while the call ran", outcome=call.outcome())
        error: LiveChatError
        if call.asking:
            what = f"the token provider gave no token within the call's total of {total} s"
            error = TokenProviderError(what, outcome=call.outcome())
        elif call.queueing:
            what = f"no connection came free within the call's total of {total} s"
            error = CallTimeoutError(what, outcome=call.outcome())
        else:
            error = CallTimeoutError(f"the call did not end within its total of {total} s", outcome=call.outcome())
        error.__cause__ = call.last_error
        return error

    # ---- encode

    async def _perform(self, call: Call, request: Any) -> Any:
        if not isinstance(request, UploadRequest):
            return await self._attempts(call, _encode(call.action, request), None)
        return await self._perform_upload(call, request)

    async def _perform_upload(self, call: Call, request: UploadRequest) -> Any:
        # What cannot be read twice is kept while it is read, where the call may be repeated at all.
        keep = self.options.retry.attempts > 1 or self._customer.source is not None
        source = await open_source(
            request.file, filename=request.filename, content_type=request.content_type, keep=keep
        )
        succeeded = False
        try:
            body = MultipartBody(request.form_fields(), "payload.file", source, on_progress=request.on_progress)
            result = await self._attempts(call, body, source)
            succeeded = True
        finally:
            await source.aclose(succeeded=succeeded)
        return result

    # ---- the loop

    async def _attempts(self, call: Call, body: Body, source: Source | None) -> Any:
        while True:
            token = await self._token(call)
            region = self._region(token)
            try:
                result = await self._attempt(call, body, token, region)
            except AttemptError as failed:
                failure = failed.failure
            else:
                self.pool.budget.succeeded(call.spent)
                return result
            # Out of the `except`, or every error raised from here would show it as its context.
            call.regions |= {region or DEFAULT_REGION}
            await self._repeat_or_raise(call, source, token, failure)

    async def _attempt(self, call: Call, body: Body, token: str, region: str | None) -> Any:
        """Send once and decode; every failure leaves as `AttemptError`."""
        await self._slot(call)
        try:
            outgoing = Outgoing(
                url=self.pool.url_of(call.action.name),
                headers=self._headers_of(token, region),
                body=body,
                timeout=self._timeout,
            )
            began = self.pool.clock.now()
            if began >= call.deadline:
                await self._too_late(call)
            call.outgoing = outgoing
            call.attempts += 1
            call.attempt_began = began
            self.pool.attempts += 1
            if self.pool.audience.listens():
                return await self._observed(call, outgoing, token)
            return await self._exchange(call, outgoing, token)
        finally:
            self.pool.limiter.release(upload=call.action.upload)

    async def _too_late(self, call: Call) -> None:
        """End a call whose time was over when its turn came: some transports send before they first wait."""
        await let_scopes_notice()
        raise CallTimeoutError("the time of the call was over when its turn came", outcome=call.outcome())

    async def _observed(self, call: Call, outgoing: Outgoing, token: str) -> Any:
        tell = self.pool.audience.tell
        call.status = None
        tell(call.attempt_started())
        error: BaseException | None = None
        try:
            return await self._exchange(call, outgoing, token)
        except BaseException as raised:
            error = raised.failure.error if isinstance(raised, AttemptError) else raised
            raise
        finally:
            tell(call.attempt_ended(error, self.pool.clock.now()))
            error = None

    async def _exchange(self, call: Call, outgoing: Outgoing, token: str) -> Any:
        answer = await self.pool.transport.send(outgoing)
        if isinstance(answer, Failure):
            raise AttemptError(answer)
        call.status = answer.status
        try:
            return self._decode(call.action, answer, token)
        except (ApiError, ResponseDecodeError) as error:
            raise AttemptError(Failure(error, fault_of_answer(answer, error))) from None

    async def _slot(self, call: Call) -> None:
        limiter, upload = self.pool.limiter, call.action.upload
        if limiter.try_acquire(upload=upload):
            return
        limiter.check_queue()
        if self.pool.audience.listens():
            self.pool.audience.tell(call.queued(limiter.queued + 1))
        limit = self.pool.queue_timeout
        call.queueing = True
        if limit is None:
            await limiter.acquire(upload=upload)
        else:
            with anyio.CancelScope(deadline=self.pool.clock.now() + limit) as scope:
                await limiter.acquire(upload=upload)
            if scope.cancelled_caught:
                raise CallTimeoutError(f"no connection came free within {limit} s", phase="queue")
        call.queueing = False

    def _decode(self, action: Action[..., Any], answer: Answer, token: str) -> Any:
        payload = interpret(answer, secret=token, wall_clock=self.pool.clock.wall())
        try:
            data, path = action.unwrap(payload)
            if data is NO_RESULT:
                return None
            try:
                return structure_in_place(data, action.result)
            except ResponseDecodeError:  # read anew to be explained: half of it has become models
                data, _ = action.unwrap(interpret(answer, secret=token, wall_clock=self.pool.clock.wall()))
                return structure(data, action.result, path=path)
        except ResponseDecodeError as error:
            error.outcome = Outcome.UNKNOWN
            raise

    # ---- after a failed attempt

    async def _repeat_or_raise(self, call: Call, source: Source | None, token: str, failure: Failure) -> None:
        error = call.last_error = failure.error
        call.maybe_acted |= error.outcome is Outcome.UNKNOWN
        call.outgoing = None
        decision = decide(failure, self._circumstances(call), self.options.retry)
        if isinstance(decision, GiveUp):
            error.not_repeated = decision.why
            raise error
        if source is not None and not source.replayable:
            error.not_repeated = source.why_one_shot
            raise error
        if isinstance(decision, Retry):
            await self._wait(call, error, decision)
            return
        call.replays += 1
        if isinstance(decision, Reroute):
            call.rerouted = True
            self._customer.region = decision.region
        elif not await self._refresh(call, token):
            call.replays -= 1
            raise error
        self._tell_repeat(call, error, 0.0)

    def _circumstances(self, call: Call) -> Circumstances:
        return Circumstances(
            replay=call.action.replay,
            tries=call.tries,
            time_left=self._time_left(call),
            chance=self.pool.clock.chance(),
            may_refresh=self._customer.source is not None and not call.refreshed,
            rerouted=call.rerouted,
            regions=call.regions,
        )

    async def _wait(self, call: Call, error: LiveChatError, retry: Retry) -> None:
        if not self.pool.budget.take(retry.cost):
            error.not_repeated = "the retry budget of the pool is used up"
            raise error
        call.spent += retry.cost
        self.pool.retries += 1
        self._tell_repeat(call, error, retry.after)
        await self.pool.clock.sleep(retry.after)

    def _tell_repeat(self, call: Call, error: LiveChatError, after: float) -> None:
        if self.pool.audience.listens():
            self.pool.audience.tell(call.repeated(error, after))

    # ---- token, region, headers

    async def _token(self, call: Call) -> str:
        access, source = self.options.access, self._customer.source
        if source is None or isinstance(access, str):
            return cast("str", access)
        token = source.current()
        if token is not None:
            return token
        return await self._asked(call, source.get(access, self._provider_limit(call), self._time_left(call)))

    async def _refresh(self, call: Call, refused: str) -> bool:
        access, source = self.options.access, self._customer.source
        if source is None or isinstance(access, str):
            return False
        call.refreshed = True
        return await self._asked(call, source.replace(access, refused, self._provider_limit(call)))

    def _provider_limit(self, call: Call) -> float:
        # Not the deadline of a scope around this call: others may wait for the same answer, or come for it later.
        return call.own_deadline - self.pool.clock.now()

    async def _asked(self, call: Call, asking: Awaitable[T]) -> T:
        """Wait for the provider; where the call's time ends meanwhile, that is the provider's failure."""
        call.asking = True
        answer = await asking
        call.asking = False
        return answer

    def _region(self, token: str) -> str | None:
        """Return the region to name, `None` for none: no name means the default one."""
        if self._customer.region is not None:
            return self._customer.region
        region = self.options.region or region_of(token)
        return None if region == DEFAULT_REGION else region

    def _headers_of(self, token: str, region: str | None) -> HeaderBlock:
        if self._headers is None or self._headers_for != (token, region):
            pairs = [(b"Content-Type", b"application/json"), (b"Authorization", b"Bearer " + token.encode())]
            if region is not None:
                pairs.append((b"X-Region", region.encode()))
            self._headers, self._headers_for = HeaderBlock([*self.options.headers, *pairs]), (token, region)
        return self._headers


def _encode(action: Action[..., Any], request: object) -> bytes:
    return dumps({"payload": action.arrange(unstructure(request))})
