"""What one session adds to its pool."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import attrs

from ..config import RetryPolicy, Timeouts, TokenProvider


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options:
    """The options of one customer's session; `attrs.evolve` makes those of another one.

    Attributes:
        access: token or provider; `None` for a pool that has no customer of its own.
        key: what the customer is known by in the pool; `None`: the provider or the token.
        region: data centre; `None`: what the token's prefix says.
        user_agent: `None`: that of `headers`, or this package's.
        headers: added to each request, names in lower case.
    """

    access: str | TokenProvider | None
    key: Hashable | None = None
    timeouts: Timeouts
    retry: RetryPolicy
    region: str | None
    user_agent: str | None
    headers: Mapping[str, str]
