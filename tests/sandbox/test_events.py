import pytest

from livechat_customer_async.sandbox import Sandbox, SentPostback, SneakPeek
from tests.helpers.sandbox_api import PATH, Api

pytestmark = pytest.mark.asyncio

RICH_MESSAGE = {
    "type": "rich_message",
    "template_id": "cards",
    "elements": [
        {"title": "Only a title"},
        {
            "subtitle": "s",
            "image": {"url": "https://example.com/a.png", "name": "a", "content_type": "image/png", "width": 1},
            "buttons": [{"text": "Yes", "type": "message", "value": "yes", "postback_id": "yes", "user_ids": []}],
        },
    ],
}
FILLED_FORM = {
    "type": "filled_form",
    "form_id": "f",
    "fields": [
        {"type": "name", "id": "1", "label": "Name", "answer": "Ada"},
        {"type": "radio", "id": "2", "label": "One", "answer": {"id": "a", "label": "A"}},
        {"type": "checkbox", "id": "3", "label": "Some", "answers": [{"id": "a", "label": "A"}]},
        {"type": "group_chooser", "id": "4", "label": "Group", "answer": {"group_id": 1, "label": "Sales"}},
        {"type": "email", "id": "5", "label": "Email", "value": "ada@example.com"},
        {"type": "rating", "id": "6", "label": "New", "answer": 5},
    ],
}
SYSTEM = {"type": "system_message", "text": "x", "system_message_type": "custom", "text_vars": {"a": "b"}}
POSTBACK = {"id": "p", "thread_id": "t", "event_id": "e"}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "text": "hello"},
        {"type": "message", "text": "", "postback": POSTBACK},
        {"type": "message", "text": "ż" * 8192, "postback": {**POSTBACK, "type": "message", "value": "v"}},
        RICH_MESSAGE,
        {"type": "rich_message", "template_id": "sticker"},
        FILLED_FORM,
        {"type": "custom"},
        {"type": "custom", "content": {"deep": [1, None, {"x": 1.5}]}},
        SYSTEM,
    ],
)
async def test_every_kind_of_event_is_read_back_unchanged(api, event):
    chat = await api.chat()
    given = {**event, "custom_id": "mine", "recipients": "all", "properties": {"n": {"s": "x", "b": False, "i": 0}}}
    result = await api.ok("send_event", chat_id=chat["id"], event=given)
    wrapped = {"n": {"s": {"value": "x"}, "b": {"value": False}, "i": {"value": 0}}}
    assert result["thread_id"] == chat["thread"]["id"]
    assert result["event"] | given | {"properties": wrapped, "author_id": api.customer.id} == result["event"]
    assert (await api.threads(chat["id"]))[0]["events"] == [result["event"]]


async def test_an_event_without_extras_has_none(api):
    event = (await api.message((await api.chat())["id"]))["event"]
    assert set(event) == {"id", "type", "order", "timestamp", "recipients", "text", "author_id"}


async def test_custom_ids_need_not_be_unique(api):
    chat = await api.chat()
    for _ in range(2):
        await api.ok("send_event", chat_id=chat["id"], event={"type": "custom", "custom_id": "same"})
    assert len((await api.threads(chat["id"]))[0]["events"]) == 2


async def test_an_event_goes_to_the_active_thread_whatever_the_flags(api):
    chat = await api.chat()
    for flags in ({}, {"attach_to_last_thread": True}, {"require_active_thread": True}):
        assert (await api.message(chat["id"], **flags))["thread_id"] == chat["thread"]["id"]


async def test_without_an_active_thread_the_flags_choose(api):
    chat = await api.chat()
    await api.ok("close_thread", chat_id=chat["id"])
    event = {"type": "message", "text": "late"}
    error = await api.error("send_event", chat_id=chat["id"], event=event, require_active_thread=True)
    assert error["type"] == "validation"
    both = {"require_active_thread": True, "attach_to_last_thread": True}
    assert (await api.error("send_event", chat_id=chat["id"], event=event, **both))["type"] == "validation"
    attached = await api.message(chat["id"], attach_to_last_thread=True)
    assert attached["thread_id"] == chat["thread"]["id"]
    assert [thread["active"] for thread in await api.threads(chat["id"])] == [False]
    fresh = await api.message(chat["id"])
    assert fresh["thread_id"] != chat["thread"]["id"]
    assert [thread["active"] for thread in await api.threads(chat["id"])] == [False, True]


async def test_send_file_appends_a_file_event_and_serves_the_file(api, sandbox):
    chat = await api.chat()
    response = await api.upload(
        "send_file", chat_id=chat["id"], custom_id="c", file=("żółw x.png", b"PNG", "image/png")
    )
    url = response.json()["payload"]["url"]
    (event,) = (await api.threads(chat["id"]))[0]["events"]
    assert event | {"type": "file", "name": "żółw x.png", "url": url, "size": 3, "custom_id": "c"} == event
    served = await api.http.get(url)
    assert (served.content, served.headers["content-type"]) == (b"PNG", "image/png")
    (stored,) = sandbox.files.values()
    assert (stored.used, stored.content) == (True, b"PNG")


async def test_send_file_can_require_an_active_thread(api, sandbox):
    chat = await api.chat()
    await api.ok("close_thread", chat_id=chat["id"])
    refused = await api.upload("send_file", chat_id=chat["id"], require_active_thread="true")
    assert refused.json()["error"]["type"] == "validation"
    assert not sandbox.files
    assert (await api.upload("send_file", chat_id=chat["id"], require_active_thread="false")).status_code == 200
    assert len(await api.threads(chat["id"])) == 2


async def test_an_upload_expires_after_a_day_unless_an_event_uses_it(api, clock):
    chat = await api.chat()
    kept, dropped = [(await api.upload("upload_file")).json()["payload"]["url"] for _ in range(2)]
    sent = await api.ok("send_event", chat_id=chat["id"], event={"type": "file", "url": kept, "name": "ignored"})
    assert sent["event"]["name"] == "receipt.pdf"
    assert sent["event"]["content_type"] == "application/pdf"
    clock.now += 24 * 60 * 60
    assert (await api.http.get(kept)).status_code == 200
    assert (await api.http.get(dropped)).status_code == 404
    error = await api.error("send_event", chat_id=chat["id"], event={"type": "file", "url": dropped})
    assert "event.url" in error["message"]


@pytest.mark.parametrize("url", ["https://example.com/a.png", "http://sandbox/files/NONE/x", "", "http://[bad"])
async def test_a_file_event_needs_an_uploaded_file(api, url):
    error = await api.error("start_chat", chat={"thread": {"events": [{"type": "file", "url": url}]}})
    assert "chat.thread.events[0].url" in error["message"]


async def test_postbacks_are_recorded(api, sandbox):
    chat = await api.chat()
    sent = await api.ok("send_event", chat_id=chat["id"], event=RICH_MESSAGE)
    ids = {"chat_id": chat["id"], "thread_id": sent["thread_id"], "event_id": sent["event"]["id"]}
    assert await api.ok("send_rich_message_postback", **ids, postback={"id": "yes", "toggled": True}) == {}
    assert sandbox.postbacks == [SentPostback(**ids, customer_id=api.customer.id, id="yes", toggled=True)]
    error = await api.error("send_rich_message_postback", **ids, postback={"id": "no", "toggled": True})
    assert "postback.id" in error["message"]


@pytest.mark.parametrize("wrong", ["thread_id", "event_id"])
async def test_an_event_must_be_where_the_ids_say(api, wrong):
    chat = await api.chat()
    sent = await api.message(chat["id"])
    ids = {"chat_id": chat["id"], "thread_id": sent["thread_id"], "event_id": sent["event"]["id"], wrong: "none"}
    error = await api.error("send_rich_message_postback", **ids, postback={"id": "x", "toggled": False})
    assert f"`{wrong}`" in error["message"]


async def test_only_rich_messages_have_buttons(api):
    chat = await api.chat()
    sent = await api.message(chat["id"])
    ids = {"chat_id": chat["id"], "thread_id": sent["thread_id"], "event_id": sent["event"]["id"]}
    error = await api.error("send_rich_message_postback", **ids, postback={"id": "x", "toggled": False})
    assert error["type"] == "validation"


async def test_sneak_peeks_are_recorded(api, sandbox):
    chat = await api.chat()
    assert await api.ok("send_sneak_peek", chat_id=chat["id"], sneak_peek_text="hel") == {}
    assert sandbox.sneak_peeks == [SneakPeek(chat_id=chat["id"], customer_id=api.customer.id, text="hel")]


async def test_a_file_without_kept_bytes_is_gone():
    frugal = Api(Sandbox(keep_file_bytes=False))
    url = (await frugal.upload("upload_file")).json()["payload"]["url"]
    (stored,) = frugal.sandbox.files.values()
    assert (stored.content, stored.size, len(stored.sha256)) == (None, 4, 64)
    assert (await frugal.http.get(url)).status_code == 410


async def test_other_paths_are_not_found(api):
    assert (await api.http.post("/v3.0/agent/action/start_chat")).status_code == 404
    assert (await api.http.post(PATH + "start_chat/x")).status_code == 404
