"""The customers and their access tokens."""

import re
import uuid
from collections.abc import Iterable
from random import Random
from typing import Final, Literal

from ._errors import Refusal
from ._state import Customer

REGIONS: Final = ("dal", "fra")

_WELL_FORMED = re.compile(r"[\x21-\x7e]+")
_NAMED_REGION = re.compile(rf"({'|'.join(REGIONS)})[-:]")

TokenFault = Literal["expired", "revoked"]


def normal_token(token: str) -> str:
    """Return the token with `%3A` decoded to `:`, as in tokens copied from a URL."""
    return re.sub("%3a", ":", token, flags=re.IGNORECASE)


class Customers:
    """The customers by ID, and their tokens. The `repr` shows no token."""

    def __init__(self, rng: Random, tokens: Iterable[str] | None = None) -> None:
        self._rng = rng
        self._by_token: dict[str, Customer] = {}
        self._refused: dict[str, TokenFault] = {}
        self._closed = tokens is not None
        self.by_id: dict[str, Customer] = {}
        for token in tokens or ():
            self.of(token)

    def of(self, token: str) -> Customer:
        """Return the customer of a token, valid or not. Creates the customer on first use."""
        token = normal_token(token)
        if token not in self._by_token:
            named = _NAMED_REGION.match(token)
            customer = Customer(id=self._new_id(), region=named[1] if named else "dal")
            self._by_token[token] = self.by_id[customer.id] = customer
        return self._by_token[token]

    def issue(self, token: str, customer: Customer) -> None:
        """Make the token a valid one of the customer, even if it was expired or revoked."""
        token = normal_token(token)
        self._by_token[token] = customer
        self._refused.pop(token, None)

    def refuse(self, token: str, fault: TokenFault) -> None:
        """Refuse the token with `authentication` from now on."""
        self.of(token)
        self._refused[normal_token(token)] = fault

    def find(self, token: str) -> Customer | None:
        """Return the customer of a token; `None` if it is malformed or unknown."""
        token = normal_token(token)
        if not _WELL_FORMED.fullmatch(token):
            return None
        return self._by_token.get(token) if self._closed else self.of(token)

    def authenticate(self, token: str) -> Customer:
        """Return the customer of a valid token, or raise `Refusal`."""
        fault = self._refused.get(normal_token(token))
        if fault is not None:
            raise Refusal("authentication", f"Access token {fault}")
        customer = self.find(token)
        if customer is None:
            raise Refusal("authentication", "Unknown access token")
        if customer.banned:
            raise Refusal("customer_banned")
        return customer

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
