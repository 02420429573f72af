import asyncio
import os
import signal
import ssl
import sys
import threading

import httpx
import pytest
import trustme

from livechat_customer_async.sandbox import Fault, Sandbox, run, serve
from tests.helpers.sandbox_api import PATH, Api


@pytest.fixture
def authority(tmp_path):
    """A certificate for 127.0.0.1: its chain file, its key file and a context that trusts it."""
    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    both, key, chain = tmp_path / "both.pem", tmp_path / "key.pem", tmp_path / "chain.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(both)
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return both, key, chain, context


@pytest.mark.asyncio
async def test_a_served_sandbox_answers_and_counts_connections():
    sandbox = Sandbox()
    async with serve(sandbox) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.sandbox is sandbox
        assert server.url in repr(server)
        async with Api(sandbox, base_url=server.url).http as http:
            for _ in range(3):
                answer = await http.post(PATH + "get_chats_summary", json={"payload": {}})
                assert answer.status_code == 200
                assert set(answer.headers) == {"content-type", "content-length"}
        assert server.accepted_connections == 1
    assert [request.connection for request in sandbox.requests] == [1, 1, 1]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(server.host, server.port)


@pytest.mark.asyncio
async def test_an_uploaded_file_is_served_at_its_url():
    sandbox = Sandbox()
    async with serve(sandbox) as server, Api(sandbox, base_url=server.url).http as http:
        files = {"payload.file": ("a.bin", b"x" * 1_000_000, "text/plain")}
        url = (await http.post(PATH + "upload_file", files=files)).json()["payload"]["url"]
        assert url.startswith(server.url)
        assert (await http.get(url)).content == b"x" * 1_000_000


@pytest.mark.asyncio
async def test_an_upload_that_is_too_large_keeps_the_connection():
    sandbox = Sandbox()
    async with serve(sandbox) as server, Api(sandbox, base_url=server.url).http as http:
        files = {"payload.file": ("a.bin", b"x" * 12_000_000, "text/plain")}
        assert (await http.post(PATH + "upload_file", files=files)).status_code == 413
        assert (await http.post(PATH + "get_chats_summary", json={"payload": {}})).status_code == 200
        assert server.accepted_connections == 1


@pytest.mark.asyncio
async def test_idle_connections_can_be_closed():
    sandbox = Sandbox()
    async with serve(sandbox) as server:
        fresh = await asyncio.open_connection(server.host, server.port)
        async with Api(sandbox, base_url=server.url).http as http:
            assert (await http.post(PATH + "get_chats_summary", json={"payload": {}})).status_code == 200
            armed = sandbox.faults.add(Fault("stall-before-headers"))
            busy = asyncio.create_task(http.post(PATH + "get_chats_summary", json={"payload": {}}))
            await armed.met.wait()
            assert server.open_connections == 2
            assert server.close_idle_connections() == 1
            assert await fresh[0].read() == b""
            fresh[1].close()
            armed.release()
            assert (await busy).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["stall-before-headers", "stall-mid-body", "latency", "late-performance", "slow-drip"])
async def test_stopping_does_not_wait_for_hanging_requests(kind, caplog):
    sandbox = Sandbox()
    armed = sandbox.faults.add(Fault(kind, seconds=3600))
    async with asyncio.timeout(1.5):
        async with serve(sandbox) as server:
            http = Api(sandbox, base_url=server.url).http
            call = asyncio.create_task(http.post(PATH + "set_customer_fields", json={"payload": {"fields": {}}}))
            await armed.met.wait()
            if kind == "late-performance":
                with pytest.raises(httpx.TransportError):
                    await call
        with pytest.raises(httpx.TransportError):
            await call
        await http.aclose()
    assert sandbox.performed.total() == (kind in {"stall-mid-body", "slow-drip"})
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


@pytest.mark.asyncio
async def test_stopping_cancels_what_does_not_end(monkeypatch):
    monkeypatch.setattr("livechat_customer_async.sandbox._server._STOP_SECONDS", 0.01)
    entered = asyncio.Event()
    sandbox = Sandbox()

    async def stuck(scope, receive, send):
        entered.set()
        await asyncio.Event().wait()

    sandbox.app = stuck
    async with serve(sandbox) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
    writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("separate_key", [True, False])
async def test_tls(authority, separate_key):
    both, key, chain, context = authority
    files = {"ssl_certfile": chain, "ssl_keyfile": key} if separate_key else {"ssl_certfile": both}
    sandbox = Sandbox(faults=[Fault("reset-after-performing")])
    async with serve(sandbox, **files) as server:
        assert server.url.startswith("https://")
        async with Api(sandbox, base_url=server.url, verify=context).http as http:
            with pytest.raises(httpx.ReadError):
                await http.post(PATH + "get_chats_summary", json={"payload": {}})
            assert (await http.post(PATH + "get_chats_summary", json={"payload": {}})).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
async def test_only_loopback_by_default(host):
    with pytest.raises(ValueError, match="not a loopback address"):
        async with serve(Sandbox(), host):
            raise AssertionError


@pytest.mark.asyncio
async def test_allow_remote():
    async with serve(Sandbox(), "0.0.0.0", allow_remote=True) as server:
        assert server.port > 0


@pytest.mark.asyncio
async def test_localhost_and_ipv6():
    async with serve(Sandbox(), "localhost") as server:
        assert server.url == f"http://localhost:{server.port}"
    try:
        async with serve(Sandbox(), "::1") as server:
            assert server.url == f"http://[::1]:{server.port}"
    except OSError:
        pytest.skip("no IPv6 here")


@pytest.mark.asyncio
async def test_a_port_in_use_is_an_os_error():
    async with serve(Sandbox()) as server:
        with pytest.raises(OSError, match="in use"):
            async with serve(Sandbox(), port=server.port):
                raise AssertionError


@pytest.mark.asyncio
async def test_a_sandbox_can_be_served_twice():
    sandbox = Sandbox()
    async with serve(sandbox) as first, serve(sandbox) as second:
        for server in (first, second):
            async with Api(sandbox, base_url=server.url).http as http:
                assert (await http.post(PATH + "get_chats_summary", json={"payload": {}})).status_code == 200
    assert sandbox.performed["get_chats_summary"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_a_signal(name):
    sandbox, urls = Sandbox(), []

    def on_ready(server):
        urls.append(server.url)
        os.kill(os.getpid(), name)

    run(sandbox, port=0, on_ready=on_ready)
    assert urls[0].startswith("http://127.0.0.1:")


def test_run_ends_quietly_when_interrupted_elsewhere():
    def on_ready(_):
        raise KeyboardInterrupt

    run(Sandbox(), port=0, on_ready=on_ready)


def test_run_needs_no_main_thread():
    seen = []

    def on_ready(server):
        seen.append(server.port)
        raise KeyboardInterrupt

    thread = threading.Thread(target=run, args=(Sandbox(),), kwargs={"port": 0, "on_ready": on_ready})
    thread.start()
    thread.join(5)
    assert seen
