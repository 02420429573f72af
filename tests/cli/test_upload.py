import asyncio
import errno
import io
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.console import Console

from livechat_customer_async import AsyncCustomerSession
from livechat_customer_async.cli import _terminal, _upload, _uploads
from livechat_customer_async.cli._exit_codes import reporting
from livechat_customer_async.cli._interrupts import InterruptedCalls
from livechat_customer_async.cli._progress import ProgressBars
from livechat_customer_async.cli._uploads import Upload, print_results, upload_all
from livechat_customer_async.sandbox import Fault, FaultKind
from tests.cli.conftest import TOKEN, Cli, Served, finish, only_line, start

Files = Callable[..., list[Path]]
TOO_LARGE = 10 * 1024 * 1024 + 1


@pytest.fixture
def files(tmp_path: Path) -> Files:
    def make(*sizes: int) -> list[Path]:
        made = [tmp_path / f"file {number}.txt" for number in range(len(sizes))]
        for path, size in zip(made, sizes, strict=True):
            path.write_bytes(b"x" * size)
        return made

    return make


def made(path: Path, size: int, **result: Any) -> Upload:
    return Upload(str(path), path, path.name, size, **result)


def test_it_prints_the_urls_in_the_order_of_the_files(served: Served, cli: Cli, files: Files) -> None:
    ran = cli("upload", *files(5, 0, 70_000))
    assert (ran.exit_code, ran.stderr) == (0, "")
    by_name = {file.name: id for id, file in served.sandbox.files.items()}
    wanted = [f"{served.url}/files/{by_name[f'file {one}.txt']}/file%20{one}.txt" for one in range(3)]
    assert ran.stdout.splitlines() == wanted
    assert [file.size for file in sorted(served.sandbox.files.values(), key=lambda one: one.name)] == [5, 0, 70_000]
    assert served.sandbox.chats == {}


def test_files_can_be_sent_to_a_chat(served: Served, cli: Cli, files: Files) -> None:
    chat = served.start_chat(cli)
    assert cli("upload", "--chat", chat, "--concurrency", 1, *files(1, 2)).exit_code == 0
    sent = [event.content["name"] for event in served.sandbox.chats[chat].events if event.type == "file"]
    assert sent == ["file 0.txt", "file 1.txt"]


def test_a_failed_upload_does_not_stop_the_others(served: Served, cli: Cli, files: Files) -> None:
    paths = files(1, TOO_LARGE, 3)
    ran = cli("upload", *paths)
    assert ran.exit_code == 2
    assert [line.rpartition("/")[2] for line in ran.stdout.splitlines()] == ["file%200.txt", "file%202.txt"]
    assert str(paths[1]) in only_line(ran.stderr)


def test_the_exit_code_is_the_highest(served: Served, cli: Cli, files: Files) -> None:
    served.arm(Fault(FaultKind.ERROR, "upload_file", type="internal", times=None))
    paths = files(TOO_LARGE, 4)
    ran = cli("upload", "--json", "--no-retry", *paths)
    assert ran.exit_code == 6
    large, refused = json.loads(ran.stdout)
    assert large["error"] == "FileTooLargeError"
    assert (large["exit_code"], large["outcome"], large["size"]) == (2, "not_sent", TOO_LARGE)
    assert refused["error"] == "InternalError"
    assert (refused["exit_code"], refused["outcome"], refused["path"]) == (6, "unknown", str(paths[1]))
    assert len(ran.stderr.splitlines()) == 2


def test_json_of_a_success(served: Served, cli: Cli, files: Files) -> None:
    (one,) = json.loads(cli("upload", "--json", *files(4)).stdout)
    assert one.pop("url").startswith(served.url)
    assert one.pop("ms") > 0
    assert one == {"path": str(one["path"]), "size": 4, "exit_code": 0}


def test_wrong_usage_uploads_nothing(served: Served, cli: Cli, files: Files) -> None:
    ran = cli("upload", *files(1), "--concurrency=0")
    assert ran.exit_code == 2
    assert "--concurrency" in only_line(ran.stderr)
    assert served.sandbox.requests == []


def test_all_invalid_paths_are_reported_and_nothing_is_uploaded(
    served: Served, cli: Cli, files: Files, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.bin"
    ran = cli("upload", *files(1), missing, tmp_path)
    assert ran.exit_code == 2
    first, second = ran.stderr.splitlines()
    assert first.startswith(f"error: {missing}: ")
    assert first.endswith(" [nothing was sent]")
    assert second == f"error: {tmp_path}: is a directory [nothing was sent]"
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "mode, readable, said",
    [(stat.S_IFIFO, True, "not a regular file"), (stat.S_IFREG, False, os.strerror(errno.EACCES))],
    ids=["fifo", "unreadable"],
)
def test_unreadable_files_are_reported_before_uploading(
    served: Served,
    cli: Cli,
    files: Files,
    mode: int,
    readable: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (path,) = files(1)
    look = Path.stat

    def disguised(self: Path, **options: Any) -> os.stat_result:
        found = look(self, **options)
        return os.stat_result((mode, *found[1:])) if self == path else found

    monkeypatch.setattr(Path, "stat", disguised)
    monkeypatch.setattr(os, "access", lambda *_: readable)
    ran = cli("upload", path)
    assert ran.exit_code == 2
    assert said in only_line(ran.stderr)
    assert served.sandbox.requests == []


def test_a_deleted_file_is_named(served: Served, cli: Cli, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, there = files(1, 2)
    seen = _upload.find_files

    def find_and_lose(*given: Any) -> list[Upload]:
        uploads = seen(*given)
        gone.unlink()
        return uploads

    monkeypatch.setattr(_upload, "find_files", find_and_lose)
    ran = cli("upload", gone, there)
    assert ran.exit_code == 2
    assert only_line(ran.stderr).startswith(f"error: {gone}: upload_file: file: ")
    assert ran.stdout.endswith("/file%201.txt\n")


def test_concurrency_is_limited(served: Served, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [made(path, 1) for path in files(1, 1, 1, 1, 1)]
    under_way, most = 0, 0
    original = ProgressBars.file

    def watched(self: ProgressBars, name: str, size: int) -> object:
        manager = original(self, name, size)

        class Watch:
            def __enter__(self) -> object:
                nonlocal under_way, most
                under_way += 1
                most = max(most, under_way)
                return manager.__enter__()

            def __exit__(self, *error: object) -> object:
                nonlocal under_way
                under_way -= 1
                return manager.__exit__(*error)  # type: ignore[arg-type]

        return Watch()

    monkeypatch.setattr(ProgressBars, "file", watched)
    session = AsyncCustomerSession(1, TOKEN, base_url=served.url)
    asyncio.run(upload_all(session, uploads, None, 2, Console(file=io.StringIO()), InterruptedCalls()))
    assert most == 2
    assert {one.exit_code for one in uploads} == {0}


# ---- what a person sees


def terminal(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_bars_show_each_file_and_all(served: Served, files: Files) -> None:
    console = terminal()
    uploads = [made(path, 300_000) for path in files(300_000, 300_000)]
    session = AsyncCustomerSession(1, TOKEN, base_url=served.url)
    asyncio.run(upload_all(session, uploads, None, 1, console, InterruptedCalls()))
    for name in ("2 files   ", "file 0.txt", "file 1.txt"):
        assert f"{name} {300 + 300 * (name[0] == '2')}.0/{300 + 300 * (name[0] == '2')}.0 kB done" in shown(console)


def test_a_sent_file_waits_for_the_answer() -> None:
    console = terminal()
    bars = ProgressBars(console, 100, 1)

    def frame() -> str:
        before = len(shown(console))
        bars._progress.refresh()
        return shown(console)[before:]

    with suppress(ValueError), bars, bars.file("a", 100) as advance:
        advance(50, 100)
        assert "waiting" not in frame()
        advance(100, 100)
        assert "a 100/100 bytes waiting for the server's answer" in frame()
        advance(0, 100)  # a retry
        assert "waiting" not in frame()
        raise ValueError
    assert "bytes failed" in shown(console)


@pytest.mark.parametrize("arguments, name", [([], "stdin"), (["--name", "notes.txt"], "notes.txt")])
def test_standard_input_can_be_uploaded(served: Served, cli: Cli, arguments: list[str], name: str) -> None:
    ran = cli("upload", "-", *arguments, input=b"hello")
    assert (ran.exit_code, ran.stderr) == (0, "")
    (file,) = served.sandbox.files.values()
    assert (file.name, file.content) == (name, b"hello")


def test_standard_input_of_more_than_10_mb_is_refused(served: Served, cli: Cli) -> None:
    ran = cli("upload", "-", input=b"x" * (TOO_LARGE + 1))
    assert ran.exit_code == 2
    assert only_line(ran.stderr).startswith("error: -: upload_file: ")
    assert served.sandbox.files == {}


def test_standard_input_may_be_closed(served: Served, cli: Cli, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_uploads, "sys", SimpleNamespace(stdin=None))
    ran = cli("upload", "-", *files(1))
    assert ran.exit_code == 2
    assert only_line(ran.stderr) == "error: -: standard input is closed [nothing was sent]"
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "arguments, said",
    [(["-", "-"], "PATH: standard input can be given only once"), (["--name", "x", "a", "b"], "--name: requires a")],
)
def test_standard_input_and_names_are_for_one_file(cli: Cli, arguments: list[str], said: str) -> None:
    ran = cli("upload", *arguments)
    assert ran.exit_code == 2
    assert said in only_line(ran.stderr)


def test_a_file_can_be_given_a_name(served: Served, cli: Cli, files: Files) -> None:
    assert cli("upload", *files(1), "--name", "receipt.pdf").stdout.endswith("/receipt.pdf\n")


def test_a_retried_upload_is_subtracted_from_the_total() -> None:
    console = terminal()
    with ProgressBars(console, 200, 2) as bars, bars.file("a", 100) as advance:
        for sent in (0, 80, 0, 100):
            advance(sent, 100)
    assert "100/200 bytes" in shown(console)


def test_an_unknown_total_defaults_to_the_file_size() -> None:
    console = terminal()
    with ProgressBars(console, 100, 1) as bars, bars.file("a", 100) as advance:
        advance(100, None)
    assert "100/100 bytes" in shown(console)
    assert "files" not in shown(console)


def test_of_many_files_only_those_in_progress_are_shown() -> None:
    console = terminal()
    with ProgressBars(console, 13, 13) as bars:
        with bars.file("first", 1):
            pass
        with bars.file("second", 1):
            last = len(shown(console))
    assert "first" not in shown(console)[last:]
    assert "second" not in shown(console)[last:]
    assert "13 files" in shown(console)[last:]


def test_a_row_leaves_room_for_the_echo_of_ctrl_c() -> None:
    console = terminal(60)
    with ProgressBars(console, 10_000_000, 1) as bars, bars.file("n" * 200, 10_000_000) as advance:
        advance(9_900_000, None)
        advance(10_000_000, None)
    rows = [row for row in shown(console).splitlines() if "9.9/10.0 MB" in row or "10.0/10.0 MB" in row]
    assert rows
    assert max(len(row.rpartition("\r")[2].partition("\x1b")[0].rstrip()) for row in rows) <= 58


@pytest.mark.parametrize("dumb", [True, False])
def test_bars_need_a_terminal(dumb: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=dumb, _environ={"TERM": "dumb"})
    with ProgressBars(console, 200, 2) as bars, bars.file("a", 100) as advance:
        advance(100, 100)
    assert shown(console) == ""


def test_a_terminal_shows_names_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal(40)
    monkeypatch.setattr(_uploads, "out", lambda: console)
    url = "https://files.example/" + "long" * 20
    print_results([made(Path("dir") / "a.txt", 1500, url=url, seconds=0.0123)], as_json=False)
    assert shown(console) == f"a.txt  1.5 kB in 12.3 ms\n  {url}\n"


def test_interrupted_uploads_are_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done, not_done = made(Path("a"), 1, url="https://x/a", seconds=0.001), made(Path("b"), 1)
    print_results([done, not_done], as_json=False)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("https://x/a\n", "error: b: interrupted: nothing was sent\n")
    assert not_done.exit_code == 130
    interrupted = {"path": "b", "size": 1, "exit_code": 130, "error": "interrupted", "outcome": "not_sent"}
    assert not_done.as_json() == interrupted


def test_an_interruption_is_reported_below_the_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal()
    monkeypatch.setattr(_terminal, "err", lambda: console)
    with pytest.raises(typer.Exit), reporting():
        raise KeyboardInterrupt
    assert shown(console) == "\nerror: interrupted\n"


@pytest.mark.parametrize("bars, echo", [(True, ""), (False, "\n")], ids=["bars", "no-bars"])
def test_no_empty_line_where_bars_erase_the_echo(
    served: Served, cli: Cli, files: Files, bars: bool, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(
        file=io.StringIO(), width=200, force_terminal=True, force_interactive=bars, color_system=None, markup=False
    )

    async def interrupted(session: AsyncCustomerSession, *_: object) -> None:
        await session.aclose()
        raise KeyboardInterrupt

    monkeypatch.setattr(_upload, "upload_all", interrupted)
    for module in (_upload, _terminal):
        monkeypatch.setattr(module, "err", lambda: console)
    (path,) = files(1)
    assert cli("upload", path).exit_code == 130
    assert shown(console) == f"{echo}error: {path}: interrupted: nothing was sent\nerror: interrupted\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
def test_ctrl_c_reports_each_file(served: Served, files: Files) -> None:
    done, hanging = files(1, 2)
    assert finish(start("upload", done)).exit_code == 0
    stalled = served.arm(Fault(FaultKind.STALL_BEFORE_HEADERS, "upload_file"))
    process = start("upload", "--json", hanging, done, "-j", 1)
    served.wait_for(stalled)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert ran.exit_code == 130
    told = [(one["error"], one["outcome"]) for one in json.loads(ran.stdout)]
    assert told == [("interrupted", "unknown"), ("interrupted", "not_sent")]
    assert only_line(ran.stderr) == "error: interrupted"
