# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""A user's program that touches every public name. It is not run: mypy --strict and pyright strict read it."""

# A program prints, and matches over all members of a union.
# ruff: noqa: T201, C901, PLR0911

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, assert_never, assert_type

import anyio
import httpx

import livechat_customer_async as livechat
from livechat_customer_async import (
    Access,
    AccessToken,
    Agent,
    Annotation,
    ApiError,
    ApiValidationError,
    AsyncCustomerSession,
    Attempt,
    AttemptEnd,
    AttemptStart,
    AuthenticationError,
    AuthorizationError,
    CallEnd,
    CallQueued,
    CallRetry,
    CallTimeoutError,
    Chat,
    ChatsSummary,
    ChatSummary,
    ChatWindowError,
    Clock,
    ConfigurationError,
    Custom,
    Customer,
    CustomerBannedError,
    DecodeError,
    EntityTooLargeError,
    Event,
    FieldAnswer,
    File,
    FileSource,
    FileTooLargeError,
    FilledField,
    FilledForm,
    Form,
    FormField,
    FormOption,
    FormResult,
    GroupAnswer,
    GroupNotFoundError,
    GroupOfflineError,
    GroupsOfflineError,
    GroupUnavailableError,
    InternalError,
    InvalidRequestError,
    LastEvent,
    LastThreadSummary,
    LicenseExpiredError,
    LicenseNotFoundError,
    Limits,
    LiveChatError,
    Message,
    MessagePostback,
    Middleware,
    MisdirectedRequestError,
    NewCustom,
    NewEvent,
    NewFile,
    NewFilledForm,
    NewMessage,
    NewProperties,
    NewRichMessage,
    NewSystemMessage,
    NewThread,
    Observer,
    Outcome,
    Postback,
    Properties,
    Replay,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    RichButton,
    RichElement,
    RichImage,
    RichMessage,
    SentEvent,
    ServiceUnavailableError,
    SessionStateError,
    SessionStats,
    SystemMessage,
    Thread,
    ThreadsSummary,
    ThreadSummary,
    Timeouts,
    TokenProvider,
    TokenProviderError,
    TooManyRequestsError,
    TransportError,
    UnknownEvent,
    UnknownUser,
    UnsupportedVersionError,
    UploadedFile,
    UrlDetails,
    User,
    UsersLimitReachedError,
    WrongProductVersionError,
    __version__,
    replay_of,
    structure,
    structure_event,
    unstructure,
)


class Meter(Observer):
    """Hears every kind of event."""

    seconds = 0.0

    def on_queued(self, event: CallQueued) -> None:
        print(event.call_id, event.action, event.queued)

    def on_attempt_start(self, event: AttemptStart) -> None:
        print(event.call_id, event.action, event.attempt)

    def on_attempt_end(self, event: AttemptEnd) -> None:
        assert_type(event.status_code, int | None)
        assert_type(event.outcome, Outcome | None)
        self.seconds += event.elapsed

    def on_retry(self, event: CallRetry) -> None:
        print(event.attempt, event.after, event.reason)

    def on_call_end(self, event: CallEnd) -> None:
        assert_type(event.error, str | None)
        assert_type(event.error_type, str | None)
        print(event.attempts, event.elapsed, event.status_code, event.outcome)


async def fresh_token() -> AccessToken:
    return AccessToken("fra:token", expires_at=datetime.now(UTC))


async def plain_token() -> str:
    return "fra:token"


class Vault:
    async def token(self) -> str | AccessToken:
        return AccessToken("fra:token")


PROVIDERS: list[TokenProvider] = [fresh_token, plain_token, Vault().token]


def sessions(context: ssl.SSLContext, transport: httpx.AsyncBaseTransport, client: httpx.AsyncClient) -> None:
    session = AsyncCustomerSession(
        1520,
        fresh_token,
        base_url="https://api.livechatinc.com",
        region="fra",
        user_agent="Visitor/1",
        headers={"X-Shop": "1"},
        timeouts=Timeouts(connect=5, read=20.0, write=None, total=60, upload_total=None),
        limits=Limits(connections=10, keepalive=None, keepalive_expiry=30, queue=100, queue_timeout=1.5),
        retry=RetryPolicy(attempts=3, base=0.05, throttle_base=1, cap=8, retry_after_cap=30, budget=500),
        observers=[Meter()],
        proxy=None,
        ssl_context=context,
        trust_env=False,
        engine="auto",
        transport=transport,
        http_client=client,
    )
    assert_type(session, AsyncCustomerSession)
    assert_type(AsyncCustomerSession.from_env(region="dal", observers=(Meter(),)), AsyncCustomerSession)
    assert_type(session.for_customer("dal:x", user_agent="V", headers={"X-A": "b"}), AsyncCustomerSession)
    other = session.with_options(timeouts=Timeouts(), retry=RetryPolicy.none(), region=None, headers={})
    assert_type(other, AsyncCustomerSession)
    stats = session.stats()
    assert_type(stats, SessionStats)
    assert_type(stats.connections, int | None)
    print(stats.in_flight + stats.queued + stats.calls + stats.attempts + stats.retries + stats.retry_budget)
    versions: list[str] = [__version__, livechat.__version__]
    print(versions)


PROPERTIES: NewProperties = {"ns": {"text": "x", "number": 1, "flag": True}}


def new_events() -> list[NewEvent]:
    postback = MessagePostback(id="p", thread_id="t", event_id="e", type="message", value="yes")
    image = RichImage(url="u", name="n", content_type="image/png", size=1, width=2, height=3)
    button = RichButton(
        text="yes", type="webview", value="https://x", postback_id="p", user_ids=("a",), webview_height="tall"
    )
    element = RichElement(title="t", subtitle="s", image=image, buttons=[button])
    fields = [
        FilledField(type="name", id="1", label="Name:", answer="Thomas"),
        FilledField(type="radio", id="2", label="Size:", answer=FieldAnswer(id="0", label="big")),
        FilledField(type="checkbox", id="3", label="Colours:", answers=[FieldAnswer(id="0", label="red")]),
        FilledField(type="group_chooser", id="4", label="Group:", answer=GroupAnswer(group_id=2, label="Sales")),
    ]
    return [
        NewMessage(text="hello", postback=postback, custom_id="c", recipients="all", properties=PROPERTIES),
        NewFile(url="https://cdn.example.com/x"),
        NewFilledForm(form_id="f", fields=fields),
        NewRichMessage(template_id="cards", elements=[element]),
        NewCustom(content={"any": ["json", None, 1.5]}),
        NewSystemMessage(text="t", system_message_type="s", text_vars={"a": "b"}),
        {"type": "poll", "question": None},
    ]


async def chats(session: AsyncCustomerSession) -> None:
    page = await session.chats.get_chats_summary(offset=0, limit=25)
    assert_type(page, ChatsSummary)
    assert_type(page.chats_summary, tuple[ChatSummary, ...])
    assert_type(page.total_chats, int)
    threads = await session.chats.get_chat_threads_summary("c", offset=0, limit=100)
    assert_type(threads, ThreadsSummary)
    assert_type(threads.threads_summary, tuple[ThreadSummary, ...])
    assert_type(threads.total_threads, int)
    chat = await session.chats.get_chat_threads("c", thread_ids=["t"])
    assert_type(chat, Chat)
    access = Access(group_ids=[0, 2])
    thread = NewThread(events=new_events(), properties=PROPERTIES)
    started = await session.chats.start_chat(
        access=access, properties=PROPERTIES, users=Customer(id="u"), thread=thread, continuous=True
    )
    assert_type(started, Chat)
    await session.chats.start_chat(users={"id": "u", "type": "customer"})
    activated = await session.chats.activate_chat(
        "c", access=access, properties={"ns": {"n": 1}}, thread=thread, continuous=False
    )
    assert_type(activated, Chat)
    await session.chats.close_thread("c")
    assert_type(session.chats.iter_chats_summary(page_size=10), AsyncIterator[ChatSummary])
    assert_type(session.chats.iter_chat_threads_summary("c", page_size=10), AsyncIterator[ThreadSummary])
    async for summary in session.chats.iter_chats_summary():
        read_summary(summary)
    async for row in session.chats.iter_chat_threads_summary("c"):
        assert_type(row.total_events, int | None)


async def events(session: AsyncCustomerSession) -> None:
    for event in new_events():
        sent = await session.events.send_event(
            "c", event, attach_to_last_thread=True, require_active_thread=False, on_unknown="verify"
        )
        assert_type(sent, SentEvent)
        assert_type(sent.thread_id, str)
        read_event(sent.event)
    file = await session.events.send_file(
        "c",
        Path("receipt.pdf"),
        filename="receipt.pdf",
        content_type="application/pdf",
        custom_id="c",
        require_active_thread=True,
        on_progress=print,
    )
    assert_type(file, UploadedFile)
    assert_type(file.url, str)
    await session.events.send_rich_message_postback("c", "t", "e", Postback(id="p", toggled=True))
    await session.events.send_sneak_peek("c", "hel")


async def count(sent: int, total: int | None) -> None:
    print(sent, total)


async def uploads(
    session: AsyncCustomerSession, file: BinaryIO, chunks: AsyncIterable[bytes], more: Iterable[bytes]
) -> None:
    async with await anyio.open_file("receipt.pdf", "rb") as opened:
        sources: list[FileSource] = [Path("x"), b"x", bytearray(b"x"), memoryview(b"x"), io.BytesIO(b"x"), opened]
        sources += [chunks, more, [b"a", b"b"], iter([b"a"])]
        for source in sources:
            uploaded = await session.events.upload_file(source, filename="x", content_type="a/b", on_progress=count)
            assert_type(uploaded, UploadedFile)
    await session.events.upload_file(file, on_progress=lambda sent, total: print(total or sent))


async def properties(session: AsyncCustomerSession) -> None:
    names: dict[str, list[str]] = {"ns": ["name"]}
    await session.properties.update_chat_properties("c", PROPERTIES)
    await session.properties.update_chat_properties("c", {"ns": {"name": "x"}})
    await session.properties.delete_chat_properties("c", names)
    await session.properties.update_chat_thread_properties("c", "t", PROPERTIES)
    await session.properties.delete_chat_thread_properties("c", "t", {"ns": ("name",)})
    await session.properties.update_event_properties("c", "t", "e", PROPERTIES)
    await session.properties.delete_event_properties("c", "t", "e", names)


async def the_rest(session: AsyncCustomerSession) -> None:
    customer = await session.customers.update_customer(name="n", email="e", avatar="a", fields={"a": "b"})
    assert_type(customer, Customer | None)
    await session.customers.set_customer_fields({"a": "b"})
    assert_type(await session.status.get_groups_status(all=True, groups=(0, 1)), dict[int, str])
    await session.other.check_goals("https://example.com", {"a": "b"}, 0)
    assert_type(await session.other.get_form(0, "prechat"), FormResult)
    assert_type(await session.other.get_predicted_agent(group_id=0), Agent)
    assert_type(await session.other.get_url_details("https://example.com"), UrlDetails)
    assert_type(await session.other.update_last_seen_timestamp("c", timestamp=datetime.now(UTC)), datetime)
    await session.other.update_last_seen_timestamp("c", timestamp=0)
    result = await session.call("anything_new", {"a": 1}, replay=Replay.SAFE)
    assert_type(result, Any)
    print(Replay.UNSAFE)


def read_summary(chat: ChatSummary) -> None:
    assert_type(chat.order, int | None)
    assert_type(chat.last_thread_summary, LastThreadSummary | None)
    assert_type(chat.last_event_per_type, dict[str, LastEvent])
    for last in chat.last_event_per_type.values():
        assert_type(last.thread_order, int | None)
        if last.event is not None:
            read_event(last.event)
    if chat.last_thread_summary is not None:
        assert_type(chat.last_thread_summary.tags, tuple[str, ...])


def read_chat(chat: Chat) -> None:
    assert_type(chat.thread, Thread | None)
    assert_type(chat.threads, tuple[Thread, ...])
    assert_type(chat.threads_summary, tuple[ThreadSummary, ...])
    assert_type(chat.access, Access | None)
    assert_type(chat.is_followed, bool | None)
    properties: Properties = chat.properties
    assert_type(properties, dict[str, dict[str, Any]])
    for user in chat.users:
        read_user(user)
    for thread in chat.threads:
        assert_type(thread.timestamp, datetime | None)
        assert_type(thread.events, tuple[Event, ...])
        assert_type(thread.user_ids, tuple[str, ...])
        assert_type(thread.restricted_access, bool | None)


def read_user(user: User) -> str | None:
    match user:
        case Customer():
            assert_type(user.fields, dict[str, Any] | None)
            return user.email
        case Agent():
            assert_type(user.is_bot, bool | None)
            return user.job_title
        case UnknownUser():
            assert_type(user.raw, dict[str, Any])
            return user.type
        case _:
            assert_never(user)


def read_event(event: Event) -> str | None:
    match event:
        case Message():
            assert_type(event.postback, MessagePostback | None)
            return event.text
        case File():
            assert_type(event.size, int | None)
            return event.url
        case FilledForm():
            assert_type(event.fields, tuple[FilledField, ...])
            assert_type(event.fields[0].answer, str | FieldAnswer | GroupAnswer | bool | int | float | None)
            return event.form_id
        case RichMessage():
            assert_type(event.elements, tuple[RichElement, ...])
            return event.template_id
        case Custom():
            assert_type(event.content, dict[str, Any] | None)
            return event.custom_id
        case SystemMessage():
            assert_type(event.text_vars, dict[str, Any])
            return event.system_message_type
        case Annotation():
            return event.annotation_type
        case UnknownEvent():
            assert_type(event.raw, dict[str, Any])
            assert_type(event.author_id, str | None)
            assert_type(event.problem, str | None)
            return event.type
        case _:
            assert_never(event)


def read_form(result: FormResult) -> None:
    form = result.form
    assert_type(form, Form | None)
    if form is not None:
        field = form.fields[0]
        assert_type(field, FormField)
        assert_type(field.options, tuple[FormOption, ...])
        assert_type(field.options[0].group_id, int | None)
        assert_type(field.required, bool | None)


def both_ways(data: Mapping[str, Any]) -> None:
    assert_type(structure(data, Chat), Chat)
    assert_type(structure([data], tuple[Thread, ...]), tuple[Thread, ...])
    assert_type(structure_event(data), Event)
    assert_type(unstructure(NewMessage(text="x")), Any)


class Frozen(Clock):
    def now(self) -> float:
        return 0.0


class Tracing:
    @asynccontextmanager
    async def attempt(self, attempt: Attempt) -> AsyncGenerator[None, None]:
        assert_type(attempt.call_id, int)
        attempt.headers["traceparent"] = f"{attempt.action}-{attempt.number}"
        yield


def a_pool(middleware: Iterable[Middleware] = (Tracing(),)) -> AsyncCustomerSession:
    print(assert_type(replay_of("send_event"), Replay))
    token = AccessToken("dal:x", expires_in=60)
    print(token.expires_at)
    return AsyncCustomerSession(1520, middleware=middleware, clock=Frozen()).for_customer("dal:x", key=("user", 5))


REJECTIONS: list[type[ApiError]] = [
    ApiValidationError,
    AuthenticationError,
    AuthorizationError,
    CustomerBannedError,
    EntityTooLargeError,
    GroupNotFoundError,
    GroupOfflineError,
    GroupUnavailableError,
    GroupsOfflineError,
    InternalError,
    LicenseExpiredError,
    LicenseNotFoundError,
    MisdirectedRequestError,
    RequestTimeoutError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnsupportedVersionError,
    UsersLimitReachedError,
    WrongProductVersionError,
]


async def failures(call: Awaitable[Chat]) -> float | str | None:
    try:
        return (await call).id
    except FileTooLargeError as error:
        refused: EntityTooLargeError = error
        print(refused)
        return assert_type(error.parameter, str | None)
    except MisdirectedRequestError as error:
        return assert_type(error.region, str | None)
    except ApiError as error:
        assert_type(error.type, str | None)
        assert_type(error.message, str)
        assert_type(error.data, dict[str, Any] | None)
        assert_type(error.status_code, int)
        assert_type(error.debug_id, str | None)
        return assert_type(error.retry_after, float | None)
    except CallTimeoutError as error:
        timed_out: TimeoutError = error
        print(timed_out)
        return assert_type(error.phase, str)
    except ResponseDecodeError as error:
        assert_type(error.content_type, str | None)
        return assert_type(error.excerpt, str | None)
    except DecodeError as error:
        return assert_type(error.path, str)
    except InvalidRequestError as error:
        return assert_type(error.parameter, str | None)
    except ChatWindowError as error:
        return assert_type(error.reached, int) / assert_type(error.total, int)
    except (TransportError, TokenProviderError, SessionStateError, ConfigurationError):
        raise
    except LiveChatError as error:
        assert_type(error.action, str | None)
        assert_type(error.call_id, int | None)
        assert_type(error.attempts, int)
        assert_type(error.outcome, Outcome)
        if error.outcome in (Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.REJECTED):
            return assert_type(error.elapsed, float)
        raise
