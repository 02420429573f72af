import pytest

from tests.helpers.sandbox_api import Api

pytestmark = pytest.mark.asyncio

LEVELS = ["chat", "chat_thread", "event"]


async def target(api):
    """A chat with one event: the IDs for each level, and how to read its properties back."""
    chat = await api.chat()
    sent = await api.message(chat["id"])
    every = {"chat_id": chat["id"], "thread_id": sent["thread_id"], "event_id": sent["event"]["id"]}
    levels = {
        "chat": {"chat_id": chat["id"]},
        "chat_thread": {"chat_id": chat["id"], "thread_id": sent["thread_id"]},
        "event": every,
    }

    async def read(level):
        shown = (await api.ok("get_chat_threads", chat_id=chat["id"]))["chat"]
        thread = shown["threads"][0]
        return {"chat": shown, "chat_thread": thread, "event": thread["events"][0]}[level].get("properties", {})

    return levels, read


@pytest.mark.parametrize("level", LEVELS)
async def test_properties_are_set_merged_and_removed(api, level):
    levels, read = await target(api)
    for properties in ({"a": {"x": 1, "y": "two"}}, {"a": {"x": False}, "b": {"value": ""}}):
        assert await api.ok(f"update_{level}_properties", **levels[level], properties=properties) == {}
    expected = {"a": {"x": {"value": False}, "y": {"value": "two"}}, "b": {"value": {"value": ""}}}
    assert await read(level) == expected
    for other in set(LEVELS) - {level}:
        assert await read(other) == {}
    gone = {"a": ["x", "never"], "b": ["value"], "c": ["x"]}
    for _ in range(2):
        assert await api.ok(f"delete_{level}_properties", **levels[level], properties=gone) == {}
    assert await read(level) == {"a": {"y": {"value": "two"}}}


@pytest.mark.parametrize("level", LEVELS)
async def test_properties_belong_to_the_chats_customer(api, sandbox, level):
    levels, _ = await target(api)
    stranger = Api(sandbox, "stranger")
    for action, properties in (("update", {"a": {"x": 1}}), ("delete", {"a": ["x"]})):
        error = await stranger.error(f"{action}_{level}_properties", **levels[level], properties=properties)
        assert error["type"] == "authorization"


@pytest.mark.parametrize(
    "properties", [{"a": {"x": {"value": 1}}}, {"a": {"x": 1.5}}, {"a": {"x": None}}, {"a": 1}, []]
)
async def test_only_bare_values_are_properties(api, properties):
    chat = await api.chat()
    error = await api.error("update_chat_properties", chat_id=chat["id"], properties=properties)
    assert "`properties" in error["message"]


@pytest.mark.parametrize("properties", [{"a": {"x": 1}}, {"a": "x"}, {"a": [1]}, [{"a": ["x"]}]])
async def test_properties_are_deleted_by_lists_of_names(api, properties):
    chat = await api.chat()
    error = await api.error("delete_chat_properties", chat_id=chat["id"], properties=properties)
    assert "`properties" in error["message"]
