"""Checks of a session's configuration."""

from collections import UserDict
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livechat_customer_async import ConfigurationError, Limits, Observer
from livechat_customer_async import _options as options_


@pytest.mark.parametrize(
    "url",
    [
        "https://api.livechatinc.com",
        "https://api.livechatinc.com/",
        "HTTPS://API.example:8443/prefix",
        "https://10.0.0.1",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:1",
        "http://localhost",
        "http://LOCALHOST:5000",
        "http://api.localhost",
    ],
)
def test_good_base_urls(url: str) -> None:
    assert options_.check_base_url(url) == httpx.URL(url)


@pytest.mark.parametrize(
    "url, why",
    [
        ("http://api.livechatinc.com", "send tokens unencrypted"),
        ("http://127.0.0.1.evil.example", "send tokens unencrypted"),
        ("http://localhost.evil.example", "send tokens unencrypted"),
        ("http://notlocalhost", "send tokens unencrypted"),
        ("http://0.0.0.0", "send tokens unencrypted"),
        ("http://[::2]", "send tokens unencrypted"),
        ("ftp://host", "expected https:// and a host"),
        ("api.livechatinc.com", "expected https:// and a host"),
        ("//api.livechatinc.com", "expected https:// and a host"),
        ("https://", "expected https:// and a host"),
        ("https:///path", "expected https:// and a host"),
        ("", "expected https:// and a host"),
        ("https://user:s3cret@host", "must not contain a user, a query or a fragment"),
        ("https://host/?s3cret", "must not contain a user, a query or a fragment"),
        ("https://host/#s3cret", "must not contain a user, a query or a fragment"),
        ("https://host:port", "not a valid URL"),
        ("https://host:99999", "expected a port"),
        ("http://127.0.0.1:0", "expected a port"),
        ("https://ho\nst", "not a valid URL"),
        ("https://[::1", "not a valid URL"),
        (None, "expected a str, got NoneType"),
        (b"https://host", "expected a str, got bytes"),
        (httpx.URL("https://host"), "expected a str, got URL"),
    ],
)
def test_bad_base_urls(url: object, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        options_.check_base_url(url)
    assert str(caught.value).startswith("base_url: ")
    assert "s3cret" not in str(caught.value)


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("http://localhost".__add__)))
def test_any_text_is_a_base_url_or_refused(text: str) -> None:
    try:
        url = options_.check_base_url(text)
    except ConfigurationError:
        return
    assert url.scheme == "https" or url.host == "localhost" or url.host.endswith(".localhost")


@pytest.mark.parametrize("value", [1, 1520, 2**40])
def test_good_license_ids(value: int) -> None:
    assert options_.check_license_id(value) == value


@pytest.mark.parametrize("value", [0, -1, True, False, "1520", 1520.0, None, b"1"])
def test_bad_license_ids(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^license_id: expected a positive int, got "):
        options_.check_license_id(value)


def test_access_is_a_token_or_a_provider() -> None:
    async def provider() -> str:
        return "t"

    assert options_.check_access(provider) is provider
    assert options_.check_access("fra%3At") == "fra:t"
    for bad in (None, 5, "", b"t", "two words"):
        with pytest.raises(ConfigurationError, match=r"^access_token: "):
            options_.check_access(bad)


@pytest.mark.parametrize("value", [None, "dal", "fra"])
def test_good_regions(value: str | None) -> None:
    assert options_.check_region(value) == value


@pytest.mark.parametrize(
    "value, shown",
    [("us", "'us'"), ("FRA", "'FRA'"), ("", "''"), ("x" * 99, "a str of 99 characters"), (5, "int"), ([], "list")],
)
def test_bad_regions(value: object, shown: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        options_.check_region(value)
    assert str(caught.value) == f"region: expected 'dal' or 'fra' or None, got {shown}"


def test_instances() -> None:
    limits = Limits()
    assert options_.check_instance(limits, Limits, "limits") is limits
    assert options_.check_optional(limits, Limits, "limits") is limits
    assert options_.check_optional(None, Limits, "limits") is None
    for check in (options_.check_instance, options_.check_optional):
        with pytest.raises(ConfigurationError, match=r"^limits: expected Limits, got dict$"):
            check({}, Limits, "limits")


def test_observers() -> None:
    one = Observer()
    assert options_.check_observers([one, one]) == (one, one)
    assert options_.check_observers(iter(())) == ()
    for bad, got in [(5, "int"), (one, "Observer"), ([one, Observer], "type"), (None, "NoneType")]:
        with pytest.raises(
            ConfigurationError, match=rf"^observers: expected (an iterable of Observers|Observer), got {got}$"
        ):
            options_.check_observers(bad)


@pytest.mark.parametrize(
    "given_, headers",
    [
        (None, {}),
        ({}, {}),
        ({"X-One": "1", "Referer": "https://shop.example/"}, {"x-one": "1", "referer": "https://shop.example/"}),
        (UserDict({"A": "b"}), {"a": "b"}),
        ({"x": ""}, {"x": ""}),
        ({"x": "tab\tand space, é"}, {"x": "tab\tand space, é"}),
    ],
)
def test_good_headers(given_: Any, headers: dict[str, str]) -> None:
    assert options_.check_headers(given_) == headers


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "HOST",
        "x-region",
        "Content-Type",
        "content-length",
        "Content-Anything",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "Expect",
        "TE",
    ],
)
def test_headers_of_the_session_itself(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^headers: {name} is set by the session and cannot be replaced$"):
        options_.check_headers({name: "s3cret"})


@pytest.mark.parametrize("name", ["", " x", "x ", "x:y", "x\n", "é", "a b", 5, None, b"x"])
def test_names_that_are_none(name: object) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^headers: (expected names of type str|.* is not a valid header name)"
    ):
        options_.check_headers({name: "v"})


@pytest.mark.parametrize(
    "value", ["s3cret\r\nX: y", "s3cret\n", " s3cret", "s3cret ", "s3cret\x00", "s3cret\x7f", "s3cret☃", "\t"]
)
def test_values_no_header_can_hold(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        options_.check_headers({"X-One": value})
    what = "leading or trailing whitespace" if value != value.strip() else "characters"
    assert str(caught.value) == f"headers['X-One']: contains {what} that an HTTP header cannot contain"


@pytest.mark.parametrize("value", [5, None, b"v", True])
def test_values_that_are_no_str(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers\['x'\]: expected a str, got "):
        options_.check_headers({"x": value})


@pytest.mark.parametrize("value", ["x: y", [("x", "y")], 5])
def test_headers_are_a_mapping(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers: expected a mapping, got "):
        options_.check_headers(value)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVECHAT_X", raising=False)
    assert options_.from_environment("LIVECHAT_X") is None
    monkeypatch.setenv("LIVECHAT_X", "")
    assert options_.from_environment("LIVECHAT_X") is None
    with pytest.raises(ConfigurationError, match="LIVECHAT_X is missing or empty"):
        options_.license_id_from_environment("LIVECHAT_X")
    monkeypatch.setenv("LIVECHAT_X", "1520")
    assert options_.license_id_from_environment("LIVECHAT_X") == 1520


@pytest.mark.parametrize("value", ["0", "000", "-1", "+1", "1.5", " 1", "1_0", "abc", "²", "٣", "9" * 5000])
def test_a_license_id_of_the_environment(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECHAT_X", value)
    with pytest.raises(ConfigurationError, match=r"^the environment variable LIVECHAT_X must be a positive int$"):
        options_.license_id_from_environment("LIVECHAT_X")
