"""The status of groups."""

from typing import Any

from ._base import Context, Outcome


def get_groups_status(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return the status of the named groups that exist; of all groups if `all` is true or none is named."""
    groups = context.world.groups
    named: list[int] = payload.get("groups", list(groups))
    wanted = list(groups) if payload.get("all") else [group_id for group_id in named if group_id in groups]
    return Outcome({"groups_status": {str(group_id): groups[group_id].status for group_id in wanted}})
