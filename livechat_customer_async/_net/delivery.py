"""How far a request has come."""

from __future__ import annotations

import enum


class Delivery(enum.Enum):
    """Whether the server may have received a request."""

    NOTHING = enum.auto()
    UNSURE = enum.auto()
    SENT = enum.auto()
