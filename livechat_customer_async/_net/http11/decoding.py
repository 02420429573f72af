"""Content codings of a response body: gzip and deflate, inflated up to a limit (httpx inflates without one)."""

import zlib

import httpx

_NONE = ("", "identity")
_KNOWN = ("gzip", "x-gzip", "deflate")


def decode(body: bytes, coding: str, limit: int) -> bytes:
    """Return the decoded body; an empty one is whole.

    Raises:
        httpx.DecodingError: the coding is not supported, the data is damaged, or the result is larger than `limit`.
    """
    if coding in _NONE:
        return body
    if coding not in _KNOWN:
        raise httpx.DecodingError("unsupported Content-Encoding")
    if not body:
        return b""
    inflate = zlib.decompressobj(_window(body, coding))
    try:
        decoded = inflate.decompress(body, limit + 1)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if len(decoded) > limit:
        raise httpx.DecodingError(f"the response inflates to more than {limit} bytes")
    if inflate.unused_data:
        raise httpx.DecodingError("data after the compressed body")
    if not inflate.eof:
        raise httpx.DecodingError("the compressed body ends too early")
    return decoded


def _window(body: bytes, coding: str) -> int:
    """Return zlib's window size: two bytes tell the zlib format from the bare stream that many servers send."""
    bare = coding == "deflate" and (body[0] & 15 != 8 or int.from_bytes(body[:2]) % 31 != 0)
    return -zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32
