"""A token and a secret property value show up nowhere: not in a log, an error, a pickle or an event, whatever fails."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs
import httpx
import pytest

from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallQueued,
    CallRetry,
    InvalidRequestError,
    Limits,
    LiveChatError,
    NewMessage,
    NewThread,
    Observer,
    ResponseDecodeError,
    RetryPolicy,
    Timeouts,
)
from livechat_customer_async._wire import reading
from livechat_customer_async.sandbox import Fault, FaultKind, Sandbox, serve

pytestmark = pytest.mark.asyncio

TOKEN = "dal:canary-of-a-token"
SECRET = "canary-of-a-property"
CANARIES = ("canary-of-a-token", "canary-of-a-property")
HIDDEN = NewThread(
    events=(NewMessage(text="hello", properties={"ns": {"name": SECRET}}),), properties={"ns": {"n": SECRET}}
)


class Watch(logging.Handler, Observer):
    """Keeps everything that a process writes or tells, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = {name: value for name, value in vars(record).items() if name != "exc_info"}
        self.texts.append(f"log: {logging.Formatter().format(record)} {facts!r}")

    def heard(self, event: CallQueued | AttemptStart | AttemptEnd | CallRetry | CallEnd) -> None:
        self.texts.append(f"event: {event!r} {attrs.asdict(event)!r} {pickle.dumps(event)!r}")

    on_queued = on_attempt_start = on_attempt_end = on_retry = on_call_end = heard

    def error(self, error: BaseException) -> None:
        if isinstance(error, ResponseDecodeError):  # its excerpt is a part of the body, but never the token
            assert TOKEN not in (error.excerpt or "")
            error.excerpt = None
        shown: list[Any] = [error, repr(error), error.args, vars(error), traceback.format_exception(error)]
        inner: BaseException | None = error
        while inner is not None:
            shown += [f"{type(inner).__name__}: {inner} {inner!r}"]
            inner = inner.__cause__ or (None if inner.__suppress_context__ else inner.__context__)
        shown += [pickle.dumps(error), vars(copy.deepcopy(error)), traceback.format_exception(copy.copy(error))]
        self.texts.append("error: " + " ".join(str(one) for one in shown))

    def assert_no_canary(self) -> None:
        leaks = [text for text in self.texts if any(canary in text for canary in CANARIES)]
        assert leaks == []


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    root = logging.getLogger()
    # Child loggers that somebody made deaf would hide a leak.
    loggers = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "asyncio", "livechat_customer_async"))]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(watch)
    yield watch
    root.removeHandler(watch)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    watch.assert_no_canary()


FAULTS = [
    Fault(FaultKind.ERROR, type="internal"),
    Fault(FaultKind.ERROR, type="authentication"),
    Fault(FaultKind.ERROR, type="too_many_requests", retry_after="0", times=2),
    Fault(FaultKind.ERROR, type="validation", message=f"Bad token {TOKEN}", data={TOKEN: [f"Bearer {TOKEN}"]}),
    Fault(FaultKind.ERROR, type=f"odd {TOKEN}", message="m"),
    Fault(FaultKind.ERROR, bare=True, status=500, message=f"<h1>Oops</h1> Authorization: Bearer {TOKEN}" * 50),
    Fault(FaultKind.ERROR, bare=True, status=400, message=("x" * 190) + TOKEN),
    Fault(FaultKind.LATENCY, seconds=0.001),
    Fault(FaultKind.STALL_BEFORE_HEADERS),
    Fault(FaultKind.STALL_MID_BODY),
    Fault(FaultKind.RESET_BEFORE_READING),
    Fault(FaultKind.RESET_AFTER_PERFORMING),
    Fault(FaultKind.LATE_PERFORMANCE, seconds=0.001),
    Fault(FaultKind.TRUNCATED_BODY),
    Fault(FaultKind.WRONG_CONTENT_LENGTH, delta=-5),
    Fault(FaultKind.WRONG_CONTENT_LENGTH, delta=5),
    Fault(FaultKind.GARBAGE_HTTP),
    Fault(FaultKind.GARBAGE_BODY),
    Fault(FaultKind.SLOW_DRIP, seconds=0.001, chunk=64),
    Fault(FaultKind.CLOSE_AFTER_RESPONSE),
    Fault(FaultKind.CLOSE_ON_NEXT_REQUEST),
]


async def test_every_kind_of_fault_is_tried() -> None:
    assert {fault.kind for fault in FAULTS} == set(FaultKind)


async def at_once(_seconds: float) -> None:
    """The sandbox's sleep: no time passes."""


async def fails_or_not(watch: Watch, call: Awaitable[object]) -> LiveChatError | None:
    try:
        await call
    except LiveChatError as error:
        watch.error(error)
        return error
    return None


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["auto", "httpx"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.kind))
async def test_a_fault_of_the_server(watch: Watch, fault: Fault, engine: str) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # asyncio logs every callback, with its arguments
    try:
        await calls_under(fault, watch, engine)
    finally:
        loop.set_debug(False)
    assert any(text.startswith("log: ") and "asyncio" in text for text in watch.texts)
    assert any(text.startswith("event: CallEnd") for text in watch.texts)


async def calls_under(fault: Fault, watch: Watch, engine: str) -> None:
    timeouts = Timeouts(read=0.1, total=3)
    async with (
        serve(Sandbox(sleep=at_once)) as server,
        AsyncCustomerSession(
            1520,
            TOKEN,
            base_url=server.url,
            engine=engine,
            timeouts=timeouts,
            retry=RetryPolicy(base=0, throttle_base=0),
            observers=[watch],
        ) as session,
    ):
        chat = await session.chats.start_chat(thread=HIDDEN)
        server.sandbox.faults.add(fault)
        await fails_or_not(watch, session.properties.update_chat_properties(chat.id, {"ns": {"name": SECRET}}))
        server.sandbox.faults.add(fault)
        await fails_or_not(watch, session.chats.start_chat(thread=HIDDEN))
        server.sandbox.faults.add(fault)
        await fails_or_not(watch, session.events.upload_file(SECRET.encode() * 1000))
        await fails_or_not(watch, session.chats.start_chat(thread=HIDDEN))
        watch.texts += [repr(session), repr(session.for_customer(TOKEN)), repr(session.stats())]


async def test_an_error_that_echoes_the_token_still_tells_the_rest(watch: Watch) -> None:
    page = f"<p>cannot serve Authorization: Bearer {TOKEN} today</p>"
    transport = httpx.MockTransport(lambda _: httpx.Response(500, text=page, headers={"x-debug-id": f"d {TOKEN}"}))
    async with AsyncCustomerSession(1520, TOKEN, transport=transport, observers=[watch]) as session:
        error = await fails_or_not(watch, session.chats.close_thread("c"))
    assert isinstance(error, ApiError)
    assert error.message == "cannot serve Authorization: Bearer … today"
    assert error.debug_id == "d …"


BODIES: list[Any] = [
    {"chat": SECRET},
    {"chat": {"id": "c", "order": SECRET}},
    {"chat": {"id": "c", "thread": {"id": "t", "events": SECRET}}},
    {"chat": {"id": "c", "thread": {"id": "t", "timestamp": SECRET}}},
    {"chat": {"id": "c", "properties": {"ns": SECRET}}},
    {"chat": {"id": "c", "properties": SECRET}},
    {"chat": {"id": [SECRET]}},
    {"chat": None, "properties": {"ns": {"n": {"value": SECRET}}}},
    [SECRET],
    SECRET,
]


@pytest.mark.parametrize("body", BODIES)
async def test_an_answer_that_does_not_decode(watch: Watch, body: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    async with AsyncCustomerSession(1520, TOKEN, transport=transport, observers=[watch]) as session:
        assert await fails_or_not(watch, session.chats.start_chat()) is not None


ODD_EVENTS: list[Any] = [
    {"id": "e", "type": "message", "text": [SECRET]},
    {"id": "e", "type": "message", "text": "x", "order": SECRET},
    {"id": [SECRET], "type": "message", "text": SECRET},
    {"id": "e", "type": "message", "text": SECRET, "properties": {"ns": SECRET}},
    SECRET,
]


@pytest.mark.parametrize("event", ODD_EVENTS)
async def test_an_event_that_does_not_fit(watch: Watch, event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LOGGED", set())
    body = {"chat": {"id": "c", "thread": {"id": "t", "events": [event]}}}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    async with AsyncCustomerSession(1520, TOKEN, transport=transport, observers=[watch]) as session:
        await session.chats.start_chat()
    assert any("read as UnknownEvent" in text for text in watch.texts)


@pytest.mark.parametrize("content", [f'{{"payload": {{"chat": "{SECRET}', f"{SECRET} is no JSON", f"\x00{TOKEN}"])
async def test_an_answer_that_is_no_json(watch: Watch, content: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=content))
    async with AsyncCustomerSession(1520, TOKEN, transport=transport, observers=[watch]) as session:
        assert await fails_or_not(watch, session.chats.start_chat()) is not None


REFUSED: list[Callable[[AsyncCustomerSession], Awaitable[object]]] = [
    lambda s: s.chats.start_chat(properties={"ns": {"name": [SECRET]}}),  # type: ignore[dict-item]
    lambda s: s.properties.update_chat_properties("", {"ns": {"name": SECRET}}),
    lambda s: s.properties.update_chat_properties("c", {"ns": SECRET}),  # type: ignore[dict-item]
    lambda s: s.properties.update_chat_properties("c", SECRET),  # type: ignore[arg-type]
    lambda s: s.properties.update_chat_properties("c", {"ns": {"name": f"{SECRET}\ud800"}}),
    lambda s: s.properties.delete_chat_properties("c", {"ns": SECRET}),
    lambda s: s.events.send_event("c", NewMessage(text=SECRET * 2000)),
    lambda s: s.events.send_event("c", [SECRET]),  # type: ignore[arg-type]
    lambda s: s.events.send_event("c", {"type": "custom", "content": {"a": SECRET, "b": {SECRET}}}),
    lambda s: s.events.send_event("c", {}, on_unknown=SECRET),  # type: ignore[arg-type]
    lambda s: s.events.send_file("c", SECRET),  # type: ignore[arg-type]
    lambda s: s.chats.get_chats_summary(limit=SECRET),  # type: ignore[arg-type]
    lambda s: s.other.update_last_seen_timestamp("c", timestamp=SECRET),  # type: ignore[arg-type]
    lambda s: s.call(TOKEN, {}),
    lambda s: s.call("anything_new", {"a": SECRET, "b": float("nan")}),
]


@pytest.mark.parametrize("call", REFUSED)
async def test_a_call_that_is_refused_here(
    watch: Watch, call: Callable[[AsyncCustomerSession], Awaitable[object]]
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with AsyncCustomerSession(1520, TOKEN, transport=transport, observers=[watch]) as session:

        async def composed() -> None:
            await call(session)  # what composes the event may raise already

        assert isinstance(await fails_or_not(watch, composed()), InvalidRequestError)


@pytest.mark.parametrize("given", [f"{TOKEN}\n", f"{TOKEN} x", TOKEN.encode(), [TOKEN], {TOKEN: 1}])
async def test_a_token_that_cannot_be_sent(watch: Watch, given: Any) -> None:
    async def provider() -> Any:
        return given

    with pytest.raises(LiveChatError) as caught:
        AsyncCustomerSession(1520, given)
    watch.error(caught.value)
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with AsyncCustomerSession(1520, provider, transport=transport, observers=[watch]) as session:
        assert await fails_or_not(watch, session.chats.close_thread("c")) is not None


async def test_a_provider_that_fails_with_a_token_in_its_text(watch: Watch) -> None:
    async def provider() -> str:
        raise ValueError(TOKEN)

    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with AsyncCustomerSession(1520, provider, transport=transport, observers=[watch]) as session:
        with pytest.raises(LiveChatError) as caught:
            await session.chats.close_thread("c")
    # Its own error is the cause while raised, and shows itself; what the package says and pickles does not.
    watch.error(pickle.loads(pickle.dumps(caught.value)))
    watch.texts += [str(caught.value), repr(caught.value)]


@pytest.mark.parametrize("engine", ["auto", "httpx"])
async def test_calls_that_find_no_server_and_no_room(watch: Watch, engine: str) -> None:
    async with AsyncCustomerSession(
        1520,
        TOKEN,
        base_url="http://127.0.0.1:9",
        engine=engine,
        limits=Limits(connections=1, queue=1),
        retry=RetryPolicy(base=0),
        observers=[watch],
    ) as session:
        calls = [fails_or_not(watch, session.chats.start_chat(thread=HIDDEN)) for _ in range(4)]
        assert None not in await asyncio.gather(*calls)
    assert await fails_or_not(watch, session.chats.start_chat(thread=HIDDEN)) is not None


async def test_a_password_of_a_proxy(watch: Watch) -> None:
    for proxy in (f"ftp://user:{TOKEN}@127.0.0.1:9", f"http://user:{TOKEN}@127.0.0.1:9"):
        try:
            async with AsyncCustomerSession(1520, TOKEN, proxy=proxy, observers=[watch]) as session:
                watch.texts.append(repr(session))
                await fails_or_not(watch, session.with_options(retry=RetryPolicy.none()).chats.close_thread("c"))
        except LiveChatError as error:
            watch.error(error)
