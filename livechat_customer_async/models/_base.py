"""What all models share. Annotations are resolved at run time by cattrs: nothing here hides behind TYPE_CHECKING."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

# The markers by which the converter finds these types. On the wire a received property value may be wrapped
# as {"value": v}; a sent one is bare, and only a str, an int or a bool.
RECEIVED_PROPERTIES = "received properties"
SENT_PROPERTIES = "sent properties"

Properties: TypeAlias = Annotated[dict[str, dict[str, Any]], RECEIVED_PROPERTIES]
"""`{namespace: {name: value}}` as received: a value is any JSON value."""

NewProperties: TypeAlias = Annotated[Mapping[str, Mapping[str, str | int | bool]], SENT_PROPERTIES]
"""`{namespace: {name: value}}` as sent."""
