"""An observer for OpenTelemetry; needs the extra `otel`: `pip install "livechat-customer-async[otel]"`.

One client span for each call, its attempts and retries as events of the span; metrics for durations and retries.
Names follow the semantic conventions for HTTP clients where these have one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

try:
    from opentelemetry.metrics import MeterProvider, get_meter_provider
    from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider, get_tracer_provider
except ModuleNotFoundError as _error:
    raise ImportError(
        'the OpenTelemetry observer needs its API: pip install "livechat-customer-async[otel]"', name=_error.name
    ) from _error

from livechat_customer_async import (
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallQueued,
    CallRetry,
    Observer,
    __version__,
)

__all__ = ["OpenTelemetryObserver"]

_SCOPE = "livechat_customer_async"
_METHOD = "POST"

_Attributes = dict[str, str | int | float]
_Event = tuple[str, _Attributes, int]


class OpenTelemetryObserver(Observer):
    """Tells OpenTelemetry of every call.

    The span belongs to whatever span is current where the call is awaited. Its name is `POST` and the action. It holds
    no header, body or URL.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        server_address: str = "api.livechatinc.com",
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Make an observer.

        Args:
            tracer_provider: `None`: the global one.
            meter_provider: `None`: the global one.
            server_address: host that the session talks to.
            clock_ns: Unix time in nanoseconds.
        """
        self._tracer = (tracer_provider or get_tracer_provider()).get_tracer(_SCOPE, __version__)
        meter = (meter_provider or get_meter_provider()).get_meter(_SCOPE, __version__)
        self._server_address = server_address
        self._clock_ns = clock_ns
        self._events: dict[int, list[_Event]] = {}
        self._request_duration = meter.create_histogram(
            "http.client.request.duration", unit="s", description="Duration of one attempt."
        )
        self._call_duration = meter.create_histogram(
            "livechat.client.call.duration", unit="s", description="Duration of one call, waits and retries included."
        )
        self._retries = meter.create_counter(
            "livechat.client.retries", unit="{retry}", description="Attempts that followed a failed one."
        )

    def on_queued(self, event: CallQueued) -> None:
        """Note that the call waits for its turn."""
        self._note(event.call_id, "queued", {"livechat.queued": event.queued})

    def on_attempt_start(self, event: AttemptStart) -> None:
        """Note that a request is about to be sent."""
        self._note(event.call_id, "attempt", {"livechat.attempt": event.attempt})

    def on_attempt_end(self, event: AttemptEnd) -> None:
        """Measure the request."""
        self._request_duration.record(event.elapsed, self._common(event.action, event.status_code, event.error))

    def on_retry(self, event: CallRetry) -> None:
        """Count the retry."""
        self._note(event.call_id, "retry", {"livechat.retry.after": event.after, "error.type": event.reason})
        self._retries.add(1, {"livechat.action": event.action, "error.type": event.reason})

    def on_call_end(self, event: CallEnd) -> None:
        """Make the span of the whole call, now that all of it is known."""
        attributes = self._common(event.action, event.status_code, event.error_type or event.error)
        self._call_duration.record(event.elapsed, attributes)
        end = self._clock_ns()
        span = self._tracer.start_span(
            f"{_METHOD} {event.action}",
            kind=SpanKind.CLIENT,
            attributes={**attributes, **self._of_the_call(event)},
            start_time=end - int(event.elapsed * 1e9),
        )
        for name, facts, at in self._events.pop(event.call_id, ()):
            span.add_event(name, facts, at)
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR, event.error))
        span.end(end)

    def _note(self, call_id: int, name: str, facts: _Attributes) -> None:
        self._events.setdefault(call_id, []).append((name, facts, self._clock_ns()))

    def _common(self, action: str, status_code: int | None, error: str | None) -> _Attributes:
        attributes: _Attributes = {
            "http.request.method": _METHOD,
            "server.address": self._server_address,
            "livechat.action": action,
        }
        if status_code is not None:
            attributes["http.response.status_code"] = status_code
        if error is not None:
            attributes["error.type"] = error
        return attributes

    @staticmethod
    def _of_the_call(event: CallEnd) -> _Attributes:
        facts: _Attributes = {"livechat.attempts": event.attempts}
        if event.attempts > 1:
            facts["http.request.resend_count"] = event.attempts - 1
        if event.outcome is not None:
            facts["livechat.outcome"] = event.outcome.value
        return facts
