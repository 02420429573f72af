"""HTTP/1.1 over `asyncio.Protocol` behind httpx's transport seam; `_transport` is the way in, and imports go down."""

from .transport import Http11Transport

__all__ = ["Http11Transport"]
