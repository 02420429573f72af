import asyncio
import io
import json
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console
from typer.main import get_command

from livechat_customer_async import AsyncCustomerSession, CallEnd, Outcome
from livechat_customer_async.cli import _options, _payload, _terminal
from livechat_customer_async.cli._actions import ACTIONS
from livechat_customer_async.cli._app import app
from livechat_customer_async.cli._interrupts import InterruptedCalls
from livechat_customer_async.sandbox import Fault, FaultKind
from tests.cli.conftest import TOKEN, Cli, Served, finish, only_line, start


def test_it_prints_the_result_as_one_line_of_json(served: Served, cli: Cli) -> None:
    ran = cli("call", "get_groups_status", "--payload", '{"all": true}')
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == '{"groups_status": {"0": "online"}}\n'


def test_the_payload_may_be_left_out(served: Served, cli: Cli) -> None:
    assert json.loads(cli("call", "start_chat").stdout)["chat"]["id"] in served.sandbox.chats
    assert served.sandbox.requests[-1].payload == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_payload_may_be_in_a_file(served: Served, cli: Cli, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"name": "Zoë"}', encoding=encoding)
    assert cli("call", "update_customer", "-p", f"@{file}").exit_code == 0
    assert served.sandbox.customer(TOKEN).name == "Zoë"


@pytest.mark.parametrize("option", ["-", "@-"])
def test_the_payload_may_be_piped(served: Served, cli: Cli, option: str) -> None:
    assert cli("call", "update_customer", "-p", option, input='{"name": "Zoë"}'.encode()).exit_code == 0
    assert served.sandbox.customer(TOKEN).name == "Zoë"


@pytest.mark.parametrize(
    "payload, said",
    [
        ("{", "not valid JSON: Expecting property name"),
        ("[]", "expected a JSON object {…}, got an array"),
        ("@no-such-file", "cannot read no-such-file: No such file"),
        ("@", "expected a file name after @"),
        ("@.", "cannot read .: Is a directory"),
        ("", "expected a JSON object, got nothing"),
        (" \n", "expected a JSON object, got nothing"),
        ("null", "expected a JSON object {…}, got null"),
        ("true", "got a boolean"),
        ("1", "got a number"),
        ('"x"', "got a string"),
        ("[" * 100_000, "nested too deeply"),
        ("pyproject.toml", "to read the file, use @pyproject.toml"),
        ('{"action": "close_thread", "payload": {}}', "its key `action` names another action"),
        ('{"x": NaN}', "payload"),
    ],
)
def test_a_bad_payload_is_wrong_usage(served: Served, cli: Cli, payload: str, said: str) -> None:
    ran = cli("call", "start_chat", "-p", payload)
    assert ran.exit_code == 2
    assert said in only_line(ran.stderr)
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "payload",
    [
        {"payload": {"name": "Zoë"}},
        {"action": "update_customer", "payload": {"name": "Zoë"}, "version": "3.0", "request_id": "1"},
    ],
)
def test_a_complete_request_is_reduced_to_its_payload(served: Served, cli: Cli, payload: object) -> None:
    ran = cli("call", "update_customer", "-p", json.dumps(payload))
    assert ran.exit_code == 0
    assert ran.stderr == "note: sending only the value of `payload`: the command adds the envelope itself\n"
    assert served.sandbox.requests[-1].payload == {"name": "Zoë"}


@pytest.mark.parametrize("payload", [{"payload": {}, "name": "Zoë"}, {"payload": "Zoë"}])
def test_a_parameter_called_payload_is_sent(served: Served, cli: Cli, payload: object) -> None:
    ran = cli("call", "update_customer", "-p", json.dumps(payload))
    assert ran.exit_code == 4
    assert served.sandbox.requests[-1].payload == payload


# ---- the action


def test_the_help_lists_the_actions_of_the_session(cli: Cli) -> None:
    session = AsyncCustomerSession(1, TOKEN)
    shown = cli("call", "--help").stdout
    for namespace, actions in ACTIONS.items():
        methods = [name for name in dir(getattr(session, namespace)) if not name.startswith(("_", "iter_"))]
        assert sorted(actions) == methods
    asyncio.run(session.aclose())
    for name, text in [(name, text) for actions in ACTIONS.values() for name, text in actions.items()]:
        assert re.search(rf"^ +{name} +{re.escape(text)} *$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "action, meant",
    [
        ("get_chat_summary", "get_chats_summary"),
        ("Start-Chat", "start_chat"),
        ("sendevent", "send_event"),
        ("getForm", "get_form"),
    ],
)
def test_a_typing_error_is_refused_with_a_suggestion(served: Served, cli: Cli, action: str, meant: str) -> None:
    ran = cli("call", action)
    assert ran.exit_code == 2
    assert f"did you mean {meant}?" in only_line(ran.stderr)
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "arguments", [["get_chat_summary", "--force"], ["list_everything"], ["list_everything", "--force"]], ids=" ".join
)
def test_an_unknown_action_can_be_called(served: Served, cli: Cli, arguments: list[str]) -> None:
    ran = cli("call", *arguments)
    assert ran.exit_code == 4
    assert ran.stderr.startswith(f"note: {arguments[0]} is not a documented action")
    assert served.sandbox.arrived[arguments[0]] == 1


@pytest.mark.parametrize("action", ["send_file", "upload_file"])
def test_upload_actions_name_the_upload_command(cli: Cli, action: str) -> None:
    ran = cli("call", action)
    assert ran.exit_code == 2
    assert "livechat-customer upload" in only_line(ran.stderr)


def error(type: str, **options: object) -> Fault:
    return Fault(FaultKind.ERROR, type=type, times=None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault, exit_code, said",
    [
        (error("authentication"), 3, "authentication"),
        (error("authorization"), 3, "authorization"),
        (error("group_offline"), 4, "the server did nothing"),
        (error("internal"), 6, "the server may have acted"),
        (Fault(FaultKind.RESET_AFTER_PERFORMING, "start_chat"), 6, "the server may have acted"),
        (Fault(FaultKind.GARBAGE_BODY, "start_chat"), 6, "the server may have acted"),
    ],
    ids=lambda value: getattr(value, "type", None) or getattr(value, "kind", None),
)
def test_an_error_is_one_line_and_an_exit_code(
    served: Served, cli: Cli, fault: Fault, exit_code: int, said: str
) -> None:
    served.arm(fault)
    ran = cli("call", "start_chat", "--no-retry")
    assert (ran.exit_code, ran.stdout) == (exit_code, "")
    line = only_line(ran.stderr)
    assert line.startswith("error: start_chat: ")
    assert said in line


def test_connection_refused(served: Served, cli: Cli) -> None:
    ran = cli("call", "start_chat", "--no-retry", "--base-url", "http://127.0.0.1:1")
    assert ran.exit_code == 5
    assert "nothing was sent; 1 attempt" in only_line(ran.stderr)


@pytest.mark.parametrize("replay, exit_code, arrived", [("safe", 0, 2), ("unsafe", 6, 1)])
def test_only_a_safe_call_is_retried(served: Served, cli: Cli, replay: str, exit_code: int, arrived: int) -> None:
    served.arm(Fault(FaultKind.RESET_AFTER_PERFORMING, "get_groups_status"))
    assert cli("call", "get_groups_status", "--replay", replay).exit_code == exit_code
    assert served.sandbox.arrived["get_groups_status"] == arrived


def test_no_retry_is_one_attempt(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.RESET_AFTER_PERFORMING, "get_groups_status"))
    assert cli("call", "get_groups_status", "--replay", "safe", "--no-retry").exit_code == 6
    assert served.sandbox.arrived["get_groups_status"] == 1


def test_verbose_logs_each_attempt(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.RESET_AFTER_PERFORMING, "get_groups_status"))
    ran = cli("call", "get_groups_status", "--replay", "safe", "-v")
    assert json.loads(ran.stdout) == {"groups_status": {"0": "online"}}
    first, again, second = ran.stderr.splitlines()
    assert first.startswith("get_groups_status: attempt 1: no answer (TransportError) in ")
    assert again.startswith("get_groups_status: retrying in ")
    assert second.startswith("get_groups_status: attempt 2: 200 in ")


def test_timeout_bounds_the_call(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.STALL_BEFORE_HEADERS, "start_chat"))
    ran = cli("call", "start_chat", "--timeout", "0.3")
    assert ran.exit_code == 6
    assert "0.3 s" in only_line(ran.stderr)


# ---- who speaks, and where to


def test_options_override_the_environment(served: Served, cli: Cli) -> None:
    options = ["--license-id", "7", "--access-token", "dal-other", "--region", "fra"]
    assert cli("call", "start_chat", *options).exit_code == 0
    request = served.sandbox.requests[0]
    assert dict(request.query) == {"license_id": "7"}
    assert request.headers["authorization"] == "Bearer dal-other"
    assert request.headers["x-region"] == "fra"


@pytest.mark.parametrize(
    "missing, said",
    [
        ("LIVECHAT_LICENSE_ID", "missing license ID: pass --license-id or set LIVECHAT_LICENSE_ID"),
        ("LIVECHAT_ACCESS_TOKEN", "missing access token: set LIVECHAT_ACCESS_TOKEN or pass --access-token"),
    ],
)
def test_missing_credentials_are_named(
    served: Served, cli: Cli, missing: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    ran = cli("call", "start_chat")
    assert ran.exit_code == 2
    assert only_line(ran.stderr) == f"error: {said}"


BAD = [
    ("LIVECHAT_LICENSE_ID", "--license-id", "many", "expected a whole number of at least 1"),
    ("LIVECHAT_LICENSE_ID", "--license-id", "0", "expected a whole number of at least 1"),
    ("LIVECHAT_LICENSE_ID", "--license-id", "1.0", "expected a whole number of at least 1"),
    ("LIVECHAT_LICENSE_ID", "--license-id", "1" * 5000, "expected a whole number of at least 1"),
    ("LIVECHAT_LICENSE_ID", "--license-id", TOKEN, "expected a whole number of at least 1"),
    ("LIVECHAT_ACCESS_TOKEN", "--access-token", f"{TOKEN}\n", ""),
    ("LIVECHAT_ACCESS_TOKEN", "--access-token", f"Bearer {TOKEN}", ""),
    ("LIVECHAT_ACCESS_TOKEN", "--access-token", f"{TOKEN}é", ""),
    ("LIVECHAT_REGION", "--region", "mars", "expected dal or fra"),
    ("LIVECHAT_REGION", "--region", TOKEN, "expected dal or fra"),
    ("LIVECHAT_BASE_URL", "--base-url", "ftp://x", ""),
    ("LIVECHAT_BASE_URL", "--base-url", TOKEN, ""),
]


@pytest.mark.parametrize("variable, option, value, said", BAD)
def test_an_invalid_value_is_one_line_that_names_its_source(
    served: Served, cli: Cli, variable: str, option: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = cli("call", "start_chat", f"{option}={value}")
    assert told.exit_code == 2
    assert only_line(told.stderr).startswith(f"error: {option}: {said}")
    monkeypatch.setenv(variable, value)
    told = cli("call", "start_chat")
    assert told.exit_code == 2
    assert only_line(told.stderr).startswith(f"error: environment variable {variable}: {said}")
    assert told.stderr.endswith(" (see `livechat-customer call --help`)\n")
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "option, value, said",
    [
        ("--timeout", "soon", "expected a number of seconds of at least 0.001"),
        ("--timeout", "0", "expected a number of seconds of at least 0.001"),
        ("--timeout", "nan", "expected a number of seconds of at least 0.001"),
        ("--timeout", "inf", "expected a number of seconds of at least 0.001"),
        ("--replay", "maybe", "expected safe or unsafe"),
    ],
)
def test_an_invalid_option_is_one_line(served: Served, cli: Cli, option: str, value: str, said: str) -> None:
    ran = cli("call", "start_chat", option, value)
    assert ran.exit_code == 2
    assert only_line(ran.stderr) == f"error: {option}: {said} (see `livechat-customer call --help`)"


def test_an_overridden_variable_may_be_invalid(served: Served, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECHAT_REGION", "mars")
    assert cli("call", "start_chat", "--region", "dal").exit_code == 0


def test_an_invalid_proxy_is_blamed_on_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"gopher://user:{TOKEN}@proxy.example")
    ran = cli("call", "start_chat", "--license-id", 1, "--access-token", TOKEN)
    assert ran.exit_code == 2
    assert "HTTPS_PROXY" in only_line(ran.stderr)


@pytest.mark.parametrize("type, hint", [("authentication", True), ("authorization", False)])
def test_a_refused_token_may_have_expired(served: Served, cli: Cli, type: str, hint: bool) -> None:
    served.arm(error(type))
    line = only_line(cli("call", "start_chat").stderr)
    assert line.endswith(" (the access token may have expired)") == hint


@pytest.fixture
def _somebody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVECHAT_ACCESS_TOKEN")
    monkeypatch.setattr(_options, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


@pytest.mark.usefixtures("served", "_somebody_is_there")
def test_a_missing_token_is_prompted_for(cli: Cli) -> None:
    ran = cli("call", "get_groups_status", input=f"{TOKEN}\n")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)
    assert "Access token:" in ran.stderr


@pytest.mark.usefixtures("served", "_somebody_is_there")
def test_the_prompt_can_be_interrupted(cli: Cli) -> None:
    ran = cli("call", "get_groups_status", input="")
    assert ran.exit_code == 130
    assert [line.rstrip() for line in ran.stderr.splitlines()] == ["Access token:", "error: interrupted"]


@pytest.mark.usefixtures("served", "_somebody_is_there")
def test_an_invalid_token_from_the_prompt_is_not_blamed_on_an_option(cli: Cli) -> None:
    ran = cli("call", "get_groups_status", input=f"Bearer {TOKEN}\n")
    assert ran.exit_code == 2
    assert "error: invalid access token entered at the prompt: " in ran.stderr


@pytest.mark.parametrize(
    "missing, arguments, said",
    [
        ("LIVECHAT_ACCESS_TOKEN", [], "missing access token: set LIVECHAT_ACCESS_TOKEN"),
        ("LIVECHAT_REGION", ["-p", "-"], "--payload: standard input is closed"),
    ],
)
def test_standard_input_may_be_closed(
    served: Served, cli: Cli, missing: str, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing, raising=False)
    for module in (_options, _payload):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=None))
    ran = cli("call", "get_groups_status", *arguments)
    assert ran.exit_code == 2
    assert only_line(ran.stderr).startswith(f"error: {said}")


@pytest.fixture
def access() -> _options.SessionOptions:
    return _options.SessionOptions(
        context=typer.Context(get_command(app)),
        license_id=1,
        access_token=TOKEN,
        base_url=None,
        region=None,
        timeout=None,
        no_retry=False,
        verbose=False,
    )


def test_a_repr_of_the_options_hides_the_token(access: _options.SessionOptions) -> None:
    assert TOKEN not in repr(access)


def test_the_default_base_url_is_the_public_one(access: _options.SessionOptions) -> None:
    session = access.session(Console())
    asyncio.run(session.aclose())
    assert "https://api.livechatinc.com" in repr(session)


# ---- how it is printed


def printed(value: object, monkeypatch: pytest.MonkeyPatch, **console: object) -> str:
    written = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(_terminal, "out", lambda: Console(file=written, width=40, **console))  # type: ignore[arg-type]
    _terminal.print_json(value)
    written.seek(0)
    return written.read()


def test_on_a_terminal_it_is_indented_and_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"long": "word " * 30, "list": [1, None]}
    plain = printed(value, monkeypatch, force_terminal=True, no_color=True, color_system=None)
    assert plain == json.dumps(value, indent=2) + "\n"
    assert "\x1b[" in printed(value, monkeypatch, force_terminal=True, color_system="standard")


def test_control_characters_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"text": "\x1b[2J \x9b2J \x7f Zoë"}
    shown = printed(value, monkeypatch, force_terminal=True, color_system=None)
    assert not {"\x1b", "\x9b", "\x7f"} & set(shown)
    assert "Zoë" in shown
    assert json.loads(shown) == value


@pytest.mark.slow
@pytest.mark.parametrize("encoding, name", [("utf-8", "Zoë"), ("ascii", "Zo\\u00eb")])
def test_piped_json_is_valid_in_any_encoding(served: Served, cli: Cli, encoding: str, name: str) -> None:
    assert cli("call", "update_customer", "-p", '{"name": "Zoë"}').exit_code == 0
    ran = finish(start("call", "start_chat", encoding=encoding))
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["chat"]["users"][0]["name"] == "Zoë"
    assert name in ran.stdout


def test_an_interrupted_read_is_safe_to_repeat() -> None:
    calls = InterruptedCalls()

    async def interrupt(action: str, outcome: Outcome) -> None:
        error = "CancelledError"
        calls.on_call_end(CallEnd(call_id=1, action=action, attempts=1, elapsed=0.1, error=error, outcome=outcome))

    async def interrupt_all() -> None:
        await asyncio.gather(
            interrupt("get_form", Outcome.UNKNOWN),
            interrupt("get_chat_threads", Outcome.NOT_SENT),
            interrupt("send_event", Outcome.UNKNOWN),
        )

    asyncio.run(interrupt_all())
    said = "get_form: safe to repeat; get_chat_threads: nothing was sent; send_event: the API may have acted"
    assert str(calls) == said


def test_the_default_replay_is_that_of_the_action(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.RESET_AFTER_PERFORMING, "get_groups_status"))
    assert cli("call", "get_groups_status").exit_code == 0
    assert served.sandbox.arrived["get_groups_status"] == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
def test_ctrl_c_ends_it_in_one_line(served: Served) -> None:
    stalled = served.arm(Fault(FaultKind.STALL_BEFORE_HEADERS, "start_chat"))
    process = start("call", "start_chat")
    served.wait_for(stalled)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert (ran.exit_code, ran.stdout) == (130, "")
    assert only_line(ran.stderr) == "error: interrupted: start_chat: the API may have acted"
