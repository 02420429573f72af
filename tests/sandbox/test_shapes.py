import pytest

from livechat_customer_async.sandbox import AnswerShapes

pytestmark = pytest.mark.asyncio


async def test_a_result_may_be_bare_or_a_frame(api, sandbox):
    result = {"chats_summary": [], "total_chats": 0}
    sandbox.shapes = AnswerShapes(wrapping="bare")
    assert (await api.send("get_chats_summary")).json() == result
    sandbox.shapes = AnswerShapes(wrapping="frame")
    frame = {"action": "get_chats_summary", "type": "response", "success": True, "payload": result}
    assert (await api.send("get_chats_summary")).json() == frame
    assert sandbox.shapes == AnswerShapes(wrapping="frame")


@pytest.mark.parametrize(
    "no_result, status, body",
    [("envelope", 200, b'{"payload":{}}'), ("object", 200, b"{}"), ("nothing", 200, b""), ("no_content", 204, b"")],
)
async def test_no_result_has_four_forms(api, sandbox, no_result, status, body):
    sandbox.shapes = AnswerShapes(no_result=no_result)
    response = await api.send("set_customer_fields", {"fields": {}})
    assert (response.status_code, response.content) == (status, body)


async def test_an_error_can_be_under_payload(api, sandbox):
    sandbox.shapes = AnswerShapes(errors="payload")
    assert (await api.send("close_thread")).json()["payload"]["error"]["type"] == "validation"
    sandbox.shapes = AnswerShapes(wrapping="frame")
    frame = (await api.send("close_thread")).json()
    assert (frame["success"], frame["payload"]["error"]["type"]) == (False, "validation")


async def test_property_values_may_be_bare_and_events_unsorted(api, sandbox):
    sandbox.shapes = AnswerShapes(property_values="bare", unsorted_events=True)
    chat = await api.chat(properties={"a": {"value": 1}})
    assert chat["properties"] == {"a": {"value": 1}}
    for text in ("first", "second"):
        await api.message(chat["id"], text)
    assert [event["text"] for event in (await api.threads(chat["id"]))[0]["events"]] == ["second", "first"]
