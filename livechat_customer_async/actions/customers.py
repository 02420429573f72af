"""The customer itself: who it is, and its custom fields."""

from collections.abc import Mapping
from typing import cast

import attrs

from .._base.checks import check_str, check_str_map, is_object, optional, required
from .._call.action import NO_RESULT, Action, Caller, Replay, nothing, under_or_bare
from ..errors import InvalidRequestError
from ..models import Customer


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _UpdateCustomer:
    name: str | None = attrs.field(default=None, validator=optional(check_str))
    email: str | None = attrs.field(default=None, validator=optional(check_str))
    avatar: str | None = attrs.field(default=None, validator=optional(check_str))
    fields: Mapping[str, str] | None = attrs.field(default=None, validator=optional(check_str_map))

    def __attrs_post_init__(self) -> None:
        if self.name is None and self.email is None and self.avatar is None and self.fields is None:
            raise InvalidRequestError("at least one of name, email, avatar and fields must be given")


@attrs.frozen(eq=False, repr=False)
class _SetCustomerFields:
    fields: Mapping[str, str] = attrs.field(validator=required(check_str_map))


def _customer_or_nothing(payload: object) -> tuple[object, str]:
    """The customer may stand under a key, be the payload itself, or be left out."""
    if payload is None or (is_object(payload) and all(value is None for value in payload.values())):
        return NO_RESULT, "$"
    return under_or_bare("customer")(payload)


UPDATE_CUSTOMER = Action(
    "update_customer",
    _UpdateCustomer,
    cast("type[Customer | None]", Customer),
    unwrap=_customer_or_nothing,
    replay=Replay.SAFE,
)
SET_CUSTOMER_FIELDS = Action("set_customer_fields", _SetCustomerFields, type(None), unwrap=nothing, replay=Replay.SAFE)


class CustomersActions:
    """`session.customers`: what is known of the customer whose token this is."""

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
        """Set what is given, and return the customer where the server answers with it, else `None`.

        Reference: Customer Chat Web API v3.0, Update Customer.

        Args:
            name: `None`: as it was; likewise the others, of which at least one must be given.
            email: e-mail address.
            avatar: URL of a picture.
            fields: custom fields.

        Raises:
            InvalidRequestError: nothing was given, or an argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(UPDATE_CUSTOMER, name=name, email=email, avatar=avatar, fields=fields)

    async def set_customer_fields(self, fields: Mapping[str, str]) -> None:
        """Set custom fields. What agents see of the visitor's browser becomes this session's `user_agent`.

        Reference: Customer Chat Web API v3.0, Set Customer Fields.

        Args:
            fields: names and values.

        Raises:
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        await self._call(SET_CUSTOMER_FIELDS, fields)
