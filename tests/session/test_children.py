"""Sessions made of a session: for other customers, and with other options."""

from __future__ import annotations

import pytest

from livechat_customer_async import (
    AccessToken,
    AsyncCustomerSession,
    ConfigurationError,
    Limits,
    RetryPolicy,
    SessionStateError,
    Timeouts,
    __version__,
)
from tests.helpers.recording import Recording

pytestmark = pytest.mark.asyncio

DEFAULT_AGENT = f"livechat-customer-async/{__version__}"


class Parent:
    def __init__(self, **options: object) -> None:
        self.transport = Recording()
        self.session = AsyncCustomerSession(1520, "dal:parent", transport=self.transport, **options)  # type: ignore[arg-type]

    async def headers_of(self, session: AsyncCustomerSession) -> dict[str, str]:
        await session.chats.close_thread("c")
        headers = dict(self.transport.last.headers)
        assert len(headers) == len(self.transport.last.headers.multi_items())
        ours = ("authorization", "user-agent", "x-region")
        return {name: value for name, value in headers.items() if name in ours or name.startswith("x-")}


async def test_the_user_agent_is_the_package_s_unless_given() -> None:
    parent = Parent()
    async with parent.session as session:
        assert await parent.headers_of(session) == {"authorization": "Bearer dal:parent", "user-agent": DEFAULT_AGENT}
    parent = Parent(user_agent="Mozilla/5.0 (visitor) é")
    async with parent.session as session:
        assert (await parent.headers_of(session))["user-agent"].encode("latin-1") == "Mozilla/5.0 (visitor) é".encode(
            "latin-1"
        )


async def test_another_customer_s_session_speaks_for_that_customer() -> None:
    parent = Parent(user_agent="Parent/1", headers={"X-Shop": "1", "X-Both": "parent"})
    async with parent.session as session:
        plain = session.for_customer("fra-child")
        assert await parent.headers_of(plain) == {
            "authorization": "Bearer fra-child",
            "user-agent": "Parent/1",
            "x-region": "fra",
            "x-shop": "1",
            "x-both": "parent",
        }
        visitor = session.for_customer("dal-child", user_agent="Visitor/2", headers={"x-BOTH": "child", "X-Page": "2"})
        assert await parent.headers_of(visitor) == {
            "authorization": "Bearer dal-child",
            "user-agent": "Visitor/2",
            "x-shop": "1",
            "x-both": "child",
            "x-page": "2",
        }
        grandchild = visitor.for_customer("p-grand", headers={"X-Page": "3"})
        assert await parent.headers_of(grandchild) == {
            "authorization": "Bearer p-grand",
            "user-agent": "Visitor/2",
            "x-shop": "1",
            "x-both": "child",
            "x-page": "3",
        }
        assert (await parent.headers_of(session))["authorization"] == "Bearer dal:parent"


async def test_other_options_replace_theirs_whole_and_leave_the_rest() -> None:
    parent = Parent(headers={"X-Shop": "1"}, region="fra", user_agent="Parent/1")
    async with parent.session as session:
        kept = {"authorization": "Bearer dal:parent", "user-agent": "Parent/1", "x-region": "fra", "x-shop": "1"}
        assert await parent.headers_of(session.with_options()) == kept
        assert await parent.headers_of(session.with_options(timeouts=Timeouts(total=1))) == kept
        assert await parent.headers_of(session.with_options(retry=RetryPolicy.none())) == kept
        replaced = await parent.headers_of(session.with_options(headers={"X-Page": "2"}))
        assert replaced == {"x-page": "2", **{name: value for name, value in kept.items() if name != "x-shop"}}
        assert "x-shop" not in await parent.headers_of(session.with_options(headers={}))
        assert "x-region" not in await parent.headers_of(session.with_options(region="dal"))
        by_token = session.with_options(region=None)
        assert "x-region" not in await parent.headers_of(by_token)
        assert (await parent.headers_of(by_token.for_customer("fra:child")))["x-region"] == "fra"
        assert (await parent.headers_of(session.with_options().for_customer("dal:child")))["x-region"] == "fra"


async def test_a_time_out_is_that_of_the_session_it_was_given_to() -> None:
    parent = Parent(timeouts=Timeouts(connect=1, read=2, write=3))
    async with parent.session as session:
        await session.chats.close_thread("c")
        assert parent.transport.last.extensions["timeout"] == {"connect": 1, "read": 2, "write": 3, "pool": None}
        await session.with_options(timeouts=Timeouts(read=None)).for_customer("dal:x").chats.close_thread("c")
        assert parent.transport.last.extensions["timeout"] == {"connect": 5, "read": None, "write": 20, "pool": None}
        await session.for_customer("dal:x").chats.close_thread("c")
        assert parent.transport.last.extensions["timeout"]["read"] == 2


async def test_children_share_pool_budget_and_figures() -> None:
    parent = Parent(retry=RetryPolicy(budget=77))
    async with parent.session as session:
        child = session.for_customer("dal:child").with_options(retry=RetryPolicy(budget=1))
        await child.chats.close_thread("c")
        await session.chats.close_thread("c")
        assert child.stats() == session.stats()
        figures = session.stats()
        assert (figures.calls, figures.attempts, figures.retries, figures.retry_budget) == (2, 2, 0, 77)
        assert (figures.in_flight, figures.queued, figures.connections) == (0, 0, None)


async def test_closing_a_child_closes_nothing_and_closing_the_parent_ends_all() -> None:
    parent = Parent()
    async with parent.session as session:
        async with session.for_customer("dal:child") as child:
            await child.chats.close_thread("c")
        await child.aclose()
        optioned = session.with_options(region="fra")
        await optioned.aclose()
        for still_open in (child, optioned, session):
            await still_open.chats.close_thread("c")
        assert parent.transport.closed == 0
    assert parent.transport.closed == 1
    for ended in (child, optioned, session, child.for_customer("dal:new")):
        with pytest.raises(SessionStateError, match="closed"):
            await ended.chats.close_thread("c")


async def test_a_child_dropped_open_warns_of_nothing() -> None:
    parent = Parent()
    async with parent.session as session:
        for _ in range(3):
            session.for_customer("dal:child").with_options(headers={"X-A": "1"})


@pytest.mark.parametrize(
    "name, options",
    [
        ("access_token", {"access_token": ""}),
        ("access_token", {"access_token": None}),
        ("user_agent", {"access_token": "x", "user_agent": "a\nb"}),
        ("headers", {"access_token": "x", "headers": {"Authorization": "x"}}),
        ("X-Region", {"access_token": "x", "headers": {"X-Region": "fra"}}),
    ],
)
async def test_a_child_is_checked_as_its_parent_was(name: str, options: dict[str, object]) -> None:
    parent = Parent()
    async with parent.session as session:
        with pytest.raises(ConfigurationError, match=name):
            session.for_customer(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name, options",
    [
        ("timeouts", {"timeouts": 5}),
        ("retry", {"retry": Limits()}),
        ("region", {"region": "us"}),
        ("headers", {"headers": {"Host": "x"}}),
    ],
)
async def test_options_are_checked_as_the_constructor_s(name: str, options: dict[str, object]) -> None:
    parent = Parent()
    async with parent.session as session:
        with pytest.raises(ConfigurationError, match=name):
            session.with_options(**options)  # type: ignore[arg-type]


async def test_a_provider_serves_a_child_and_is_asked_once_for_all_of_its_children() -> None:
    asked: list[int] = []

    async def provider() -> AccessToken:
        asked.append(1)
        return AccessToken("fra:provided")

    parent = Parent()
    async with parent.session as session:
        for _ in range(3):
            headers = await parent.headers_of(session.for_customer(provider))
            assert headers["authorization"] == "Bearer fra:provided"
            assert headers["x-region"] == "fra"
    assert asked == [1]


async def test_a_namespace_is_made_once_a_session() -> None:
    parent = Parent()
    async with parent.session as session:
        for name in ("chats", "events", "properties", "customers", "status", "other"):
            assert getattr(session, name) is getattr(session, name)
            assert getattr(session, name) is not getattr(session.for_customer("dal:child"), name)
