"""What a session refuses to be made of, and what it takes from the environment."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import httpx
import pytest

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    ConfigurationError,
    Limits,
    LiveChatError,
    RetryPolicy,
    Timeouts,
)
from tests.helpers.recording import Recording

SECRET = "dal:canary-secret"

FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("license_id", {"license_id": 0}),
    ("license_id", {"license_id": -1}),
    ("license_id", {"license_id": True}),
    ("license_id", {"license_id": "1520"}),
    ("license_id", {"license_id": 1520.0}),
    ("license_id", {"license_id": None}),
    ("access_token", {"access_token": ""}),
    ("access_token", {"access_token": "Bearer dal:x"}),
    ("access_token", {"access_token": lambda user: user}),
    ("middleware", {"middleware": [object()]}),
    ("middleware", {"middleware": 7}),
    ("clock", {"clock": object()}),
    ("access_token", {"access_token": b"dal:x"}),
    ("access_token", {"access_token": "dal:x\n"}),
    ("access_token", {"access_token": "dal:x y"}),
    ("access_token", {"access_token": "dal:x\r\nX-Region: fra"}),
    ("access_token", {"access_token": "dal:ż"}),
    ("access_token", {"access_token": "dal:\x7f"}),
    ("access_token", {"access_token": AccessToken("dal:x")}),
    ("base_url", {"base_url": "http://api.livechatinc.com"}),
    ("base_url", {"base_url": "http://127.0.0.1.example.com"}),
    ("base_url", {"base_url": "http://localhost.example.com"}),
    ("base_url", {"base_url": "http://0.0.0.0:80"}),
    ("base_url", {"base_url": "ftp://api.livechatinc.com"}),
    ("base_url", {"base_url": "api.livechatinc.com"}),
    ("base_url", {"base_url": "https://"}),
    ("base_url", {"base_url": ""}),
    ("base_url", {"base_url": None}),
    ("base_url", {"base_url": "https://user:word@api.livechatinc.com"}),
    ("base_url", {"base_url": "https://api.livechatinc.com?license_id=1"}),
    ("base_url", {"base_url": "https://api.livechatinc.com#x"}),
    ("base_url", {"base_url": "https://api.livechatinc.com:99999"}),
    ("base_url", {"base_url": "https://api\n.livechatinc.com"}),
    ("region", {"region": "us"}),
    ("region", {"region": "FRA"}),
    ("region", {"region": ""}),
    ("region", {"region": 7}),
    ("user_agent", {"user_agent": 7}),
    ("user_agent", {"user_agent": "Mozilla\r\nX: y"}),
    ("user_agent", {"user_agent": "żółw"}),
    ("headers", {"headers": "X-Test: 1"}),
    ("headers", {"headers": [("X-Test", "1")]}),
    ("headers", {"headers": {"X-Test": 1}}),
    ("headers", {"headers": {"X-Test": "a\nb"}}),
    ("headers", {"headers": {"X Test": "a"}}),
    ("headers", {"headers": {"": "a"}}),
    ("headers", {"headers": {7: "a"}}),
    ("headers", {"headers": {"Authorization": "Bearer x"}}),
    ("headers", {"headers": {"HOST": "x"}}),
    ("headers", {"headers": {"content-type": "text/plain"}}),
    ("headers", {"headers": {"Content-Length": "1"}}),
    ("headers", {"headers": {"Content-Anything": "1"}}),
    ("headers", {"headers": {"x-region": "fra"}}),
    ("headers", {"headers": {"Transfer-Encoding": "chunked"}}),
    ("timeouts", {"timeouts": 5}),
    ("timeouts", {"timeouts": None}),
    ("limits", {"limits": {"connections": 5}}),
    ("retry", {"retry": 3}),
    ("observers", {"observers": [object()]}),
    ("observers", {"observers": 7}),
    ("engine", {"engine": "h2"}),
    ("engine", {"engine": None}),
    ("trust_env", {"trust_env": 1}),
    ("proxy", {"proxy": 7}),
    ("proxy", {"proxy": "ftp://user:word@127.0.0.1:1"}),
    ("ssl_context", {"ssl_context": True}),
    ("transport", {"transport": object()}),
    ("transport", {"transport": httpx.HTTPTransport}),
    ("http_client", {"http_client": httpx.AsyncClient}),
    ("proxy", {"transport": Recording(), "proxy": "http://127.0.0.1:1"}),
    ("ssl_context", {"transport": Recording(), "ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}),
]  # fmt: skip


@pytest.mark.parametrize("name, options", FAULTS)
def test_a_bad_argument_is_refused_by_its_name(name: str, options: dict[str, Any]) -> None:
    arguments = {"license_id": 1520, "access_token": SECRET, **options}
    with pytest.raises(ConfigurationError) as caught:
        AsyncCustomerSession(**arguments)
    assert name in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, LiveChatError)
    assert SECRET not in str(caught.value)
    assert "word" not in str(caught.value)


def test_a_client_of_the_wrong_kind_is_refused() -> None:
    with httpx.Client() as sync_client, pytest.raises(ConfigurationError, match="http_client"):
        AsyncCustomerSession(1520, SECRET, http_client=sync_client)  # type: ignore[arg-type]


OPTION_FAULTS: list[Callable[[], object]] = [
    lambda: Timeouts(connect=0),
    lambda: Timeouts(read=-1),
    lambda: Timeouts(write=float("nan")),
    lambda: Timeouts(total=float("inf")),
    lambda: Timeouts(upload_total="5"),  # type: ignore[arg-type]
    lambda: Timeouts(total=True),
    lambda: Limits(connections=0),
    lambda: Limits(connections=None),  # type: ignore[arg-type]
    lambda: Limits(connections=1.5),  # type: ignore[arg-type]
    lambda: Limits(keepalive=-1),
    lambda: Limits(keepalive_expiry=0),
    lambda: Limits(queue=-1),
    lambda: Limits(queue=True),
    lambda: Limits(queue_timeout=0),
    lambda: RetryPolicy(attempts=0),
    lambda: RetryPolicy(base=-0.1),
    lambda: RetryPolicy(throttle_base=None),  # type: ignore[arg-type]
    lambda: RetryPolicy(cap=float("nan")),
    lambda: RetryPolicy(retry_after_cap=-1),
    lambda: RetryPolicy(budget=-1),
    lambda: AccessToken(""),
    lambda: AccessToken("a b"),
    lambda: AccessToken(None),
    lambda: AccessToken("a", datetime(2026, 1, 1)),  # noqa: DTZ001 - a naive one is the point
    lambda: AccessToken("a", 1591275300),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("make", OPTION_FAULTS)
def test_a_bad_option_is_refused_when_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_the_options_have_the_documented_defaults() -> None:
    assert Timeouts() == Timeouts(connect=5, read=20, write=20, total=60, upload_total=300)
    assert Limits() == Limits(connections=100, keepalive=None, keepalive_expiry=30, queue=None, queue_timeout=None)
    policy = RetryPolicy(attempts=3, base=0.05, throttle_base=1, cap=8, retry_after_cap=30, budget=500)
    assert RetryPolicy() == policy
    assert RetryPolicy.none() == attrs.evolve(policy, attempts=1)


@pytest.mark.parametrize("cls, change", [(Timeouts, {"read": 30}), (Limits, {"queue": 0}), (RetryPolicy, {"cap": 0})])
def test_an_option_is_frozen_and_evolves(cls: Any, change: dict[str, Any]) -> None:
    option = cls()
    changed = attrs.evolve(option, **change)
    assert changed != option
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(option, next(iter(change)), 1)


def test_no_limit_is_none() -> None:
    nothing = Timeouts(connect=None, read=None, write=None, total=None, upload_total=None)
    assert set(attrs.asdict(nothing).values()) == {None}


def test_an_access_token_s_end_is_aware() -> None:
    end = datetime(2026, 11, 23, tzinfo=UTC)
    assert AccessToken("fra%3Ax", end).value == "fra:x"
    assert AccessToken("x", expires_at=end).expires_at == end


GOOD_URLS = [
    "https://api.livechatinc.com",
    "https://api.livechatinc.com/",
    "http://localhost:8300",
    "http://127.0.0.1:1",
    "http://127.8.8.8",
    "http://[::1]:8300",
    "http://sandbox.localhost",
    "https://gateway.example.com/livechat/",
]


@pytest.mark.asyncio
@pytest.mark.parametrize("url", GOOD_URLS)
async def test_a_good_base_url_is_taken(url: str) -> None:
    transport = Recording()
    async with AsyncCustomerSession(1520, SECRET, base_url=url, transport=transport) as session:
        await session.chats.close_thread("c")
    asked = transport.last.url
    assert str(asked) == f"{url.rstrip('/')}/v3.0/customer/action/close_thread?license_id=1520"
    assert transport.last.headers.get_list("host") == [asked.netloc.decode()]
