"""One HTTP/1.1 response, parsed as its bytes arrive; no I/O.

The parser's callbacks only record; `feed` judges once per read, so a fault anywhere in a read refuses the response. The
ends of heads are found here as well: only then is every byte after a response noticed, even a stray line end.
"""

import math

import httptools

from .fields import idle_limit

_MAX_INFORMATIONAL = 8
_HEAD_END = b"\r\n\r\n"


class Response:
    """The response to one request; `bodyless`: to a `CONNECT`, after which the connection is no longer HTTP's.

    Attributes:
        status: 0 until the head is complete.
        headers: names in lower case, in the order of the wire.
        fault: why the response was refused; empty while nothing is wrong.
        complete: whether the whole response has arrived.
        keep_alive: whether the server leaves the connection open.
        reused: whether its connection has carried an exchange before.
        idle_limit: seconds after which the connection must not be used again.
    """

    def __init__(self, max_framing: int, max_body: int, *, bodyless: bool = False) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.fault = ""
        self.complete = self.keep_alive = self.reused = False
        self.idle_limit = math.inf
        self._body: list[bytes] = []
        self._received = 0  # bytes of the body
        self._left = math.inf  # bytes of the body still to come, where its length was declared
        self._chunked = False
        self._informational = 0
        self._tail = b""  # the last bytes of an incomplete head
        self._max_framing, self._max_body, self._bodyless = max_framing, max_body, bodyless
        self._framing = max_framing  # how many bytes that are not part of the body may still come
        self._parser = httptools.HttpResponseParser(self)

    @property
    def begun(self) -> bool:
        """Whether any byte has arrived."""
        return self._framing < self._max_framing or self.status > 0

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body lasts until the server closes the connection."""
        return self.status > 0 and self._left == math.inf and not self._chunked

    def body(self) -> bytes:
        """Return the body that has arrived."""
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def release(self) -> None:
        """Let go of the parser: it holds our methods, a cycle that only the garbage collector would end."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Parse what has arrived."""
        self._framing -= len(data)
        try:
            rest = data if self.status else self._feed_heads(data)
            if rest:
                self._feed_body(rest)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fault = self.fault or str(error)
        if self._framing < 0:
            self.fault = self.fault or f"more than {self._max_framing} bytes of head and framing"
        if self.fault:
            self.complete = False
            self._body.clear()

    def _feed_heads(self, data: bytes) -> bytes:
        """Parse informational heads and the final one, and return what follows."""
        while data and not self.status and not self.fault:
            if not self._tail and data[:1] != b"H":  # the parser also accepts RTSP and ICE
                self.fault = "the response is not HTTP"
                return b""
            window = self._tail + data
            end = window.find(_HEAD_END)
            if end < 0:
                self._parser.feed_data(data)
                self._tail = window[-3:]
                return b""
            cut = end + len(_HEAD_END) - len(self._tail)
            self._tail = b""
            self._parser.feed_data(data[:cut])
            data = data[cut:]
        return data

    def _feed_body(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self._parser.feed_data(data)
        if self._left < 0 or (self._chunked and self.complete and data[-5:-4] in (b"\r", b"\n")):
            self.fault = "data after the end of the response"
        elif self._received > self._max_body:
            self.fault = self._too_large()

    def _too_large(self) -> str:
        return f"the response body is larger than {self._max_body} bytes"

    # ---- called by the parser

    def on_message_begin(self) -> None:
        if self.status:
            self.fault = "data after the end of the response"

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # trailers are dropped
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._informational += 1
            self.headers.clear()
            if status == 101 or self._informational > _MAX_INFORMATIONAL:
                self.fault = "the server switched protocols" if status == 101 else "too many informational responses"
            return
        self.status = status
        self.keep_alive = self._parser.should_keep_alive()
        self._judge_head(self._parser.get_http_version())

    def _judge_head(self, version: str) -> None:
        codings: list[bytes] = []
        for name, value in self.headers:
            if name == b"content-length":
                self._left = int(value)  # the parser has refused conflicting lengths
            elif name == b"transfer-encoding":
                codings.append(value.strip().lower())
            elif name == b"keep-alive":
                self.idle_limit = idle_limit(value)
        self._chunked = bool(codings)
        if self.status < 100 or version not in ("1.1", "1.0"):
            self.fault = "the response is not HTTP/1.1"
        elif codings and (codings != [b"chunked"] or version != "1.1"):
            self.fault = "unsupported Transfer-Encoding"
        elif self._bodyless or self.status in (204, 304):
            self.complete, self._left = True, 0
        elif self._max_body < self._left < math.inf:
            self.fault = self._too_large()

    def on_chunk_header(self) -> None:
        self._framing += 32  # each chunk may be framed

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._framing += len(data)
        self._received += len(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
