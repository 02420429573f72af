"""The customer: profile and custom fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from .._base.checks import check_str, check_str_map, is_object
from .._call.action import NO_RESULT, Action, Caller, Replay, nothing, optional, under_or_bare
from ..errors import InvalidRequestError
from ..models import Customer


def _customer_or_nothing(payload: object) -> tuple[object, str]:
    """The customer is under a key, is the payload itself, or is missing."""
    if payload is None or (is_object(payload) and all(value is None for value in payload.values())):
        return NO_RESULT, "$"
    return under_or_bare("customer")(payload)


def _at_least_one(given: dict[str, Any]) -> dict[str, Any]:
    if not given:
        raise InvalidRequestError("expected at least one of name, email, avatar and fields")
    return given


UPDATE_CUSTOMER = Action(
    "update_customer",
    {
        "name": optional(check_str),
        "email": optional(check_str),
        "avatar": optional(check_str),
        "fields": optional(check_str_map),
    },
    cast("type[Customer | None]", Customer),
    unwrap=_customer_or_nothing,
    arrange=_at_least_one,
    replay=Replay.SAFE,
)
SET_CUSTOMER_FIELDS = Action(
    "set_customer_fields", {"fields": check_str_map}, type(None), unwrap=nothing, replay=Replay.SAFE
)


class CustomersActions:
    """`session.customers`: the customer whose token the session uses."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def update_customer(
        self,
        *,
        name: str | None = None,
        email: str | None = None,
        avatar: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Customer | None:
        """Set the given fields; return the customer, or `None` if the server does not return it.

        Reference: Customer Chat Web API v3.0, Update Customer.

        Args:
            name: `None`: unchanged; so are the others. At least one must be given.
            email: email address.
            avatar: URL of a picture.
            fields: custom fields.

        Raises:
            InvalidRequestError: no argument was given, or one is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(UPDATE_CUSTOMER, name=name, email=email, avatar=avatar, fields=fields)

    async def set_customer_fields(self, fields: Mapping[str, str]) -> None:
        """Set custom fields. The `user_agent` of this session replaces what agents see of the visitor's browser.

        Reference: Customer Chat Web API v3.0, Set Customer Fields.

        Args:
            fields: names and values of the fields.

        Raises:
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        await self._call(SET_CUSTOMER_FIELDS, fields=fields)
