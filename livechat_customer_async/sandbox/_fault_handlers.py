"""The handler of each kind of fault."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ._answers import Answer, error_answer
from ._call import Call, ClientGoneError
from ._connection import Connection
from ._faults import ArmedFault, Fault, FaultKind

_GARBAGE: Final = b"\x00\xff\xfeNOT HTTP\x00 at all\r\n\r\n"


async def apply_fault(call: Call, armed: ArmedFault) -> None:
    """Handle a request with a fault."""
    try:
        await _HANDLERS[armed.fault.kind](call, armed)
    finally:
        if not _continues(armed.fault):
            armed.finished.set()


def _continues(fault: Fault) -> bool:
    return fault.kind is FaultKind.LATE_PERFORMANCE and not fault.hold


def _socket(call: Call, armed: ArmedFault) -> Connection:
    if call.connection is None:
        raise RuntimeError(f"the fault {armed.fault.kind} needs a socket; use livechat_customer_async.sandbox.serve")
    return call.connection


async def _performed(call: Call, armed: ArmedFault) -> Answer:
    """Return the answer to the request; an empty result if the fault prevents the action."""
    await call.read()
    return call.perform() if armed.fault.performs else Answer(body=b'{"payload":{}}')


async def _stall(call: Call, armed: ArmedFault) -> None:
    """Wait until the fault is released or its time has passed. Raise if the client disconnects first."""
    gone = asyncio.Event()

    async def watch() -> None:
        await call.gone()
        gone.set()

    watcher = asyncio.create_task(watch())
    try:
        await call.engine.wait(armed.fault.seconds, armed.released, gone)
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    if gone.is_set():
        raise ClientGoneError


async def _pause(call: Call, armed: ArmedFault) -> None:
    """Wait for the fault's duration, even if the client disconnects. Raise if the server stops."""
    stopping = [] if call.connection is None else [call.connection.stopping]
    await call.engine.wait(armed.fault.duration, armed.released, *stopping)
    if any(event.is_set() for event in stopping):
        raise ClientGoneError


async def _disconnect(call: Call, end: Callable[[], None]) -> None:
    """End the connection and wait for its loss: an ASGI application may not return without an answer."""
    end()
    await call.gone()


def _error(call: Call, fault: Fault) -> Answer:
    if fault.bare:
        text = fault.message or ""
        answer = Answer(status=fault.status or 500, content_type="text/plain; charset=utf-8", body=text.encode())
    else:
        answer = error_answer(call.request.action, fault.refusal, call.engine.shapes)
    return answer if fault.retry_after is None else answer.with_headers(("Retry-After", fault.retry_after))


async def _answer_error(call: Call, armed: ArmedFault) -> None:
    await _performed(call, armed)
    await call.send(_error(call, armed.fault))


async def _latency(call: Call, armed: ArmedFault) -> None:
    await call.read()
    await _pause(call, armed)
    await call.send(call.perform())


async def _stall_before_headers(call: Call, armed: ArmedFault) -> None:
    await call.read()
    answer = call.perform() if armed.fault.performs else None
    await _stall(call, armed)
    await call.send(answer or call.perform())


async def _stall_mid_body(call: Call, armed: ArmedFault) -> None:
    answer = await _performed(call, armed)
    half = len(answer.body) // 2
    await call.begin(answer)
    await call.send_body(answer.body[:half], more=True)
    await _stall(call, armed)
    await call.send_body(answer.body[half:])


async def _reset_before_reading(call: Call, armed: ArmedFault) -> None:
    await _disconnect(call, _socket(call, armed).reset)


async def _reset_after_performing(call: Call, armed: ArmedFault) -> None:
    connection = _socket(call, armed)
    await _performed(call, armed)
    await _disconnect(call, connection.reset)


async def _late_performance(call: Call, armed: ArmedFault) -> None:
    fault = armed.fault
    if fault.hold:
        await _latency(call, armed)
        return
    connection = None if fault.type is not None else _socket(call, armed)
    await call.read()
    call.engine.start(_perform_later(call, armed))
    if connection is None:
        await call.send(_error(call, fault))
    else:
        await _disconnect(call, connection.reset)


async def _perform_later(call: Call, armed: ArmedFault) -> None:
    try:
        await call.engine.wait(armed.fault.duration, armed.released)
        call.perform()
    finally:
        armed.finished.set()


async def _truncated_body(call: Call, armed: ArmedFault) -> None:
    connection = _socket(call, armed)
    answer = await _performed(call, armed)
    await call.begin(answer)
    await call.send_body(answer.body[: len(answer.body) // 2], more=True)
    await _disconnect(call, connection.close)


async def _wrong_content_length(call: Call, armed: ArmedFault) -> None:
    connection, delta = _socket(call, armed), armed.fault.delta
    answer = await _performed(call, armed)
    announced = max(0, len(answer.body) + delta)
    await call.begin(answer, announced)
    # uvicorn enforces the announced length, so the excess bypasses it.
    await call.send_body(answer.body[:announced], more=delta > 0)
    if delta < 0:
        connection.write(answer.body[announced:])
        return
    await _stall(call, armed)
    await _disconnect(call, connection.close)


async def _garbage_http(call: Call, armed: ArmedFault) -> None:
    connection = _socket(call, armed)
    await _performed(call, armed)
    connection.write(_GARBAGE)
    await _disconnect(call, connection.close)


async def _garbage_body(call: Call, armed: ArmedFault) -> None:
    await _performed(call, armed)
    await call.send(Answer(status=armed.fault.status or 200, body=b'{"payload": {"thread_id": \xff\xfe'))


async def _slow_drip(call: Call, armed: ArmedFault) -> None:
    answer, chunk = await _performed(call, armed), armed.fault.chunk
    await call.begin(answer)
    for start in range(0, len(answer.body), chunk):
        await _pause(call, armed)
        if call.connection is not None and call.connection.lost:
            raise ClientGoneError
        await call.send_body(answer.body[start : start + chunk], more=True)
    await call.send_body(b"")


async def _close_after_response(call: Call, armed: ArmedFault) -> None:
    connection = _socket(call, armed)
    await call.send(await _performed(call, armed))
    connection.close()


async def _close_on_next_request(call: Call, armed: ArmedFault) -> None:
    connection = _socket(call, armed)
    await call.send(await _performed(call, armed))
    connection.on_next_request = call.engine.recorder.drop_unread


_HANDLERS: Final[dict[FaultKind, Callable[[Call, ArmedFault], Awaitable[None]]]] = {
    FaultKind.ERROR: _answer_error,
    FaultKind.LATENCY: _latency,
    FaultKind.STALL_BEFORE_HEADERS: _stall_before_headers,
    FaultKind.STALL_MID_BODY: _stall_mid_body,
    FaultKind.RESET_BEFORE_READING: _reset_before_reading,
    FaultKind.RESET_AFTER_PERFORMING: _reset_after_performing,
    FaultKind.LATE_PERFORMANCE: _late_performance,
    FaultKind.TRUNCATED_BODY: _truncated_body,
    FaultKind.WRONG_CONTENT_LENGTH: _wrong_content_length,
    FaultKind.GARBAGE_HTTP: _garbage_http,
    FaultKind.GARBAGE_BODY: _garbage_body,
    FaultKind.SLOW_DRIP: _slow_drip,
    FaultKind.CLOSE_AFTER_RESPONSE: _close_after_response,
    FaultKind.CLOSE_ON_NEXT_REQUEST: _close_on_next_request,
}
