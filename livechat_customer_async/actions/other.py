"""Goals, forms, the predicted agent, URL details, and what was last seen."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from .._base.checks import check_id, check_int, check_str, check_str_map, optional, refuse, required, unix_seconds
from .._call.action import Action, Caller, Replay, nothing, under, under_or_bare
from ..models import Agent, FormResult, UrlDetails


@attrs.frozen(eq=False, repr=False)
class _CheckGoals:
    page_url: str = attrs.field(validator=required(check_str))
    customer_fields: Mapping[str, str] = attrs.field(validator=required(check_str_map))
    group_id: int = attrs.field(validator=required(check_int))


@attrs.frozen(eq=False, repr=False)
class _GetForm:
    group_id: int = attrs.field(validator=required(check_int))
    type: str = attrs.field(validator=required(check_id))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _GetPredictedAgent:
    group_id: int | None = attrs.field(default=None, validator=optional(check_int))


@attrs.frozen(eq=False, repr=False)
class _GetUrlDetails:
    url: str = attrs.field(validator=required(check_str))


def _seconds(value: datetime | int | None) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, datetime):
        refuse("an aware datetime or an int", value, "timestamp")
    return unix_seconds(value, "timestamp")


@attrs.frozen(eq=False, repr=False)
class _UpdateLastSeenTimestamp:
    chat_id: str = attrs.field(validator=required(check_id))
    timestamp: int | None = attrs.field(default=None, kw_only=True, converter=_seconds, validator=optional(check_int))


CHECK_GOALS = Action("check_goals", _CheckGoals, type(None), unwrap=nothing)
GET_FORM = Action("get_form", _GetForm, FormResult, replay=Replay.SAFE)
GET_PREDICTED_AGENT = Action(
    "get_predicted_agent", _GetPredictedAgent, Agent, unwrap=under_or_bare("agent"), replay=Replay.SAFE
)
GET_URL_DETAILS = Action("get_url_details", _GetUrlDetails, UrlDetails, replay=Replay.SAFE)
UPDATE_LAST_SEEN_TIMESTAMP = Action(
    "update_last_seen_timestamp", _UpdateLastSeenTimestamp, datetime, unwrap=under("timestamp")
)


class OtherActions:
    """`session.other`: goals, forms, the predicted agent, URL details, and what was last seen."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def check_goals(self, page_url: str, customer_fields: Mapping[str, str], group_id: int) -> None:
        """Tell the server that the customer reached a page, so that goals are counted; for offline customers only.

        Reference: Customer Chat Web API v3.0, Check Goals.

        Args:
            page_url: the page.
            customer_fields: custom fields that goals are checked against.
            group_id: the group.

        Raises:
            InvalidRequestError: an argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        await self._call(CHECK_GOALS, page_url, customer_fields, group_id)

    async def get_form(self, group_id: int, type: str) -> FormResult:
        """Return a group's form, and whether it is in use.

        Reference: Customer Chat Web API v3.0, Get Form.

        Args:
            group_id: the group.
            type: `prechat` or `postchat`; an open set.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_FORM, group_id, type)

    async def get_predicted_agent(self, *, group_id: int | None = None) -> Agent:
        """Return the agent whom the customer would most likely chat with.

        Reference: Customer Chat Web API v3.0, Get Predicted Agent. It works only for a customer logged in over RTM.

        Args:
            group_id: the group; `None`: not said.

        Raises:
            AuthenticationError: the customer is not logged in over RTM, although the token may be good.
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_PREDICTED_AGENT, group_id=group_id)

    async def get_url_details(self, url: str) -> UrlDetails:
        """Return what a page says of itself.

        Reference: Customer Chat Web API v3.0, Get URL Details.

        Args:
            url: the page.

        Raises:
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_URL_DETAILS, url)

    async def update_last_seen_timestamp(self, chat_id: str, *, timestamp: datetime | int | None = None) -> datetime:
        """Say when the customer last saw a chat, and return what the server keeps, in UTC.

        Reference: Customer Chat Web API v3.0, Update Last Seen Timestamp.

        Args:
            chat_id: the chat.
            timestamp: an aware `datetime`, or Unix seconds; `None`: now, by the server's clock.

        Raises:
            InvalidRequestError: the id is empty, or the time is naive or of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        # Without a time each try would set another one.
        action = UPDATE_LAST_SEEN_TIMESTAMP if timestamp is None else UPDATE_LAST_SEEN_TIMESTAMP.safe()
        return await self._call(action, chat_id, timestamp=timestamp)
