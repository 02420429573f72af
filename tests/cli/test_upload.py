import asyncio
import errno
import io
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from livechat_customer_async import AsyncCustomerSession
from livechat_customer_async.cli import _terminal, _upload
from livechat_customer_async.cli._exits import reporting
from livechat_customer_async.cli._interrupted import Interrupted
from livechat_customer_async.cli._progress import Bars
from livechat_customer_async.cli._upload import Upload, report, upload_all
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


def test_it_prints_the_urls_in_the_order_of_the_files(served: Served, cli: Cli, files: Files) -> None:
    ran = cli("upload", *files(5, 0, 70_000))
    assert (ran.exit_code, ran.stderr) == (0, "")
    by_name = {file.name: id for id, file in served.sandbox.files.items()}
    wanted = [f"{served.url}/files/{by_name[f'file {one}.txt']}/file%20{one}.txt" for one in range(3)]
    assert ran.stdout.splitlines() == wanted
    assert [file.size for file in sorted(served.sandbox.files.values(), key=lambda one: one.name)] == [5, 0, 70_000]
    assert served.sandbox.chats == {}


def test_with_a_chat_they_are_sent_to_it(served: Served, cli: Cli, files: Files) -> None:
    chat = served.start_chat(cli)
    assert cli("upload", "--chat", chat, "--concurrency", 1, *files(1, 2)).exit_code == 0
    sent = [event.content["name"] for event in served.sandbox.chats[chat].events if event.type == "file"]
    assert sent == ["file 0.txt", "file 1.txt"]


def test_one_that_fails_does_not_stop_the_others(served: Served, cli: Cli, files: Files) -> None:
    paths = files(1, TOO_LARGE, 3)
    ran = cli("upload", *paths)
    assert ran.exit_code == 2
    assert [line.rpartition("/")[2] for line in ran.stdout.splitlines()] == ["file%200.txt", "file%202.txt"]
    assert str(paths[1]) in only_line(ran.stderr)


def test_the_exit_code_is_the_highest_and_json_tells_each(served: Served, cli: Cli, files: Files) -> None:
    served.arm(Fault(FaultKind.ERROR, "upload_file", type="internal", times=None))
    paths = files(TOO_LARGE, 4)
    ran = cli("upload", "--json", "--no-retry", *paths)
    assert ran.exit_code == 6
    large, refused = json.loads(ran.stdout)
    assert large["error"] == "InvalidRequestError"
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


def test_each_path_that_names_no_file_is_told_and_nothing_is_uploaded(
    served: Served, cli: Cli, files: Files, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.bin"
    ran = cli("upload", *files(1), missing, tmp_path)
    assert ran.exit_code == 2
    first, second = ran.stderr.splitlines()
    assert first.startswith(f"error: {missing}: ")
    assert first.endswith(" [nothing was sent]")
    assert second == f"error: {tmp_path}: it is a directory [nothing was sent]"
    assert served.sandbox.requests == []


@pytest.mark.parametrize(
    "mode, readable, said",
    [(stat.S_IFIFO, True, "it is a pipe, socket or device"), (stat.S_IFREG, False, os.strerror(errno.EACCES))],
    ids=["fifo", "unreadable"],
)
def test_what_cannot_be_read_is_told_before_anything_is_sent(
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


def test_a_file_that_goes_away_is_named(
    served: Served, cli: Cli, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = files(1, 2)
    seen = _upload.look

    def look_and_lose(paths: list[Path]) -> list[Upload]:
        uploads = seen(paths)
        gone.unlink()
        return uploads

    monkeypatch.setattr(_upload, "look", look_and_lose)
    ran = cli("upload", gone, there)
    assert ran.exit_code == 2
    assert only_line(ran.stderr).startswith(f"error: {gone}: upload_file: file: there is no file at this path: ")
    assert ran.stdout.endswith("/file%201.txt\n")


def test_no_more_than_asked_for_go_at_once(served: Served, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [Upload(path, 1) for path in files(1, 1, 1, 1, 1)]
    under_way, most = 0, 0
    original = Bars.file

    def watched(self: Bars, name: str, size: int) -> object:
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

    monkeypatch.setattr(Bars, "file", watched)
    session = AsyncCustomerSession(1, TOKEN, base_url=served.url)
    asyncio.run(upload_all(session, uploads, None, 2, Console(file=io.StringIO()), Interrupted()))
    assert most == 2
    assert {one.code for one in uploads} == {0}


# ---- what a person sees


def terminal(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_bars_show_each_file_and_all(served: Served, files: Files) -> None:
    console = terminal()
    uploads = [Upload(path, 300_000) for path in files(300_000, 300_000)]
    session = AsyncCustomerSession(1, TOKEN, base_url=served.url)
    asyncio.run(upload_all(session, uploads, None, 1, console, Interrupted()))
    rows = shown(console).splitlines()
    assert any(row.endswith("file 1.txt") or "file 1.txt ━" in row for row in rows)
    assert "600.0/600.0 kB" in shown(console)


def test_a_repeated_upload_takes_its_part_back_from_the_whole() -> None:
    console = terminal()
    with Bars(console, 200, 2) as bars, bars.file("a", 100) as advance:
        for sent in (0, 80, 0, 100):
            advance(sent, 100)
    assert "100/200 bytes" in shown(console)


def test_a_size_that_is_not_known_is_the_one_that_was_found() -> None:
    console = terminal()
    with Bars(console, 100, 1) as bars, bars.file("a", 100) as advance:
        advance(100, None)
    assert "100/100 bytes" in shown(console)
    assert "files" not in shown(console)


def test_of_many_files_only_those_under_way_are_shown() -> None:
    console = terminal()
    with Bars(console, 13, 13) as bars:
        with bars.file("first", 1):
            pass
        with bars.file("second", 1):
            last = len(shown(console))
    assert "first" not in shown(console)[last:]
    assert "second" not in shown(console)[last:]
    assert "13 files" in shown(console)[last:]


def test_a_row_leaves_room_for_the_echo_of_ctrl_c() -> None:
    console = terminal(60)
    with Bars(console, 10_000_000, 1) as bars, bars.file("n" * 200, 10_000_000) as advance:
        advance(10_000_000, None)
    rows = [row for row in shown(console).splitlines() if "━" in row]
    assert rows
    assert max(len(row.rpartition("\r")[2].partition("\x1b")[0].rstrip()) for row in rows) <= 58


@pytest.mark.parametrize("dumb", [True, False])
def test_elsewhere_there_are_no_bars(dumb: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=dumb, _environ={"TERM": "dumb"})
    with Bars(console, 200, 2) as bars, bars.file("a", 100) as advance:
        advance(100, 100)
    assert shown(console) == ""


def test_on_a_terminal_a_name_and_its_time_stand_with_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal(40)
    monkeypatch.setattr(_upload, "out", lambda: console)
    url = "https://files.example/" + "long" * 20
    report([Upload(Path("dir") / "a.txt", 1500, url=url, seconds=0.0123)], as_json=False)
    assert shown(console) == f"a.txt  1.5 kB in 12.3 ms\n  {url}\n"


def test_what_was_interrupted_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done, not_done = Upload(Path("a"), 1, url="https://x/a", seconds=0.001), Upload(Path("b"), 1)
    report([done, not_done], as_json=False)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("https://x/a\n", "error: b: interrupted: nothing was sent\n")
    assert not_done.code == 130
    interrupted = {"path": "b", "size": 1, "exit_code": 130, "error": "interrupted", "outcome": "not_sent"}
    assert not_done.as_json() == interrupted


def test_an_interruption_is_told_below_the_echo_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal()
    monkeypatch.setattr(_terminal, "err", lambda: console)
    with pytest.raises(typer.Exit), reporting():
        raise KeyboardInterrupt
    assert shown(console) == "\nerror: interrupted\n"


@pytest.mark.parametrize("bars, echo", [(True, ""), (False, "\n")], ids=["bars", "no-bars"])
def test_no_empty_line_stands_where_bars_took_the_echo_away(
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
def test_ctrl_c_tells_what_was_uploaded(served: Served, files: Files) -> None:
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
