"""HTTP/1.1 over `asyncio.Protocol`: the engine, and the routes it takes."""

from .connection import refuses_certificate
from .engine import Engine, encode
from .response import idle_limit
from .tunnel import Hop, Route

__all__ = ["Engine", "Hop", "Route", "encode", "idle_limit", "refuses_certificate"]
