"""The OpenTelemetry observer, over a session whose transport is scripted."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from livechat_customer_async import AsyncCustomerSession, GroupOfflineError, RetryPolicy, TransportError
from livechat_customer_async.contrib.otel import OpenTelemetryObserver

pytestmark = pytest.mark.asyncio

TOKEN = "canary-token"
SECRET = "canary-value"


class Telemetry:
    """An observer and what it exported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = TracerProvider()
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.observer = OpenTelemetryObserver(
            tracer_provider=self.traces, meter_provider=MeterProvider([self.reader]), server_address="example.com"
        )

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def points(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: list(metric.data.data_points) for metric in metrics}


def session_over(answers: list[httpx.Response | Exception], telemetry: Telemetry) -> AsyncCustomerSession:
    script: Iterator[httpx.Response | Exception] = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        step = next(script)
        if isinstance(step, Exception):
            raise step
        return step

    return AsyncCustomerSession(
        1,
        TOKEN,
        observers=[telemetry.observer],
        transport=httpx.MockTransport(answer),
        retry=RetryPolicy(base=0, throttle_base=0),
    )


async def test_a_call_is_one_client_span_under_the_current_one() -> None:
    telemetry = Telemetry()
    async with session_over([httpx.Response(200, json={})], telemetry) as session:
        with telemetry.traces.get_tracer("caller").start_as_current_span("request") as caller:
            await session.customers.set_customer_fields({"name": SECRET})
    span = telemetry.spans()[0]
    assert span.name == "POST set_customer_fields"
    assert span.kind is SpanKind.CLIENT
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "example.com",
        "livechat.action": "set_customer_fields",
        "livechat.attempts": 1,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert [event.name for event in span.events] == ["attempt"]


async def test_retries_are_events_and_are_counted() -> None:
    telemetry = Telemetry()
    answers: list[httpx.Response | Exception] = [
        httpx.Response(429, headers={"retry-after": "0"}, json={"error": {"type": "too_many_requests", "message": ""}}),
        httpx.Response(200, json={"title": "x"}),
    ]
    async with session_over(answers, telemetry) as session:
        await session.other.get_url_details("https://example.com")
    span = telemetry.spans()[0]
    assert [event.name for event in span.events] == ["attempt", "retry", "attempt"]
    assert (span.attributes or {})["http.request.resend_count"] == 1
    points = telemetry.points()
    assert points["livechat.client.retries"][0].value == 1
    assert points["livechat.client.retries"][0].attributes["error.type"] == "TooManyRequestsError"
    assert sum(point.count for point in points["http.client.request.duration"]) == 2
    assert points["livechat.client.call.duration"][0].count == 1


async def test_an_error_names_its_type_and_outcome_and_no_secret() -> None:
    telemetry = Telemetry()
    rejected = httpx.Response(400, json={"error": {"type": "validation", "message": f"{TOKEN} {SECRET}"}})
    async with session_over([rejected], telemetry) as session:
        with pytest.raises(Exception, match="validation"):
            await session.properties.update_chat_properties("chat", {"ns": {"name": SECRET}})
    span = telemetry.spans()[0]
    attributes = dict(span.attributes or {})
    assert attributes["error.type"] == "validation"
    assert attributes["livechat.outcome"] == "rejected"
    assert span.status.status_code is StatusCode.ERROR
    exported = span.to_json() + str(telemetry.points())
    assert TOKEN not in exported
    assert SECRET not in exported


async def test_a_call_without_an_answer_has_no_status() -> None:
    telemetry = Telemetry()
    async with session_over([httpx.ConnectError("refused")] * 3, telemetry) as session:
        with pytest.raises(TransportError):
            await session.chats.close_thread("chat")
    attributes = dict(telemetry.spans()[0].attributes or {})
    assert "http.response.status_code" not in attributes
    assert attributes["error.type"] == "TransportError"
    assert attributes["livechat.attempts"] == 3


# ---- as a middleware


def session_with(telemetry: Telemetry, transport: httpx.MockTransport, **options: Any) -> AsyncCustomerSession:
    return AsyncCustomerSession(
        1, TOKEN, middleware=[telemetry.observer], transport=transport, retry=RetryPolicy(base=0), **options
    )


def at_base_url() -> Telemetry:
    telemetry = Telemetry()
    telemetry.observer._server = None
    return telemetry


@pytest.mark.parametrize("observes", [True, False])
async def test_the_span_is_current_while_the_request_runs_and_its_context_goes_out(observes: bool) -> None:
    telemetry, seen = at_base_url(), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["traceparent"], get_current_span().get_span_context()))
        return httpx.Response(200)

    options: dict[str, Any] = {"observers": [telemetry.observer]} if observes else {}
    transport = httpx.MockTransport(answer)
    async with session_with(telemetry, transport, base_url="https://chat.example:8443/x", **options) as session:
        with telemetry.traces.get_tracer("caller").start_as_current_span("request") as caller:
            await session.chats.close_thread("c")
            assert get_current_span() is caller
    traceparent, current = seen[0]
    span = telemetry.spans()[0]
    assert span.context is not None
    assert current.span_id == span.context.span_id
    assert f"{span.context.trace_id:032x}-{span.context.span_id:016x}" in traceparent
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id
    attributes = dict(span.attributes or {})
    assert (attributes["server.address"], attributes["server.port"]) == ("chat.example", 8443)
    assert attributes.get("livechat.attempts") == (1 if observes else None)
    assert len(telemetry.spans()) == 2


@pytest.mark.parametrize("observes, spans", [(True, 1), (False, 2)])
async def test_attempts_share_a_span_only_if_its_end_is_observed(observes: bool, spans: int) -> None:
    telemetry = at_base_url()
    answers = iter([httpx.Response(503), httpx.Response(200, json={"title": "x"})])
    options: dict[str, Any] = {"observers": [telemetry.observer]} if observes else {}
    async with session_with(telemetry, httpx.MockTransport(lambda _: next(answers)), **options) as session:
        await session.other.get_url_details("https://example.com")
    finished = telemetry.spans()
    assert len(finished) == spans
    assert (finished[-1].attributes or {})["http.request.resend_count"] == 1
    assert (finished[-1].attributes or {})["server.port"] == 443
    assert finished[-1].status.status_code is StatusCode.UNSET
    assert finished[0].status.status_code is (StatusCode.UNSET if observes else StatusCode.ERROR)
    assert not telemetry.observer._spans


async def test_a_call_that_fails_sets_the_status_of_its_span() -> None:
    telemetry = at_base_url()
    transport = httpx.MockTransport(lambda _: httpx.Response(400, json={"error": {"type": "group_offline"}}))
    async with session_with(telemetry, transport) as session:
        with pytest.raises(GroupOfflineError):
            await session.chats.close_thread("c")
    (span,) = telemetry.spans()
    assert (span.attributes or {})["error.type"] == "GroupOfflineError"
    assert span.status.status_code is StatusCode.ERROR
