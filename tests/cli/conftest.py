"""A sandbox in a thread, and helpers that run the command line in this process or in a child process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from typer.testing import CliRunner

from livechat_customer_async.cli._app import app
from livechat_customer_async.sandbox import ArmedFault, Fault, Sandbox, SandboxServer, friendly_agent, serve

TOKEN = "dal-canary-7d1f"
TERMINAL_VARIABLES = ("COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR", "PY_COLORS", "TERM", "TTY_COMPATIBLE")


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_not_ignored() -> None:
    """Undo what a shell does to background jobs: a process started by a test would ignore SIGINT as well."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LIVECHAT_") or name in TERMINAL_VARIABLES]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal shows no animation


class Served:
    """A sandbox in a thread."""

    def __init__(self, server: SandboxServer, portal: BlockingPortal) -> None:
        self.sandbox = server.sandbox
        self.url = server.url
        self._portal = portal

    def arm(self, fault: Fault) -> ArmedFault:
        return self._portal.call(self.sandbox.faults.add, fault)

    def wait_for(self, armed: ArmedFault) -> None:
        """Block until the fault strikes."""
        self._portal.call(armed.met.wait)

    def say(self, chat_id: str, text: str) -> None:
        """Speak as the agent."""
        self._portal.call(self.sandbox.say, chat_id, text)

    def start_chat(self, run: "Cli") -> str:
        """Start a chat and return its id."""
        assert run("call", "start_chat").exit_code == 0
        return next(reversed(self.sandbox.chats))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A running sandbox, with the environment variables set for it."""
    with start_blocking_portal() as portal:
        with portal.wrap_async_context_manager(serve(Sandbox(agent=friendly_agent))) as server:
            monkeypatch.setenv("LIVECHAT_BASE_URL", server.url)
            monkeypatch.setenv("LIVECHAT_LICENSE_ID", "1520")
            monkeypatch.setenv("LIVECHAT_ACCESS_TOKEN", TOKEN)
            yield Served(server, portal)


class Ran:
    """The result of a run."""

    def __init__(self, exit_code: int, stdout: str, stderr: str) -> None:
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


Cli = Callable[..., Ran]


@pytest.fixture
def cli() -> Cli:
    """Run the command line in this process. Bugs raise; the output never shows the token."""

    def run(*arguments: object, input: str | bytes | None = None) -> Ran:
        result = CliRunner().invoke(
            app, [str(one) for one in arguments], input=input, prog_name="livechat-customer", catch_exceptions=False
        )
        assert TOKEN not in result.output
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def only_line(text: str) -> str:
    """Return the only line of an error."""
    line, *rest = text.splitlines()
    assert rest == []
    assert line.startswith("error: ")
    return line


def start(
    *arguments: object, encoding: str = "utf-8", stdin: int = subprocess.DEVNULL, **environment: str
) -> subprocess.Popen[str]:
    """Start the command line in a child process."""
    return subprocess.Popen(
        [sys.executable, "-m", "livechat_customer_async.cli", *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=encoding,
        env=os.environ | {"PYTHONIOENCODING": encoding} | environment,
    )


def finish(process: subprocess.Popen[str]) -> Ran:
    stdout, stderr = process.communicate(timeout=60)
    return Ran(process.returncode, stdout, stderr)
