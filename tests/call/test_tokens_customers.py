"""The customers of a pool: found by their provider or their token, forgotten in time; and the regions of tokens."""

import asyncio
import gc
import math
from typing import ClassVar

import pytest

from livechat_customer_async import AccessToken, TokenProviderError
from livechat_customer_async._call import tokens as _tokens
from livechat_customer_async._call.api import region_of
from livechat_customer_async._call.tokens import Customers
from tests.call.test_tokens import Provider, never
from tests.helpers.virtual_time import virtual_clock, virtual_time

INF = math.inf


@pytest.mark.parametrize(
    "token, region",
    [
        ("fra-abc", "fra"),
        ("fra:abc", "fra"),
        ("dal-abc", "dal"),
        ("dal:abc", "dal"),
        ("fra-a:xyz", "fra"),
        ("fra-", "fra"),
        ("dev-abc", None),
        ("dev-fra-abc", None),
        ("p-abc", None),
        ("us-south1:x", None),
        ("fra", None),
        ("fra_abc", None),
        ("frab-c", None),
        ("FRA-abc", None),
        ("fra%3Aabc", None),
        ("-fra", None),
        ("", None),
    ],
)
def test_regions_of_tokens(token: str, region: str | None) -> None:
    assert region_of(token) == region


def test_the_region_of_a_pasted_token_is_read_after_its_colon_is_restored() -> None:
    assert region_of(AccessToken("fra%3Aabc").value) == "fra"


class Backend:
    async def token(self) -> str:
        return "t"

    async def other(self) -> str:
        return "o"


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: str = "t") -> None:
        self.value = value

    async def __call__(self) -> str:
        return self.value

    async def token(self) -> str:
        return self.value


class Equal:
    """All of its kind are equal, and none can be hashed."""

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal)

    async def __call__(self) -> str:
        return "t"

    async def token(self) -> str:
        return "t"


def customers() -> Customers:
    return Customers(virtual_clock())


def test_one_provider_is_one_customer() -> None:
    found, backend, twin = customers(), Backend(), Backend()

    async def function() -> str:
        return "t"

    assert found.find(function) is found.find(function)
    assert found.find(backend.token) is found.find(backend.token)
    assert len({id(found.find(x)) for x in (function, backend.token, backend.other, twin.token)}) == 4
    assert found.find(function).source is not None


def test_a_provider_is_known_by_identity_not_by_equality() -> None:
    found, one, other = customers(), Equal(), Equal()
    assert found.find(one) is found.find(one)
    assert found.find(one) is not found.find(other)
    assert found.find(one.token) is found.find(one.token)
    assert found.find(one.token) is not found.find(other.token)


def test_a_provider_is_forgotten_with_its_last_holder() -> None:
    found = customers()
    for _ in range(100):
        backend = Backend()
        customer = found.find(backend.token)
        assert found.find(backend.token) is customer
    del backend
    gc.collect()
    assert found._by_provider == {}


def test_a_forgotten_provider_whose_place_is_taken_is_not_mistaken() -> None:
    found, backend = customers(), Backend()
    customer = found.find(backend.token)
    ((key, (reference, _)),) = found._by_provider.items()
    del backend
    assert reference() is None
    assert found._by_provider == {}
    # The next object may live at the same address: the late call-back of the old one must not take its entry.
    heir = Backend()
    found._by_provider[key] = (type(reference)(heir), customer)
    found._forget(key)(reference)
    assert key in found._by_provider


def test_an_entry_of_an_object_that_lived_at_the_same_address_is_not_used() -> None:
    found, dead, heir = customers(), Backend(), Backend()
    of_the_dead = found.find(dead.token)
    function = Backend.token
    found._by_provider[id(heir), function] = found._by_provider[id(dead), function]
    assert found.find(heir.token) is not of_the_dead
    assert found.find(heir.token) is found.find(heir.token)


def test_an_object_without_weak_references_is_kept_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tokens, "_MOST_KEPT", 3)
    found, first = customers(), Slotted()
    customer = found.find(first)
    assert found.find(first) is customer
    assert found.find(first.token) is found.find(first.token) is not customer
    others = [Slotted() for _ in range(3)]
    for other in others:
        assert found.find(other) is not customer
    assert len(found._by_strong_provider) == 3
    assert found.find(first) is not customer


def test_tokens_are_kept_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tokens, "_MOST_KEPT", 3)
    found = customers()
    first = found.find("a")
    first.region = "fra"
    assert (found.find("a"), first.source) == (first, None)
    for token in "bcd":
        assert found.find(token) is not first
    assert len(found._by_token) == 3
    assert found.find("a").region is None
    assert "dal:secret" not in repr(vars(found.find("dal:secret")))


@virtual_time
async def test_a_thousand_sessions_of_one_provider_ask_once() -> None:
    found, provider = customers(), Provider("t", takes=2.0)

    async def session() -> str:
        tokens = found.find(provider).source
        assert tokens is not None
        return tokens.current() or await tokens.get(provider, 60.0)

    assert set(await asyncio.gather(*(session() for _ in range(1000)))) == {"t"}
    assert provider.asked == 1


@virtual_time
async def test_closing_the_registry_stops_all() -> None:
    found, hanging = customers(), Provider(never())

    class SlottedHanging(Slotted):
        __slots__ = ()

        async def __call__(self) -> str:
            await never()
            return self.value

    slotted = SlottedHanging()
    found.find("plain")
    found.find(Slotted())  # nobody has asked it yet
    waiters = []
    for provider in (hanging, slotted):
        tokens = found.find(provider).source
        assert tokens is not None
        waiters.append(asyncio.create_task(tokens.get(provider, INF)))
    await asyncio.sleep(1)
    found.close()
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(error) for error in errors] == [TokenProviderError] * 2
