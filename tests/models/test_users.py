"""Users, by hand-written samples of the wire."""

from datetime import UTC, datetime
from typing import Any

import pytest

from livechat_customer_async import Agent, Chat, Customer, ResponseDecodeError, UnknownUser, User, structure

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
    assert user(data) == UnknownUser(id=data.get("id"), type=data.get("type"), raw=data)


def test_what_is_unknown_is_ignored() -> None:
    assert user({**AGENT, "__priv_group": 5, "new": {"deep": [1]}}) == user(AGENT)


@pytest.mark.parametrize("key", ["name", "email", "avatar", "fields", "present", "last_seen_timestamp"])
def test_null_is_absent(key: str) -> None:
    data = {name: value for name, value in CUSTOMER.items() if name != key}
    assert user({**data, key: None}) == user(data)


@pytest.mark.parametrize(
    "data, path",
    [
        ({**CUSTOMER, "id": 5}, "$.users[0].id"),
        ({**CUSTOMER, "id": None}, "$.users[0].id"),
        ({**CUSTOMER, "name": 5}, "$.users[0].name"),
        ({**CUSTOMER, "fields": []}, "$.users[0].fields"),
        ({**CUSTOMER, "present": 1}, "$.users[0].present"),
        ({**CUSTOMER, "present": "true"}, "$.users[0].present"),
        ({**CUSTOMER, "last_seen_timestamp": "1473433500"}, "$.users[0].last_seen_timestamp"),
        ({**CUSTOMER, "last_seen_timestamp": 1.5}, "$.users[0].last_seen_timestamp"),
        ({**CUSTOMER, "last_seen_timestamp": 10**15}, "$.users[0].last_seen_timestamp"),
        ({**AGENT, "is_bot": 0}, "$.users[0].is_bot"),
        ({"id": "a", "type": "agent"}, "$.users[0].name"),
        ({"type": "customer"}, "$.users[0].id"),
        ({"type": "bot", "id": 7}, "$.users[0].id"),
        ({"type": 5}, "$.users[0].type"),
        ("u1", "$.users[0]"),
        (None, "$.users[0]"),
    ],
)
def test_the_wrong_type_is_named_by_its_path(data: Any, path: str) -> None:
    with pytest.raises(ResponseDecodeError) as caught:
        user(data)
    assert caught.value.path == path
