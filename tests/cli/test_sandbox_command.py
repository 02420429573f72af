import errno
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable

import httpx
import pytest

import livechat_customer_async.sandbox
from livechat_customer_async.cli import _request_log, _sandbox
from livechat_customer_async.cli._sandbox import example
from livechat_customer_async.sandbox import SandboxServer, friendly_agent
from tests.cli.conftest import TOKEN, Cli, Ran, finish, only_line, start

LINE = re.compile(r"\d\d:\d\d:\d\d  (\S+) +(no answer|\d{3}) +[\d.,]+ ms")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
Visit = Callable[[SandboxServer], object]


def post(
    server: SandboxServer, action: str, payload: object = None, *, license_id: int = 1, token: str = TOKEN
) -> httpx.Response:
    return httpx.post(
        f"{server.url}/v3.0/customer/action/{action}?license_id={license_id}",
        json={"payload": payload or {}},
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
    )


@pytest.fixture
def visited(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command in this process, call the visitor in a thread when ready, and send Ctrl-C afterwards."""
    run = livechat_customer_async.sandbox.run

    def with_visit(visit: Visit, *arguments: object) -> Ran:
        failures: list[BaseException] = []

        def visitor(server: SandboxServer) -> None:
            try:
                visit(server)
            except BaseException as error:  # noqa: BLE001 - raised again where it is seen
                failures.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        def run_with_visit(*args: object, on_ready: Callable[[SandboxServer], object], **options: object) -> None:
            def ready(server: SandboxServer) -> None:
                on_ready(server)
                thread.append(threading.Thread(target=visitor, args=(server,)))
                thread[0].start()

            thread: list[threading.Thread] = []
            run(*args, on_ready=ready, **options)  # type: ignore[arg-type]
            thread[0].join()

        monkeypatch.setattr(livechat_customer_async.sandbox, "run", run_with_visit)
        ran = cli("sandbox", "--port", 0, *arguments)
        assert failures == []
        return ran

    return with_visit


def lines(ran: Ran) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in map(LINE.fullmatch, ran.stdout.splitlines()) if match]


@needs_signals
def test_it_prints_each_request_and_stops_on_ctrl_c(visited: Callable[..., Ran]) -> None:
    def visit(server: SandboxServer) -> None:
        assert post(server, "start_chat").status_code == 200
        assert post(server, "nonsense").status_code == 404
        assert httpx.get(f"{server.url}/files/a/b", trust_env=False).status_code == 404

    ran = visited(visit)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert lines(ran) == [("start_chat", "200"), ("nonsense", "404"), ("/files/a/b", "404")]
    assert ran.stdout.endswith("\nStopped after 3 requests.\n")


@needs_signals
def test_a_request_without_an_answer_says_so(visited: Callable[..., Ran]) -> None:
    def visit(server: SandboxServer) -> None:
        with pytest.raises(httpx.ReadError):
            post(server, "start_chat")

    ran = visited(visit, "--fault", "start_chat:reset-after-performing", "--fault", "close_thread:latency")
    assert lines(ran) == [("start_chat", "no answer")]
    assert "(an agent replies, 2 faults armed)" in ran.stdout
    assert "Stopped after 1 request." in ran.stdout


@needs_signals
def test_control_characters_are_not_printed(visited: Callable[..., Ran]) -> None:
    ran = visited(lambda server: post(server, "%1b%5b2Jx" + "y" * 500))
    assert "\x1b" not in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) < 300


@needs_signals
def test_the_options_reach_the_sandbox(visited: Callable[..., Ran]) -> None:
    seen: list[tuple[object, object]] = []

    def visit(server: SandboxServer) -> None:
        seen.append((post(server, "start_chat", license_id=7).status_code, server.sandbox.agent))
        seen.append((post(server, "start_chat", license_id=8).status_code, None))
        seen.append((post(server, "start_chat", license_id=7, token="dal-x").json()["error"]["type"], None))

    ran = visited(visit, "--license-id", 7, "--region", "fra", "--no-agent")
    assert [one for one, _ in seen][2] == "misdirected_request"
    assert seen[0][1] is None
    assert seen[0][0] != 200  # the token is one of dal
    assert "(no agent)" in ran.stdout
    assert "LIVECHAT_LICENSE_ID=7" in ran.stdout
    assert "LIVECHAT_ACCESS_TOKEN=fra-visitor" in ran.stdout


@needs_signals
def test_verbose_logs_the_texts_of_messages(visited: Callable[..., Ran]) -> None:
    chats: list[str] = []

    def visit(server: SandboxServer) -> None:
        post(server, "update_customer", {"name": "Ada\x1b[2J"})
        chats.append(post(server, "start_chat").json()["payload"]["chat"]["id"])
        for event in (
            {"type": "message", "text": "Hello\nagain"},
            {"type": "custom", "content": {}},
            {"type": "system_message", "text": "queued", "system_message_type": "x"},
        ):
            assert post(server, "send_event", {"chat_id": chats[-1], "event": event}).status_code == 200
        server.sandbox.say(chats[-1], "Bye", author_id="other@example.com")
        server.sandbox.say(chats[-1], {"type": "system_message", "text": "closed", "system_message_type": "x"})
        post(server, "get_chat_threads", {"chat_id": chats[-1]})

    ran = visited(visit, "--verbose")
    logged = [line.strip() for line in ran.stdout.splitlines() if line.startswith(" " * 10)]
    assert logged == [
        f"{chats[-1]}  Ada [2J: Hello again",
        f"{chats[-1]}  Sandy: Hello Ada\x1b[2J, this is the sandbox. You said: Hello again".replace("\x1b", " "),
        f"{chats[-1]}  Ada [2J: [custom]",
        f"{chats[-1]}  Ada [2J: [system_message] queued",
        f"{chats[-1]}  other@example.com: Bye",
        f"{chats[-1]}  system: [system_message] closed",
    ]
    assert not [line for line in visited(visit).stdout.splitlines() if "Hello" in line]


@needs_signals
def test_any_region(visited: Callable[..., Ran]) -> None:
    def visit(server: SandboxServer) -> None:
        assert server.sandbox.agent is friendly_agent
        for token in ("dal-x", "fra-x"):
            assert post(server, "start_chat", token=token).status_code == 200

    assert "LIVECHAT_ACCESS_TOKEN=dal-visitor" in visited(visit, "--region", "any").stdout


@needs_signals
def test_remote_hosts_need_allow_remote(visited: Callable[..., Ran], cli: Cli) -> None:
    refused = cli("sandbox", "--host", "0.0.0.0", "--port", 0)
    assert refused.exit_code == 2
    assert "--allow-remote" in only_line(refused.stderr)
    ran = visited(lambda server: server.port, "--host", "0.0.0.0", "--allow-remote")
    assert "LIVECHAT_BASE_URL=http://127.0.0.1:" in ran.stdout


def test_a_port_in_use_is_one_line(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = cli("sandbox", "--port", taken.getsockname()[1])
    assert ran.exit_code == 2
    line = only_line(ran.stderr)
    assert "cannot listen on 127.0.0.1:" in line
    assert "while" not in line
    assert line.endswith(" (use --port 0 for a free port)")


def test_a_bad_host_gives_no_hint_about_the_port() -> None:
    text = "Cannot assign requested address (while attempting to bind on address ('10.1.2.3', 0))"
    assert _sandbox._bind_problem(OSError(errno.EADDRNOTAVAIL, text)) == "Cannot assign requested address"


@pytest.mark.parametrize("text, said", [("nonsense", "ACTION:KIND"), ("*:explode", "unknown fault 'explode'")])
def test_a_bad_fault_is_wrong_usage(cli: Cli, text: str, said: str) -> None:
    ran = cli("sandbox", "--fault", text)
    assert ran.exit_code == 2
    assert said in only_line(ran.stderr)


def test_the_example_suits_the_shell() -> None:
    variables = {"LIVECHAT_BASE_URL": "http://x", "LIVECHAT_LICENSE_ID": "1"}
    call = "livechat-customer call start_chat --payload"
    assert example(variables, windows=False) == [
        "export LIVECHAT_BASE_URL=http://x",
        "export LIVECHAT_LICENSE_ID=1",
        f"{call} '{{\"continuous\": true}}'",
    ]
    assert example(variables, windows=True) == [
        '$env:LIVECHAT_BASE_URL = "http://x"',
        '$env:LIVECHAT_LICENSE_ID = "1"',
        f"'{{\"continuous\": true}}' | {call} -",
    ]


@pytest.mark.parametrize("status, style", [(200, "green"), (404, "yellow"), (503, "red")])
def test_statuses_are_coloured(status: int, style: str) -> None:
    line = _request_log._line("/v3.0/customer/action/start_chat", status, 0.0012)
    assert line.plain.endswith("  start_chat" + " " * 27 + f"{status}     1.2 ms")
    assert style in [span.style for span in line.spans]


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_child_process_stops_cleanly(name: str) -> None:
    process = start("sandbox", "--port", 0, "--fault", "start_chat:stall-before-headers")
    assert process.stdout is not None
    banner = process.stdout.readline()
    url = re.search(r"http://\S+:\d+", banner)
    assert url is not None, banner
    hanging = start("call", "start_chat", "--license-id", 1, "--base-url", url[0], LIVECHAT_ACCESS_TOKEN=TOKEN)
    other = start("call", "get_groups_status", "--license-id", 1, "--base-url", url[0], LIVECHAT_ACCESS_TOKEN=TOKEN)
    assert any("get_groups_status" in line for line in process.stdout)
    process.send_signal(getattr(signal, name))
    stopped = finish(process)
    assert (stopped.exit_code, stopped.stderr) == (0, "")
    assert "Stopped after" in stopped.stdout
    assert TOKEN not in banner + stopped.stdout
    assert finish(other).exit_code == 0
    assert finish(hanging).exit_code in {5, 6}  # depends on whether it was sent in time
