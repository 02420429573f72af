"""The objects of the wire, by object: users, events, chats, forms."""

from __future__ import annotations

from . import chats, events, forms, new_events, users
from ._base import NewProperties, Properties
from .chats import *
from .events import *
from .forms import *
from .new_events import *
from .users import *

__all__ = [
    "NewProperties",
    "Properties",
    *chats.__all__,
    *events.__all__,
    *forms.__all__,
    *new_events.__all__,
    *users.__all__,
]
