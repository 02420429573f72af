import pytest

from livechat_customer_async.sandbox import AgentProfile, Sandbox, friendly_agent
from tests.helpers.sandbox_api import Api
from tests.sandbox.test_events import FILLED_FORM, RICH_MESSAGE

pytestmark = pytest.mark.asyncio


async def said(api, chat_id):
    """The texts of the agent, by thread."""
    return [
        [event.get("text") for event in thread["events"] if event.get("author_id") == "agent@example.com"]
        for thread in await api.threads(chat_id)
    ]


async def test_the_friendly_agent_replies(api, sandbox):
    sandbox.agent = friendly_agent
    assert sandbox.agent is friendly_agent
    await api.ok("update_customer", name="Ada")
    chat = await api.chat(thread={"events": [{"type": "message", "text": "hi"}]})
    assert len(chat["thread"]["events"]) == 1
    sent = await api.message(chat["id"], "bye")
    await api.upload("send_file", chat_id=chat["id"])
    for event in (FILLED_FORM, {"type": "custom"}):
        await api.ok("send_event", chat_id=chat["id"], event=event)
    assert await said(api, chat["id"]) == [
        [
            "Hello Ada, this is the sandbox. You said: hi",
            "You said: bye",
            "Thank you, I received receipt.pdf (4 bytes).",
            "Thank you, I received your form.",
        ]
    ]
    (thread,) = await api.threads(chat["id"])
    reply = thread["events"][thread["events"].index(sent["event"]) + 1]
    assert reply["order"] > sent["event"]["order"]


async def test_the_friendly_agent_hears_buttons(api, sandbox):
    chat = await api.chat()
    event = (await api.ok("send_event", chat_id=chat["id"], event=RICH_MESSAGE))["event"]
    sandbox.agent = friendly_agent
    ids = {"chat_id": chat["id"], "thread_id": chat["thread"]["id"], "event_id": event["id"]}
    for toggled in (True, False):
        await api.ok("send_rich_message_postback", **ids, postback={"id": "yes", "toggled": toggled})
    assert await said(api, chat["id"]) == [["You chose 'yes'."]]


async def test_a_script_may_send_events_of_any_type(api, sandbox):
    heard = []

    def script(one):
        heard.append(one)
        if one.event.content["text"] == "many":
            return ["a text", {"type": "rich_message", "template_id": "cards"}, ["nested"]]
        return {"type": "annotation", "annotation_type": "rating"} if one.event.content["text"] == "one" else None

    sandbox.agent = script
    chat = await api.chat()
    for text in ("nothing", "one", "many"):
        await api.message(chat["id"], text)
    types = [event["type"] for event in (await api.threads(chat["id"]))[0]["events"]]
    assert types == ["message", "message", "annotation", "message", "message", "rich_message", "message"]
    assert heard[0].customer is api.customer
    assert heard[0].chat.id == chat["id"]
    assert heard[0].thread.id == chat["thread"]["id"]
    assert heard[0].postback is None


async def test_an_agent_joins_a_chat_that_had_none():
    api = Api(Sandbox(agent=lambda _: "here", agent_profile=AgentProfile(id="bot", name="Bot", email=None)))
    api.sandbox.groups[0].status = "offline"
    chat = (await api.ok("start_chat", continuous=True))["chat"]
    assert [user["type"] for user in chat["users"]] == ["customer"]
    await api.message(chat["id"])
    shown = (await api.ok("get_chat_threads", chat_id=chat["id"]))["chat"]
    assert [user["id"] for user in shown["users"]] == [api.customer.id, "bot"]
    assert shown["threads"][0]["user_ids"] == [api.customer.id, "bot"]
    assert "email" not in shown["users"][1]


async def test_say_appends_events_of_any_type(api, sandbox):
    chat = await api.chat()
    sandbox.say(chat["id"], "hello")
    sandbox.say(chat["id"], {"type": "system_message", "text": "x", "system_message_type": "routing.assigned"})
    sandbox.say(chat["id"], {"type": "file", "url": "https://cdn.example.com/x", "name": "x"})
    event = sandbox.say(chat["id"], {"type": "brand_new", "field": 1}, author_id="other@example.com")
    events = (await api.threads(chat["id"]))[0]["events"]
    assert [event.get("author_id") for event in events] == [
        "agent@example.com",
        None,
        "agent@example.com",
        "other@example.com",
    ]
    assert (events[-1]["id"], events[-1]["field"]) == (event.id, 1)
    sandbox.chats[chat["id"]].agent_ids.append("other@example.com")
    shown = (await api.ok("get_chat_threads", chat_id=chat["id"]))["chat"]["users"][-1]
    assert (shown["id"], shown["name"], shown["type"]) == ("other@example.com", "other@example.com", "agent")
    assert [event.type for event in sandbox.chats[chat["id"]].events][-1] == "brand_new"
    with pytest.raises(ValueError, match="type"):
        sandbox.say(chat["id"], {"text": "x"})
    with pytest.raises(KeyError):
        sandbox.say("none", "x")


async def test_other_processes_speak_as_the_agent(api, sandbox):
    chat = await api.chat()
    event = {"type": "message", "text": "Hello Zoë", "custom_id": "mine"}
    answer = await api.http.post("/sandbox/say", json={"chat_id": chat["id"], "event": event})
    assert answer.status_code == 200
    (thread,) = await api.threads(chat["id"])
    assert thread["events"] == [answer.json()]
    assert {**answer.json(), **event, "author_id": sandbox.agent_profile.id} == answer.json()


@pytest.mark.parametrize(
    "body, status, problem",
    [
        (b"", 400, "not valid JSON"),
        (b"[]", 400, "invalid"),
        (b"{}", 404, "chat_id"),
        (b'{"chat_id": "nope"}', 404, "nope"),
        (b'{"chat_id": []}', 400, "invalid"),
        (b'{"chat_id": "CHAT"}', 404, "event"),
        (b'{"chat_id": "CHAT", "event": "hello"}', 400, "invalid"),
        (b'{"chat_id": "CHAT", "event": {}}', 400, "an event needs a `type`"),
        (b'{"chat_id": "CHAT", "event": {"type": "message", "text": "\\ud83d"}}', 400, "not valid JSON"),
    ],
)
async def test_what_cannot_be_said_is_refused(api, sandbox, body, status, problem):
    chat = await api.chat()
    answer = await api.http.post("/sandbox/say", content=body.replace(b"CHAT", chat["id"].encode()))
    assert answer.status_code == status
    assert problem in answer.text
    assert sandbox.chats[chat["id"]].events == []
