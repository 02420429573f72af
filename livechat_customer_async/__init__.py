"""Asyncio client for the LiveChat Customer Chat Web API v3.0. Every public name is importable from here."""

from . import config, errors, models
from ._base.clock import Clock
from ._call.action import Replay
from ._call.middleware import Attempt, Middleware
from ._call.observe import AttemptEnd, AttemptStart, CallEnd, CallQueued, CallRetry, Observer
from ._call.shared import SessionStats
from ._session import AsyncCustomerSession
from ._uploads.source import FileSource
from ._version import __version__
from ._wire.converter import structure, structure_event, unstructure
from .actions import replay_of
from .config import *  # noqa: F403
from .errors import *  # noqa: F403
from .models import *  # noqa: F403

__all__ = [
    "AsyncCustomerSession",
    "Attempt",
    "AttemptEnd",
    "AttemptStart",
    "CallEnd",
    "CallQueued",
    "CallRetry",
    "Clock",
    "FileSource",
    "Middleware",
    "Observer",
    "Replay",
    "SessionStats",
    "__version__",
    "replay_of",
    "structure",
    "structure_event",
    "unstructure",
]
__all__ += config.__all__
__all__ += errors.__all__
__all__ += models.__all__
