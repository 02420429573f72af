"""The calls that produce the request samples in `tests/samples`, by action and sample name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from livechat_customer_async import (
    Access,
    AsyncCustomerSession,
    Customer,
    FieldAnswer,
    FilledField,
    GroupAnswer,
    MessagePostback,
    NewCustom,
    NewFile,
    NewFilledForm,
    NewMessage,
    NewRichMessage,
    NewSystemMessage,
    NewThread,
    Postback,
    RichButton,
    RichElement,
    RichImage,
)

CHAT, THREAD, EVENT = "PJ0MRSHTDG", "K600PKZON8", "K600PKZON8_2"
CUSTOMER = "b7eff798-f8df-4364-8059-649c35c9ed0c"
PDF = b"%PDF-1.4 receipt"
PROPERTIES = {"routing": {"lang": "pl", "score": 0, "vip": False, "value": "itself"}, "empty": {}}
NAMES: dict[str, list[str]] = {"routing": ["lang", "score"], "empty": []}

GREETING = NewMessage(
    text="hello there", custom_id="31-0C-1C-07-DB-16", recipients="all", properties={"routing": {"lang": "pl"}}
)
ANSWER = NewMessage(
    text="yes",
    custom_id="31-0C-1C-07-DB-16",
    recipients="all",
    properties={"routing": {"score": 0}},
    postback=MessagePostback(id="action_yes", thread_id=THREAD, event_id=EVENT, type="message", value="yes"),
)
FORM = NewFilledForm(
    form_id="139981354490118",
    fields=(
        FilledField(type="name", id="1", label="Name:", answer="Thomas"),
        FilledField(type="radio", id="2", label="Size:", answer=FieldAnswer(id="0", label="big")),
        FilledField(
            type="checkbox",
            id="3",
            label="Colours:",
            answers=(FieldAnswer(id="0", label="red"), FieldAnswer(id="1", label="blue")),
        ),
        FilledField(type="group_chooser", id="4", label="Department:", answer=GroupAnswer(group_id=2, label="Sales")),
    ),
)
CARDS = NewRichMessage(
    template_id="cards",
    elements=(
        RichElement(
            title="Lorem ipsum",
            subtitle="dolor sit amet",
            image=RichImage(
                url="https://example.com/image.jpg",
                name="image.jpg",
                content_type="image/jpeg",
                size=123,
                width=640,
                height=480,
            ),
            buttons=(
                RichButton(
                    text="yes", type="message", value="yes", postback_id="action_yes", user_ids=("smith@example.com",)
                ),
                RichButton(
                    text="Open",
                    type="webview",
                    value="https://example.com",
                    webview_height="tall",
                    postback_id="open_url",
                ),
            ),
        ),
    ),
)
ASSIGNED = NewSystemMessage(
    text="Chat assigned", system_message_type="routing.assigned", text_vars={"agent": "Agent Smith"}
)

Drive = Callable[[AsyncCustomerSession], Awaitable[Any]]

CHATS: dict[str, dict[str, Drive]] = {
    "get_chats_summary": {
        "full": lambda s: s.chats.get_chats_summary(offset=0, limit=25),
        "minimal": lambda s: s.chats.get_chats_summary(),
    },
    "get_chat_threads_summary": {
        "full": lambda s: s.chats.get_chat_threads_summary(CHAT, offset=0, limit=100),
        "minimal": lambda s: s.chats.get_chat_threads_summary(CHAT),
    },
    "get_chat_threads": {
        "full": lambda s: s.chats.get_chat_threads(CHAT, thread_ids=[THREAD, "K600PKZOM8"]),
        "minimal": lambda s: s.chats.get_chat_threads(CHAT),
    },
    "start_chat": {
        "full": lambda s: s.chats.start_chat(
            access=Access(group_ids=(0, 2)),
            properties={"source": {"page": "pricing", "visit": 0, "returning": False}},
            users=Customer(id=CUSTOMER),
            thread=NewThread(
                events=(GREETING, {"type": "poll", "question": "Which one?"}), properties={"routing": {"idle": True}}
            ),
            continuous=True,
        ),
        "falsy": lambda s: s.chats.start_chat(properties={}, thread=NewThread(events=()), continuous=False),
        "minimal": lambda s: s.chats.start_chat(),
    },
    "activate_chat": {
        "full": lambda s: s.chats.activate_chat(
            CHAT,
            access=Access(group_ids=(2,)),
            properties={"source": {"page": "pricing"}},
            thread=NewThread(events=(NewMessage(text="I am back"),), properties={"routing": {"idle": False}}),
            continuous=False,
        ),
        "minimal": lambda s: s.chats.activate_chat(CHAT),
    },
    "close_thread": {"full": lambda s: s.chats.close_thread(CHAT)},
}

EVENTS: dict[str, dict[str, Drive]] = {
    "send_event": {
        "full": lambda s: s.events.send_event(CHAT, ANSWER, attach_to_last_thread=True, require_active_thread=False),
        "file": lambda s: s.events.send_event(CHAT, NewFile(url="https://cdn.example.com/image.png")),
        "filled_form": lambda s: s.events.send_event(CHAT, FORM),
        "rich_message": lambda s: s.events.send_event(CHAT, CARDS),
        "custom": lambda s: s.events.send_event(
            CHAT, NewCustom(content={"order": {"id": 7, "paid": False, "note": None}}, recipients="agents")
        ),
        "system_message": lambda s: s.events.send_event(CHAT, ASSIGNED),
        "mapping": lambda s: s.events.send_event(CHAT, {"type": "poll", "question": None, "votes": 0}),
    },
    "send_file": {
        "full": lambda s: s.events.send_file(
            CHAT, PDF, filename="receipt.pdf", custom_id="31-0C", require_active_thread=True
        ),
        "falsy": lambda s: s.events.send_file(
            CHAT, b"", filename="receipt.pdf", custom_id="", require_active_thread=False
        ),
        "minimal": lambda s: s.events.send_file(CHAT, PDF, filename="receipt.pdf"),
    },
    "upload_file": {
        "full": lambda s: s.events.upload_file(PDF, filename="receipt.pdf"),
        "renamed": lambda s: s.events.upload_file(PDF, filename="żółw.txt", content_type="text/x-note"),
    },
    "send_rich_message_postback": {
        "full": lambda s: s.events.send_rich_message_postback(
            CHAT, THREAD, EVENT, Postback(id="action_yes", toggled=True)
        ),
        "falsy": lambda s: s.events.send_rich_message_postback(
            CHAT, THREAD, EVENT, Postback(id="action_yes", toggled=False)
        ),
    },
    "send_sneak_peek": {
        "full": lambda s: s.events.send_sneak_peek(CHAT, "hello wor"),
        "falsy": lambda s: s.events.send_sneak_peek(CHAT, ""),
    },
}

OTHERS: dict[str, dict[str, Drive]] = {
    "update_chat_properties": {"full": lambda s: s.properties.update_chat_properties(CHAT, PROPERTIES)},
    "delete_chat_properties": {"full": lambda s: s.properties.delete_chat_properties(CHAT, NAMES)},
    "update_chat_thread_properties": {
        "full": lambda s: s.properties.update_chat_thread_properties(CHAT, THREAD, PROPERTIES)
    },
    "delete_chat_thread_properties": {
        "full": lambda s: s.properties.delete_chat_thread_properties(CHAT, THREAD, NAMES)
    },
    "update_event_properties": {
        "full": lambda s: s.properties.update_event_properties(CHAT, THREAD, EVENT, PROPERTIES)
    },
    "delete_event_properties": {"full": lambda s: s.properties.delete_event_properties(CHAT, THREAD, EVENT, NAMES)},
    "update_customer": {
        "full": lambda s: s.customers.update_customer(
            name="Thomas Anderson",
            email="t.anderson@example.com",
            avatar="https://example.com/avatars/1.jpg",
            fields={"some_company_id": "12345"},
        ),
        "falsy": lambda s: s.customers.update_customer(name="", fields={}),
    },
    "set_customer_fields": {
        "full": lambda s: s.customers.set_customer_fields({"some_company_id": "12345", "empty": ""}),
        "falsy": lambda s: s.customers.set_customer_fields({}),
    },
    "get_groups_status": {
        "full": lambda s: s.status.get_groups_status(all=True, groups=[0, 1, 2]),
        "falsy": lambda s: s.status.get_groups_status(all=False, groups=()),
        "minimal": lambda s: s.status.get_groups_status(),
    },
    "check_goals": {
        "full": lambda s: s.other.check_goals("https://example.com/thanks", {"plan": "gold"}, 0),
        "falsy": lambda s: s.other.check_goals("", {}, 0),
    },
    "get_form": {
        "full": lambda s: s.other.get_form(0, "prechat"),
        "postchat": lambda s: s.other.get_form(group_id=2, type="postchat"),
    },
    "get_predicted_agent": {
        "full": lambda s: s.other.get_predicted_agent(group_id=0),
        "minimal": lambda s: s.other.get_predicted_agent(),
    },
    "get_url_details": {"full": lambda s: s.other.get_url_details("https://example.com/pricing")},
    "update_last_seen_timestamp": {
        "full": lambda s: s.other.update_last_seen_timestamp(
            CHAT, timestamp=datetime.fromtimestamp(1591275300.9, tz=UTC)
        ),
        "falsy": lambda s: s.other.update_last_seen_timestamp(CHAT, timestamp=0),
        "minimal": lambda s: s.other.update_last_seen_timestamp(CHAT),
    },
}

DRIVES: dict[str, dict[str, Drive]] = {**CHATS, **EVENTS, **OTHERS}
