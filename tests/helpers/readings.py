"""Assertions on the results of the response samples in `tests/samples`, by action and sample name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from livechat_customer_async import (
    Access,
    Agent,
    Annotation,
    Chat,
    ChatsSummary,
    ChatSummary,
    Custom,
    Customer,
    FieldAnswer,
    File,
    FilledForm,
    FormResult,
    GroupAnswer,
    LastEvent,
    LastThreadSummary,
    Message,
    MessagePostback,
    RichMessage,
    SentEvent,
    SystemMessage,
    Thread,
    ThreadsSummary,
    ThreadSummary,
    UnknownEvent,
    UnknownUser,
    UploadedFile,
    UrlDetails,
)
from tests.helpers.drives import CHAT, CUSTOMER, EVENT, THREAD

SMITH = "smith@example.com"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def a_customer(user: Any, *, present: bool | None = True) -> None:
    assert user == Customer(
        id=CUSTOMER,
        name="Thomas Anderson",
        email="t.anderson@example.com",
        avatar="https://example.com/avatars/1.jpg",
        fields={"some_company_id": "12345"},
        present=present,
        last_seen_timestamp=at(1473433500),
    )
    assert user.type == "customer"


def an_agent(user: Any) -> None:
    assert isinstance(user, Agent)
    assert (user.id, user.type, user.name, user.email) == (SMITH, "agent", "Agent Smith", SMITH)
    assert user.avatar is not None
    assert user.avatar.startswith("livechat.s3.amazonaws.com/")
    assert (user.job_title, user.is_bot, user.present) == ("Support Agent", False, True)
    assert user.last_seen_timestamp == at(1473433500)


def a_message(event: Any, *, postback: MessagePostback | None = None) -> None:
    assert event == Message(
        id="K600PKZON8_1",
        order=25384834101,
        timestamp=at(1562763300),
        author_id=CUSTOMER,
        custom_id="31-0C-1C-07-DB-16",
        recipients="all",
        text="hello there",
        postback=postback,
        properties={"routing": {"lang": "pl", "score": 0}},
    )
    assert event.type == "message"


def chats_summary(result: Any) -> None:
    assert isinstance(result, ChatsSummary)
    assert result.total_chats == 130
    first, second = result.chats_summary
    assert isinstance(first, ChatSummary)
    assert (first.id, first.order, first.last_thread_id, first.is_followed) == (CHAT, 1566387300000000, THREAD, True)
    a_customer(first.users[0])
    an_agent(first.users[1])
    assert first.last_thread_summary == LastThreadSummary(
        id=THREAD,
        order=1566387300000001,
        timestamp=at(1562763300),
        user_ids=(SMITH,),
        properties={"rating": {"score": 1}},
        tags=("bug_report",),
        active=True,
    )
    last = first.last_event_per_type
    assert sorted(last) == ["file", "message", "system_message"]
    assert (last["message"].thread_id, last["message"].thread_order) == (THREAD, 343544565)
    a_message(last["message"].event)
    assert last["system_message"] == LastEvent(thread_id=THREAD, thread_order=343544565, restricted_access=True)
    assert last["file"] == LastEvent(thread_id=THREAD, thread_order=343544565)
    assert first.properties == {"routing": {"continuous": False}}
    assert first.access == Access(group_ids=(0,))
    assert second == ChatSummary(id="QJ0MRSHTDX", access=Access())


def threads_summary(result: Any) -> None:
    assert result == ThreadsSummary(
        threads_summary=(
            ThreadSummary(id="K600PKZOM8", order=129824798126, total_events=1),
            ThreadSummary(id=THREAD, order=129824798125, total_events=0),
        ),
        total_threads=2,
    )


def chat_with_threads(chat: Any) -> None:
    assert isinstance(chat, Chat)
    assert (chat.id, chat.order, chat.is_followed, chat.thread) == (CHAT, 1566387300000000, False, None)
    a_customer(chat.users[0])
    an_agent(chat.users[1])
    other = chat.users[2]
    assert isinstance(other, UnknownUser)
    assert (other.id, other.type, other.raw["name"]) == ("bot-7", "supervisor", "Observer")
    assert chat.threads_summary == (ThreadSummary(id=THREAD, order=129824798125, total_events=8),)
    assert chat.properties == {"routing": {"continuous": False}}
    thread, restricted = chat.threads
    assert (thread.id, thread.order, thread.timestamp, thread.active) == (THREAD, 129824798125, at(1562763300), True)
    assert (thread.user_ids, thread.access) == ((SMITH,), Access(group_ids=(0, 2)))
    assert thread.properties == {"rating": {"comment": "value", "score": 1}}
    all_kinds_of_events(thread.events)
    assert restricted == Thread(
        id="K600PKZOM8",
        order=129824798124,
        timestamp=at(1562763000),
        active=False,
        restricted_access=True,
        access=Access(group_ids=(1,)),
    )
    assert restricted.events == ()


def all_kinds_of_events(events: Any) -> None:
    message, rich, system, file, form, custom, annotation, odd = events  # by `order`, though they came backwards
    a_message(message)
    a_rich_message(rich)
    assert isinstance(system, SystemMessage)
    assert (system.type, system.text) == ("system_message", "Chat assigned to Agent Smith")
    assert (system.system_message_type, system.author_id) == ("routing.assigned", None)
    assert system.text_vars == {"agent": "Agent Smith"}
    assert system.timestamp == at(0)
    assert isinstance(file, File)
    assert (file.name, file.url, file.content_type) == ("image.png", "https://cdn.example.com/image.png", "image/png")
    assert (file.size, file.width, file.height) == (123, 640, 480)
    assert file.thumbnail_url == "https://cdn.example.com/thumb.png"
    assert file.thumbnail2x_url == "https://cdn.example.com/thumb2x.png"
    a_filled_form(form)
    assert isinstance(custom, Custom)
    assert (custom.content, custom.recipients) == ({"order": {"id": 7, "paid": False}}, "agents")
    assert isinstance(annotation, Annotation)
    assert (annotation.annotation_type, annotation.text) == ("rating", "good")
    assert annotation.properties == {"rating": {"score": 1}}
    an_unknown_event(odd)


def a_rich_message(event: Any) -> None:
    assert isinstance(event, RichMessage)
    assert (event.id, event.template_id) == (EVENT, "cards")
    (element,) = event.elements
    assert (element.title, element.subtitle) == ("Lorem ipsum", "dolor sit amet")
    image = element.image
    assert image is not None
    assert (image.url, image.name, image.content_type) == ("https://example.com/image.jpg", "image.jpg", "image/jpeg")
    assert (image.size, image.width, image.height) == (123, 640, 480)
    assert element.buttons is not None
    yes, open_url = element.buttons
    assert (yes.text, yes.type, yes.value, yes.postback_id) == ("yes", "message", "yes", "action_yes")
    assert (yes.user_ids, yes.webview_height) == ((SMITH,), None)
    assert (open_url.type, open_url.webview_height, open_url.user_ids) == ("webview", "tall", ())


def a_filled_form(event: Any) -> None:
    assert isinstance(event, FilledForm)
    assert event.form_id == "139981354490118"
    name, radio, checkbox, group = event.fields
    assert (name.type, name.id, name.label, name.answer, name.answers) == ("name", "1", "Name:", "Thomas", None)
    assert radio.answer == FieldAnswer(id="0", label="big")
    assert checkbox.answers == (FieldAnswer(id="0", label="red"), FieldAnswer(id="1", label="blue"))
    assert checkbox.answer is None
    assert group.answer == GroupAnswer(group_id=2, label="Sales")


def an_unknown_event(event: Any) -> None:
    assert isinstance(event, UnknownEvent)
    assert (event.id, event.type, event.order, event.custom_id) == ("K600PKZON8_8", "poll", 25384834108, None)
    assert event.raw["question"] == "Which one?"


def started_chat(chat: Any) -> None:
    assert isinstance(chat, Chat)
    assert (chat.id, chat.order, chat.threads) == (CHAT, 1566387300000000, ())
    assert chat.thread is not None
    new_thread(chat.thread)
    a_chat_of_two(chat)


def activated_chat(chat: Any) -> None:
    assert isinstance(chat, Chat)
    assert (chat.id, chat.order, chat.thread) == (CHAT, 1566387300000000, None)
    (thread,) = chat.threads
    new_thread(thread)
    a_chat_of_two(chat)


def a_chat_of_two(chat: Chat) -> None:
    a_customer(chat.users[0])
    an_agent(chat.users[1])
    assert chat.properties == {"source": {"page": "pricing"}}
    assert chat.access == Access(group_ids=(0,))
    assert chat.is_followed is True


def new_thread(thread: Thread) -> None:
    assert (thread.id, thread.active, thread.user_ids, thread.properties) == (THREAD, True, (CUSTOMER,), {})
    (event,) = thread.events
    a_message(event)


def sent_event(result: Any) -> None:
    assert isinstance(result, SentEvent)
    assert result.thread_id == THREAD
    postback = MessagePostback(id="action_yes", thread_id=THREAD, event_id=EVENT, type="message", value="yes")
    a_message(result.event, postback=postback)


def sent_unknown_event(result: Any) -> None:
    assert result.thread_id == THREAD
    an_unknown_event(result.event)


def uploaded_file(result: Any) -> None:
    assert result == UploadedFile(url="https://cdn.livechat-static.com/api/file/lc/att/8948324/receipt.pdf")


def updated_customer(result: Any) -> None:
    a_customer(result, present=None)


def groups_status(result: Any) -> None:
    assert result == {0: "online", 1: "offline", 2: "online_for_queue"}


def enabled_form(result: Any) -> None:
    assert isinstance(result, FormResult)
    assert result.enabled is True
    assert result.form is not None
    assert result.form.id == "156630109416307809"
    header, name, email, group, checkbox, rating = result.form.fields
    assert (header.type, header.label, header.required, header.options) == (
        "header",
        "Welcome to our LiveChat!",
        None,
        (),
    )
    assert (name.id, name.required, email.required) == ("156630109416307759", False, True)
    general, sales = group.options
    assert (general.group_id, general.id, general.label, general.checked) == (0, None, "General", True)
    assert (sales.group_id, sales.checked) == (2, False)
    assert (checkbox.options[0].id, checkbox.options[0].group_id) == ("0", None)
    assert (rating.type, rating.comment_label) == ("rating", "Leave a comment")


def predicted_agent(result: Any) -> None:
    assert isinstance(result, Agent)
    assert (result.id, result.name, result.email, result.is_bot) == (SMITH, "Agent Smith", None, True)
    assert result.job_title == "Support Agent"


def url_details(result: Any) -> None:
    assert isinstance(result, UrlDetails)
    assert result.title == "LiveChat | Live Chat Software and Help Desk Software"
    assert result.description == "LiveChat - premium live chat software"
    assert result.image_url is not None
    assert result.image_url.startswith("s3.eu-central-1.amazonaws.com/")
    assert (result.image_width, result.image_height, result.url) == (200, 0, "https://example.com/pricing")


def none(result: Any) -> None:
    assert result is None


def equal_to(expected: object) -> Callable[[Any], None]:
    def read(result: Any) -> None:
        assert result == expected
        assert type(result) is type(expected)

    return read


def last_seen(result: Any) -> None:
    assert result == at(1591275300)
    assert result.tzinfo is UTC


Read = Callable[[Any], None]

READ: dict[str, Read] = {
    "get_chats_summary": chats_summary,
    "get_chat_threads_summary": threads_summary,
    "get_chat_threads": chat_with_threads,
    "start_chat": started_chat,
    "activate_chat": activated_chat,
    "send_event": sent_event,
    "send_file": uploaded_file,
    "upload_file": uploaded_file,
    "update_customer": updated_customer,
    "get_groups_status": groups_status,
    "get_form": enabled_form,
    "get_predicted_agent": predicted_agent,
    "get_url_details": url_details,
    "update_last_seen_timestamp": last_seen,
}
# Answers that say something else than the usual one of their action.
READ_OTHERWISE: dict[tuple[str, str], Read] = {
    ("get_chats_summary", "no_chats"): equal_to(ChatsSummary(chats_summary=(), total_chats=0)),
    ("send_event", "unknown_event"): sent_unknown_event,
    ("update_customer", "nothing"): none,
    ("update_customer", "nothing_bare"): none,
    ("update_customer", "empty_body"): none,
    ("update_customer", "no_content"): none,
    ("get_groups_status", "none_known"): equal_to({}),
    ("get_form", "disabled"): equal_to(FormResult(enabled=False)),
    ("get_form", "disabled_bare"): equal_to(FormResult(enabled=False)),
    ("get_url_details", "url_alone"): equal_to(UrlDetails(url="https://example.com/pricing")),
    ("update_last_seen_timestamp", "epoch"): equal_to(at(0)),
}


def reading(action: str, response: str) -> Read:
    """Return what checks the result of an action's response sample; actions without a result give `None`."""
    return READ_OTHERWISE.get((action, response)) or READ.get(action, none)
