"""Models in pydantic's models and in FastAPI's routes."""

import subprocess
import sys
from typing import Annotated, Any

import fastapi
import httpx
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import livechat_customer_async as sdk
from livechat_customer_async import Agent, Chat, Event, Message, NewEvent, NewMessage, UnknownEvent, User, unstructure
from tests.helpers import strategies

CHAT: dict[str, Any] = {
    "id": "c",
    "users": [{"id": "a", "type": "agent", "name": "Ann"}],
    "thread": {"id": "t", "timestamp": 0, "events": [{"id": "e", "type": "message", "text": "x"}]},
}


class Case(BaseModel):
    """A user's own model that holds some of ours."""

    chat: Chat | None = None
    event: Event | None = None
    user: User | None = None
    to_send: list[NewEvent] = []


def test_plain_data_is_read_by_the_rules_of_the_session() -> None:
    case = Case.model_validate(
        {
            "chat": CHAT,
            "event": {"id": "e", "type": "message", "text": 5},
            "user": {"id": "a", "type": "agent"},
            "to_send": [{"type": "message", "text": "x"}, {"type": "mine"}],
        }
    )
    assert case.chat == sdk.structure(CHAT, Chat)
    assert isinstance(case.event, UnknownEvent)
    assert case.user == Agent(id="a")
    assert case.to_send == [NewMessage(text="x"), {"type": "mine"}]


def test_models_are_taken_as_they_are_and_written_in_their_form_on_the_wire() -> None:
    chat = sdk.structure(CHAT, Chat)
    case = Case(chat=chat, event=Message(id="e", text="x"), to_send=[NewMessage(text="y")])
    assert case.chat is chat
    assert case.model_dump(exclude_none=True) == {
        "chat": unstructure(chat),
        "event": {"id": "e", "type": "message", "text": "x", "properties": {}},
        "to_send": [{"type": "message", "text": "y"}],
    }
    assert Case.model_validate_json(case.model_dump_json()) == case


@pytest.mark.parametrize(
    "data, place",
    [
        ({"chat": {}}, "$.id: required field is missing"),
        ({"chat": 5}, "$: expected an object, got an int"),
        ({"event": "x"}, "$: expected an object, got a str"),
        ({"to_send": [{"type": "message", "text": 5}]}, "$.text: expected a str, got an int"),
    ],
)
def test_what_does_not_fit_is_an_error_of_pydantic(data: Any, place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Case.model_validate(data)
    assert place in str(caught.value)


@pytest.mark.parametrize("cls", strategies.MODELS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_every_model_has_a_json_schema(cls: Any, mode: Any) -> None:
    schema = TypeAdapter(cls).json_schema(mode=mode)
    assert (schema["title"], schema["type"]) == (cls.__name__, "object")


def test_the_json_schema_is_that_of_the_wire() -> None:
    schema = TypeAdapter(Message).json_schema()
    assert schema["required"] == ["id", "text"]
    assert schema["properties"]["type"] == {"type": "string", "enum": ["message"]}
    assert schema["properties"]["timestamp"] == {"type": "number", "description": "Unix seconds"}
    assert schema["properties"]["postback"]["properties"]["thread_id"] == {"type": "string"}
    kinds = TypeAdapter(Event).json_schema()["anyOf"]
    assert [kind["title"] for kind in kinds[:2]] == ["Message", "File"]
    assert TypeAdapter(sdk.Thread).json_schema()["properties"]["events"] == {"type": "array", "items": {"anyOf": kinds}}


def test_a_model_as_a_dict_is_its_plain_data() -> None:
    chat = sdk.structure(CHAT, Chat)
    assert dict(chat) == unstructure(chat)


def test_pydantic_is_not_imported() -> None:
    code = "import sys, livechat_customer_async; sys.exit('pydantic' in sys.modules or 'pydantic_core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.asyncio
async def test_models_in_the_routes_of_fastapi() -> None:
    app = fastapi.FastAPI()
    chat = sdk.structure(CHAT, Chat)

    @app.get("/declared")
    async def declared() -> Chat:
        return chat

    @app.get("/plain")
    async def plain():  # type: ignore[no-untyped-def]
        return chat

    @app.get("/nested", response_model=list[Chat])
    async def nested() -> Any:
        return [CHAT]

    @app.post("/send")
    async def send(event: Annotated[NewMessage, fastapi.Body()]) -> Message:
        return Message(id="e", text=event.text)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        declared_, plain_ = await client.get("/declared"), await client.get("/plain")
        assert declared_.json() == plain_.json() == unstructure(chat)
        assert (await client.get("/nested")).json() == [unstructure(chat)]
        sent = await client.post("/send", json={"type": "message", "text": "x"})
        assert sent.json() == {"id": "e", "type": "message", "text": "x", "properties": {}}
        assert (await client.post("/send", json={"type": "message", "text": 5})).status_code == 422
        assert (await client.get("/openapi.json")).status_code == 200
