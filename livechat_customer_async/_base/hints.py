"""Questions about type hints."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin


def is_union(hint: Any) -> bool:
    """Tell whether a hint is `A | B`."""
    return get_origin(hint) in (Union, types.UnionType)


def without_none(hint: Any) -> Any:
    """Return `X` for `X | None`, and any other hint unchanged."""
    if is_union(hint):
        arms = [arm for arm in get_args(hint) if arm is not type(None)]
        if len(arms) == 1:
            return arms[0]
    return hint


def is_optional(hint: Any) -> bool:
    """Tell whether a hint is `X | None`."""
    return without_none(hint) is not hint


def generic(*origins: Any) -> Callable[[Any], bool]:
    """Ask whether a hint is generic over one of these, as `tuple[int, ...]` is over `tuple`."""
    return lambda hint: get_origin(hint) in origins


def mark_of(hint: Any) -> Any:
    """Return the mark of `Annotated[X, mark]`, or `None`."""
    return hint.__metadata__[0] if get_origin(hint) is Annotated else None
