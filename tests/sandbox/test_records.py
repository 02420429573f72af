import logging

import pytest

from livechat_customer_async.sandbox import Fault, RequestHeaders, Sandbox, serve
from tests.helpers.sandbox_api import PATH, TOKEN, Api

pytestmark = pytest.mark.asyncio


async def test_a_request_is_recorded(api, sandbox):
    response = await api.send("get_chats_summary", {"limit": 1}, headers={"X-Test": "a"}, params={"x": "ä "})
    assert response.status_code == 200
    (request,) = sandbox.requests
    assert (request.action, request.method, request.path) == ("get_chats_summary", "POST", PATH + "get_chats_summary")
    assert dict(request.query) == {"license_id": "1520", "x": "ä "}
    assert (request.headers["X-TEST"], request.headers["Authorization"]) == ("a", f"Bearer {TOKEN}")
    assert (request.body, request.payload) == ({"payload": {"limit": 1}}, {"limit": 1})
    assert (request.performed, request.status, request.customer_id) == (True, 200, api.customer.id)
    assert (request.connection, request.parts, request.size) == (None, (), len(response.request.content))


async def test_a_refused_request_is_recorded_with_its_body(api, sandbox):
    await api.http.post(PATH + "close_thread", json=["x"], headers={"Authorization": ""})
    (request,) = sandbox.requests
    assert (request.performed, request.status, request.customer_id) == (False, 401, None)
    assert (request.body, request.payload) == (["x"], None)


async def test_arrived_and_performed_are_counted_separately(api, sandbox):
    sandbox.faults.add(Fault("error", times=2))
    for _ in range(2):
        await api.send("get_chats_summary")
    await api.error("close_thread")
    await api.ok("get_chats_summary")
    assert sandbox.arrived == {"get_chats_summary": 3, "close_thread": 1}
    assert sandbox.performed == {"get_chats_summary": 1}
    sandbox.forget_requests()
    assert (sandbox.requests, sandbox.arrived, sandbox.performed) == ([], {}, {})


async def test_a_request_affected_by_a_fault_is_recorded_with_its_body(api, sandbox):
    sandbox.faults.add(Fault("error"))
    await api.send("get_chats_summary", {"limit": 3})
    assert sandbox.requests[0].payload == {"limit": 3}


async def test_only_the_last_requests_are_kept():
    api = Api(Sandbox(record_limit=2))
    for limit in range(3):
        await api.ok("get_chats_summary", limit=limit)
    assert [request.payload["limit"] for request in api.sandbox.requests] == [1, 2]
    assert api.sandbox.arrived["get_chats_summary"] == 3


async def test_headers_keep_repeated_values():
    headers = RequestHeaders([(b"A", b"1"), (b"a", b"2"), (b"Cookie", b"secret")])
    assert (headers["a"], headers.get_list("A"), len(headers), list(headers)) == ("2", ["1", "2"], 2, ["a", "cookie"])
    assert repr(headers) == "RequestHeaders({'a': '2', 'cookie': '[hidden]'})"


async def test_no_token_is_shown(caplog):
    caplog.set_level(logging.NOTSET)
    logging.getLogger("uvicorn").setLevel(1)
    try:
        sandbox = Sandbox(tokens=[TOKEN])
        async with serve(sandbox) as server:
            async with Api(sandbox, base_url=server.url).http as http:
                assert (await http.post(PATH + "get_chats_summary", json={"payload": {}})).status_code == 200
            shown = repr([sandbox, sandbox.requests, sandbox.customer(TOKEN), sandbox.app, server])
    finally:
        logging.getLogger("uvicorn").setLevel(logging.NOTSET)
    assert "canary" not in shown
    ours = [record for record in caplog.records if not record.name.startswith(("httpcore", "httpx"))]
    assert "canary" not in repr([vars(record) for record in ours])
