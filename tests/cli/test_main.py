import os
import subprocess
import sys

import pytest
from typer.main import get_command

import livechat_customer_async
from livechat_customer_async.cli import main
from livechat_customer_async.cli._app import app
from tests.cli.conftest import TOKEN, Cli, only_line

CLI = "livechat_customer_async.cli"


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout.startswith(f"livechat-customer {livechat_customer_async.__version__} (Python 3.")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["livechat_customer_async", CLI])
def test_modules_run_the_command_line(module: str) -> None:
    ran = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
    assert livechat_customer_async.__version__ in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "shell, environment",
    [
        ("bash", {"COMP_WORDS": "livechat-customer call get_url", "COMP_CWORD": "2"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "livechat-customer call get_url"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "livechat-customer call get_url", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_shells_complete_the_name_of_an_action(shell: str, environment: dict[str, str]) -> None:
    program = f"import sys; sys.argv[0] = 'livechat-customer'; from {CLI} import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment, "_LIVECHAT_CUSTOMER_COMPLETE": f"complete_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "get_url_details" in ran.stdout
    assert "get_chat" not in ran.stdout


def test_main_runs_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["livechat-customer", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    assert livechat_customer_async.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("command", [[], ["demo"], ["sandbox"], ["chat"], ["call"], ["upload"]], ids=" ".join)
def test_every_command_has_help(cli: Cli, command: list[str]) -> None:
    ran = cli(*command, "--help")
    assert ran.exit_code == 0
    assert " ".join(["Usage: livechat-customer", *command]) in ran.stdout
    assert ("Exit codes:" in ran.stdout) == (command not in (["demo"], ["sandbox"]))


def test_without_a_command_it_prints_the_help_and_fails(cli: Cli) -> None:
    ran = cli()
    assert ran.exit_code == 2
    assert "Commands" in ran.stdout


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nope"], "No such command 'nope' (see `livechat-customer --help`)"),
        (["call"], "Missing argument 'ACTION' (see `livechat-customer call --help`)"),
        (["call", "x", "--license-id", "many"], "--license-id: expected"),
        (["call", "x", "--region", "mars"], "--region: expected dal or fra (see"),
        (["upload", "no-such-file"], "no-such-file"),
        (["upload", "-j", "0", __file__], "--concurrency: expected a whole number of at least 1 (see"),
        (["sandbox", "--port", "65536"], "--port: expected a number from 0 to 65535 (see"),
        (["sandbox", "--region", "mars"], "--region: expected dal, fra or any (see"),
        (["sandbox", "--license-id", "0"], "--license-id: expected"),
        (["--nope"], "--nope"),
    ],
)
def test_a_usage_error_is_one_line(cli: Cli, arguments: list[str], said: str) -> None:
    ran = cli(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said in only_line(ran.stderr)


def test_programs_may_run_it_without_ending_the_process() -> None:
    assert get_command(app).main(["call", "send_file", "--help"], standalone_mode=False) == 0


# ---- extras that are not installed


@pytest.mark.parametrize("missing", ["typer", "rich.console"])
def test_a_missing_extra_is_one_line(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{CLI}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    line = only_line(capsys.readouterr().err)
    assert f"requires {missing.partition('.')[0]}, which" in line
    assert 'pip install "livechat-customer-async[cli]"' in line


def test_ctrl_c_during_imports_prints_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow:
        @property
        def app(self) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, f"{CLI}._app", Slow())
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130
    assert capsys.readouterr().err == ""


INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "livechat_customer_async":
            os.kill(os.getpid(), signal.SIGINT)
            import json  # the handler runs between two instructions
            print("imported on")

sys.meta_path.insert(0, Interrupt())
import _livechat_customer_cli
sys.argv[1:] = ["--version"]
_livechat_customer_cli.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
def test_ctrl_c_before_the_package_is_imported_prints_nothing() -> None:
    ran = run_python(INTERRUPTED_IMPORT)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
def test_an_ignored_ctrl_c_stays_ignored() -> None:
    ran = run_python("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + INTERRUPTED_IMPORT)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert livechat_customer_async.__version__ in ran.stdout


def test_another_missing_module_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"{CLI}._app", None)
    with pytest.raises(ModuleNotFoundError):
        main()


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    # Unmeasured: coverage would look for the package before the code does.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_importing_the_package_imports_no_extra() -> None:
    extras = {"typer", "starlette", "uvicorn", f"{CLI}._app"}
    code = f"import sys, livechat_customer_async, {CLI}; print({extras} & set(sys.modules))"
    assert run_python(code).stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.parametrize("command, exit_code", [("call --help", 0), ("upload --help", 0), ("demo", 2), ("sandbox", 2)])
def test_only_commands_that_need_the_sandbox_require_its_extra(command: str, exit_code: int) -> None:
    ran = run_python(
        f"import sys; sys.modules['uvicorn'] = None; sys.argv[1:] = {command.split()}; import {CLI} as cli; cli.main()"
    )
    assert ran.returncode == exit_code
    assert exit_code == 0 or "pip install" in only_line(ran.stderr)


@pytest.mark.slow
def test_a_bug_shows_a_plain_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECHAT_ACCESS_TOKEN", TOKEN)
    ran = run_python(
        f"import sys; from {CLI} import main, _call\n"
        "def fail(*_): raise ZeroDivisionError('a bug')\n"
        "_call.read_payload = fail\n"
        "sys.argv[1:] = ['call', 'x', '--license-id', '1']; main()"
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert ran.stderr.endswith("ZeroDivisionError: a bug\n")
    assert TOKEN not in ran.stderr
