"""Every action over TCP against the sandbox, by both engines: what the server saw and did, and what came back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import pytest_asyncio

from livechat_customer_async import (
    AsyncCustomerSession,
    Chat,
    ChatsSummary,
    Customer,
    FormResult,
    Message,
    NewMessage,
    NewRichMessage,
    NewThread,
    Postback,
    RichButton,
    RichElement,
    SentEvent,
)
from livechat_customer_async.sandbox import Group, RecordedRequest, Sandbox, serve
from tests.helpers.samples import ACTIONS

pytestmark = pytest.mark.asyncio

TOKEN = "fra-canary-1"
FORM = {"id": "f1", "fields": [{"id": "1", "type": "name", "label": "Name:", "required": True}]}
BUTTON = RichButton(text="yes", type="message", value="yes", postback_id="action_yes")


@attrs.frozen
class World:
    """A chat with a message and a rich message, and the session of the customer who started it."""

    sandbox: Sandbox
    session: AsyncCustomerSession
    chat: Chat
    sent: SentEvent

    @property
    def chat_id(self) -> str:
        return self.chat.id

    @property
    def thread_id(self) -> str:
        return self.sent.thread_id

    @property
    def event_id(self) -> str:
        assert self.sent.event.id is not None
        return self.sent.event.id

    def seen(self, action: str, **payload: Any) -> None:
        """Check the last request: what every request must have, and its payload."""
        request = self.sandbox.requests[-1]
        self.arrived(request, action)
        assert request.headers["content-type"] == "application/json"
        assert request.body == {"payload": payload}

    def uploaded(self, action: str, **parts: str) -> None:
        request = self.sandbox.requests[-1]
        self.arrived(request, action)
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        file = request.part("payload.file")
        assert (file.filename, file.content_type, file.size) == ("receipt.txt", "text/plain", 3)
        fields = {part.name: part.content.decode() for part in request.parts if part is not file}
        assert fields == {f"payload.{name}": value for name, value in parts.items()}

    def arrived(self, request: RecordedRequest, action: str) -> None:
        assert (request.method, request.path) == ("POST", f"/v3.0/customer/action/{action}")
        assert request.query == (("license_id", "1520"),)
        assert request.headers.get_list("authorization") == [f"Bearer {TOKEN}"]
        assert request.headers.get_list("x-region") == ["fra"]
        assert (request.status, request.performed) == (200, True)
        assert self.sandbox.performed[action] == self.sandbox.arrived[action]


@pytest_asyncio.fixture(params=["auto", "httpx"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    sandbox = Sandbox(license_id=1520, groups={0: Group(), 1: Group(status="offline")})
    sandbox.forms[0, "prechat"] = FORM
    async with (
        serve(sandbox) as server,
        AsyncCustomerSession(1520, TOKEN, base_url=server.url, engine=request.param) as session,
    ):
        chat = await session.chats.start_chat(thread=NewThread(events=(NewMessage(text="hello"),)))
        card = NewRichMessage(template_id="cards", elements=(RichElement(buttons=(BUTTON,)),))
        sent = await session.events.send_event(chat.id, card)
        yield World(sandbox, session, chat, sent)
        assert (session.stats().connections == 1) is (request.param == "auto")


CHECKS: dict[str, Any] = {}


def check(function: Any) -> Any:
    CHECKS[function.__name__] = function
    return function


@pytest.mark.parametrize("action", ACTIONS)
async def test_an_action_over_tcp(world: World, action: str) -> None:
    before = world.sandbox.performed[action]
    await CHECKS[action](world)
    assert world.sandbox.performed[action] == before + 1


@check
async def get_chats_summary(w: World) -> None:
    result = await w.session.chats.get_chats_summary(limit=1)
    w.seen("get_chats_summary", limit=1)
    assert isinstance(result, ChatsSummary)
    assert [(row.id, row.last_thread_id) for row in result.chats_summary] == [(w.chat_id, w.thread_id)]
    assert result.total_chats == 1


@check
async def get_chat_threads_summary(w: World) -> None:
    result = await w.session.chats.get_chat_threads_summary(w.chat_id, offset=0)
    w.seen("get_chat_threads_summary", chat_id=w.chat_id, offset=0)
    (row,) = result.threads_summary
    assert (row.id, row.total_events, result.total_threads) == (w.thread_id, 2, 1)


@check
async def get_chat_threads(w: World) -> None:
    chat = await w.session.chats.get_chat_threads(w.chat_id, thread_ids=[w.thread_id])
    w.seen("get_chat_threads", chat_id=w.chat_id, thread_ids=[w.thread_id])
    (thread,) = chat.threads
    assert [event.type for event in thread.events] == ["message", "rich_message"]
    assert thread.events[1] == w.sent.event


@check
async def start_chat(w: World) -> None:
    (customer,) = w.sandbox.customers
    chat = await w.session.chats.start_chat(users=Customer(id=customer), continuous=True)
    w.seen("start_chat", chat={"users": [{"id": customer, "type": "customer"}]}, continuous=True)
    assert chat.thread is not None
    assert chat.thread.active is True
    assert w.sandbox.chats[chat.id].continuous is True


@check
async def activate_chat(w: World) -> None:
    await w.session.chats.close_thread(w.chat_id)
    thread = NewThread(events=(NewMessage(text="back"),))
    chat = await w.session.chats.activate_chat(w.chat_id, thread=thread, properties={"a": {"b": 0}})
    w.seen(
        "activate_chat",
        chat={
            "id": w.chat_id,
            "properties": {"a": {"b": 0}},
            "thread": {"events": [{"type": "message", "text": "back"}]},
        },
    )
    (new,) = chat.threads
    assert (chat.id, new.active, chat.properties) == (w.chat_id, True, {"a": {"b": 0}})
    assert new.id != w.thread_id


@check
async def close_thread(w: World) -> None:
    assert await w.session.chats.close_thread(w.chat_id) is None  # type: ignore[func-returns-value]
    w.seen("close_thread", chat_id=w.chat_id)
    assert w.sandbox.chats[w.chat_id].active_thread is None


@check
async def send_event(w: World) -> None:
    sent = await w.session.events.send_event(w.chat_id, NewMessage(text="żółw"), attach_to_last_thread=False)
    w.seen("send_event", chat_id=w.chat_id, event={"type": "message", "text": "żółw"}, attach_to_last_thread=False)
    assert isinstance(sent.event, Message)
    assert (sent.thread_id, sent.event.text) == (w.thread_id, "żółw")


@check
async def send_file(w: World) -> None:
    file = await w.session.events.send_file(
        w.chat_id, b"abc", filename="receipt.txt", custom_id="c1", require_active_thread=True
    )
    w.uploaded("send_file", chat_id=w.chat_id, custom_id="c1", require_active_thread="true")
    event = w.sandbox.chats[w.chat_id].events[-1]
    assert (event.custom_id, event.content["url"]) == ("c1", file.url)
    assert [stored.content for stored in w.sandbox.files.values()] == [b"abc"]


@check
async def upload_file(w: World) -> None:
    file = await w.session.events.upload_file(iter([b"a", b"bc"]), filename="receipt.txt")
    w.uploaded("upload_file")
    assert w.sandbox.requests[-1].headers["transfer-encoding"] == "chunked"
    (stored,) = w.sandbox.files.values()
    assert stored.content == b"abc"
    assert stored.id in file.url


@check
async def send_rich_message_postback(w: World) -> None:
    await w.session.events.send_rich_message_postback(
        w.chat_id, w.thread_id, w.event_id, Postback(id="action_yes", toggled=False)
    )
    postback = {"id": "action_yes", "toggled": False}
    w.seen(
        "send_rich_message_postback",
        chat_id=w.chat_id,
        thread_id=w.thread_id,
        event_id=w.event_id,
        postback=postback,
    )
    (pressed,) = w.sandbox.postbacks
    assert (pressed.event_id, pressed.id, pressed.toggled) == (w.event_id, "action_yes", False)


@check
async def send_sneak_peek(w: World) -> None:
    await w.session.events.send_sneak_peek(w.chat_id, "")
    w.seen("send_sneak_peek", chat_id=w.chat_id, sneak_peek_text="")
    assert [peek.text for peek in w.sandbox.sneak_peeks] == [""]


PROPERTIES = {"routing": {"lang": "pl", "score": 0, "vip": False}}


@check
async def update_chat_properties(w: World) -> None:
    await w.session.properties.update_chat_properties(w.chat_id, PROPERTIES)
    w.seen("update_chat_properties", chat_id=w.chat_id, properties=PROPERTIES)
    assert (await w.session.chats.get_chat_threads(w.chat_id)).properties == PROPERTIES


@check
async def delete_chat_properties(w: World) -> None:
    await w.session.properties.update_chat_properties(w.chat_id, PROPERTIES)
    await w.session.properties.delete_chat_properties(w.chat_id, {"routing": ["lang", "score"]})
    w.seen("delete_chat_properties", chat_id=w.chat_id, properties={"routing": ["lang", "score"]})
    assert (await w.session.chats.get_chat_threads(w.chat_id)).properties == {"routing": {"vip": False}}


@check
async def update_chat_thread_properties(w: World) -> None:
    await w.session.properties.update_chat_thread_properties(w.chat_id, w.thread_id, PROPERTIES)
    w.seen("update_chat_thread_properties", chat_id=w.chat_id, thread_id=w.thread_id, properties=PROPERTIES)
    assert (await w.session.chats.get_chat_threads(w.chat_id)).threads[0].properties == PROPERTIES


@check
async def delete_chat_thread_properties(w: World) -> None:
    await w.session.properties.update_chat_thread_properties(w.chat_id, w.thread_id, PROPERTIES)
    names = {"routing": ("score", "vip")}
    await w.session.properties.delete_chat_thread_properties(w.chat_id, w.thread_id, names)
    properties = {"routing": ["score", "vip"]}
    w.seen("delete_chat_thread_properties", chat_id=w.chat_id, thread_id=w.thread_id, properties=properties)
    assert (await w.session.chats.get_chat_threads(w.chat_id)).threads[0].properties == {"routing": {"lang": "pl"}}


@check
async def update_event_properties(w: World) -> None:
    await w.session.properties.update_event_properties(w.chat_id, w.thread_id, w.event_id, PROPERTIES)
    ids = {"chat_id": w.chat_id, "thread_id": w.thread_id, "event_id": w.event_id}
    w.seen("update_event_properties", **ids, properties=PROPERTIES)
    event = (await w.session.chats.get_chat_threads(w.chat_id)).threads[0].events[1]
    assert event == attrs.evolve(w.sent.event, properties=PROPERTIES)


@check
async def delete_event_properties(w: World) -> None:
    ids = {"chat_id": w.chat_id, "thread_id": w.thread_id, "event_id": w.event_id}
    await w.session.properties.update_event_properties(**ids, properties=PROPERTIES)
    await w.session.properties.delete_event_properties(**ids, properties={"routing": ["lang", "score", "vip"]})
    w.seen("delete_event_properties", **ids, properties={"routing": ["lang", "score", "vip"]})
    assert (await w.session.chats.get_chat_threads(w.chat_id)).threads[0].events[1] == w.sent.event


@check
async def update_customer(w: World) -> None:
    customer = await w.session.customers.update_customer(name="", fields={"plan": "gold"})
    w.seen("update_customer", name="", fields={"plan": "gold"})
    assert customer is not None
    assert (customer.name, customer.fields) == ("", {"plan": "gold"})


@check
async def set_customer_fields(w: World) -> None:
    await w.session.customers.set_customer_fields({"plan": "gold"})
    w.seen("set_customer_fields", fields={"plan": "gold"})
    (customer,) = w.sandbox.customers.values()
    assert customer.fields == {"plan": "gold"}


@check
async def get_groups_status(w: World) -> None:
    assert await w.session.status.get_groups_status(groups=[0, 1, 99]) == {0: "online", 1: "offline"}
    w.seen("get_groups_status", groups=[0, 1, 99])


@check
async def check_goals(w: World) -> None:
    w.sandbox.goals["bought"] = "/thanks"
    await w.session.other.check_goals("https://example.com/thanks", {"plan": "gold"}, 0)
    w.seen("check_goals", page_url="https://example.com/thanks", customer_fields={"plan": "gold"}, group_id=0)
    (customer,) = w.sandbox.customers.values()
    assert customer.goals == {"bought"}


@check
async def get_form(w: World) -> None:
    result = await w.session.other.get_form(0, "prechat")
    w.seen("get_form", group_id=0, type="prechat")
    assert result.enabled is True
    assert result.form is not None
    assert [(field.type, field.required) for field in result.form.fields] == [("name", True)]


async def test_a_disabled_form(world: World) -> None:
    assert await world.session.other.get_form(0, "postchat") == FormResult(enabled=False)


@check
async def get_predicted_agent(w: World) -> None:
    w.sandbox.customer(TOKEN).online = True
    agent = await w.session.other.get_predicted_agent(group_id=0)
    w.seen("get_predicted_agent", group_id=0)
    assert (agent.id, agent.name, agent.type) == ("agent@example.com", "Sandy", "agent")


@check
async def get_url_details(w: World) -> None:
    details = await w.session.other.get_url_details("https://example.com/pricing")
    w.seen("get_url_details", url="https://example.com/pricing")
    assert (details.title, details.image_width, details.image_url) == (
        "example.com",
        640,
        "//example.com/preview.png",
    )


@check
async def update_last_seen_timestamp(w: World) -> None:
    moment = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    assert await w.session.other.update_last_seen_timestamp(w.chat_id, timestamp=moment) == moment
    w.seen("update_last_seen_timestamp", chat_id=w.chat_id, timestamp=int(moment.timestamp()))
