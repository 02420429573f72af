"""Who the customers are and which tokens speak for them."""

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
    """The token as the server knows it: one pasted with `%3A` means `:`."""
    return re.sub("%3a", ":", token, flags=re.IGNORECASE)


class Customers:
    """The customers by id, and the tokens that are good for them. Its `repr` shows no token."""

    def __init__(self, rng: Random, tokens: Iterable[str] | None = None) -> None:
        self._rng = rng
        self._by_token: dict[str, Customer] = {}
        self._refused: dict[str, TokenFault] = {}
        self._closed = tokens is not None
        self.by_id: dict[str, Customer] = {}
        for token in tokens or ():
            self.of(token)

    def of(self, token: str) -> Customer:
        """The customer of a token, created at its first mention, whatever state the token is in."""
        token = normal_token(token)
        if token not in self._by_token:
            named = _NAMED_REGION.match(token)
            customer = Customer(id=self._new_id(), region=named[1] if named else "dal")
            self._by_token[token] = self.by_id[customer.id] = customer
        return self._by_token[token]

    def issue(self, token: str, customer: Customer) -> None:
        """Make the token, new or refused before, a good one of that customer."""
        token = normal_token(token)
        self._by_token[token] = customer
        self._refused.pop(token, None)

    def refuse(self, token: str, fault: TokenFault) -> None:
        """Answer the token with `authentication` from now on."""
        self.of(token)
        self._refused[normal_token(token)] = fault

    def find(self, token: str) -> Customer | None:
        """The customer whom a request with this token is about, or `None` for a token that can be nobody's."""
        token = normal_token(token)
        if not _WELL_FORMED.fullmatch(token):
            return None
        return self._by_token.get(token) if self._closed else self.of(token)

    def authenticate(self, token: str) -> Customer:
        """The customer of a good token, or the refusal that a bad one is answered with."""
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
