"""Header fields: how they are sent, and what the ones of a response say."""

import math
import re
from collections.abc import Sequence

import httpx

_FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t -~\x80-\xff]*\r\n")
_FRAMING = {b"content-length", b"transfer-encoding"}
_IDLE_TIMEOUT = re.compile(rb"(?:^|[,;\s])timeout\s*=\s*(\d{1,9})")


def encode(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return header fields as they are sent, without Host, which goes with the URL.

    Raises:
        httpx.LocalProtocolError: a field that could be read as another one, or that declares the body's length.
    """
    pairs = [pair for pair in pairs if pair[0].lower() != b"host"]
    lines = [b"%b: %b\r\n" % pair for pair in pairs]
    if not all(map(_FIELD.fullmatch, lines)) or not _FRAMING.isdisjoint(name.lower() for name, _ in pairs):
        raise httpx.LocalProtocolError("invalid header")
    return b"".join(lines)


def idle_limit(keep_alive: bytes) -> float:
    """Return for how many seconds an idle connection is safe to use, by the `Keep-Alive` header of a response.

    The server closes it at `timeout`; a request must have arrived by then.
    """
    timeout = _IDLE_TIMEOUT.search(keep_alive.lower())
    if timeout is None:
        return math.inf
    seconds = int(timeout[1])
    return seconds - min(1.0, seconds / 2)
