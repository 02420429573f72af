"""OpenTelemetry spans and metrics; requires the extra `otel`: `pip install "livechat-customer-async[otel]"`.

Names follow the semantic conventions for HTTP clients where these define one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

try:
    from opentelemetry import propagate
    from opentelemetry.metrics import MeterProvider, get_meter_provider
    from opentelemetry.trace import (
        Span,
        SpanKind,
        Status,
        StatusCode,
        TracerProvider,
        get_tracer_provider,
        use_span,
    )
except ModuleNotFoundError as _error:
    raise ImportError(
        'OpenTelemetryObserver requires the OpenTelemetry API: pip install "livechat-customer-async[otel]"',
        name=_error.name,
    ) from _error

from livechat_customer_async import (
    Attempt,
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallQueued,
    CallRetry,
    LiveChatError,
    Observer,
    __version__,
)

__all__ = ["OpenTelemetryObserver"]

_SCOPE = "livechat_customer_async"
_METHOD = "POST"
_PORTS = {"https": 443, "http": 80}

_Attributes = dict[str, str | int | float]
_Event = tuple[str, _Attributes, int]


class OpenTelemetryObserver(Observer):
    """Reports calls to OpenTelemetry: one client span for each call, and metrics of durations and retries.

    Pass it as `observers=[otel], middleware=[otel]`. As a middleware it makes the span current while a request runs and
    sends the trace context (`traceparent`) with it; as the middleware alone it makes a span for each attempt. As the
    observer alone it reports the span when the call has ended.

    The span's parent is the span that is current where the call is awaited. Its name is `POST` and the action. It
    contains no header, body or URL.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        server_address: str | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Create an observer.

        Args:
            tracer_provider: `None`: the global one.
            meter_provider: `None`: the global one.
            server_address: reported in place of the host and port of the session's `base_url`.
            clock_ns: Unix time in nanoseconds.
        """
        self._tracer = (tracer_provider or get_tracer_provider()).get_tracer(_SCOPE, __version__)
        meter = (meter_provider or get_meter_provider()).get_meter(_SCOPE, __version__)
        self._server: _Attributes | None = None if server_address is None else {"server.address": server_address}
        self._clock_ns = clock_ns
        self._events: dict[int, list[_Event]] = {}
        self._spans: dict[int, Span] = {}
        self._servers: dict[int, _Attributes] = {}
        self._request_duration = meter.create_histogram(
            "http.client.request.duration", unit="s", description="Duration of one attempt."
        )
        self._call_duration = meter.create_histogram(
            "livechat.client.call.duration", unit="s", description="Duration of one call, waits and retries included."
        )
        self._retries = meter.create_counter(
            "livechat.client.retries", unit="{retry}", description="Attempts that followed a failed one."
        )

    # ---- as a middleware

    def attempt(self, attempt: Attempt, /) -> AbstractAsyncContextManager[None]:
        """Make the call's span current during an attempt, and send the trace context with the request."""
        return self._current_span(attempt)

    @asynccontextmanager
    async def _current_span(self, attempt: Attempt) -> AsyncGenerator[None, None]:
        call_id = attempt.call_id
        span = self._spans.get(call_id) or self._start(attempt)
        self._spans[call_id] = span
        with use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            propagate.inject(attempt.headers)
            try:
                yield
            except LiveChatError as error:
                if not self._observes(call_id):
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                    span.set_attribute("error.type", type(error).__name__)
                raise
            finally:
                if not self._observes(call_id):
                    del self._spans[call_id]
                    span.end()

    def _observes(self, call_id: int) -> bool:
        """Tell whether the call's events arrive here too, so that its end will be reported."""
        return call_id in self._events

    def _start(self, attempt: Attempt) -> Span:
        attributes = {"http.request.method": _METHOD, "livechat.action": attempt.action, **self._of(attempt.base_url)}
        if attempt.number > 1:
            attributes["http.request.resend_count"] = attempt.number - 1
        return self._tracer.start_span(f"{_METHOD} {attempt.action}", kind=SpanKind.CLIENT, attributes=attributes)

    def _of(self, base_url: str) -> _Attributes:
        if self._server is not None:
            return self._server
        url = urlsplit(base_url)
        if url.hostname is None:
            return {}
        return {"server.address": url.hostname, "server.port": url.port or _PORTS.get(url.scheme, 443)}

    # ---- as an observer

    def on_queued(self, event: CallQueued) -> None:
        """Note that the call waits for its turn."""
        self._note(event.call_id, "queued", {"livechat.queued": event.queued})

    def on_attempt_start(self, event: AttemptStart) -> None:
        """Note that a request is about to be sent."""
        self._servers[event.call_id] = self._of(event.base_url)
        self._note(event.call_id, "attempt", {"livechat.attempt": event.attempt})

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """Measure the request."""
        attributes = self._common(event.call_id, event.action, event.status_code, event.error)
        self._request_duration.record(event.elapsed, attributes)

    def on_retry(self, event: CallRetry) -> None:
        """Count the retry."""
        self._note(event.call_id, "retry", {"livechat.retry.after": event.after, "error.type": event.reason})
        self._retries.add(1, {"livechat.action": event.action, "error.type": event.reason})

    def on_call_end(self, event: CallEnd) -> None:
        """Report the call's span."""
        attributes = self._common(event.call_id, event.action, event.status_code, event.error_type or event.error)
        self._call_duration.record(event.elapsed, attributes)
        end = self._clock_ns()
        span = self._spans.pop(event.call_id, None) or self._tracer.start_span(
            f"{_METHOD} {event.action}", kind=SpanKind.CLIENT, start_time=end - int(event.elapsed * 1e9)
        )
        span.set_attributes({**attributes, **_facts_of(event)})
        for name, facts, at in self._events.pop(event.call_id, ()):
            span.add_event(name, facts, at)
        self._servers.pop(event.call_id, None)
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR, event.error))
        span.end(end)

    def _note(self, call_id: int, name: str, facts: _Attributes) -> None:
        self._events.setdefault(call_id, []).append((name, facts, self._clock_ns()))

    def _common(self, call_id: int, action: str, status_code: int | None, error: str | None) -> _Attributes:
        attributes: _Attributes = {
            "http.request.method": _METHOD,
            "livechat.action": action,
            **self._servers.get(call_id, self._server or {}),
        }
        if status_code is not None:
            attributes["http.response.status_code"] = status_code
        if error is not None:
            attributes["error.type"] = error
        return attributes


def _facts_of(event: CallEnd) -> _Attributes:
    facts: _Attributes = {"livechat.attempts": event.attempts}
    if event.attempts > 1:
        facts["http.request.resend_count"] = event.attempts - 1
    if event.outcome is not None:
        facts["livechat.outcome"] = event.outcome.value
    return facts
