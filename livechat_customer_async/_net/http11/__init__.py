"""HTTP/1.1 over `asyncio.Protocol`: the engine, and the routes it takes."""

from .engine import Engine, encode
from .tunnel import Hop, Route

__all__ = ["Engine", "Hop", "Route", "encode"]
