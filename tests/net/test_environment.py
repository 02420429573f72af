"""Which proxy the environment names for a URL, in all forms of `NO_PROXY`."""

from __future__ import annotations

import httpx
import pytest

from livechat_customer_async import AsyncCustomerSession
from livechat_customer_async._net.environment import is_excluded, proxy_for

API = "https://api.livechatinc.com"
EXCLUDED: list[tuple[str, str, bool]] = [
    (API, "", False),
    (API, "*", True),
    (API, "example.com, *", True),
    (API, "livechatinc.com", True),
    (API, ".livechatinc.com", True),
    (API, "*.livechatinc.com", True),
    (API, "LiveChatInc.COM", True),
    (API, "livechatinc.com.", True),
    (API, "chatinc.com", False),
    (API, "*chatinc.com", False),
    (API, "com", True),
    (API, "api.livechatinc.com", True),
    (API, "sub.api.livechatinc.com", False),
    (API, "api.livechatinc.com:443", True),
    (API, "api.livechatinc.com:8443", False),
    (f"{API}:8443", "api.livechatinc.com:8443", True),
    (f"{API}:8443", "livechatinc.com:8443", True),
    (API, "https://api.livechatinc.com", True),
    (API, "https://api.livechatinc.com/", True),
    (API, "http://api.livechatinc.com", False),
    (API, "localhost,,livechatinc.com", True),
    (API, "localhost livechatinc.com", True),
    (API, "10.0.0.0/8,::1/128,fe11::/16", False),
    (API, ".", False),
    (API, "[", False),
    (API, "api.livechatinc.com:port", False),
    (API, "]:,::::,1.2.3.4/99,http://", False),
    ("http://localhost:8000", "localhost,::1/128", True),
    ("http://localhost:8000", "localhost:8000", True),
    ("http://localhost:8000", "localhost:8001", False),
    ("http://notlocalhost", "localhost", False),
    ("http://10.1.2.3", "10.0.0.0/8", True),
    ("http://10.1.2.3", "10.1.2.3", True),
    ("http://10.1.2.3", "10.1.2.3/8", True),
    ("http://10.1.2.3", "10.1.2.3:80", True),
    ("http://10.1.2.3", "10.1.2.3:81", False),
    ("http://10.1.2.3", "10.1.2.4", False),
    ("http://10.1.2.3", "2.3", False),
    ("http://11.1.2.3", "10.0.0.0/8", False),
    ("http://[::1]:8000", "::1", True),
    ("http://[::1]:8000", "[::1]", True),
    ("http://[::1]:8000", "[::1]:8000", True),
    ("http://[::1]:8000", "[::1]:8001", False),
    ("http://[::1]:8000", "::1/128", True),
    ("http://[::1]:8000", "[::1/128]", True),
    ("http://[::1]:8000", "0:0:0:0:0:0:0:1", True),
    ("http://[::2]:8000", "::1/128", False),
    ("http://[fe11::5]", "fe11::/16", True),
    ("http://[fe12::5]", "fe11::/16", False),
    ("http://[::1]", "10.0.0.0/8", False),
]


@pytest.mark.parametrize("url, no_proxy, excluded", EXCLUDED)
def test_excluded_hosts(url: str, no_proxy: str, excluded: bool) -> None:
    assert is_excluded(httpx.URL(url), no_proxy) is excluded


@pytest.mark.parametrize(
    "proxies, proxy",
    [
        ({}, None),
        ({"http": "http://p:1"}, None),
        ({"https": "http://p:1"}, "http://p:1"),
        ({"all": "socks5://p:1"}, "socks5://p:1"),
        ({"https": "http://p:1", "all": "http://q:1"}, "http://p:1"),
        ({"https": "p:1"}, "http://p:1"),
        ({"https": ""}, None),
        ({"https": "http://p:1", "no": "example.com"}, "http://p:1"),
        ({"https": "http://p:1", "no": "livechatinc.com"}, None),
    ],
)
def test_the_proxy_for_a_url(proxies: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(httpx.URL(API), proxies) == proxy


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ["auto", "httpx"])
@pytest.mark.parametrize("no_proxy", ["localhost,::1/128", "fe11::/16", "[::1]", "::::,[,10.0.0.0/99"])
async def test_a_session_is_made_whatever_no_proxy_says(
    no_proxy: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", no_proxy)
    async with AsyncCustomerSession(1520, "dal:x", engine=engine):
        pass
