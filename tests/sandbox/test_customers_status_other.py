import pytest

from livechat_customer_async.sandbox import AnswerShapes
from tests.helpers.sandbox_api import Api

pytestmark = pytest.mark.asyncio


async def test_update_customer_sets_what_is_given(api):
    first = await api.ok("update_customer", name="Ada", email="ada@example.com", fields={"a": "1"})
    assert first | {"id": api.customer.id, "type": "customer", "name": "Ada", "fields": {"a": "1"}} == first
    second = await api.ok("update_customer", avatar="https://example.com/a.png", fields={"b": ""})
    assert (second["email"], second["fields"]) == ("ada@example.com", {"a": "1", "b": ""})
    assert (await api.chat())["users"][0]["name"] == "Ada"
    assert (await api.error("update_customer"))["type"] == "validation"


async def test_the_shapes_of_update_customer(api, sandbox):
    sandbox.shapes = AnswerShapes(update_customer="customer")
    assert (await api.ok("update_customer", name="Ada"))["customer"]["name"] == "Ada"
    sandbox.shapes = AnswerShapes(update_customer="nothing")
    assert await api.ok("update_customer", name="Bea") == {}
    assert api.customer.name == "Bea"


async def test_set_customer_fields_takes_the_visitors_browser(api):
    headers = {"User-Agent": "Visitor/1", "Referer": "https://example.com/"}
    response = await api.send("set_customer_fields", {"fields": {"plan": "pro"}}, headers=headers)
    assert response.json() == {"payload": {}}
    customer = api.customer
    assert (customer.fields, customer.user_agent, customer.referrer) == (
        {"plan": "pro"},
        "Visitor/1",
        "https://example.com/",
    )


@pytest.mark.parametrize(
    "payload, expected",
    [
        ({}, {"0": "online", "1": "offline", "2": "online_for_queue", "3": "online"}),
        ({"all": True, "groups": [1]}, {"0": "online", "1": "offline", "2": "online_for_queue", "3": "online"}),
        ({"groups": [1, 99]}, {"1": "offline"}),
        ({"all": False, "groups": []}, {}),
    ],
)
async def test_groups_have_a_status_under_string_keys(api, payload, expected):
    assert await api.ok("get_groups_status", **payload) == {"groups_status": expected}


async def test_goals_are_reached_by_offline_customers(api, sandbox):
    sandbox.goals["bought"] = "/thanks"
    payload = {"page_url": "https://shop/thanks?x=1", "customer_fields": {"cart": "3"}, "group_id": 0}
    assert await api.ok("check_goals", **payload) == {}
    assert (api.customer.goals, api.customer.fields) == ({"bought"}, {"cart": "3"})
    await api.ok("check_goals", **{**payload, "page_url": "https://shop/"})
    assert (await api.error("check_goals", **{**payload, "group_id": 99}))["type"] == "group_not_found"
    api.customer.online = True
    assert (await api.error("check_goals", **payload))["type"] == "authorization"


async def test_forms_are_enabled_or_disabled(api, sandbox):
    form = {"id": "1", "fields": [{"id": "2", "type": "rating", "label": "?", "required": True, "options": []}]}
    sandbox.forms[0, "prechat"] = form
    assert await api.ok("get_form", group_id=0, type="prechat") == {"enabled": True, "form": form}
    assert await api.ok("get_form", group_id=0, type="postchat") == {"enabled": False}
    assert (await api.error("get_form", group_id=99, type="prechat"))["type"] == "group_not_found"


async def test_the_predicted_agent_is_for_customers_of_the_rtm_api(api, sandbox):
    assert (await api.error("get_predicted_agent"))["type"] == "authentication"
    api.customer.online = True
    agent = (await api.ok("get_predicted_agent", group_id=0))["agent"]
    assert agent | {"type": "agent", "name": "Sandy", "is_bot": True, "avatar": "example.com/sandy.png"} == agent
    sandbox.shapes = AnswerShapes(predicted_agent="bare")
    assert await api.ok("get_predicted_agent") == agent
    assert (await api.error("get_predicted_agent", group_id=99))["type"] == "group_not_found"


async def test_url_details_are_configured_or_generated(api, sandbox):
    details = await api.ok("get_url_details", url="https://example.com/a")
    assert set(details) == {"title", "description", "image_url", "image_width", "image_height", "url"}
    assert details["image_url"].startswith("//")
    sandbox.url_details["https://example.com/a"] = {"title": "Told"}
    assert await api.ok("get_url_details", url="https://example.com/a") == {"title": "Told"}


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "example.com", "http://[bad"])
async def test_an_invalid_url_is_refused(api, url):
    assert "`url`" in (await api.error("get_url_details", url=url))["message"]


async def test_the_last_seen_timestamp_is_given_or_now(api):
    chat = await api.chat()
    assert await api.ok("update_last_seen_timestamp", chat_id=chat["id"]) == {"timestamp": 1_700_000_000}
    assert await api.ok("update_last_seen_timestamp", chat_id=chat["id"], timestamp=0) == {"timestamp": 0}
    await api.ok("update_last_seen_timestamp", chat_id=chat["id"], timestamp=5)
    (row,) = (await api.ok("get_chats_summary"))["chats_summary"]
    assert row["users"][0]["last_seen_timestamp"] == 5
    assert row["users"][0]["present"] is True


async def test_customers_with_different_tokens_are_different(sandbox):
    ada, bea = Api(sandbox, "ada"), Api(sandbox, "bea")
    await ada.ok("update_customer", name="Ada")
    assert (ada.customer.name, bea.customer.name) == ("Ada", None)
    assert len(sandbox.customers) == 2
