"""How a session over each engine reports failed calls, whether the report is true, and whether a proxy works.

`python -m benchmarks.engine_faults ENGINE` prints JSON. The server is in the same process: nothing here is timed.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from benchmarks.bodies import CHAT_ID, QUESTION, sent_event
from benchmarks.engine_transports import Setup, session_over
from benchmarks.server import content_length, response
from livechat_customer_async import (
    AsyncCustomerSession,
    CallTimeoutError,
    LiveChatError,
    NewMessage,
    Outcome,
    RetryPolicy,
    Timeouts,
    TransportError,
)

ANSWER = response(sent_event())
_PATIENCE = 15.0
_SHORT = 0.3


@dataclass
class Peer:
    """The server's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heads: list[bytes]
    """All requests that were read completely, on all connections."""

    async def request(self) -> None:
        head = await self.reader.readuntil(b"\r\n\r\n")
        await self.reader.readexactly(content_length(head) or 0)
        self.heads.append(head)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        while await self.reader.read(65536):
            pass


Script = Callable[[Peer], Awaitable[None]]


# ---- what servers do


async def close_at_once(_peer: Peer) -> None:
    """Do nothing; the caller closes the connection."""


async def close_after_request(peer: Peer) -> None:
    await peer.request()


async def reset_after_request(peer: Peer) -> None:
    await peer.request()
    peer.writer.transport.abort()


async def cut_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(ANSWER[:30])


async def cut_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(ANSWER[:-30])


async def stall(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def no_http(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"220 mail.example.com ESMTP\r\n\r\n")
    await peer.gone()


async def say_nothing(peer: Peer) -> None:
    await peer.gone()


async def close_when_idle(peer: Peer) -> None:
    await peer.request()
    await peer.send(ANSWER)


async def answer(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(ANSWER)


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Run a script for each connection; yield the port and the list of request heads received."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        # Asyncio's streams complain of a task that ends as cancelled.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await script(Peer(reader, writer, heads))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1], heads
    for task in filter(None, tasks):
        task.cancel()
    await asyncio.gather(*filter(None, tasks))


# ---- the faults, and what is true of each

Truth = Callable[[BaseException | None], bool]


def fails(*outcomes: Outcome, by: type[LiveChatError] = TransportError) -> Truth:
    return lambda error: isinstance(error, by) and error.outcome in outcomes


def answered_or_not_sent(error: BaseException | None) -> bool:
    return error is None or (isinstance(error, TransportError) and error.outcome is Outcome.NOT_SENT)


@dataclass(frozen=True)
class Fault:
    """A fault. `script` is `None` for a port on which nothing listens; `warm` calls succeed before it."""

    script: Script | None
    is_true: Truth
    secure: bool = False
    trusted: bool = True
    warm: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)


FAULTS = {
    "connection refused": Fault(None, fails(Outcome.NOT_SENT)),
    "certificate not trusted": Fault(answer, fails(Outcome.NOT_SENT), secure=True, trusted=False),
    "stall in the TLS handshake": Fault(
        say_nothing,
        fails(Outcome.NOT_SENT, by=CallTimeoutError),
        secure=True,
        timeouts=Timeouts(connect=_SHORT),
    ),
    # The server read nothing, but that only the server knows: both are true.
    "closed before the request is read": Fault(close_at_once, fails(Outcome.NOT_SENT, Outcome.UNKNOWN)),
    "idle connection closed, then a call": Fault(close_when_idle, answered_or_not_sent, warm=1),
    "closed after the request": Fault(close_after_request, fails(Outcome.UNKNOWN)),
    "reset after the request": Fault(reset_after_request, fails(Outcome.UNKNOWN)),
    "answer cut in its head": Fault(cut_head, fails(Outcome.UNKNOWN)),
    "answer cut in its body": Fault(cut_body, fails(Outcome.UNKNOWN)),
    "answer is not HTTP": Fault(no_http, fails(Outcome.UNKNOWN)),
    "no answer in time": Fault(stall, fails(Outcome.UNKNOWN, by=CallTimeoutError), timeouts=Timeouts(read=_SHORT)),
}


@dataclass(frozen=True)
class Seen:
    """One fault through one engine.

    Attributes:
        error: class of what was raised; `None` where the call was answered.
        outcome: what it says of itself; `None` where it says nothing.
        is_true: whether that is so, and the error one of ours.
        requests: how often the server read the request of one call, whose action must not be repeated, with the
            session's own retries on.
    """

    error: str | None
    outcome: str | None
    is_true: bool
    requests: int

    @property
    def is_right(self) -> bool:
        return self.is_true and self.requests <= 1

    def __str__(self) -> str:
        said = "answered" if self.error is None else f"{self.error}, {self.outcome or 'no outcome'}"
        repeated = f", sent {self.requests} times" if self.requests > 1 else ""
        return f"{said}{repeated}" if self.is_right else f"WRONG: {said}{repeated}"


class Authority:
    """Return a server context for 127.0.0.1 and the CA file that makes it trusted."""

    def __init__(self, folder: str) -> None:
        authority = trustme.CA()
        self.ca_file = str(Path(folder) / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_alpn_protocols(["http/1.1"])
        authority.issue_cert("127.0.0.1").configure_cert(self.context)


class NoEndError(Exception):
    """The call did not end within the benchmark's limit."""


async def unused_port() -> int:
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
    return port


async def call(session: AsyncCustomerSession) -> BaseException | None:
    """Make a call that must not be repeated, and return the exception."""
    limit = asyncio.timeout(_PATIENCE)
    try:
        async with limit:
            await session.events.send_event(CHAT_ID, NewMessage(text=QUESTION))
    except Exception as error:  # noqa: BLE001 - whose it is, is the question
        return NoEndError() if limit.expired() else error
    return None


async def try_fault(engine: str, fault: Fault, authority: Authority) -> Seen:
    setup = Setup(ca_file=authority.ca_file if fault.trusted else "", timeouts=fault.timeouts)
    # Over TLS that never begins, the server only accepts.
    tls = authority.context if fault.secure and fault.script is not say_nothing else None
    scheme = "https" if fault.secure else "http"
    async with serving(fault.script or answer, tls) as (port, heads):
        url = f"{scheme}://127.0.0.1:{port if fault.script else await unused_port()}"

        async def failed(retry: RetryPolicy) -> tuple[BaseException | None, int]:
            async with session_over(engine, url, setup, retry) as session:
                for _ in range(fault.warm):
                    await session.events.send_event(CHAT_ID, NewMessage(text=QUESTION))
                    await asyncio.sleep(0.1)
                before = len(heads)
                return await call(session), len(heads) - before

        error, _ = await failed(RetryPolicy.none())
        _, requests = await failed(RetryPolicy())
    outcome = error.outcome.name if isinstance(error, LiveChatError) else None
    name = None if error is None else _class_of(error)
    return Seen(name, outcome, fault.is_true(error), requests)


def _class_of(error: BaseException) -> str:
    """Return the exception's name, with its package if it is not ours."""
    name = type(error).__name__
    return name if isinstance(error, LiveChatError) else f"{type(error).__module__.partition('.')[0]}.{name}"


# ---- a proxy


async def try_proxy(engine: str) -> bool:
    """Return whether a proxy answers a call to a port on which nothing listens."""
    async with serving(answer, None) as (port, heads):
        setup = Setup(proxy=f"http://127.0.0.1:{port}")
        url = f"http://127.0.0.1:{await unused_port()}"
        async with session_over(engine, url, setup, RetryPolicy.none()) as session:
            error = await call(session)
    return error is None and heads[0].startswith(f"POST {url}/".encode())


async def child(engine: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        faults = {name: await try_fault(engine, fault, authority) for name, fault in FAULTS.items()}
    return {
        "faults": {name: vars(seen) for name, seen in faults.items()},
        "proxy": await try_proxy(engine),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(child(sys.argv[1]))))
