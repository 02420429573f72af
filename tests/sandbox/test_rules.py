"""Refused payloads, and the parameters that the refusals name."""

import pytest

from tests.sandbox.test_events import FILLED_FORM, POSTBACK, RICH_MESSAGE, SYSTEM

pytestmark = pytest.mark.asyncio

BUTTON = RICH_MESSAGE["elements"][1]["buttons"][0]
EVENT = {"type": "message", "text": "x"}


def without(given, name):
    return {key: value for key, value in given.items() if key != name}


def rich(elements):
    return {"type": "rich_message", "template_id": "cards", "elements": elements}


def filled(**field):
    return {**FILLED_FORM, "fields": [{"id": "1", "label": "L", **field}]}


EVENTS = [
    ("x", "event"),
    ({}, "event.type"),
    ({"type": 1}, "event.type"),
    ({"type": "annotation", "annotation_type": "rating"}, "event.type"),
    ({"type": "message"}, "event.text"),
    ({"type": "message", "text": None}, "event.text"),
    ({"type": "message", "text": "ż" * 8192 + "x"}, "event.text"),
    ({**EVENT, "author_id": "me"}, "event.author_id"),
    ({**EVENT, "custom_id": 1}, "event.custom_id"),
    ({**EVENT, "recipients": "me"}, "event.recipients"),
    ({**EVENT, "properties": {"a": 1}}, "event.properties.a"),
    ({**EVENT, "postback": without(POSTBACK, "id")}, "event.postback.id"),
    ({**EVENT, "postback": {**POSTBACK, "type": "message"}}, "event.postback.value"),
    ({**EVENT, "postback": {**POSTBACK, "value": "x"}}, "event.postback.type"),
    ({"type": "file"}, "event.url"),
    ({"type": "file", "url": "x", "size": "1"}, "event.size"),
    ({"type": "file", "url": "x", "alt": "1"}, "event.alt"),
    (without(FILLED_FORM, "form_id"), "event.form_id"),
    (filled(type="name", answer={"id": "1", "label": "x"}), "event.fields[0].answer"),
    (filled(type="radio", answer="x"), "event.fields[0].answer"),
    (filled(type="checkbox", answer="x"), "event.fields[0].answer"),
    (filled(type="checkbox", answers=[{"id": "x"}]), "event.fields[0].answers[0].label"),
    (filled(type="group_chooser", answer={"group_id": "1", "label": "x"}), "event.fields[0].answer.group_id"),
    (filled(type=5), "event.fields[0].type"),
    (filled(), "event.fields[0].type"),
    (without(RICH_MESSAGE, "template_id"), "event.template_id"),
    (rich([]), "event.elements"),
    (rich([{}] * 11), "event.elements"),
    (rich([{"buttons": []}]), "event.elements[0].buttons"),
    (rich([{"buttons": [BUTTON] * 12}]), "event.elements[0].buttons"),
    (rich([{"buttons": [without(BUTTON, "postback_id")]}]), "event.elements[0].buttons[0].postback_id"),
    (rich([{"buttons": [{**BUTTON, "webview_height": "huge"}]}]), "event.elements[0].buttons[0].webview_height"),
    (rich([{"image": {"name": "x"}}]), "event.elements[0].image.url"),
    (rich([{"image": {"url": "x", "width": True}}]), "event.elements[0].image.width"),
    ({"type": "custom", "content": []}, "event.content"),
    (without(SYSTEM, "system_message_type"), "event.system_message_type"),
    ({**SYSTEM, "text_vars": {"a": 1}}, "event.text_vars.a"),
]


@pytest.mark.parametrize("event, parameter", EVENTS)
async def test_an_event_that_breaks_a_rule(api, event, parameter):
    chat = await api.chat()
    error = await api.error("send_event", chat_id=chat["id"], event=event)
    assert error["type"] == "validation"
    assert f"`{parameter}`" in error["message"]
    assert (await api.threads(chat["id"]))[0]["events"] == []


async def test_the_limits_themselves_are_accepted(api):
    chat = await api.chat()
    await api.ok("send_event", chat_id=chat["id"], event=rich([{"buttons": [BUTTON] * 11}] * 10))
    await api.message(chat["id"], "x" * 16 * 1024)
    await api.ok("get_chats_summary", offset=100, limit=25)
    await api.ok("get_chat_threads_summary", chat_id=chat["id"], offset=0, limit=100)


PAYLOADS = [
    ("get_chats_summary", {"offset": 101}, "offset"),
    ("get_chats_summary", {"offset": -1}, "offset"),
    ("get_chats_summary", {"offset": True}, "offset"),
    ("get_chats_summary", {"limit": 26}, "limit"),
    ("get_chats_summary", {"limit": "10"}, "limit"),
    ("get_chats_summary", {"page": 1}, "page"),
    ("get_chat_threads_summary", {}, "chat_id"),
    ("get_chat_threads_summary", {"chat_id": "c", "limit": 101}, "limit"),
    ("get_chat_threads", {"chat_id": 1}, "chat_id"),
    ("get_chat_threads", {"chat_id": "c", "thread_ids": "t"}, "thread_ids"),
    ("get_chat_threads", {"chat_id": "c", "thread_ids": [1]}, "thread_ids[0]"),
    ("start_chat", {"chat": []}, "chat"),
    ("start_chat", {"continuous": 1}, "continuous"),
    ("start_chat", {"chat": {"id": "c"}}, "chat.id"),
    ("start_chat", {"chat": {"access": {"group_ids": ["0"]}}}, "chat.access.group_ids[0]"),
    ("start_chat", {"chat": {"users": [{"id": "a", "type": "customer"}] * 2}}, "chat.users"),
    ("start_chat", {"chat": {"users": [{"id": "a", "type": "agent"}]}}, "chat.users[0].type"),
    ("start_chat", {"chat": {"thread": {"events": [{}]}}}, "chat.thread.events[0].type"),
    ("activate_chat", {"id": "c"}, "chat"),
    ("activate_chat", {"chat": {}}, "chat.id"),
    ("activate_chat", {"chat": {"id": "c", "users": []}}, "chat.users"),
    ("close_thread", {"chat_id": "c", "thread_id": "t"}, "thread_id"),
    ("send_event", {"chat_id": "c"}, "event"),
    ("send_event", {"chat_id": "c", "event": EVENT, "attach_to_last_thread": "true"}, "attach_to_last_thread"),
    ("send_event", {"chat_id": "c", "event": EVENT, "require_active_thread": None}, "require_active_thread"),
    ("send_rich_message_postback", {"chat_id": "c", "thread_id": "t", "event_id": "e"}, "postback"),
    (
        "send_rich_message_postback",
        {"chat_id": "c", "thread_id": "t", "event_id": "e", "postback": {"id": "p", "toggled": 1}},
        "postback.toggled",
    ),
    ("send_sneak_peek", {"chat_id": "c"}, "sneak_peek_text"),
    ("update_chat_thread_properties", {"chat_id": "c", "properties": {}}, "thread_id"),
    ("update_event_properties", {"chat_id": "c", "thread_id": "t", "properties": {}}, "event_id"),
    ("update_customer", {"phone": "1"}, "phone"),
    ("update_customer", {"name": 1}, "name"),
    ("update_customer", {"fields": {"a": 1}}, "fields.a"),
    ("set_customer_fields", {"fields": "a"}, "fields"),
    ("set_customer_fields", {}, "fields"),
    ("get_groups_status", {"groups": "1"}, "groups"),
    ("get_groups_status", {"all": "yes"}, "all"),
    ("check_goals", {"page_url": "u", "group_id": 0}, "customer_fields"),
    ("get_form", {"group_id": 0, "type": "inchat"}, "type"),
    ("get_form", {"group_id": "0", "type": "prechat"}, "group_id"),
    ("get_predicted_agent", {"group_id": "0"}, "group_id"),
    ("get_url_details", {}, "url"),
    ("update_last_seen_timestamp", {"chat_id": "c", "timestamp": "now"}, "timestamp"),
    ("update_last_seen_timestamp", {"chat_id": "c", "timestamp": 1.5}, "timestamp"),
]


@pytest.mark.parametrize("action, payload, parameter", PAYLOADS)
async def test_a_payload_that_breaks_a_rule(api, action, payload, parameter):
    error = await api.error(action, **payload)
    assert error["type"] == "validation"
    assert f"`{parameter}`" in error["message"]
