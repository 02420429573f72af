"""An odd part of an answer costs nothing else of it, and is logged once."""

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import livechat_customer_async as sdk
from livechat_customer_async import Chat, UnknownEvent, UnknownUser, structure_event, unstructure
from livechat_customer_async._call.action import Action
from livechat_customer_async._call.result import decode
from livechat_customer_async._net.outgoing import Answer
from livechat_customer_async._wire import reading
from livechat_customer_async._wire.converter import dumps
from tests.helpers import strategies

GET = Action[Any]("get_chat_threads", {}, Chat)
MESSAGE = {"id": "e", "type": "message", "text": "x"}


def read(data: Any) -> Any:
    """Read an answer as a session does."""
    return decode(GET, Answer(200, {}, dumps(data)), "token", 0.0)


def holders(part: Any) -> Iterator[Any]:
    """Yield every object and list in plain data that has something in it."""
    if isinstance(part, dict | list) and part:
        yield part
        for inner in part.values() if isinstance(part, dict) else part:
            yield from holders(inner)


@st.composite
def replaced(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """Replace any one part of an event or a user by any JSON value."""
    whole = copy.deepcopy(data)
    holder = draw(st.sampled_from(list(holders(whole))))
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    holder[draw(st.sampled_from(keys))] = draw(strategies.json_values)
    return whole


chats = st.builds(
    Chat,
    id=strategies.texts,
    users=st.lists(strategies.users, min_size=1, max_size=3).map(tuple),
    thread=st.builds(sdk.Thread, id=strategies.texts, events=st.lists(strategies.events, min_size=1, max_size=3)),
)


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_part_of_an_event_or_user_may_be_any_value(data: st.DataObject) -> None:
    chat: Any = data.draw(chats)
    odd = unstructure(chat)
    parts, before = data.draw(
        st.sampled_from([(odd["users"], list(chat.users)), (odd["thread"]["events"], list(chat.thread.events))])
    )
    index = data.draw(st.integers(0, len(parts) - 1))
    parts[index] = data.draw(replaced(parts[index]))
    del before[index]

    after = read(odd)

    if parts is odd["users"]:
        left = list(after.users)
        assert after.thread == chat.thread
    else:
        left = list(after.thread.events)  # sorted by `order`, which may have been replaced
        assert after.users == chat.users
    for part in before:
        left.remove(part)
    assert len(left) == 1


@given(strategies.events, st.data())
def test_an_event_with_any_part_replaced_is_its_class_or_kept_whole(event: Any, data: st.DataObject) -> None:
    odd = data.draw(replaced(unstructure(event)))
    kept = json.dumps(odd)
    result = structure_event(odd)
    if isinstance(result, UnknownEvent):
        assert json.dumps(result.raw) == kept
        assert unstructure(result) == odd
    else:
        assert result.type == odd.get("type")
        assert type(result) is type(event) or odd["type"] != event.type


@pytest.mark.parametrize(
    "odd, cls, problem",
    [
        ({**MESSAGE, "order": "7"}, UnknownEvent, "order: expected an int, got a str"),
        (
            {"id": "e", "type": "rich_message", "template_id": "c", "elements": [{"buttons": [{}, {"text": 5}]}]},
            UnknownEvent,
            "elements[0].buttons[1].text: expected a str, got an int",
        ),
        ({"id": "c", "type": "customer", "present": "true"}, UnknownUser, "present: expected a bool, got a str"),
    ],
)
def test_read_as_a_session_reads(odd: dict[str, Any], cls: Any, problem: str) -> None:
    good = {**MESSAGE, "properties": {"a": {"b": {"value": 1}}}}
    if cls is UnknownEvent:
        chat = read({"id": "c", "thread": {"id": "t", "events": [good, odd, good]}})
        first, kept, last = chat.thread.events
        assert first == last == sdk.Message(id="e", text="x", properties={"a": {"b": 1}})
    else:
        (kept,) = read({"id": "c", "users": [odd]}).users
    assert type(kept) is cls
    assert (kept.raw, kept.problem) == (odd, problem)


@pytest.fixture
def nothing_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(reading, "_LOGGED", set())
    caplog.set_level(logging.WARNING, "livechat_customer_async")
    return caplog


def test_what_the_server_makes_up_does_not_fill_the_memory(nothing_logged: pytest.LogCaptureFixture) -> None:
    for i in range(1100):
        structure_event({**MESSAGE, "properties": {f"n{i}": 5}})
    assert len(nothing_logged.records) == 1000


def test_a_good_answer_is_read_once_and_without_a_word(nothing_logged: pytest.LogCaptureFixture) -> None:
    chat = read({"id": "c", "thread": {"id": "t", "events": [MESSAGE, {"id": "x", "type": "hologram"}]}})
    assert [type(event) for event in chat.thread.events] == [sdk.Message, UnknownEvent]
    assert chat.thread.events[1].problem is None
    assert nothing_logged.records == []
