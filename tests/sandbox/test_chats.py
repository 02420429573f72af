from random import Random

import pytest

from livechat_customer_async.sandbox import Sandbox
from tests.helpers.sandbox_api import Api

pytestmark = pytest.mark.asyncio


async def test_start_chat_answers_the_chat_with_its_thread(api, sandbox):
    chat = await api.chat(
        access={"group_ids": [0, 2]},
        properties={"source": {"page": "pricing", "count": 3}},
        thread={
            "events": [{"type": "message", "text": "hi", "custom_id": "c-1", "recipients": "agents"}],
            "properties": {"thread": {"vip": True}},
        },
    )
    customer, agent = chat["users"]
    assert (customer["type"], customer["id"]) == ("customer", api.customer.id)
    assert (agent["type"], agent["name"]) == ("agent", "Sandy")
    assert chat["properties"] == {"source": {"page": {"value": "pricing"}, "count": {"value": 3}}}
    assert chat["access"] == {"group_ids": [0, 2]}
    thread = chat["thread"]
    assert thread["active"] is True
    assert thread["timestamp"] == 1_700_000_000
    assert thread["user_ids"] == [customer["id"], agent["id"]]
    assert thread["properties"] == {"thread": {"vip": {"value": True}}}
    (event,) = thread["events"]
    assert event | {"text": "hi", "custom_id": "c-1", "recipients": "agents", "author_id": customer["id"]} == event
    assert chat["order"] < thread["order"] < event["order"] or chat["order"] == event["order"]
    assert sandbox.chats[chat["id"]].threads[0].id == thread["id"]


async def test_orders_increase_and_do_not_fit_a_double(api, clock):
    chat = await api.chat()
    orders = [chat["thread"]["order"]]
    clock.now = 0.0
    orders += [(await api.message(chat["id"]))["event"]["order"] for _ in range(3)]
    assert orders == sorted(set(orders))
    assert all(int(float(order)) != order for order in orders)


async def test_ids_are_the_same_for_the_same_seed():
    async def ids():
        return (await Api(Sandbox(rng=Random(3))).chat())["id"]

    assert await ids() == await ids()


@pytest.mark.parametrize(
    "group_id, error",
    [(1, "group_offline"), (3, "group_unavailable"), (99, "group_not_found")],
)
async def test_a_chat_needs_an_available_agent(api, sandbox, group_id, error):
    assert (await api.error("start_chat", chat={"access": {"group_ids": [group_id]}}))["type"] == error
    assert not sandbox.chats


@pytest.mark.parametrize("group_ids", [[1, 0], [2], []])
async def test_one_reachable_group_is_enough(api, group_ids):
    assert (await api.chat(access={"group_ids": group_ids}))["access"] == {"group_ids": group_ids}


async def test_a_continuous_chat_needs_no_agent(api):
    result = await api.ok("start_chat", chat={"access": {"group_ids": [1]}}, continuous=True)
    assert [user["type"] for user in result["chat"]["users"]] == ["customer"]
    error = await api.error("start_chat", chat={"access": {"group_ids": [99]}}, continuous=True)
    assert error["type"] == "group_not_found"


async def test_start_chat_takes_one_existing_customer(api, sandbox):
    friend = sandbox.customer("friend")
    chat = await api.chat(users=[{"id": friend.id, "type": "customer", "name": "Friend"}])
    assert [user["id"] for user in chat["users"]][:2] == [api.customer.id, friend.id]
    assert (await Api(sandbox, "friend").ok("get_chat_threads", chat_id=chat["id"]))["chat"]["id"] == chat["id"]
    own = await api.chat(users=[{"id": api.customer.id, "type": "customer"}])
    assert [user["type"] for user in own["users"]] == ["customer", "agent"]
    error = await api.error("start_chat", chat={"users": [{"id": "nobody", "type": "customer"}]})
    assert "chat.users[0].id" in error["message"]


async def test_summaries_come_most_recently_used_first(api):
    first, second = await api.chat(), await api.chat()
    await api.message(first["id"])
    result = await api.ok("get_chats_summary")
    assert result["total_chats"] == 2
    assert [row["id"] for row in result["chats_summary"]] == [first["id"], second["id"]]
    row = result["chats_summary"][0]
    assert row["last_thread_id"] == first["thread"]["id"]
    assert row["last_thread_summary"]["active"] is True
    assert set(row["last_thread_summary"]) == {"id", "order", "timestamp", "user_ids", "properties", "tags", "active"}
    last = row["last_event_per_type"]["message"]
    assert (last["thread_id"], last["thread_order"]) == (first["thread"]["id"], first["thread"]["order"])
    assert last["event"]["text"] == "hello"


async def test_summaries_are_paged_within_a_window_of_125(api):
    for _ in range(130):
        await api.chat()
    default = await api.ok("get_chats_summary")
    assert (len(default["chats_summary"]), default["total_chats"]) == (10, 130)
    seen = []
    for offset in (0, 25, 50, 75, 100):
        seen += [row["id"] for row in (await api.ok("get_chats_summary", offset=offset, limit=25))["chats_summary"]]
    assert len(set(seen)) == 125


async def test_thread_summaries_descend(api):
    chat = await api.chat()
    for _ in range(2):
        await api.ok("close_thread", chat_id=chat["id"])
        await api.message(chat["id"])
    result = await api.ok("get_chat_threads_summary", chat_id=chat["id"])
    orders = [row["order"] for row in result["threads_summary"]]
    assert orders == sorted(orders, reverse=True)
    assert (result["total_threads"], [row["total_events"] for row in result["threads_summary"]]) == (3, [1, 1, 0])
    page = await api.ok("get_chat_threads_summary", chat_id=chat["id"], offset=1, limit=1)
    assert page["threads_summary"] == result["threads_summary"][1:2]


async def test_get_chat_threads_gives_all_or_the_named(api):
    chat = await api.chat()
    await api.ok("close_thread", chat_id=chat["id"])
    sent = await api.message(chat["id"])
    whole = (await api.ok("get_chat_threads", chat_id=chat["id"]))["chat"]
    assert [thread["active"] for thread in whole["threads"]] == [False, True]
    assert [row["thread_id"] for row in whole["threads_summary"]] == [thread["id"] for thread in whole["threads"]]
    named = await api.ok("get_chat_threads", chat_id=chat["id"], thread_ids=[sent["thread_id"]])
    assert [thread["id"] for thread in named["chat"]["threads"]] == [sent["thread_id"]]
    error = await api.error("get_chat_threads", chat_id=chat["id"], thread_ids=["none"])
    assert "thread_ids[0]" in error["message"]


async def test_a_restricted_thread_hides_its_events(api, sandbox):
    chat = await api.chat()
    await api.message(chat["id"])
    sandbox.chats[chat["id"]].threads[0].restricted_access = True
    (thread,) = await api.threads(chat["id"])
    assert thread["restricted_access"] is True
    assert "events" not in thread
    (row,) = (await api.ok("get_chats_summary"))["chats_summary"]
    assert row["last_event_per_type"]["message"]["event"] == {"restricted_access": True}


async def test_a_customer_reaches_only_their_own_chats(api, sandbox):
    chat = await api.chat()
    stranger = Api(sandbox, "stranger")
    assert (await stranger.error("get_chat_threads", chat_id=chat["id"]))["type"] == "authorization"
    assert (await stranger.error("get_chat_threads", chat_id="none"))["type"] == "validation"
    assert (await stranger.ok("get_chats_summary")) == {"chats_summary": [], "total_chats": 0}


async def test_activate_chat_starts_a_thread_in_an_inactive_chat(api, sandbox):
    chat = (await api.ok("start_chat", chat={"properties": {"n": {"a": 1}}}, continuous=True))["chat"]
    assert "chat.id" in (await api.error("activate_chat", chat={"id": chat["id"]}))["message"]
    await api.ok("close_thread", chat_id=chat["id"])
    result = await api.ok(
        "activate_chat",
        chat={
            "id": chat["id"],
            "access": {"group_ids": [1]},
            "properties": {"n": {"b": 2}},
            "thread": {"events": [{"type": "message", "text": "again"}], "properties": {"t": {"x": "y"}}},
        },
    )
    (thread,) = result["chat"]["threads"]
    assert thread["id"] != chat["thread"]["id"]
    assert thread["events"][0]["text"] == "again"
    assert result["chat"]["properties"] == {"n": {"a": {"value": 1}, "b": {"value": 2}}}
    assert sandbox.chats[chat["id"]].continuous is True


async def test_activate_chat_needs_a_group_unless_continuous(api, sandbox):
    chat = await api.chat()
    await api.ok("close_thread", chat_id=chat["id"])
    sandbox.groups[0].status = "offline"
    assert (await api.error("activate_chat", chat={"id": chat["id"]}))["type"] == "group_offline"
    await api.ok("activate_chat", chat={"id": chat["id"]}, continuous=True)
    assert sandbox.chats[chat["id"]].continuous is True


async def test_close_thread_ends_the_active_thread_once(api):
    chat = await api.chat()
    assert await api.ok("close_thread", chat_id=chat["id"]) == {}
    assert (await api.threads(chat["id"]))[0]["active"] is False
    assert (await api.error("close_thread", chat_id=chat["id"]))["type"] == "validation"
