"""Content decoding that a hostile answer cannot inflate without bound.

httpx inflates whatever a transport hands it in one go, so the limit has to be kept before that.
"""

import zlib
from collections.abc import Iterator

import httpx

_PIECE = 256 * 1024


class Decoder:
    """Inflates one gzip or deflate body, piece by piece; every fault is an `httpx.DecodingError`."""

    def __init__(self, coding: bytes, limit: int) -> None:
        if coding not in (b"gzip", b"x-gzip", b"deflate"):
            raise httpx.DecodingError(f"cannot decode Content-Encoding {coding.decode('latin-1')!r}")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._start: bytes | None = b"" if coding == b"deflate" else None
        self._left = limit
        self._fed = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._fed = self._fed or bool(data)
        if self._start is not None:  # two bytes tell the zlib format from the bare stream many servers send
            data = self._start + data
            self._start = data if len(data) < 2 else None
            if self._start is not None:
                return
            if data[0] & 15 != 8 or int.from_bytes(data[:2]) % 31:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        piece = bytes(_PIECE)
        while data or len(piece) == _PIECE:
            try:
                piece = self._inflate.decompress(data, _PIECE)
            except zlib.error as exc:
                raise httpx.DecodingError(str(exc)) from exc
            self._left -= len(piece)
            if self._left < 0:
                raise httpx.DecodingError("the answer inflates to more than the limit")
            if self._inflate.unused_data:
                raise httpx.DecodingError("there are bytes after the compressed body")
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Says that the body ended here; an empty one is whole."""
        if self._fed and not self._inflate.eof:
            raise httpx.DecodingError("the compressed body ends too early")
