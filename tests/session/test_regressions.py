"""What once went wrong over a whole session, each as the user met it."""

import asyncio
from typing import Any

import httpx
import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    Customer,
    InvalidRequestError,
    LastEvent,
    LiveChatError,
    Message,
    MessagePostback,
    NewFilledForm,
    NewMessage,
    NewRichMessage,
    ResponseDecodeError,
    RichButton,
    RichElement,
    SessionStateError,
    UnknownEvent,
    structure,
)
from livechat_customer_async import FilledField as Field
from tests.helpers.recording import Recording

pytestmark = pytest.mark.asyncio

CLIENTS_OWN = {
    "Content-Type": "text/x",
    "X-Region": "fra",
    "X-API-Version": "3.1",
    "Transfer-Encoding": "chunked",
    "X-Kept": "1",
}


async def test_a_caller_s_client_cannot_change_what_a_request_is() -> None:
    transport = Recording()
    async with (
        httpx.AsyncClient(transport=transport, headers=CLIENTS_OWN) as client,
        AsyncCustomerSession(1520, "tokk", http_client=client) as session,
    ):
        await session.chats.close_thread("c")
    headers = transport.last.headers
    assert headers.get_list("content-type") == ["application/json"]
    assert headers["x-kept"] == "1"
    assert not {"x-region", "x-api-version", "transfer-encoding"} & set(headers)


async def test_a_visitor_s_user_agent_goes_before_a_header_of_the_session() -> None:
    transport = Recording()
    async with AsyncCustomerSession(1520, "t", headers={"User-Agent": "backend"}, transport=transport) as session:
        await session.chats.close_thread("c")
        assert transport.last.headers.get_list("user-agent") == ["backend"]
        await session.for_customer("u", user_agent="visitor").chats.close_thread("c")
        assert transport.last.headers.get_list("user-agent") == ["visitor"]
    async with AsyncCustomerSession(1520, "t", user_agent="backend", transport=Recording()) as session:
        child = session.for_customer("u", headers={"User-Agent": "visitor"})
        await child.chats.close_thread("c")
        assert child._pool is session._pool


@pytest.mark.parametrize(
    "event, options, parameter",
    [
        (["hello"], {}, "event"),
        (None, {}, "event"),
        ([1], {}, "event"),
        ({"custom_id": "q", "properties": {"a": {"b": b"x"}}}, {}, "event.properties.a.b"),
        (NewMessage(text="x", custom_id="q"), {"attach_to_last_thread": 1}, "attach_to_last_thread"),
        ({"custom_id": "q", "v": float("nan")}, {}, "event.v"),
        ({"custom_id": 5}, {}, "event.custom_id"),
    ],
)
async def test_verify_refuses_before_its_first_look(event: Any, options: Any, parameter: str) -> None:
    transport = Recording()
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        with pytest.raises(InvalidRequestError) as caught:
            await session.events.send_event("c", event, on_unknown="verify", **options)
    assert (caught.value.parameter, caught.value.action) == (parameter, "send_event")
    assert transport.requests == []


async def test_closing_on_another_loop_is_refused_and_changes_nothing() -> None:
    transport = Recording()
    session = AsyncCustomerSession(1520, "t", transport=transport)
    await session.chats.close_thread("c")

    def close_elsewhere() -> None:
        with pytest.raises(SessionStateError):
            asyncio.run(session.aclose())

    await asyncio.to_thread(close_elsewhere)
    await session.chats.close_thread("c")
    await session.aclose()


@pytest.mark.parametrize(
    "make, parameter",
    [
        (lambda: NewMessage(text="x", postback=MessagePostback(id="", thread_id="t", event_id="e")), "postback.id"),
        (
            lambda: NewRichMessage(
                template_id="cards", elements=[RichElement(buttons=[RichButton(text="x", postback_id="")])]
            ),
            "elements[0].buttons[0].postback_id",
        ),
        (
            lambda: NewFilledForm(form_id="f", fields=[Field(type="name", id="", label="x", answer="y")]),
            "fields[0].id",
        ),
    ],
)
async def test_empty_ids_of_parts_are_refused(make: Any, parameter: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        make()
    assert caught.value.parameter == parameter


async def test_a_customer_without_an_id_is_refused() -> None:
    transport = Recording()
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        with pytest.raises(InvalidRequestError) as caught:
            await session.chats.start_chat(users=Customer(id=""))
    assert caught.value.parameter == "users.id"
    assert transport.requests == []


async def test_a_restricted_last_event_may_have_keys_of_a_later_version() -> None:
    last = structure({"thread_id": "t", "event": {"restricted_access": True, "__priv_a": 1}}, LastEvent)
    assert (last.event, last.restricted_access) == (None, True)


@pytest.mark.parametrize("error", ["bad", 5, ["x"], True])
async def test_an_error_that_is_no_object_is_no_success(error: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"error": error}))
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        with pytest.raises(ResponseDecodeError) as caught:
            await session.chats.close_thread("c")
    assert caught.value.path == "$.error"


async def test_an_answer_with_an_odd_event_is_read_again_whole() -> None:
    message = {"id": "e1", "type": "message", "text": "hello", "properties": {"a": {"b": {"value": 1}}}}
    odd = {**message, "text": 5}
    threads = [{"id": "t1", "events": [message]}, {"id": "t2", "events": [message, odd, {"type": "pigeon"}]}]
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"chat": {"id": "c", "threads": threads}}))
    async with AsyncCustomerSession(1520, "t", transport=answer) as session:
        chat = await session.chats.get_chat_threads("c")
    good = Message(id="e1", text="hello", properties={"a": {"b": 1}})
    assert chat.threads[0].events == (good,)
    assert chat.threads[1].events[0] == good
    unknown = chat.threads[1].events[1]
    assert isinstance(unknown, UnknownEvent)
    assert (unknown.raw, unknown.problem) == (odd, "text: expected a str, got an int")


class Answering(httpx.AsyncBaseTransport):
    """Answers every send with one payload; the chat has no threads."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.payload = payload
        self.sends = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/send_event"):
            return httpx.Response(200, json={"threads_summary": [], "found_threads": 0})
        self.sends += 1
        return httpx.Response(200, json=self.payload)


@pytest.mark.parametrize("event", [{"type": "message", "id": "e1", "text": 5}, {"type": "message", "id": "e1"}, "e1"])
async def test_an_answer_with_an_odd_event_is_a_result(event: Any) -> None:
    transport = Answering({"thread_id": "t", "event": event})
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        result = await session.events.send_event("c", "hello", on_unknown="resend")
    assert (result.thread_id, transport.sends) == ("t", 1)
    assert isinstance(result.event, UnknownEvent)


@pytest.mark.parametrize("thread", [{"thread_id": 5}, {"thread_id": None}, {}], ids=["number", "null", "none"])
@pytest.mark.parametrize("event", [{"type": "message", "id": "e1", "text": "hello"}, {"id": "e1"}], ids=["good", "odd"])
async def test_an_event_whose_answer_names_no_thread_is_not_sent_again(event: Any, thread: dict[str, Any]) -> None:
    transport = Answering({**thread, "event": event})
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        with pytest.raises(ResponseDecodeError) as caught:
            await session.events.send_event("c", "hello", on_unknown="resend")
    assert (caught.value.path, transport.sends) == ("$.thread_id", 1)


@pytest.mark.parametrize("payload", [{}, {"thread_id": "t"}, {"thread_id": "t", "event": None}])
async def test_an_answer_without_an_event_leaves_the_outcome_unknown(payload: dict[str, Any]) -> None:
    transport = Answering(payload)
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        with pytest.raises(ResponseDecodeError) as caught:
            await session.events.send_event("c", "hello", on_unknown="resend")
    assert (caught.value.path, transport.sends) == ("$.event", 2)


async def test_a_short_token_that_occurs_in_a_type_changes_no_class() -> None:
    refused = httpx.Response(401, json={"error": {"type": "authentication", "message": "m"}})
    asked = iter(["t", "zz"])

    async def provider() -> str:
        return next(asked)

    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return refused if len(seen) == 1 else httpx.Response(200, json={})

    async with AsyncCustomerSession(1520, provider, transport=httpx.MockTransport(answer)) as session:
        await session.chats.close_thread("c")
    assert seen == ["Bearer t", "Bearer zz"]


async def test_a_customer_that_is_null_was_left_out() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"customer": None}))
    async with AsyncCustomerSession(1520, "t", transport=transport) as session:
        assert await session.customers.update_customer(name="x") is None


async def test_a_wrong_replay_class_names_the_action() -> None:
    async with AsyncCustomerSession(1520, "t", transport=Recording()) as session:
        with pytest.raises(LiveChatError) as caught:
            await session.call("new_action", {}, replay="safe")  # type: ignore[arg-type]
    assert caught.value.action == "new_action"
