"""Every fault, seen by a raw client."""

import asyncio
import json

import httpx
import pytest

from livechat_customer_async.sandbox import Fault, Sandbox, serve
from tests.helpers.sandbox_api import PATH, TOKEN, Api

pytestmark = pytest.mark.asyncio

ACTION = "set_customer_fields"
BODY = json.dumps({"payload": {"fields": {"a": "1"}}}).encode()
ANSWER = b'{"payload":{}}'
PATIENCE = 5


def head(length):
    lines = [
        f"POST {PATH}{ACTION}?license_id=1 HTTP/1.1",
        "Host: sandbox",
        f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


WHOLE = head(len(BODY)) + BODY


class Raw:
    """A raw connection."""

    def __init__(self, server):
        self.server = server

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection(self.server.host, self.server.port)
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    def ask(self, data=WHOLE):
        self.writer.write(data)

    async def until(self, end):
        return await asyncio.wait_for(self.reader.readuntil(end), PATIENCE)

    async def answer(self):
        """Read the body of a complete answer."""
        headers = (await self.until(b"\r\n\r\n")).decode().lower()
        assert "connection: close" not in headers
        length = int(headers.split("content-length: ")[1].split("\r\n")[0])
        return await asyncio.wait_for(self.reader.readexactly(length), PATIENCE)

    async def rest(self):
        """Read until the connection ends."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)


@pytest.fixture
def strike(sandbox):
    """Arm a fault; return its handle, an open connection and the sandbox."""

    class Strike:
        def __init__(self, kind, **options):
            self.armed = sandbox.faults.add(Fault(kind, ACTION, **options))

        async def __aenter__(self):
            self.serving = serve(sandbox)
            self.server = await self.serving.__aenter__()
            self.raw = await Raw(self.server).__aenter__()
            return self

        async def __aexit__(self, *error):
            await self.raw.__aexit__()
            await self.serving.__aexit__(*error)

        @property
        def performed(self):
            return sandbox.performed[ACTION]

        async def met(self):
            await asyncio.wait_for(self.armed.met.wait(), PATIENCE)

        async def finished(self):
            await asyncio.wait_for(self.armed.finished.wait(), PATIENCE)

    return Strike


async def test_an_error_strikes_the_given_number_of_times(api, sandbox):
    data = {"region": "fra"}
    sandbox.faults.add(Fault("error", ACTION, times=2, type="misdirected_request", message="there", data=data))
    sandbox.faults.add(Fault("error", ACTION, type="too_many_requests", retry_after="1.5"))
    sandbox.faults.add(Fault("error", ACTION, type="never_seen", status=418))
    sandbox.faults.add(Fault("error", ACTION, bare=True, message="<h1>oops</h1>", retry_after="2"))
    sandbox.faults.add(Fault("error", ACTION, bare=True, status=503))
    answers = [await api.send(ACTION, {"fields": {}}) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [421, 421, 429, 418, 500, 503, 200]
    assert answers[1].json() == {"error": {"type": "misdirected_request", "message": "there", "data": data}}
    assert (answers[2].headers["retry-after"], answers[2].json()["error"]["message"]) == ("1.5", "Too many requests")
    assert answers[3].json()["error"] == {"type": "never_seen", "message": "never_seen"}
    assert (answers[4].text, answers[4].headers["retry-after"]) == ("<h1>oops</h1>", "2")
    assert (answers[5].text, sandbox.performed[ACTION]) == ("", 1)


async def test_an_error_may_come_after_performing(api, sandbox):
    sandbox.faults.add(Fault("error", ACTION, type="request_timeout", perform=True))
    answer = await api.send(ACTION, {"fields": {}})
    assert (answer.status_code, sandbox.performed[ACTION]) == (504, 1)


async def test_a_fault_for_another_action_stays_armed(api, sandbox):
    sandbox.faults.add(Fault("error", "start_chat"))
    assert (await api.send(ACTION, {"fields": {}})).status_code == 200
    assert len(sandbox.faults) == 1


async def test_latency_uses_the_injected_sleep(api, sandbox, sleeps):
    armed = sandbox.faults.add(Fault("latency", seconds=7.5))
    assert (await api.send(ACTION, {"fields": {}})).json() == {"payload": {}}
    assert sleeps.asked == [7.5]
    assert armed.finished.is_set()


async def test_a_stall_before_the_headers_holds_until_released(strike):
    async with strike("stall-before-headers") as one:
        one.raw.ask()
        await one.met()
        assert one.performed == 0
        one.armed.release()
        assert await one.raw.answer() == ANSWER
        assert one.performed == 1


async def test_a_stall_ends_after_its_time(strike, sleeps):
    async with strike("stall-before-headers", seconds=30) as one:
        one.raw.ask()
        assert await one.raw.answer() == ANSWER
        assert sleeps.asked == [30]


@pytest.mark.parametrize("perform", [False, True])
async def test_a_stall_ends_when_the_client_disconnects(strike, perform):
    async with strike("stall-before-headers", perform=perform) as one:
        one.raw.ask()
        await one.met()
        one.raw.writer.close()
        await one.finished()
        assert one.performed == perform


async def test_a_stall_mid_body_sends_half(strike):
    async with strike("stall-mid-body") as one:
        one.raw.ask()
        await one.raw.until(b"\r\n\r\n" + ANSWER[:7])
        assert one.performed == 1
        one.armed.release()
        assert await asyncio.wait_for(one.raw.reader.readexactly(7), PATIENCE) == ANSWER[7:]


async def test_a_stall_mid_body_ends_when_the_client_disconnects(strike):
    async with strike("stall-mid-body") as one:
        one.raw.ask()
        await one.raw.until(ANSWER[:7])
        one.raw.writer.transport.abort()
        await one.finished()


@pytest.mark.parametrize("asked", [head(len(BODY)), WHOLE, head(10_000_000) + b"x" * 3_000_000])
async def test_a_reset_before_reading_performs_nothing(strike, sandbox, asked):
    async with strike("reset-before-reading") as one:
        one.raw.ask(asked)
        with pytest.raises(ConnectionResetError):
            await one.raw.rest()
        assert one.performed == 0
        assert (sandbox.requests[0].size, sandbox.requests[0].status) == (0, None)


async def test_a_reset_after_performing_performs(strike):
    async with strike("reset-after-performing") as one:
        one.raw.ask()
        with pytest.raises(ConnectionResetError):
            await one.raw.rest()
        assert one.performed == 1


async def test_a_late_performance_follows_the_reset(strike, sandbox):
    pause = asyncio.Event()
    sandbox._engine.sleep = lambda _: pause.wait()
    async with strike("late-performance", seconds=3) as one:
        one.raw.ask()
        with pytest.raises(ConnectionResetError):
            await one.raw.rest()
        assert (one.performed, one.armed.finished.is_set()) == (0, False)
        pause.set()
        await one.finished()
        assert one.performed == 1
        assert sandbox.requests[0].performed


async def test_a_late_performance_can_follow_an_error(api, sandbox, sleeps):
    armed = sandbox.faults.add(Fault("late-performance", ACTION, type="request_timeout"))
    assert (await api.send(ACTION, {"fields": {}})).json()["error"]["type"] == "request_timeout"
    await asyncio.wait_for(armed.finished.wait(), PATIENCE)
    assert (sandbox.performed[ACTION], sleeps.asked) == (1, [2.0])


async def test_a_late_performance_can_hold_the_connection(strike, sandbox):
    sandbox._engine.sleep = lambda _: asyncio.Event().wait()
    async with strike("late-performance", hold=True) as one:
        one.raw.ask()
        await one.met()
        assert one.performed == 0
        one.armed.release()
        assert await one.raw.answer() == ANSWER
        assert one.performed == 1


async def test_a_held_late_performance_happens_even_if_the_client_disconnects(strike, sandbox):
    sandbox._engine.sleep = lambda _: asyncio.Event().wait()
    async with strike("late-performance", hold=True) as one:
        one.raw.ask()
        await one.met()
        one.raw.writer.transport.abort()
        one.armed.release()
        await one.finished()
        assert one.performed == 1


async def test_a_truncated_body_ends_before_its_length(strike):
    async with strike("truncated-body") as one:
        one.raw.ask()
        answer = await one.raw.rest()
        assert b"content-length: 14\r\n" in answer
        assert answer.endswith(b"\r\n\r\n" + ANSWER[:7])
        assert one.performed == 1


@pytest.mark.parametrize("delta, announced", [(-5, 9), (-100, 0)])
async def test_a_content_length_that_is_too_small_leaves_bytes_behind(strike, delta, announced):
    async with strike("wrong-content-length", delta=delta) as one:
        one.raw.ask()
        headers, body = (await one.raw.until(ANSWER)).split(b"\r\n\r\n")
        assert f"content-length: {announced}\r\n".encode() in headers + b"\r\n"
        assert body == ANSWER
        one.raw.ask()
        assert await one.raw.answer() == ANSWER
        assert one.performed == 2


async def test_an_answer_with_too_large_a_content_length_never_ends(strike):
    async with strike("wrong-content-length", delta=3) as one:
        one.raw.ask()
        headers = await one.raw.until(ANSWER)
        assert b"content-length: 17\r\n" in headers
        one.armed.release()
        assert await one.raw.rest() == b""


@pytest.mark.parametrize("perform", [None, False])
async def test_garbage_http(strike, perform):
    async with strike("garbage-http", perform=perform) as one:
        one.raw.ask()
        answer = await one.raw.rest()
        assert answer
        assert not answer.startswith(b"HTTP")
        assert one.performed == (perform is None)


async def test_garbage_body(api, sandbox):
    sandbox.faults.add(Fault("garbage-body"))
    answer = await api.send(ACTION, {"fields": {}})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match="utf"):
        json.loads(answer.content)
    assert sandbox.performed[ACTION] == 1


async def test_a_slow_drip_is_sent_in_chunks(api, sandbox, sleeps):
    sandbox.faults.add(Fault("slow-drip", chunk=5, seconds=0.5))
    answer = await api.send(ACTION, {"fields": {}})
    assert (answer.content, sleeps.asked) == (ANSWER, [0.5] * 3)


async def test_a_slow_drip_ends_when_the_client_disconnects(strike, sandbox):
    first = asyncio.Event()

    async def sleep(_):
        first.set()
        await asyncio.Event().wait()

    sandbox._engine.sleep = sleep
    async with strike("slow-drip") as one:
        one.raw.ask()
        await asyncio.wait_for(first.wait(), PATIENCE)
        one.raw.writer.transport.abort()
        while one.server.open_connections:  # noqa: ASYNC110 - nothing tells when the server has noticed
            await asyncio.sleep(0)
        one.armed.release()
        await one.finished()


async def test_close_after_response(strike):
    async with strike("close-after-response") as one:
        one.raw.ask()
        assert await one.raw.answer() == ANSWER
        assert await one.raw.rest() == b""
        assert one.performed == 1


async def test_close_on_next_request(strike, sandbox):
    async with strike("close-on-next-request") as one:
        one.raw.ask()
        assert await one.raw.answer() == ANSWER
        assert one.server.open_connections == 1
        one.raw.ask()
        assert await one.raw.rest() == b""
        assert (one.performed, sandbox.arrived[ACTION], sandbox.unread_requests) == (1, 1, 1)


@pytest.mark.parametrize(
    "kind",
    [
        "reset-before-reading",
        "reset-after-performing",
        "late-performance",
        "truncated-body",
        "wrong-content-length",
        "garbage-http",
        "close-after-response",
        "close-on-next-request",
    ],
)
async def test_some_faults_need_a_socket(api, sandbox, kind):
    sandbox.faults.add(Fault(kind))
    with pytest.raises(RuntimeError, match="needs a socket"):
        await api.send(ACTION, {"fields": {}})
    assert not sandbox.performed


async def test_a_failing_sleep_raises(api, sandbox):
    async def broken(_):
        raise OSError("no time")

    sandbox._engine.sleep = broken
    sandbox.faults.add(Fault("latency"))
    with pytest.raises(OSError, match="no time"):
        await api.send(ACTION, {"fields": {}})


async def test_a_client_that_disconnects_while_sending_performs_nothing(strike, sandbox):
    async with strike("latency") as one:
        one.raw.ask(WHOLE[:-5])
        await one.met()
        one.raw.writer.transport.abort()
        await one.finished()
        assert one.performed == 0


async def test_httpx_sees_a_reset():
    sandbox = Sandbox(faults=[Fault("reset-after-performing")])
    async with serve(sandbox) as server, Api(sandbox, base_url=server.url).http as http:
        with pytest.raises(httpx.ReadError):
            await http.post(PATH + ACTION, json={"payload": {"fields": {}}})
        assert (await http.post(PATH + ACTION, json={"payload": {"fields": {}}})).status_code == 200
    assert sandbox.performed[ACTION] == 2
