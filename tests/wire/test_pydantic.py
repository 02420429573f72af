"""Models as fields of pydantic models and as types of its adapters, which is what FastAPI does with them."""

import json
import subprocess
import sys
from typing import Any

import attrs
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import livechat_customer_async as sdk
from livechat_customer_async import Chat, Event, Message, NewEvent, NewMessage, UnknownEvent, User, structure

MODELS = [
    cls for name in sdk.__all__ if attrs.has(cls := getattr(sdk, name)) and ".models." in getattr(cls, "__module__", "")
]
DATA: dict[str, Any] = {
    "id": "c",
    "users": [{"id": "u", "type": "customer", "last_seen_timestamp": 5}, {"id": "b", "type": "bot", "x": 1}],
    "thread": {
        "id": "t",
        "timestamp": 1_473_433_500,
        "events": [
            {"id": "a", "type": "message", "text": "x", "properties": {"n": {"p": {"value": 1}}}},
            {"id": "b", "type": "message", "text": 5},
        ],
    },
}


class Page(BaseModel):
    chat: Chat
    event: Event | None = None
    users: list[User] = []


def test_a_model_in_a_pydantic_model() -> None:
    chat = structure(DATA, Chat)
    page = Page.model_validate({"chat": DATA, "event": DATA["thread"]["events"][1], "users": DATA["users"]})
    assert page == Page(chat=chat, event=page.event, users=list(chat.users))
    assert isinstance(page.event, UnknownEvent)
    assert page.event.problem == "text: expected a str, got an int"
    assert Page.model_validate_json(page.model_dump_json()) == page
    assert page.model_dump()["chat"] == sdk.unstructure(chat)


@pytest.mark.parametrize("cls", MODELS)
def test_every_model_has_a_schema(cls: Any) -> None:
    adapter = TypeAdapter(cls)
    for mode in ("validation", "serialization"):
        schema = adapter.json_schema(mode=mode)
        assert schema["title"] == cls.__name__
        assert list(schema["properties"]) == [field.name for field in attrs.fields(cls)]
        assert schema.get("required", []) == [f.name for f in attrs.fields(cls) if f.default is attrs.NOTHING]


def test_the_schema_names_each_model_once_and_times_as_seconds() -> None:
    definitions = TypeAdapter(Chat).json_schema()["$defs"]
    assert {"Thread", "Message", "Customer", "UnknownUser"} <= definitions.keys()
    assert definitions["Thread"]["properties"]["timestamp"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]


def test_a_response_as_fastapi_makes_it() -> None:
    chat = structure(DATA, Chat)
    adapter = TypeAdapter(Chat)
    assert adapter.validate_python(chat, from_attributes=True) is chat
    assert json.loads(adapter.dump_json(chat)) == sdk.unstructure(chat)


@pytest.mark.parametrize("data", [{}, {"id": 5}, 5, {"id": "c", "order": "x"}])
def test_wrong_data_is_a_validation_error(data: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Chat).validate_python(data)


def test_events_to_be_sent() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(NewEvent)
    assert adapter.validate_python({"type": "message", "text": "x"}) == NewMessage(text="x")
    assert adapter.validate_python({"type": "mine", "a": 1}) == {"type": "mine", "a": 1}
    with pytest.raises(ValidationError, match="bytes of UTF-8"):
        adapter.validate_python({"type": "message", "text": "x" * 20_000})
    assert adapter.dump_python({"type": "mine", "a": 1}) == {"type": "mine", "a": 1}


def test_a_union_keeps_what_it_is_given() -> None:
    message = Message(id="e", text="x")
    adapter: TypeAdapter[Any] = TypeAdapter(Event)
    assert adapter.validate_python(message) is message


def test_pydantic_is_not_imported_before_it_is_used() -> None:
    code = "import sys, livechat_customer_async; sys.exit(any(name.startswith('pydantic') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
