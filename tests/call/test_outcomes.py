"""Which error a failed call raises, and what it says of what the server may have done."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import httpx
import pytest

import livechat_customer_async as package
from livechat_customer_async import (
    ApiError,
    AsyncCustomerSession,
    CallTimeoutError,
    InvalidRequestError,
    LiveChatError,
    MisdirectedRequestError,
    Outcome,
    ResponseDecodeError,
    RetryPolicy,
    TokenProviderError,
    TransportError,
)
from tests.helpers.transports import Scripted, api_error, failing, ok

pytestmark = pytest.mark.asyncio

NOT_SENT, UNKNOWN, REJECTED = Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.REJECTED

TYPES = {
    "internal": ("InternalError", UNKNOWN),
    "customer_banned": ("CustomerBannedError", REJECTED),
    "validation": ("ApiValidationError", REJECTED),
    "authorization": ("AuthorizationError", REJECTED),
    "authentication": ("AuthenticationError", REJECTED),
    "license_expired": ("LicenseExpiredError", REJECTED),
    "request_timeout": ("RequestTimeoutError", UNKNOWN),
    "unsupported_version": ("UnsupportedVersionError", REJECTED),
    "misdirected_request": ("MisdirectedRequestError", REJECTED),
    "group_unavailable": ("GroupUnavailableError", REJECTED),
    "entity_too_large": ("EntityTooLargeError", REJECTED),
    "group_offline": ("GroupOfflineError", REJECTED),
    "users_limit_reached": ("UsersLimitReachedError", REJECTED),
    "wrong_product_version": ("WrongProductVersionError", REJECTED),
    "license_not_found": ("LicenseNotFoundError", REJECTED),
    "group_not_found": ("GroupNotFoundError", REJECTED),
    "groups_offline": ("GroupsOfflineError", REJECTED),
    "too_many_requests": ("TooManyRequestsError", REJECTED),
    "service_unavailable": ("ServiceUnavailableError", REJECTED),
    "brand_new": ("ApiError", REJECTED),
}


async def error_of(*script: Any, retry: RetryPolicy | None = None, **options: Any) -> LiveChatError:
    token = options.pop("token", "dal:canary")
    transport = options.pop("transport", None) or Scripted(*script)
    policy = retry or RetryPolicy.none()
    async with AsyncCustomerSession(1520, token, transport=transport, retry=policy, **options) as session:
        with pytest.raises(LiveChatError) as caught:
            await session.chats.close_thread("c")
        assert (session.stats().in_flight, session.stats().queued) == (0, 0)
    return caught.value


def answer(status: int, body: Any = None, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda: httpx.Response(status, content=content, headers=headers)


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("type, expected", TYPES.items())
async def test_an_error_object_wins_over_any_status(type: str, expected: tuple[str, Outcome], status: int) -> None:
    said = {"type": type, "message": "said the server", "data": {"region": "dal", "n": 1}}
    bodies = [
        {"error": said},
        {"payload": {"error": said}},
        {"action": "close_thread", "type": "response", "success": False, "payload": {"error": said}},
        {"request_id": "1", "action": "close_thread", "type": "response", "success": False, "error": said},
    ]
    for body in bodies:
        error = await error_of(answer(status, body, **{"x-debug-id": "d-1", "Retry-After": "31.5"}))
        assert isinstance(error, ApiError)
        assert error.__class__ is getattr(package, expected[0])
        assert (error.type, error.message, error.data) == (type, "said the server", {"region": "dal", "n": 1})
        assert (error.status_code, error.debug_id, error.retry_after) == (status, "d-1", 31.5)
        assert (error.outcome, error.action, error.attempts) == (expected[1], "close_thread", 1)


async def test_a_misdirected_request_names_the_region() -> None:
    error = await error_of(answer(400, {"error": {"type": "misdirected_request", "data": {"region": "dal"}}}))
    assert isinstance(error, MisdirectedRequestError)
    assert error.region == "dal", "the one that was tried, so there is no other to try"
    error = await error_of(answer(400, {"error": {"type": "misdirected_request", "message": "m"}}))
    assert isinstance(error, MisdirectedRequestError)
    assert error.region is None


@pytest.mark.parametrize(
    "status, name, outcome",
    [
        (301, "ApiError", REJECTED),
        (400, "ApiError", REJECTED),
        (401, "AuthenticationError", REJECTED),
        (403, "ApiError", REJECTED),
        (404, "ApiError", REJECTED),
        (413, "EntityTooLargeError", REJECTED),
        (421, "ApiError", REJECTED),
        (429, "TooManyRequestsError", REJECTED),
        (500, "InternalError", UNKNOWN),
        (502, "InternalError", UNKNOWN),
        (503, "ServiceUnavailableError", UNKNOWN),
        (504, "InternalError", UNKNOWN),
        (599, "InternalError", UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"<html>Bad\n gateway</html>", b"", b'{"payload": {}}', b"[]", b'{"error": "text"}'])
async def test_without_an_error_object_the_status_decides(
    status: int, name: str, outcome: Outcome, body: bytes
) -> None:
    error = await error_of(answer(status, body))
    assert isinstance(error, ApiError)
    assert type(error) is getattr(package, name)
    assert (error.type, error.data, error.status_code, error.outcome) == (None, None, status, outcome)
    excerpt = " ".join(body.decode().removeprefix("<html>").removesuffix("</html>").split())
    assert error.message == (excerpt or "the body is empty")


async def test_the_excerpt_of_an_answer_is_short() -> None:
    error = await error_of(answer(500, b"x" * 100_000))
    assert isinstance(error, ApiError)
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "body, path",
    [
        (b"<html>", "$"),
        (b'{"payload": {', "$"),
        (b"[]", "$"),
        (b"7", "$"),
        (b'"text"', "$"),
        (b'{"success": false}', "$.success"),
        (b'{"payload": {}, "success": false}', "$.success"),
    ],
)
async def test_a_success_that_does_not_decode_leaves_open_what_happened(body: bytes, path: str) -> None:
    error = await error_of(answer(200, body))
    assert isinstance(error, ResponseDecodeError)
    assert (error.path, error.outcome, error.attempts, error.action) == (path, UNKNOWN, 1, "close_thread")


async def test_a_value_of_the_wrong_type_is_named_by_its_path() -> None:
    transport = Scripted(answer(200, {"chat": {"id": "c", "thread": {"id": "t", "events": {"0": {}}}}}))
    async with AsyncCustomerSession(1520, "dal:canary", transport=transport) as session:
        with pytest.raises(ResponseDecodeError) as caught:
            await session.chats.start_chat()
    error = caught.value
    assert error.path == "$.chat.thread.events"
    assert (error.outcome, error.attempts, error.action) == (UNKNOWN, 1, "start_chat")
    assert len(transport.actions) == 1


@pytest.mark.parametrize(
    "raised, phase, outcome",
    [
        (httpx.ConnectError, None, NOT_SENT),
        (httpx.ConnectTimeout, "connect", NOT_SENT),
        (httpx.PoolTimeout, "queue", NOT_SENT),
        (httpx.ProxyError, None, NOT_SENT),
        (httpx.ReadError, None, UNKNOWN),
        (httpx.ReadTimeout, "read", UNKNOWN),
        (httpx.WriteError, None, UNKNOWN),
        (httpx.WriteTimeout, "write", UNKNOWN),
        (httpx.CloseError, None, UNKNOWN),
        (httpx.RemoteProtocolError, None, UNKNOWN),
    ],
)
async def test_no_answer(raised: type[httpx.TransportError], phase: str | None, outcome: Outcome) -> None:
    error = await error_of(failing(raised))
    assert isinstance(error, TransportError)
    assert isinstance(error, CallTimeoutError) is (phase is not None)
    if isinstance(error, CallTimeoutError):
        assert error.phase == phase
    assert (error.outcome, error.attempts, error.action) == (outcome, 1, "close_thread")
    cause = error.__cause__
    assert isinstance(cause, raised)
    assert "livechatinc" not in str(cause.request.url)
    assert "authorization" not in cause.request.headers


async def test_an_earlier_unknown_outcome_is_not_forgotten() -> None:
    policy = RetryPolicy(base=0)
    script = [failing(httpx.ReadError), failing(httpx.ConnectError), api_error("validation", 400)]
    async with AsyncCustomerSession(1520, "dal:canary", transport=Scripted(*script), retry=policy) as session:
        with pytest.raises(package.ApiValidationError) as caught:
            await session.customers.set_customer_fields({})
    assert (caught.value.attempts, caught.value.outcome) == (3, UNKNOWN)


@pytest.mark.parametrize("given", [None, "", "a b", 7, b"dal:x"])
async def test_a_provider_that_returns_junk_sends_nothing(given: Any) -> None:
    async def provider() -> Any:
        return given

    transport = Scripted()
    error = await error_of(transport=transport, token=provider)
    assert isinstance(error, TokenProviderError)
    assert (error.outcome, error.attempts, error.action) == (NOT_SENT, 0, "close_thread")
    assert transport.actions == []


async def test_a_provider_that_fails_is_the_cause_and_poisons_nothing() -> None:
    failures = [LookupError("no token today")]

    async def provider() -> str:
        if failures:
            raise failures.pop()
        return "dal:x"

    async with AsyncCustomerSession(1520, provider, transport=Scripted()) as session:
        with pytest.raises(TokenProviderError) as caught:
            await session.chats.close_thread("c")
        assert isinstance(caught.value.__cause__, LookupError)
        assert caught.value.outcome is NOT_SENT
        await session.chats.close_thread("c")


async def test_an_upload_whose_source_fails_was_never_complete() -> None:
    def breaking() -> Any:
        yield b"x" * 1000
        raise OSError("disk on fire")

    transport = Scripted(ok)
    async with AsyncCustomerSession(1520, "dal:canary", transport=transport) as session:
        with pytest.raises(InvalidRequestError) as caught:
            await session.events.send_file("c", breaking())
    error = caught.value
    assert (error.parameter, error.outcome, error.action) == ("file", NOT_SENT, "send_file")
    assert isinstance(error.__cause__, OSError)
    assert transport.actions == []


async def test_an_error_of_a_call_pickles_and_copies_whole() -> None:
    raised = [
        await error_of(failing(httpx.ReadTimeout)),
        await error_of(answer(200, b"<html>")),
        await error_of(api_error("group_offline", 400, **{"Retry-After": "3", "x-debug-id": "d"})),
    ]
    for error in raised:
        for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
            assert type(twin) is type(error)
            assert (str(twin), vars(twin)) == (str(error), vars(error))
            assert error.action == "close_thread"
