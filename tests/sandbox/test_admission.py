"""The checks that precede every action."""

import pytest

from livechat_customer_async.sandbox import Sandbox
from tests.helpers.sandbox_api import PATH, TOKEN, Api

pytestmark = pytest.mark.asyncio

ACTION = PATH + "get_chats_summary"


async def refused(api, response_or_options):
    response = await api.http.request("POST", ACTION, **{"json": {"payload": {}}, **response_or_options})
    assert not api.sandbox.performed
    error = response.json()["error"]
    return response.status_code, error["type"], error["message"]


@pytest.mark.parametrize("license_id", ["", "0", "-1", "1.5", "x", "+1", "\u0661"])
async def test_the_license_id_is_a_positive_int(api, license_id):
    status, kind, message = await refused(api, {"params": {"license_id": license_id}})
    assert (status, kind) == (400, "validation")
    assert "`license_id`" in message


async def test_the_license_id_is_given_once(api):
    api.http.params = {}
    assert "`license_id`" in (await refused(api, {}))[2]
    assert "`license_id`" in (await refused(api, {"params": [("license_id", "1"), ("license_id", "1")]}))[2]


async def test_other_licenses_are_not_found():
    assert (await refused(Api(Sandbox(license_id=1)), {}))[1] == "license_not_found"
    await Api(Sandbox(license_id=1520)).ok("get_chats_summary")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b"])
async def test_the_token_is_a_bearer_token(api, header):
    status, kind, _ = await refused(api, {"headers": {"Authorization": header}})
    assert (status, kind) == (401, "authentication")


async def test_authorization_is_given_once(api):
    headers = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
    assert (await refused(api, {"headers": headers}))[1] == "authentication"


async def test_a_closed_set_of_tokens():
    sandbox = Sandbox(tokens=["known%3Aone"])
    await Api(sandbox, "known:one").ok("get_chats_summary")
    assert (await Api(sandbox, "other").error("get_chats_summary"))["type"] == "authentication"


async def test_tokens_can_be_expired_revoked_and_issued_again(api, sandbox):
    customer = api.customer
    sandbox.expire_token(TOKEN)
    assert (await api.error("get_chats_summary")) == {"type": "authentication", "message": "Access token expired"}
    sandbox.issue_token("renewed", customer)
    assert Api(sandbox, "renewed").customer is customer
    await Api(sandbox, "renewed").ok("get_chats_summary")
    sandbox.revoke_token("renewed")
    assert "revoked" in (await Api(sandbox, "renewed").error("get_chats_summary"))["message"]
    sandbox.issue_token(TOKEN, customer)
    await api.ok("get_chats_summary")


async def test_a_banned_customer(api):
    api.customer.banned = True
    assert (await api.error("get_chats_summary"))["type"] == "customer_banned"


@pytest.mark.parametrize(
    "token, header, lives",
    [
        ("fra-a:x", None, "fra"),
        ("fra:x", "dal", "fra"),
        ("fra%3Ax", None, "fra"),
        ("dal-x", "fra", "dal"),
        ("dev-x", "fra", "dal"),
    ],
)
async def test_a_request_to_the_wrong_region_is_misdirected(sandbox, token, header, lives):
    api = Api(sandbox, token)
    response = await api.send("get_chats_summary", headers={"X-Region": header} if header else {})
    assert response.status_code == 421
    error = response.json()["error"]
    assert (error["type"], error["data"]) == ("misdirected_request", {"region": lives})
    assert not sandbox.performed
    assert (await api.send("get_chats_summary", headers={"X-Region": lives})).status_code == 200


@pytest.mark.parametrize("token", ["dal-x", "dal:x", "p-x", "fra", "france-x", "dev-fra-x"])
async def test_most_tokens_live_in_dal(sandbox, token):
    await Api(sandbox, token).ok("get_chats_summary")


async def test_the_region_of_a_customer_can_differ_from_the_tokens_prefix(api):
    api.customer.region = "fra"
    assert (await api.error("get_chats_summary"))["data"] == {"region": "fra"}


async def test_the_region_of_the_sandbox():
    assert (await Api(Sandbox(region="fra")).error("get_chats_summary"))["data"] == {"region": "dal"}
    await Api(Sandbox(region="fra"), "fra-x").ok("get_chats_summary")
    await Api(Sandbox(region=None), "fra-x").ok("get_chats_summary")


async def test_an_unknown_region_is_refused(api):
    status, kind, message = await refused(api, {"headers": {"X-Region": "ams"}})
    assert (status, kind) == (400, "validation")
    assert "`X-Region`" in message


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json-seq", "multipart/form-data"])
async def test_the_content_type_is_json(api, content_type):
    options = {"content": b'{"payload": {}}', "json": None, "headers": {"Content-Type": content_type}}
    assert "`Content-Type`" in (await refused(api, options))[2]


async def test_the_content_type_may_name_a_charset(api):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert (await api.http.post(ACTION, content=b'{"payload": {}}', headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"payload": []}',
        b'{"payload": null}',
        b'{"payload": {}, "request_id": "1"}',
        b'{"payload": {}, "action": "get_chats_summary"}',
        b'{"offset": 0}',
        b'{"payload": {"offset": NaN}}',
        b'{"payload": {"\\ud800": 1}}',
        b'\xff{"payload": {}}',
        b"[" * 100_000,
    ],
)
async def test_the_envelope_is_a_payload_and_nothing_else(api, body):
    options = {"content": body, "json": None, "headers": {"Content-Type": "application/json"}}
    status, kind, _ = await refused(api, options)
    assert (status, kind) == (400, "validation")


async def test_only_post_is_answered(api):
    for method in ("GET", "PUT"):
        response = await api.http.request(method, ACTION)
        assert (response.status_code, response.json()["error"]["type"]) == (405, "validation")


async def test_an_unknown_action_is_not_found(api):
    response = await api.send("get_chat_list")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "validation")
    assert api.sandbox.arrived["get_chat_list"] == 1
