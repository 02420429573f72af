"""What an answer says: a table of bodies and statuses, and what each becomes."""

import copy
import json
import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import livechat_customer_async as sdk
from livechat_customer_async import ApiError, LiveChatError, MisdirectedRequestError, Outcome, ResponseDecodeError
from livechat_customer_async._wire.envelope import Answer, interpret, retry_after

SECRET = "fra-a:s3cret"
NOW = 1_600_000_000.0
HTML = b"<html>\n <body>  Bad   Gateway </body></html>"


def read(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return interpret(Answer(status, headers or {}, content), secret=SECRET, wall_clock=NOW)


def error_of(body: Any, status: int, headers: dict[str, str] | None = None) -> Any:
    with pytest.raises(LiveChatError) as caught:
        read(body, status, headers)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    "body, payload",
    [
        ({"payload": {"url": "u"}}, {"url": "u"}),
        ({"payload": {}}, {}),
        ({"url": "u"}, {"url": "u"}),
        ({}, {}),
        ({"request_id": "1", "action": "a", "type": "response", "success": True, "payload": {"x": 1}}, {"x": 1}),
        ({"action": "a", "type": "response", "success": True, "payload": {}}, {}),
        ({"payload": {"x": 1}, "__priv_trace": "t"}, {"x": 1}),
        ({"payload": {"x": 1}, "other": 1}, {"payload": {"x": 1}, "other": 1}),
        ({"payload": [1]}, {"payload": [1]}),
        ({"payload": None, "success": True}, {"payload": None, "success": True}),
        ({"success": True}, {"success": True}),
        ({"error": None, "url": "u"}, {"error": None, "url": "u"}),
        ({"payload": {"error": None}}, {"error": None}),
        ({"url": "u", "type": "image"}, {"url": "u", "type": "image"}),
        (b"", None),
        (b"null", None),
        (b"[1]", [1]),
        (b"7", 7),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_payload_of_a_success(body: Any, payload: Any, status: int) -> None:
    assert read(body, status) == payload


@pytest.mark.parametrize("content", [HTML, b"{", b"{'a': 1}", b"\xff\xfe", b"NaN", b'{"a": 1} x', b"[" * 5000])
def test_a_success_that_is_no_json(content: bytes) -> None:
    error = error_of(content, 200)
    assert type(error) is ResponseDecodeError
    assert (error.path, error.outcome) == ("$", Outcome.UNKNOWN)
    assert f"{len(content)} bytes" in error.message


def test_an_error_that_is_no_object_is_no_success() -> None:
    error = error_of({"error": "no object"}, 200)
    assert type(error) is ResponseDecodeError
    assert (error.path, error.outcome) == ("$.error", Outcome.UNKNOWN)


@pytest.mark.parametrize("token", ["t", "a", "x", "internal", "fra"])
def test_a_short_token_changes_nothing_that_is_decided_by(token: str) -> None:
    said = {"type": "misdirected_request", "message": "internal fra", "data": {"region": "fra"}}
    with pytest.raises(MisdirectedRequestError) as caught:
        interpret(Answer(400, {}, orjson.dumps({"error": said})), secret=token, wall_clock=0)
    assert (caught.value.type, caught.value.region) == ("misdirected_request", "fra")


@pytest.mark.parametrize("type_", ["internal", "authentication"])
def test_a_token_that_is_a_type_changes_no_class(type_: str) -> None:
    with pytest.raises(ApiError) as caught:
        interpret(Answer(400, {}, orjson.dumps({"error": {"type": type_}})), secret=type_, wall_clock=0)
    assert type(caught.value) is ApiError.class_for(type_)


@pytest.mark.parametrize("content", [b"", b"  ", b"\r\n"])
def test_a_blank_body_is_no_result(content: bytes) -> None:
    assert interpret(Answer(200, {}, content), secret="s", wall_clock=0) is None


def test_a_frame_that_says_no_without_an_error_object() -> None:
    for body in ({"success": False, "payload": {}}, {"success": False}, {"success": False, "error": "x"}):
        error = error_of(body, 200)
        assert type(error) is ResponseDecodeError
        assert (error.path, error.outcome) == ("$.success", Outcome.UNKNOWN)


SAID = {"type": "group_offline", "message": "Group offline", "data": {"group": 5}}


@pytest.mark.parametrize(
    "body",
    [
        {"error": SAID},
        {"payload": {"error": SAID}},
        {"request_id": "1", "action": "start_chat", "type": "response", "success": False, "payload": {"error": SAID}},
        {"action": "start_chat", "type": "response", "success": False, "error": SAID},
        {"error": SAID, "payload": {"chat": {}}},
        {"success": True, "payload": {"error": SAID}},
        {"__priv_x": 1, "error": SAID | {"__priv_y": 2}},
    ],
)
@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 404, 429, 500, 503])
def test_an_error_object_wins_over_any_status(body: Any, status: int) -> None:
    error = error_of(body, status)
    assert type(error) is sdk.GroupOfflineError
    assert (error.type, error.message, error.data) == ("group_offline", "Group offline", {"group": 5})
    assert (error.status_code, error.outcome) == (status, Outcome.REJECTED)
    assert (error.debug_id, error.retry_after) == (None, None)


@pytest.mark.parametrize("type_", ApiError._classes)
def test_each_type(type_: str) -> None:
    error = error_of({"error": {"type": type_, "message": "m"}}, 400)
    assert type(error) is ApiError._classes[type_]
    assert (error.type, error.data) == (type_, None)
    may_have_acted = type_ in ("internal", "request_timeout")
    assert error.outcome is (Outcome.UNKNOWN if may_have_acted else Outcome.REJECTED)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
def test_an_unknown_type(status: int) -> None:
    error = error_of({"error": {"type": "brand_new", "message": "m"}}, status)
    assert type(error) is ApiError
    assert (error.type, error.outcome) == ("brand_new", Outcome.REJECTED)


BY_STATUS = [
    (301, ApiError, Outcome.REJECTED),
    (304, ApiError, Outcome.REJECTED),
    (400, ApiError, Outcome.REJECTED),
    (401, sdk.AuthenticationError, Outcome.REJECTED),
    (403, ApiError, Outcome.REJECTED),
    (404, ApiError, Outcome.REJECTED),
    (413, sdk.EntityTooLargeError, Outcome.REJECTED),
    (429, sdk.TooManyRequestsError, Outcome.REJECTED),
    (499, ApiError, Outcome.REJECTED),
    (500, sdk.InternalError, Outcome.UNKNOWN),
    (502, sdk.InternalError, Outcome.UNKNOWN),
    (503, sdk.ServiceUnavailableError, Outcome.UNKNOWN),
    (504, sdk.InternalError, Outcome.UNKNOWN),
    (599, sdk.InternalError, Outcome.UNKNOWN),
]
WITHOUT_AN_OBJECT = [
    (HTML, "Bad Gateway"),
    (b"<html><head><title>Bad &quot;day&quot;</title></head><body>nginx</body></html>", 'Bad "day"'),
    (b"<!DOCTYPE html><style>b{}</style><script>x()</script><p>No &amp; <b>never</p", "No & never"),
    (b"", "the body is empty"),
    (b" \n ", "the body is empty"),
    (b'{"message":  "no"}', '{"message": "no"}'),
    (b'{"error": "no"}', '{"error": "no"}'),
    (b"[]", "[]"),
    (b"null", "null"),
    (b'"text"', '"text"'),
    (b"\xff!", "\ufffd!"),
    (b"x" * 5000, "x" * 199 + "…"),
]


@pytest.mark.parametrize("status, cls, outcome", BY_STATUS)
@pytest.mark.parametrize("content, message", WITHOUT_AN_OBJECT)
def test_without_an_error_object_the_status_decides(
    status: int, cls: type[ApiError], outcome: Outcome, content: bytes, message: str
) -> None:
    error = error_of(content, status)
    assert type(error) is cls
    assert (error.type, error.data, error.status_code) == (None, None, status)
    assert (error.message, error.outcome) == (message, outcome)


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_the_page_of_a_proxy_is_told_by_its_title(content_type: str) -> None:
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1>nginx</body></html>"
    error = error_of(page, 502, {"content-type": content_type, "x-debug-id": "d1"})
    assert str(error) == "HTTP 502: Bad Gateway (debug id d1)"


def test_an_answer_that_does_not_decode_is_described() -> None:
    page = b"<html>" + b"x " * 300 + SECRET.encode()
    error = error_of(page, 200, {"content-type": "text/html", "x-debug-id": f"d {SECRET}"})
    assert (error.status_code, error.content_type, error.debug_id) == (200, "text/html", "d …")
    assert len(error.excerpt) == 200
    assert error.excerpt.startswith("<html>x x x")
    assert str(error) == f"$: the body is not valid JSON ({len(page)} bytes) (status 200, text/html, debug id d …)"
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize("body", [{"error": "broke"}, {"success": False}])
def test_an_answer_that_contradicts_itself_is_described(body: Any) -> None:
    error = error_of(body, 201, {"x-debug-id": "d1"})
    assert (error.status_code, error.content_type, error.debug_id) == (201, None, "d1")
    assert error.excerpt == json.dumps(body)


@pytest.mark.parametrize("position", range(190, 203))
def test_the_token_is_not_in_the_excerpt_of_an_answer(position: int) -> None:
    error = error_of(b"x" * position + SECRET.encode() + b"y" * 50, 200)
    assert "s3" not in error.excerpt
    assert len(error.excerpt) <= 200


@pytest.mark.parametrize("status, cls, outcome", BY_STATUS)
@pytest.mark.parametrize("said", [{}, {"type": None}, {"type": 7}, {"type": ""}, {"type": ["internal"]}])
def test_an_error_object_without_a_type(status: int, cls: type[ApiError], outcome: Outcome, said: Any) -> None:
    error = error_of({"error": {"message": "m", **said}}, status)
    assert type(error) is cls
    assert (error.type, error.message, error.outcome) == (None, "m", outcome)


@pytest.mark.parametrize(
    "message, kept",
    [
        ("m", "m"),
        ("", ""),
        (None, "the server gave no message"),
        (5, "the server gave no message"),
        ("y" * 2001, "y" * 1999 + "…"),
        ("y" * 2000, "y" * 2000),
    ],
)
def test_messages(message: Any, kept: str) -> None:
    assert error_of({"error": {"type": "validation", "message": message}}, 400).message == kept


@pytest.mark.parametrize("data", [None, [], "x", 5, True])
def test_data_that_is_no_object_is_left_out(data: Any) -> None:
    assert error_of({"error": {"type": "validation", "message": "m", "data": data}}, 400).data is None


def test_misdirected() -> None:
    error = error_of({"error": {"type": "misdirected_request", "message": "m", "data": {"region": "fra"}}}, 400)
    assert (error.region, error.outcome) == ("fra", Outcome.REJECTED)


def test_the_headers_of_an_error() -> None:
    error = error_of({"error": SAID}, 503, {"x-debug-id": "d-1", "retry-after": "1.5"})
    assert (error.debug_id, error.retry_after) == ("d-1", 1.5)
    bare = error_of(HTML, 502, {"x-debug-id": "d-2", "retry-after": "soon"})
    assert (bare.debug_id, bare.retry_after) == ("d-2", None)


def everything(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *everything(item))
    elif isinstance(value, list):
        for item in value:
            yield from everything(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("position", range(190, 203))
def test_the_token_is_cut_out_of_an_excerpt_before_it_is_shortened(position: int) -> None:
    error = error_of(b"x" * position + SECRET.encode() + b"y" * 50, 502)
    assert "s3" not in error.message
    assert "fra" not in error.message


def test_the_token_is_cut_out_of_all_that_an_error_keeps() -> None:
    data = {SECRET: [SECRET, {"a": f"Bearer {SECRET}!"}, 5, None, True]}
    body = {"error": {"type": f"t {SECRET}", "message": "m" * 1995 + SECRET, "data": data}}
    error = error_of(body, 401, {"x-debug-id": f"d-{SECRET}"})
    assert error.data == {"…": ["…", {"a": "Bearer …!"}, 5, None, True]}
    assert (error.type, error.debug_id) == ("t …", "d-…")
    for text in [str(error), repr(error), *everything(vars(error))]:
        assert "s3cret" not in text
    assert b"s3cret" not in pickle.dumps(error)


def test_data_of_any_depth_makes_an_error_that_pickles() -> None:
    deep = b'{"a":[' * 450 + b"1" + b"]}" * 450
    error = error_of(b'{"error":{"type":"validation","message":"m","data":' + deep + b"}}", 400)
    assert type(error) is sdk.ApiValidationError
    assert copy.deepcopy(pickle.loads(pickle.dumps(error))).data == error.data
    levels, part = 0, cast("Any", error.data)
    while isinstance(part, dict | list):
        levels, part = levels + 1, part["a"] if isinstance(part, dict) else part[0]
    assert (levels, part) == (100, "…")


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, None),
        ("0", 0.0),
        ("5", 5.0),
        (" 2 ", 2.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("", None),
        ("soon", None),
        ("Sun, 13 Sep 2020 12:27:00 GMT", 20.0),
        ("Sun, 13 Sep 2020 12:26:40 GMT", 0.0),
        ("Sun, 13 Sep 2020 12:00:00 GMT", 0.0),
        ("Sunday, 13-Sep-20 12:27:00 GMT", 20.0),
        ("Sun Sep 13 12:27:00 2020", 20.0),
        ("Sun, 13 Sep 2020 12:27:00 -0000", 20.0),
        ("Sun, 13 Sep 2020 13:27:00 +0100", 20.0),
        ("Sun, 99 Sep 2020 12:27:00 GMT", None),
        ("Sun, 13 Sep 99999 12:27:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            assert retry_after(value, NOW) == seconds
        finally:
            monkeypatch.undo()
            time.tzset()


def test_retry_after_of_a_formatted_date() -> None:
    moment = datetime.fromtimestamp(NOW + 7, UTC)
    assert retry_after(format_datetime(moment, usegmt=True), NOW) == 7.0


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["payload", "error", "type", "message", "data", "success", "x"]), inner)
    ),
    max_leaves=10,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()), st.integers(200, 599), st.text(max_size=8))
def test_any_answer_is_a_payload_or_one_of_two_errors(content: bytes, status: int, header: str) -> None:
    answer = Answer(status, {"retry-after": header}, content)
    error: LiveChatError | None = None
    try:
        payload = interpret(answer, secret=SECRET, wall_clock=NOW)
    except (ApiError, ResponseDecodeError) as raised:
        error = raised
    if error is None:
        assert 200 <= status < 300
        assert content or payload is None
    elif isinstance(error, ApiError):
        assert error.outcome in (Outcome.UNKNOWN, Outcome.REJECTED)
        assert (error.status_code, len(error.message) <= 2001) == (status, True)
    else:
        assert (200 <= status < 300, error.outcome) == (True, Outcome.UNKNOWN)


def test_an_answer_does_not_show_its_body() -> None:
    assert "s3cret" not in repr(Answer(200, {}, b"s3cret"))
