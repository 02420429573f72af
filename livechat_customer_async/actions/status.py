"""The status of groups."""

from __future__ import annotations

from collections.abc import Sequence

from .._base.checks import check_bool, check_ints
from .._call.action import Action, Caller, Replay, optional, under

GET_GROUPS_STATUS = Action(
    "get_groups_status",
    {"all": optional(check_bool), "groups": optional(check_ints)},
    dict[int, str],
    unwrap=under("groups_status"),
    replay=Replay.SAFE,
)


class StatusActions:
    """`session.status`: whether groups are online."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def get_groups_status(
        self,
        *,
        all: bool | None = None,
        groups: Sequence[int] | None = None,
    ) -> dict[int, str]:
        """Return the status of groups by id: `online`, `offline` or `online_for_queue`.

        Reference: Customer Chat Web API v3.0, Get Groups Status. Groups that do not exist are left out.

        Args:
            all: whether to return all groups; `None`: not sent.
            groups: ids of the groups to return; `None`: not sent.

        Raises:
            InvalidRequestError: an argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its class and `outcome` say how.
        """
        return await self._call(GET_GROUPS_STATUS, all=all, groups=groups)
