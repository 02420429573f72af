"""A session from the environment."""

from __future__ import annotations

import httpx
import pytest

from livechat_customer_async import AsyncCustomerSession, ConfigurationError
from tests.helpers.recording import Recording

SECRET = "dal:canary-secret"
NAMES = ["LIVECHAT_LICENSE_ID", "LIVECHAT_ACCESS_TOKEN", "LIVECHAT_BASE_URL", "LIVECHAT_REGION"]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIVECHAT_LICENSE_ID", "1520")
    monkeypatch.setenv("LIVECHAT_ACCESS_TOKEN", SECRET)
    return monkeypatch


async def asked(**options: str) -> httpx.Request:
    transport = Recording()
    async with AsyncCustomerSession.from_env(transport=transport, **options) as session:  # type: ignore[misc]
        await session.chats.close_thread("c")
    return transport.last


@pytest.mark.asyncio
async def test_two_variables_make_a_session(env: pytest.MonkeyPatch) -> None:
    request = await asked()
    assert str(request.url) == "https://api.livechatinc.com/v3.0/customer/action/close_thread?license_id=1520"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert "x-region" not in request.headers


@pytest.mark.asyncio
async def test_the_others_are_used_where_they_are(env: pytest.MonkeyPatch) -> None:
    env.setenv("LIVECHAT_BASE_URL", "http://127.0.0.1:8300")
    env.setenv("LIVECHAT_REGION", "fra")
    request = await asked()
    assert (request.url.host, request.url.port) == ("127.0.0.1", 8300)
    assert request.headers["x-region"] == "fra"


@pytest.mark.asyncio
async def test_empty_ones_are_as_if_absent(env: pytest.MonkeyPatch) -> None:
    env.setenv("LIVECHAT_BASE_URL", "")
    env.setenv("LIVECHAT_REGION", "")
    request = await asked()
    assert request.url.host == "api.livechatinc.com"
    assert "x-region" not in request.headers


@pytest.mark.asyncio
async def test_a_keyword_wins_over_its_variable(env: pytest.MonkeyPatch) -> None:
    env.setenv("LIVECHAT_BASE_URL", "http://127.0.0.1:8300")
    env.setenv("LIVECHAT_REGION", "fra")
    request = await asked(base_url="https://other.example.com", region="dal", user_agent="Visitor/1")
    assert request.url.host == "other.example.com"
    assert "x-region" not in request.headers
    assert request.headers["user-agent"] == "Visitor/1"


@pytest.mark.parametrize(
    "name, value",
    [
        ("LIVECHAT_LICENSE_ID", None),
        ("LIVECHAT_LICENSE_ID", ""),
        ("LIVECHAT_LICENSE_ID", "0"),
        ("LIVECHAT_LICENSE_ID", "-5"),
        ("LIVECHAT_LICENSE_ID", "1520.0"),
        ("LIVECHAT_LICENSE_ID", "abc"),
        ("LIVECHAT_LICENSE_ID", "१५२०"),
        ("LIVECHAT_LICENSE_ID", "9" * 5000),
        ("LIVECHAT_ACCESS_TOKEN", None),
        ("LIVECHAT_ACCESS_TOKEN", ""),
        ("LIVECHAT_ACCESS_TOKEN", f"{SECRET}\n"),
        ("LIVECHAT_BASE_URL", "http://api.livechatinc.com"),
        ("LIVECHAT_BASE_URL", "nowhere"),
        ("LIVECHAT_REGION", "us"),
    ],
)
def test_a_missing_or_bad_one_is_named(env: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        env.delenv(name)
    else:
        env.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        AsyncCustomerSession.from_env()
    assert name in str(caught.value)
    assert [other for other in NAMES if other in str(caught.value)] == [name]
    assert SECRET not in str(caught.value)


def test_a_subclass_makes_itself(env: pytest.MonkeyPatch) -> None:
    class Mine(AsyncCustomerSession):
        pass

    with pytest.warns(ResourceWarning, match="unclosed AsyncCustomerSession .created at "):
        assert type(Mine.from_env(transport=Recording())) is Mine
