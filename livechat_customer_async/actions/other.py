"""Goals, forms, the predicted agent, URL details, and the last seen timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from .._base.checks import check_id, check_int, check_str, check_str_map, check_timestamp
from .._call.action import Action, Caller, Replay, nothing, optional, under, under_or_bare, whole_with_any_of
from ..models import Agent, FormResult, UrlDetails

CHECK_GOALS = Action(
    "check_goals",
    {"page_url": check_str, "customer_fields": check_str_map, "group_id": check_int},
    type(None),
    unwrap=nothing,
)
GET_FORM = Action("get_form", {"group_id": check_int, "type": check_id}, FormResult, replay=Replay.SAFE)
GET_PREDICTED_AGENT = Action(
    "get_predicted_agent",
    {"group_id": optional(check_int)},
    Agent,
    unwrap=under_or_bare("agent"),
    replay=Replay.SAFE,
)
GET_URL_DETAILS = Action(
    "get_url_details", {"url": check_str}, UrlDetails, unwrap=whole_with_any_of(UrlDetails), replay=Replay.SAFE
)
UPDATE_LAST_SEEN_TIMESTAMP = Action(
    "update_last_seen_timestamp",
    {"chat_id": check_id, "timestamp": optional(check_timestamp)},
    datetime,
    unwrap=under("timestamp"),
)


class OtherActions:
    """`session.other`: goals, forms, the predicted agent, URL details, and the last seen timestamp."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def check_goals(self, page_url: str, customer_fields: Mapping[str, str], group_id: int) -> None:
        """Check whether visiting a page achieves a goal; for offline customers only.

        Reference: Customer Chat Web API v3.0, Check Goals.

        Args:
            page_url: address of the page.
            customer_fields: custom fields to check goals against.
            group_id: the group.

        Raises:
            InvalidRequestError: an argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        await self._call(CHECK_GOALS, page_url=page_url, customer_fields=customer_fields, group_id=group_id)

    async def get_form(self, group_id: int, type: str) -> FormResult:
        """Return whether a group's form is enabled, and the form.

        Reference: Customer Chat Web API v3.0, Get Form.

        Args:
            group_id: the group.
            type: `prechat` or `postchat`; an open set.

        Raises:
            InvalidRequestError: an argument is of the wrong type or empty; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_FORM, group_id=group_id, type=type)

    async def get_predicted_agent(self, *, group_id: int | None = None) -> Agent:
        """Return the agent that the customer would most likely chat with.

        Reference: Customer Chat Web API v3.0, Get Predicted Agent. It works only for a customer logged in over RTM.

        Args:
            group_id: the group; `None`: not sent.

        Raises:
            AuthenticationError: the customer is not logged in over RTM; the token may be valid all the same.
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_PREDICTED_AGENT, group_id=group_id)

    async def get_url_details(self, url: str) -> UrlDetails:
        """Return the title, description and image of a web page.

        Reference: Customer Chat Web API v3.0, Get URL Details.

        Args:
            url: address of the page.

        Raises:
            InvalidRequestError: the argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_URL_DETAILS, url=url)

    async def update_last_seen_timestamp(self, chat_id: str, *, timestamp: datetime | int | None = None) -> datetime:
        """Set when the customer last saw a chat, and return the time that the server keeps, in UTC.

        Reference: Customer Chat Web API v3.0, Update Last Seen Timestamp.

        Args:
            chat_id: the chat.
            timestamp: an aware `datetime`, or Unix seconds; `None`: the server's present time.

        Raises:
            InvalidRequestError: the id is empty, or the time is naive, negative, beyond the year 9999 or of the wrong
                type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        # Without a time each attempt would set a different one.
        action = UPDATE_LAST_SEEN_TIMESTAMP if timestamp is None else UPDATE_LAST_SEEN_TIMESTAMP.safe()
        return await self._call(action, chat_id=chat_id, timestamp=timestamp)
