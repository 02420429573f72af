"""Every action through a real session, answered by respx in both of the ways in which it mocks httpx."""

from __future__ import annotations

import json

import httpx
import pytest
import respx

from livechat_customer_async import AsyncCustomerSession, __version__
from tests.helpers.drives import CHAT, DRIVES
from tests.helpers.multipart import read_parts
from tests.helpers.readings import reading
from tests.helpers.samples import ACTIONS, SAMPLES, RequestSample

pytestmark = pytest.mark.asyncio

BASE = "https://api.livechatinc.com"
TOKENS = {"dal": "dal:canary-1", "fra": "fra-canary-1"}

every_pair = pytest.mark.parametrize(
    "action, request_name, response_name",
    [(action, *pair) for action in ACTIONS for pair in SAMPLES[action].pairs()],
)
every_engine = pytest.mark.parametrize("engine", ["auto", "httpx"])


async def drive(
    mock: respx.MockRouter, action: str, request_name: str, response_name: str, *, region: str, engine: str
) -> None:
    answer = SAMPLES[action].responses[response_name]
    route = mock.post(f"/v3.0/customer/action/{action}").respond(answer.status, content=answer.content)
    async with AsyncCustomerSession(1520, TOKENS[region], engine=engine) as session:
        result = await DRIVES[action][request_name](session)
    reading(action, response_name)(result)
    assert route.call_count == 1
    assert_request(route.calls.last.request, action, SAMPLES[action].requests[request_name], region=region)


def assert_request(request: httpx.Request, action: str, sample: RequestSample, *, region: str) -> None:
    assert request.method == "POST"
    url = request.url
    assert (url.scheme, url.host, url.port) == ("https", "api.livechatinc.com", None)
    assert url.path == f"/v3.0/customer/action/{action}"
    assert url.params.multi_items() == list(sample.query.items())
    assert_body(request, sample)
    assert_headers(request.headers, region)


def assert_body(request: httpx.Request, sample: RequestSample) -> None:
    content_type = request.headers["content-type"]
    if sample.parts is not None:
        assert read_parts(content_type, request.content) == sorted(sample.parts, key=lambda part: part["name"])
        return
    assert content_type == "application/json"
    assert json.loads(request.content) == {"payload": sample.payload}
    assert len(request.content) == len(compact({"payload": sample.payload})), "not a byte more than it takes"
    assert request.headers["content-length"] == str(len(request.content))


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def assert_headers(headers: httpx.Headers, region: str) -> None:
    expected = {
        "host": "api.livechatinc.com",
        "authorization": f"Bearer {TOKENS[region]}",
        "user-agent": f"livechat-customer-async/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
    }
    if region == "fra":
        expected["x-region"] = "fra"
    framing = {"content-type", "content-length"}
    assert {name: value for name, value in headers.items() if name not in framing} == expected
    assert len(headers.multi_items()) == len(headers), "no header twice"


@every_engine
@every_pair
@pytest.mark.respx(base_url=BASE)
async def test_an_action_under_a_mock_of_httpcore(
    respx_mock: respx.MockRouter, action: str, request_name: str, response_name: str, engine: str
) -> None:
    await drive(respx_mock, action, request_name, response_name, region="dal", engine=engine)


@every_engine
@every_pair
@pytest.mark.respx(base_url=BASE, using="httpx")
async def test_an_action_under_a_mock_of_httpx(
    respx_mock: respx.MockRouter, action: str, request_name: str, response_name: str, engine: str
) -> None:
    await drive(respx_mock, action, request_name, response_name, region="fra", engine=engine)


@pytest.mark.parametrize(
    "token, bearer, named",
    [
        ("dal:abc", "dal:abc", None),
        ("dal-abc", "dal-abc", None),
        ("fra:abc", "fra:abc", "fra"),
        ("fra-abc", "fra-abc", "fra"),
        ("fra-a:abc", "fra-a:abc", "fra"),
        ("fra%3Aabc", "fra:abc", "fra"),
        ("fra%3aabc", "fra:abc", "fra"),
        ("dev-abc", "dev-abc", None),
        ("p-abc", "p-abc", None),
        ("fra_abc", "fra_abc", None),
        ("fra", "fra", None),
        ("fraabc", "fraabc", None),
        ("FRA-abc", "FRA-abc", None),
        ("dal-fra-abc", "dal-fra-abc", None),
        ("us-fra:abc", "us-fra:abc", None),
    ],
)
@pytest.mark.parametrize("region, instead", [(None, None), ("fra", "fra"), ("dal", "none")])
@pytest.mark.respx(base_url=BASE)
async def test_a_token_names_its_region_unless_the_session_does(
    respx_mock: respx.MockRouter, token: str, bearer: str, named: str | None, region: str | None, instead: str | None
) -> None:
    route = respx_mock.post("/v3.0/customer/action/close_thread").respond(200, content=b"")
    async with AsyncCustomerSession(1520, token, region=region) as session:
        await session.chats.close_thread(CHAT)
    headers = route.calls.last.request.headers
    assert headers["authorization"] == f"Bearer {bearer}"
    expected = named if instead is None else {"fra": "fra", "none": None}[instead]
    assert headers.get("x-region") == expected


async def test_every_request_sample_is_driven() -> None:
    assert {action: set(drives) for action, drives in DRIVES.items()} == {
        action: set(sample.requests) for action, sample in SAMPLES.items()
    }
