"""HTTP/1.1 over `asyncio.Protocol` behind httpx's public transport seam, in four parts, top to bottom.

`_transport` turns a request into a head and parts, and an answer into a response; `_pool` says which connection
carries it; `_dial` makes connections; `_connection` is one socket's state machine around httptools, the only parser.
"""

from ._transport import Http11Transport

__all__ = ["Http11Transport"]
