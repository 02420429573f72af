"""Whether groups are online."""

from collections.abc import Sequence

import attrs

from .._base.checks import check_bool, check_ints, optional
from .._call.action import Action, Caller, Replay, under


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _GetGroupsStatus:
    all: bool | None = attrs.field(default=None, validator=optional(check_bool))
    groups: Sequence[int] | None = attrs.field(default=None, validator=optional(check_ints))


GET_GROUPS_STATUS = Action(
    "get_groups_status", _GetGroupsStatus, dict[int, str], unwrap=under("groups_status"), replay=Replay.SAFE
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
        """Return the status of groups by their ids: `online`, `offline` or `online_for_queue`.

        Reference: Customer Chat Web API v3.0, Get Groups Status. A group that does not exist is left out.

        Args:
            all: whether to ask for all groups; `None`: not said.
            groups: ids of the groups to ask for; `None`: not said.

        Raises:
            InvalidRequestError: an argument is of the wrong type; nothing was sent.
            LiveChatError: the call failed; its subclass and `outcome` say how.
        """
        return await self._call(GET_GROUPS_STATUS, all=all, groups=groups)
