"""The error tree: its shape, its classes by type, what an error keeps, and what it says."""

import copy
import pickle

import pytest

import livechat_customer_async as sdk
from livechat_customer_async import errors
from livechat_customer_async.errors import ApiError, LiveChatError, Outcome

CLASSES: dict[str, type[ApiError]] = {
    "internal": sdk.InternalError,
    "customer_banned": sdk.CustomerBannedError,
    "validation": sdk.ApiValidationError,
    "authorization": sdk.AuthorizationError,
    "authentication": sdk.AuthenticationError,
    "license_expired": sdk.LicenseExpiredError,
    "request_timeout": sdk.RequestTimeoutError,
    "unsupported_version": sdk.UnsupportedVersionError,
    "misdirected_request": sdk.MisdirectedRequestError,
    "group_unavailable": sdk.GroupUnavailableError,
    "entity_too_large": sdk.EntityTooLargeError,
    "group_offline": sdk.GroupOfflineError,
    "users_limit_reached": sdk.UsersLimitReachedError,
    "wrong_product_version": sdk.WrongProductVersionError,
    "license_not_found": sdk.LicenseNotFoundError,
    "group_not_found": sdk.GroupNotFoundError,
    "groups_offline": sdk.GroupsOfflineError,
    "too_many_requests": sdk.TooManyRequestsError,
    "service_unavailable": sdk.ServiceUnavailableError,
}
BASES: dict[type[LiveChatError], tuple[type, ...]] = {
    LiveChatError: (Exception,),
    sdk.ConfigurationError: (LiveChatError, ValueError),
    sdk.InvalidRequestError: (LiveChatError, ValueError),
    sdk.SessionStateError: (LiveChatError, RuntimeError),
    sdk.ChatWindowError: (LiveChatError,),
    sdk.TokenProviderError: (LiveChatError,),
    sdk.TransportError: (LiveChatError,),
    sdk.CallTimeoutError: (sdk.TransportError, TimeoutError),
    sdk.DecodeError: (LiveChatError,),
    sdk.ResponseDecodeError: (sdk.DecodeError,),
    ApiError: (LiveChatError,),
    **dict.fromkeys(CLASSES.values(), (ApiError,)),
    sdk.FileTooLargeError: (sdk.InvalidRequestError, sdk.EntityTooLargeError),
}
CALL = {"action": "send_event", "attempts": 2, "elapsed": 1.5, "outcome": Outcome.UNKNOWN}
API = {
    "type": "misdirected_request",
    "data": {"region": "fra", "list": [{"a": None}]},
    "status_code": 421,
    "debug_id": "d-1",
    "retry_after": 2.5,
}
OWN: dict[type[LiveChatError], dict[str, object]] = {
    sdk.InvalidRequestError: {"parameter": "event.text"},
    sdk.ChatWindowError: {"reached": 125, "total": 900},
    sdk.CallTimeoutError: {"phase": "queue"},
    sdk.ResponseDecodeError: {"path": "$.chat.id"},
    ApiError: API,
    **dict.fromkeys(CLASSES.values(), API),
    sdk.FileTooLargeError: {"parameter": "file", **API},
}


def made(cls: type[LiveChatError]) -> LiveChatError:
    """An error with every fact set, as a call leaves it."""
    error = cls("what went wrong", **CALL, **OWN.get(cls, {}))  # type: ignore[arg-type]
    error.since_attempt = 0.25
    error.not_repeated = "it was the last attempt"
    error.add_note("a note of the caller's")
    return error


def test_the_tree_is_complete_and_exact() -> None:
    named = {getattr(errors, name) for name in errors.__all__} - {Outcome}
    assert named == set(BASES)
    for cls, bases in BASES.items():
        assert cls.__bases__ == bases
    assert all(name in sdk.__all__ for name in errors.__all__)


@pytest.mark.parametrize("type_, cls", CLASSES.items())
def test_each_documented_type_has_its_class(type_: str, cls: type[ApiError]) -> None:
    assert ApiError.class_for(type_) is cls


@pytest.mark.parametrize("type_", [None, "", "brand_new", "internal "])
def test_any_other_type_is_a_plain_api_error(type_: str | None) -> None:
    assert ApiError.class_for(type_) is ApiError


def test_the_registry_holds_the_documented_types_only_and_refuses_a_second_class() -> None:
    assert ApiError._classes == CLASSES
    with pytest.raises(TypeError, match="'internal' already has the class InternalError"):
        type("Twice", (ApiError,), {}, type="internal")
    assert ApiError._classes == CLASSES


def test_a_subclass_without_a_type_is_not_registered() -> None:
    class Mine(sdk.InternalError):
        pass

    assert ApiError.class_for("internal") is sdk.InternalError
    assert Mine not in ApiError._classes.values()


@pytest.mark.parametrize("cls", BASES)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_all_but_the_cause(cls: type[LiveChatError], protocol: int) -> None:
    error = made(cls)
    error.__cause__ = OSError("the connection was reset")
    back = pickle.loads(pickle.dumps(error, protocol))
    assert type(back) is cls
    assert vars(back) == vars(error)
    assert (back.args, str(back)) == (error.args, str(error))
    assert back.__cause__ is None


@pytest.mark.parametrize("cls", BASES)
def test_a_deep_copy_is_whole_and_apart(cls: type[LiveChatError]) -> None:
    error = made(cls)
    twin = copy.deepcopy(error)
    assert type(twin) is cls
    assert twin is not error
    assert vars(twin) == vars(error)
    assert (twin.args, str(twin)) == (error.args, str(error))
    if isinstance(twin, ApiError) and isinstance(error, ApiError):
        assert twin.data is None or twin.data is not error.data
    assert vars(copy.copy(error)) == vars(error)


@pytest.mark.parametrize("cls", BASES)
def test_every_class_is_made_of_a_message_alone(cls: type[LiveChatError]) -> None:
    error = cls("said")
    assert (error.message, error.action, error.attempts, error.elapsed) == ("said", None, 0, 0.0)
    assert error.outcome is Outcome.NOT_SENT
    assert (error.since_attempt, error.not_repeated) == (None, None)
    assert "said" in str(error)
    assert pickle.loads(pickle.dumps(cls())).message == ""


@pytest.mark.parametrize(
    "error, text",
    [
        (sdk.ConfigurationError("license_id: expected a positive int"), "license_id: expected a positive int"),
        (sdk.InvalidRequestError("it is empty", parameter="chat_id"), "chat_id: it is empty"),
        (sdk.InvalidRequestError("name at least one parameter"), "name at least one parameter"),
        (sdk.ResponseDecodeError("it is missing", path="$.chat.id"), "$.chat.id: it is missing"),
        (sdk.TransportError("refused", action="get_form"), "get_form: refused [nothing was sent]"),
        (
            sdk.TransportError("reset", action="get_form", attempts=1, elapsed=0.5, outcome=Outcome.UNKNOWN),
            "get_form: reset [1 attempt, 0.500 s]",
        ),
        (ApiError("Nope", status_code=418), "HTTP 418: Nope"),
        (
            made(sdk.MisdirectedRequestError),
            (
                "send_event: misdirected_request: what went wrong (status 421, debug id d-1, retry after 2.5 s)"
                " [the server may have acted; 2 attempts, 1.500 s; not tried again: it was the last attempt]"
            ),
        ),
        (
            ApiError("No", type="validation", status_code=400, action="close_thread", outcome=Outcome.REJECTED),
            "close_thread: validation: No (status 400) [the server did nothing]",
        ),
    ],
)
def test_what_an_error_says(error: LiveChatError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    "data, region",
    [(None, None), ({}, None), ({"region": "fra"}, "fra"), ({"region": 7}, None), ({"region": None}, None)],
)
def test_the_region_of_a_misdirected_request(data: dict[str, object] | None, region: str | None) -> None:
    assert sdk.MisdirectedRequestError("", data=data).region == region


def test_standard_handlers_catch_ours() -> None:
    for ours, standard in [
        (sdk.ConfigurationError, ValueError),
        (sdk.InvalidRequestError, ValueError),
        (sdk.SessionStateError, RuntimeError),
        (sdk.CallTimeoutError, TimeoutError),
    ]:
        with pytest.raises(standard):
            raise ours("x")
