"""Customers who live in another data centre than their token says, against a sandbox that knows where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from livechat_customer_async import (
    AsyncCustomerSession,
    MisdirectedRequestError,
    NewMessage,
    Outcome,
    RetryPolicy,
)
from livechat_customer_async.sandbox import Fault, Sandbox, serve
from tests.helpers.scripted import ScriptedTransport, Step, refusal
from tests.helpers.sessions import a_session
from tests.helpers.subjects import ENGINES, SUBJECTS, Subject

pytestmark = pytest.mark.asyncio

MOVED = "dal-token-of-somebody-who-moved"


@asynccontextmanager
async def over(sandbox: Sandbox, access: Any, **options: Any) -> AsyncIterator[AsyncCustomerSession]:
    async with serve(sandbox) as server, a_session(server.url, access, retry=RetryPolicy.none(), **options) as session:
        yield session


def regions(sandbox: Sandbox) -> list[str | None]:
    return [request.headers.get("x-region") for request in sandbox.requests]


@pytest.mark.parametrize("token, named", [("fra-token", "fra"), ("fra:token", "fra"), ("dal-token", None), ("t", None)])
async def test_a_token_names_its_region_itself(token: str, named: str | None) -> None:
    sandbox = Sandbox(region="dal")
    async with over(sandbox, token) as session:
        await session.chats.get_chats_summary()
        assert regions(sandbox) == [named]
        assert session.stats().attempts == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
async def test_a_misdirected_call_is_replayed_once_where_it_belongs(subject: Subject, engine: str) -> None:
    sandbox = Sandbox(region="dal")
    async with over(sandbox, MOVED, engine=engine) as session:
        chat = await session.chats.start_chat(continuous=True)
        sandbox.customer(MOVED).region = "fra"
        sandbox.forget_requests()
        await subject.call(session, chat.id)
        assert (sandbox.arrived[subject.action], sandbox.performed[subject.action]) == (2, 1)
        assert regions(sandbox) == [None, "fra"]
        assert session.stats().retries == 0


async def test_the_region_is_remembered_for_the_customer_across_children_and_for_nobody_else() -> None:
    sandbox = Sandbox(region="dal")
    sandbox.customer(MOVED).region = "fra"

    async def provider() -> str:
        return MOVED

    async with over(sandbox, provider) as session:
        await session.chats.get_chats_summary()
        for child in (session.for_customer(provider), session.with_options(headers={"a": "b"}), session):
            await child.chats.get_chats_summary()
        await session.for_customer("dal-somebody-else").chats.get_chats_summary()
        assert regions(sandbox) == [None, "fra", "fra", "fra", "fra", None]


async def test_a_plain_token_is_remembered_too() -> None:
    sandbox = Sandbox(region="dal")
    sandbox.customer(MOVED).region = "fra"
    async with over(sandbox, "dal-of-the-parent") as session:
        for _ in range(3):
            await session.for_customer(MOVED).chats.get_chats_summary()
        assert regions(sandbox) == [None, "fra", "fra", "fra"]


async def test_who_moves_back_is_followed() -> None:
    sandbox = Sandbox(region="dal")
    async with over(sandbox, MOVED) as session:
        for region in ("fra", "dal"):
            sandbox.customer(MOVED).region = region
            for _ in range(2):
                await session.chats.get_chats_summary()
        assert regions(sandbox) == [None, "fra", "fra", "fra", "dal", "dal"]


async def test_a_region_that_the_caller_names_gives_way_to_what_the_server_says() -> None:
    sandbox = Sandbox(region="dal")
    sandbox.customer(MOVED).region = "dal"
    async with over(sandbox, MOVED, region="fra") as session:
        await session.chats.get_chats_summary()
        assert regions(sandbox) == ["fra", "dal"]


@pytest.mark.parametrize("second", ["dal", "fra", "ams"], ids=["back", "the_same", "a_third"])
async def test_two_redirections_in_a_row_are_an_error(second: str) -> None:
    sandbox = Sandbox(region=None)
    for region in ("fra", second):
        sandbox.faults.add(Fault("error", type="misdirected_request", data={"region": region}))
    async with over(sandbox, "dal-token") as session:
        with pytest.raises(MisdirectedRequestError) as caught:
            await session.chats.get_chats_summary()
        assert (caught.value.attempts, caught.value.outcome, caught.value.region) == (2, Outcome.REJECTED, second)
        assert sandbox.performed.total() == 0


@pytest.mark.parametrize("data", [None, {}, {"region": "dal"}, {"region": 7}, {"region": "a\r\nb: c"}, {"region": ""}])
async def test_a_redirection_to_nowhere_is_an_error_at_once_and_not_remembered(data: Any) -> None:
    transport = ScriptedTransport({"act": [refusal("misdirected_request", data=data), Step()]})
    async with a_session("http://127.0.0.1", "dal-token", transport=transport) as session:
        with pytest.raises(MisdirectedRequestError) as caught:
            await session.call("act", {})
        assert caught.value.attempts == 1
        await session.call("act", {})
        assert [one.region for one in transport.begun["act"]] == [None, None]


async def test_a_refresh_and_a_redirection_may_both_befall_one_call() -> None:
    sandbox = Sandbox(region="dal")
    sandbox.customer("dal-new").region = "fra"
    sandbox.expire_token("dal-old")
    tokens = iter(["dal-old", "dal-new"])

    async def provider() -> str:
        return next(tokens)

    async with over(sandbox, provider) as session:
        await session.chats.get_chats_summary()
        assert session.stats().attempts == 3
        assert sandbox.performed["get_chats_summary"] == 1


async def test_many_calls_at_once_are_each_replayed_once() -> None:
    sandbox = Sandbox(region="dal")
    sandbox.customer(MOVED).region = "fra"
    async with over(sandbox, MOVED) as session:
        chat = await session.chats.start_chat(continuous=True)
        sandbox.customer(MOVED).region = "dal"
        sandbox.forget_requests()
        sends = [session.events.send_event(chat.id, NewMessage(text=str(one))) for one in range(50)]
        await asyncio.gather(*sends)
        assert sandbox.performed["send_event"] == 50
        assert sandbox.arrived["send_event"] <= 100
