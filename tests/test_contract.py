"""The contract: the 25 documented actions, the signature of each coroutine, and the package's public names."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

import livechat_customer_async as package
from livechat_customer_async import (
    Agent,
    AsyncCustomerSession,
    Chat,
    ChatsSummary,
    ChatSummary,
    Customer,
    FormResult,
    Replay,
    SentEvent,
    ThreadsSummary,
    ThreadSummary,
    UploadedFile,
    UrlDetails,
    actions,
)
from livechat_customer_async._call.action import Action
from tests.helpers.samples import ACTIONS as SAMPLED

SAFE, UNSAFE = Replay.SAFE, Replay.UNSAFE
NONE = type(None)


@attrs.frozen
class Documented:
    """One row of the API's reference: who owns the action, how it is called, what it gives, whether it may repeat."""

    namespace: str
    signature: str
    result: Any
    replay: Replay
    upload: bool = False


DOCUMENTED = {
    "get_chats_summary": Documented("chats", "*, offset=None, limit=None", ChatsSummary, SAFE),
    "get_chat_threads_summary": Documented("chats", "chat_id, *, offset=None, limit=None", ThreadsSummary, SAFE),
    "get_chat_threads": Documented("chats", "chat_id, *, thread_ids=None", Chat, SAFE),
    "start_chat": Documented(
        "chats", "*, access=None, properties=None, users=None, thread=None, continuous=None", Chat, UNSAFE
    ),
    "activate_chat": Documented(
        "chats", "chat_id, *, access=None, properties=None, thread=None, continuous=None", Chat, UNSAFE
    ),
    "close_thread": Documented("chats", "chat_id", NONE, UNSAFE),
    "send_event": Documented(
        "events",
        "chat_id, event, *, attach_to_last_thread=None, require_active_thread=None, on_unknown='raise'",
        SentEvent,
        UNSAFE,
    ),
    "send_file": Documented(
        "events",
        "chat_id, file, *, filename=None, content_type=None, custom_id=None, require_active_thread=None, "
        "on_progress=None",
        UploadedFile,
        UNSAFE,
        upload=True,
    ),
    "upload_file": Documented(
        "events", "file, *, filename=None, content_type=None, on_progress=None", UploadedFile, SAFE, upload=True
    ),
    "send_rich_message_postback": Documented("events", "chat_id, thread_id, event_id, postback", NONE, UNSAFE),
    "send_sneak_peek": Documented("events", "chat_id, sneak_peek_text", NONE, UNSAFE),
    "update_chat_properties": Documented("properties", "chat_id, properties", NONE, SAFE),
    "delete_chat_properties": Documented("properties", "chat_id, properties", NONE, SAFE),
    "update_chat_thread_properties": Documented("properties", "chat_id, thread_id, properties", NONE, SAFE),
    "delete_chat_thread_properties": Documented("properties", "chat_id, thread_id, properties", NONE, SAFE),
    "update_event_properties": Documented("properties", "chat_id, thread_id, event_id, properties", NONE, SAFE),
    "delete_event_properties": Documented("properties", "chat_id, thread_id, event_id, properties", NONE, SAFE),
    "update_customer": Documented(
        "customers", "*, name=None, email=None, avatar=None, fields=None", Customer | None, SAFE
    ),
    "set_customer_fields": Documented("customers", "fields", NONE, SAFE),
    "get_groups_status": Documented("status", "*, all=None, groups=None", dict[int, str], SAFE),
    "check_goals": Documented("other", "page_url, customer_fields, group_id", NONE, UNSAFE),
    "get_form": Documented("other", "group_id, type", FormResult, SAFE),
    "get_predicted_agent": Documented("other", "*, group_id=None", Agent, SAFE),
    "get_url_details": Documented("other", "url", UrlDetails, SAFE),
    # Without a timestamp each call sets another one; with it, see below.
    "update_last_seen_timestamp": Documented("other", "chat_id, *, timestamp=None", datetime, UNSAFE),
}
ITERATORS = {
    "iter_chats_summary": Documented("chats", "*, page_size=25", AsyncIterator[ChatSummary], SAFE),
    "iter_chat_threads_summary": Documented("chats", "chat_id, *, page_size=100", AsyncIterator[ThreadSummary], SAFE),
}


def all_actions() -> list[Action[Any]]:
    """Return every `Action` that a module of the actions holds, each once though several modules import it."""
    found: dict[int, Action[..., Any]] = {}
    for info in pkgutil.iter_modules(actions.__path__):
        module = importlib.import_module(f"{actions.__name__}.{info.name}")
        found |= {id(value): value for value in vars(module).values() if isinstance(value, Action)}
    return list(found.values())


def namespace(name: str) -> Any:
    class_name = getattr(AsyncCustomerSession, name).func.__annotations__["return"]
    return getattr(importlib.import_module(f"livechat_customer_async.actions.{name}"), class_name)


def method(name: str, row: Documented) -> Any:
    return getattr(namespace(row.namespace), name)


def spelled(function: Any) -> str:
    """Spell a method's parameters without their types and without `self`."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))[1:-1]


def test_the_actions_are_the_documented_ones() -> None:
    names = [action.name for action in all_actions()]
    assert sorted(names) == sorted(DOCUMENTED)
    assert len(DOCUMENTED) == 25
    assert sorted(DOCUMENTED) == SAMPLED, "each has its recorded sample"


@pytest.mark.parametrize("action", all_actions(), ids=lambda action: action.name)
def test_an_action_repeats_and_uploads_as_documented(action: Action[Any]) -> None:
    row = DOCUMENTED[action.name]
    assert action.replay is row.replay
    assert action.upload is row.upload


@pytest.mark.parametrize("name, row", [*DOCUMENTED.items(), *ITERATORS.items()])
def test_a_signature_is_the_documented_one(name: str, row: Documented) -> None:
    function = method(name, row)
    assert spelled(function) == row.signature
    assert typing.get_type_hints(function)["return"] == row.result
    assert inspect.iscoroutinefunction(function) is (name in DOCUMENTED)
    assert function.__doc__


@pytest.mark.parametrize("name", sorted({row.namespace for row in DOCUMENTED.values()}))
def test_a_namespace_has_no_other_methods(name: str) -> None:
    public = {method for method in vars(namespace(name)) if not method.startswith("_")}
    rows = {**DOCUMENTED, **ITERATORS}
    assert public == {method for method, row in rows.items() if row.namespace == name}


SESSION_METHODS = {
    "__init__": "license_id, access_token=None, *, base_url='https://api.livechatinc.com', region=None, "
    "user_agent=None, headers=None, "
    "timeouts=Timeouts(connect=5.0, read=20.0, write=20.0, total=60.0, upload_total=300.0), "
    "limits=Limits(connections=100, keepalive=None, keepalive_expiry=30.0, queue=None, queue_timeout=None), "
    "retry=RetryPolicy(attempts=3, base=0.05, throttle_base=1.0, cap=8.0, retry_after_cap=30.0, budget=500), "
    "observers=(), middleware=(), proxy=None, ssl_context=None, trust_env=True, engine='auto', transport=None, "
    "http_client=None, clock=None",
    "call": "action, payload, *, replay=<Replay.UNSAFE: 'unsafe'>",
    "for_customer": "access_token, *, key=None, user_agent=None, headers=None",
    "stats": "",
    "aclose": "",
}


@pytest.mark.parametrize("name, signature", SESSION_METHODS.items())
def test_the_session_is_called_as_documented(name: str, signature: str) -> None:
    assert spelled(getattr(AsyncCustomerSession, name)) == signature


def test_from_env_takes_the_keywords_of_the_class() -> None:
    token, options = inspect.signature(AsyncCustomerSession.from_env).parameters.values()
    assert token.name == "access_token"
    unpacked = typing.get_type_hints(AsyncCustomerSession.from_env)[options.name]
    (accepted,) = typing.get_args(unpacked)
    keywords = [
        parameter.name
        for parameter in inspect.signature(AsyncCustomerSession).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    assert list(typing.get_type_hints(accepted)) == keywords
    constructor = typing.get_type_hints(AsyncCustomerSession.__init__)
    assert typing.get_type_hints(accepted) == {name: constructor[name] for name in keywords}


def test_with_options_takes_what_a_session_may_change() -> None:
    parameters = inspect.signature(AsyncCustomerSession.with_options).parameters
    assert list(parameters) == ["self", "timeouts", "retry", "region", "headers"]
    assert {parameter.kind for parameter in list(parameters.values())[1:]} == {inspect.Parameter.KEYWORD_ONLY}


DOCUMENTED_NAMES = """
AsyncCustomerSession AccessToken TokenProvider Timeouts Limits RetryPolicy Replay SessionStats Outcome FileSource
Observer Clock Middleware Attempt replay_of
CallQueued AttemptStart AttemptEnd CallRetry CallEnd structure structure_event unstructure
Chat ChatSummary ChatsSummary LastEvent Thread ThreadSummary ThreadsSummary LastThreadSummary Access
User Customer Agent UnknownUser
Event Message File FilledForm RichMessage Custom SystemMessage Annotation UnknownEvent
MessagePostback FilledField FieldAnswer GroupAnswer RichElement RichButton RichImage
Form FormField FormOption FormResult UrlDetails SentEvent UploadedFile
NewThread NewEvent NewMessage NewFile NewFilledForm NewRichMessage NewCustom NewSystemMessage Postback
Properties NewProperties __version__
LiveChatError ConfigurationError InvalidRequestError SessionStateError ChatWindowError TokenProviderError
TransportError CallTimeoutError DecodeError ResponseDecodeError
ApiError InternalError CustomerBannedError ApiValidationError
AuthorizationError AuthenticationError LicenseExpiredError RequestTimeoutError UnsupportedVersionError
MisdirectedRequestError GroupUnavailableError EntityTooLargeError GroupOfflineError UsersLimitReachedError
WrongProductVersionError LicenseNotFoundError GroupNotFoundError GroupsOfflineError TooManyRequestsError
ServiceUnavailableError FileTooLargeError
""".split()  # noqa: SIM905 - one name a line would hide the grouping


def test_the_public_names_are_the_documented_ones() -> None:
    assert sorted(package.__all__) == sorted(DOCUMENTED_NAMES)
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_nothing_else_leaks_from_the_package() -> None:
    open_names = {name for name in vars(package) if not name.startswith("_")}
    modules = {name for name in open_names if isinstance(getattr(package, name), types.ModuleType)}
    assert open_names - modules == set(package.__all__) - {"__version__"}
    assert modules <= {"actions", "cli", "config", "contrib", "errors", "models", "sandbox"}


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from livechat_customer_async import *", names)
    del names["__builtins__"]
    assert sorted(names) == sorted(package.__all__)


def test_a_user_s_program_touches_every_public_name() -> None:
    program = ast.parse((Path(__file__).parent / "typing" / "user_program.py").read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(program) if isinstance(node, ast.Name)}
    assert set(package.__all__) - used == set()
    called = {node.attr for node in ast.walk(program) if isinstance(node, ast.Attribute)}
    assert {*DOCUMENTED, *ITERATORS} - called == set()
