import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livechat_customer_async import AsyncCustomerSession, CallTimeoutError, Chat, LiveChatError, Outcome
from livechat_customer_async.cli._chat_commands import HELP, Command, Role, Say, parse_line
from livechat_customer_async.cli._chat_loop import ChatLoop
from livechat_customer_async.cli._conversation import AgentError, Conversation
from livechat_customer_async.cli._line_input import LineInput
from livechat_customer_async.cli._terminal import out
from livechat_customer_async.sandbox import Fault, FaultKind
from tests.cli.conftest import TOKEN, Cli, Ran, Served, finish, only_line, start

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")


def said(ran: Ran) -> list[str]:
    """Return the printed messages without their times."""
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in ran.stdout.splitlines()]


# ---- the commands


@pytest.mark.parametrize(
    "line, role, command",
    [
        ("hello\n", "customer", Say("customer", "hello")),
        ("  hello there ", "agent", Say("agent", "hello there")),
        ("/agent hello / there", "customer", Say("agent", "hello / there")),
        ("/customer  hello", "agent", Say("customer", "hello")),
        ("//agent", "customer", Say("customer", "/agent")),
        ("/quit", "customer", "quit"),
        (" /help \n", "customer", "help"),
        ("\n", "customer", None),
        ("", "customer", None),
    ],
)
def test_lines_and_commands(line: str, role: Role, command: Command | None) -> None:
    assert parse_line(line, role) == command


@pytest.mark.parametrize(
    "line, problem",
    [("/agent", "missing text: /agent TEXT"), ("/customer ", "missing text"), ("/nope", "unknown"), ("/", "unknown")],
)
def test_a_wrong_command_says_what_is_wrong(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_line(line, "customer")


# ---- with a sandbox of its own


def test_without_credentials_it_starts_a_sandbox(cli: Cli) -> None:
    ran = cli("chat", input="hello\n\n/agent How can I help?\n//bye")
    assert ran.exit_code == 0
    assert said(ran) == [
        "Customer: hello",
        "Sandy: Hello there, this is the sandbox. You said: hello",
        "Sandy: How can I help?",
        "Customer: /bye",
        "Sandy: You said: /bye",
    ]
    assert "with a sandbox in this process. You are the customer." in ran.stderr


def test_the_script_may_quit(cli: Cli) -> None:
    ran = cli("chat", "--no-agent", input="one\n/help\n/quit\ntwo\n")
    assert (ran.exit_code, said(ran)) == (0, ["Customer: one", *HELP.splitlines()])


def test_the_agent_speaks_and_no_script_replies(cli: Cli) -> None:
    ran = cli("chat", "--as", "agent", input="Hello!\n/customer I need help.\n")
    assert said(ran) == ["Sandy: Hello!", "Customer: I need help."]
    assert "You are the agent." in ran.stderr


def test_a_wrong_command_is_one_line_and_the_chat_goes_on(cli: Cli) -> None:
    ran = cli("chat", "--no-agent", input="/nope\nhello\n")
    assert (ran.exit_code, said(ran)) == (2, ["Customer: hello"])
    assert ran.stderr.splitlines()[-1].startswith("error: unknown command (/help")


def test_an_empty_script_ends_at_once() -> None:
    ran = finish(start("chat"))
    assert (ran.exit_code, ran.stdout) == (0, "")


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert asyncio.run(LineInput().read()) is None


# ---- with a running sandbox


def test_it_continues_the_most_recent_chat(served: Served, cli: Cli) -> None:
    assert cli("chat", input="hello").exit_code == 0
    ran = cli("chat", input="again")
    assert said(ran)[0] == "Customer: hello"
    assert said(ran)[2:] == ["Customer: again", "Sandy: You said: again"]
    assert len(served.sandbox.chats) == 1
    assert f"with {served.url}. You are the customer." in ran.stderr


def test_a_chat_can_be_chosen(served: Served, cli: Cli) -> None:
    old, _ = served.start_chat(cli), served.start_chat(cli)
    assert cli("chat", "--chat", old, input="here").exit_code == 0
    assert served.sandbox.chats[old].events[0].content["text"] == "here"


def test_only_the_end_of_a_long_history_is_shown(served: Served, cli: Cli) -> None:
    chat = served.start_chat(cli)
    for number in range(25):
        served.say(chat, f"number {number}")
    assert said(cli("chat", input="")) == [f"Sandy: number {number}" for number in range(5, 25)]


def test_sandbox_overrides_the_credentials(served: Served, cli: Cli) -> None:
    assert cli("chat", "--sandbox", input="hello").exit_code == 0
    assert served.sandbox.requests == []


def test_the_agent_of_a_running_sandbox_can_speak(served: Served, cli: Cli) -> None:
    chat = served.start_chat(cli)
    assert said(cli("chat", "--as", "agent", input="Hello!\n")) == ["Sandy: Hello!"]
    assert [event.author_id for event in served.sandbox.chats[chat].events] == ["agent@example.com"]


def test_the_agent_needs_a_sandbox(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECHAT_LICENSE_ID", "1520")
    ran = cli("chat", "--as", "agent", input="")
    assert ran.exit_code == 2
    assert only_line(ran.stderr).startswith("error: --as: the agent can speak in a sandbox only; add --sandbox (see")


@pytest.mark.parametrize(
    "url, chat_id, problem",
    [
        (None, "C1", "only a sandbox lets you speak"),
        ("http://127.0.0.1:1", "C1", "no answer from http://127.0.0.1:1: ConnectError"),
        ("served", "C1", "is not a sandbox, or does not know the chat"),
    ],
)
def test_where_the_agent_cannot_speak(served: Served, url: str | None, chat_id: str, problem: str) -> None:
    async def speak() -> None:
        async with AsyncCustomerSession(1, TOKEN) as session:
            place = served.url if url == "served" else url
            await Conversation("agent", session, Chat(id=chat_id), place).say("agent", "hello")

    with pytest.raises(AgentError, match=problem):
        asyncio.run(speak())


# ---- errors


def test_a_message_that_failed_is_one_line_and_the_chat_goes_on(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.ERROR, "send_event", type="internal_thing", status=400))
    ran = cli("chat", input="one\ntwo\n")
    assert ran.exit_code == 4
    assert said(ran)[0] == "Customer: two"
    assert ran.stderr.splitlines()[-1].startswith("error: send_event: internal_thing")


def test_an_agent_that_failed_is_one_line_and_the_chat_goes_on(
    cli: Cli, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise AgentError("no sandbox")

    monkeypatch.setattr(Conversation, "_say_as_agent", fail)
    ran = cli("chat", input="/agent one\ntwo\n")
    assert ran.exit_code == 4
    assert said(ran)[0] == "Customer: two"
    assert ran.stderr.splitlines()[-1] == "error: no sandbox"


def test_a_chat_that_cannot_be_opened_is_one_line(served: Served, cli: Cli) -> None:
    served.arm(Fault(FaultKind.ERROR, "get_chats_summary", type="authorization"))
    ran = cli("chat", input="hello")
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert only_line(ran.stderr).startswith("error: get_chats_summary: authorization")


def test_a_token_that_is_revoked_ends_the_chat(served: Served, cli: Cli) -> None:
    served.say(served.start_chat(cli), "hello")
    process = start("chat", stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().endswith("Sandy: hello\n")
    served.sandbox.revoke_token(TOKEN)
    assert process.wait(30) == 3
    ran = finish(process)
    assert ran.stderr.splitlines()[-1].startswith("error: get_chat_threads: authentication")


class Script(LineInput):
    """Lines that are read one by one when the test allows it."""

    def __init__(self) -> None:
        self.interactive = False
        self._prompting = False
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()

    async def read(self) -> str | None:
        return await self.lines.get()


class Flaky(Conversation):
    """A conversation whose reads fail as told."""

    results: Iterator[LiveChatError | None]
    script: Script

    async def refresh(self) -> None:
        result = next(self.results, "end")
        if result == "end":
            self.script.lines.put_nowait(None)
        elif isinstance(result, LiveChatError):
            raise result


def test_a_lasting_failure_to_read_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    first, other = CallTimeoutError("late", outcome=Outcome.UNKNOWN), LiveChatError("odd", outcome=Outcome.UNKNOWN)

    async def run() -> ChatLoop:
        async with AsyncCustomerSession(1, TOKEN) as session:
            conversation = Flaky("customer", session, Chat(id="C1"), None)
            conversation.results = iter([first, first, other, other, None, first])
            conversation.script = Script()
            loop = ChatLoop(conversation, conversation.script, out(), interval=0)
            await loop.run()
            return loop

    assert asyncio.run(run()).exit_code == 0
    told = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
    assert told == ["late", "odd", "late"]


# ---- a terminal


@pytest.fixture
def terminal() -> Iterator["Terminal"]:
    terminal = Terminal()
    yield terminal
    terminal.close()


class Terminal:
    """The command `chat` on a terminal of its own."""

    def __init__(self) -> None:
        self._main, child = os.openpty()
        self._output = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "livechat_customer_async.cli", "chat"],
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"},
        )
        os.close(child)

    @property
    def shown(self) -> str:
        """The output, without styles."""
        return re.sub(r"\x1b\[[\d;]*m", "", self._output)

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the text is shown."""
        while text not in self.shown:
            self._output += self._read()

    def wait(self) -> int:
        """Read until the process ends, and return its exit code."""
        try:
            while data := self._read():
                self._output += data
        except OSError:  # the other end is closed
            pass
        return self.process.wait(30)

    def _read(self) -> str:
        return os.read(self._main, 4096).decode()

    def close(self) -> None:
        os.close(self._main)
        self.process.kill()
        self.process.wait()


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


@needs_terminal
def test_on_a_terminal_messages_arrive_while_a_line_is_typed(served: Served, terminal: Terminal, cli: Cli) -> None:
    terminal.wait_for("> ")
    (chat,) = served.sandbox.chats
    terminal.type("half a")
    terminal.wait_for("half a")
    served.say(chat, "Are you there?")
    terminal.wait_for("Sandy: Are you there?")
    terminal.wait_for("> half a")
    terminal.type(" line\n")
    terminal.wait_for("You said: half a line\r\n> ")
    assert "Customer: half a line" not in terminal.shown
    terminal.type("\x04")
    assert terminal.wait() == 0
    texts = [event.content["text"] for event in served.sandbox.chats[chat].events]
    assert texts[:2] == ["Are you there?", "half a line"]


@needs_terminal
def test_ctrl_c_ends_a_chat_cleanly(served: Served, terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 0
    assert "error" not in terminal.shown
    assert "Traceback" not in terminal.shown


@needs_signals
def test_ctrl_c_tells_of_a_message_that_it_interrupted(served: Served) -> None:
    stalled = served.arm(Fault(FaultKind.STALL_BEFORE_HEADERS, "send_event"))
    process = start("chat", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("hello\n")
    process.stdin.flush()
    served.wait_for(stalled)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert (ran.exit_code, ran.stdout) == (130, "")
    assert ran.stderr.splitlines()[-1] == "error: interrupted: send_event: the API may have acted"


@needs_signals
def test_ctrl_c_ends_a_chat_that_waits_for_a_pipe(served: Served, cli: Cli) -> None:
    served.say(served.start_chat(cli), "hello")
    process = start("chat", stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().endswith("Sandy: hello\n")
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.exit_code == 0
    assert "Fatal" not in ran.stderr


def test_a_script_may_be_a_file(served: Served, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"hello " + b"\xff\n")
    with script.open() as file:
        ran = finish(start("chat", stdin=file.fileno()))
    assert ran.exit_code == 0
    assert said(ran)[0] == "Customer: hello \ufffd"


def test_an_input_that_cannot_be_read_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            raise OSError

        def readline(self) -> str:
            raise OSError("broken")

    monkeypatch.setattr(sys, "stdin", Broken())
    with pytest.raises(OSError, match="broken"):
        asyncio.run(LineInput().read())
