"""What all models share.

The converter reads their annotations. So neither here nor in `actions` are these put off by `from __future__`: cattrs
would compile each of them again when a class is first met, a third of what a first call costs.
"""

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
