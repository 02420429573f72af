"""Users, by hand-written samples of the wire."""

from datetime import UTC, datetime
from typing import Any

import pytest

from livechat_customer_async import Agent, Chat, Customer, UnknownUser, User, structure, unstructure

CUSTOMER = {
    "id": "b7eff798-f8df-4364-8059-649c35c9ed0c",
    "type": "customer",
    "name": "Thomas Anderson",
    "email": "t.anderson@example.com",
    "avatar": "https://example.com/avatar.png",
    "fields": {"some_key": "some_value", "": ""},
    "present": True,
    "last_seen_timestamp": 1_473_433_500,
}
AGENT = {
    "id": "agent1@example.com",
    "type": "agent",
    "name": "Support",
    "email": "agent1@example.com",
    "avatar": "cdn.livechatinc.com/avatar.png",
    "job_title": "Support Agent",
    "is_bot": False,
    "present": False,
    "last_seen_timestamp": 0,
}


def user(data: Any) -> User:
    (found,) = structure({"id": "c", "users": [data]}, Chat).users
    return found


def test_a_customer() -> None:
    assert user(CUSTOMER) == Customer(
        id="b7eff798-f8df-4364-8059-649c35c9ed0c",
        name="Thomas Anderson",
        email="t.anderson@example.com",
        avatar="https://example.com/avatar.png",
        fields={"some_key": "some_value", "": ""},
        present=True,
        last_seen_timestamp=datetime(2016, 9, 9, 15, 5, tzinfo=UTC),
    )


def test_an_archived_customer() -> None:
    found = user({"id": "c1", "type": "customer"})
    assert found == Customer(id="c1")
    assert isinstance(found, Customer)
    assert (found.type, found.fields, found.present, found.last_seen_timestamp) == ("customer", None, None, None)


def test_customer_fields_may_hold_any_value() -> None:
    found = user({"id": "c1", "type": "customer", "fields": {"a": 5, "b": None, "c": [True]}})
    assert isinstance(found, Customer)
    assert found.fields == {"a": 5, "b": None, "c": [True]}


def test_an_agent() -> None:
    assert user(AGENT) == Agent(
        id="agent1@example.com",
        name="Support",
        email="agent1@example.com",
        avatar="cdn.livechatinc.com/avatar.png",
        job_title="Support Agent",
        is_bot=False,
        present=False,
        last_seen_timestamp=datetime(1970, 1, 1, tzinfo=UTC),
    )
    assert user({"id": "a", "type": "agent", "name": ""}) == Agent(id="a", name="")


@pytest.mark.parametrize(
    "data",
    [
        {"id": "b1", "type": "bot", "name": "Bot", "skills": [{"a": None}]},
        {"id": "x"},
        {"type": "supervisor"},
        {"id": None, "type": None, "fields": 5},
        {},
    ],
)
def test_another_kind_is_kept_whole(data: dict[str, Any]) -> None:
    assert user(data) == UnknownUser(id=data.get("id"), type=data.get("type"), name=data.get("name"), raw=data)


def test_what_is_unknown_is_ignored() -> None:
    assert user({**AGENT, "__priv_group": 5, "new": {"deep": [1]}}) == user(AGENT)


@pytest.mark.parametrize("key", ["name", "email", "avatar", "fields", "present", "last_seen_timestamp"])
def test_null_is_absent(key: str) -> None:
    data = {name: value for name, value in CUSTOMER.items() if name != key}
    assert user({**data, key: None}) == user(data)


@pytest.mark.parametrize(
    "data, problem",
    [
        ({**CUSTOMER, "id": 5}, "id: expected a str, got an int"),
        ({**CUSTOMER, "id": None}, "id: required field is missing"),
        ({**CUSTOMER, "name": 5}, "name: expected a str, got an int"),
        ({**CUSTOMER, "fields": [1]}, "fields: expected an object, got a list"),
        ({**CUSTOMER, "present": 1}, "present: expected a bool, got an int"),
        ({**CUSTOMER, "present": "true"}, "present: expected a bool, got a str"),
        ({**CUSTOMER, "last_seen_timestamp": "1473433500"}, "last_seen_timestamp: expected Unix seconds, got a str"),
        ({**CUSTOMER, "last_seen_timestamp": 10**15}, "last_seen_timestamp: expected Unix seconds up to the year 9999"),
        ({**AGENT, "is_bot": 0}, "is_bot: expected a bool, got an int"),
        ({"type": "customer"}, "id: required field is missing"),
        ({"type": 5}, "type: expected a str, got an int"),
    ],
)
def test_one_that_does_not_fit_its_type_is_kept_whole(data: Any, problem: str) -> None:
    found = user(data)
    assert isinstance(found, UnknownUser)
    assert (found.raw, found.problem) == (data, problem)
    for key in ("id", "type", "name"):
        assert getattr(found, key) == (data.get(key) if isinstance(data.get(key), str) else None)


@pytest.mark.parametrize("data", ["u1", 5, [], True])
def test_one_that_is_not_an_object(data: Any) -> None:
    found = user(data)
    assert isinstance(found, UnknownUser)
    assert found.raw == {}
    assert str(found.problem).startswith("expected an object, got a")


def test_an_agent_without_a_name() -> None:
    assert user({"id": "a", "type": "agent"}) == Agent(id="a")


def test_an_empty_map_may_be_a_list() -> None:
    assert user({"id": "c", "type": "customer", "fields": []}) == Customer(id="c", fields={})


def test_a_fractional_timestamp_keeps_its_microseconds() -> None:
    found = user({"id": "c", "type": "customer", "last_seen_timestamp": 1_570_786_859.21})
    moment = datetime(2019, 10, 11, 9, 40, 59, 210_000, tzinfo=UTC)
    assert found == Customer(id="c", last_seen_timestamp=moment)
    assert unstructure(found)["last_seen_timestamp"] == 1_570_786_859.21
