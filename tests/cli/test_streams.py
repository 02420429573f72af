import errno
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import livechat_customer_async.sandbox
from livechat_customer_async.cli import main
from livechat_customer_async.cli._streams import OutputError, guarded_streams
from livechat_customer_async.sandbox import SandboxServer
from tests.cli.conftest import Ran, Served, only_line

FULL = OSError(errno.ENOSPC, "No space left on device")
CLOSED = BrokenPipeError(errno.EPIPE, "Broken pipe")
TOO_LARGE = 10 * 1024 * 1024 + 1


class Raw(io.RawIOBase):
    """A file that raises `error`, if set, and otherwise keeps what is written."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self.error is not None:
            raise self.error
        self.written += bytes(data)
        return len(data)


Run = Callable[..., Ran]


@pytest.fixture
def raw() -> Iterator[Raw]:
    file = Raw()
    yield file
    file.error = None  # the buffer is flushed once more when collected


@pytest.fixture
def run(raw: Raw, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line with a buffered standard output that fails with the given error."""
    stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")

    def run(*arguments: object, error: OSError | None) -> Ran:
        raw.error = error
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "argv", ["livechat-customer", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        assert sys.stdout is stdout
        return Ran(caught.value.code or 0, raw.written.decode(), capsys.readouterr().err)  # type: ignore[arg-type]

    return run


COMMANDS = [
    ["--version"],
    [],
    ["--help"],
    ["call", "--help"],
    ["call", "get_groups_status"],
    ["demo"],
    ["sandbox", "--port=0"],
]


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_one_line(run: Run, command: list[str]) -> None:
    ran = run(*command, error=FULL)
    assert ran.exit_code == 7
    assert only_line(ran.stderr) == "error: cannot write to standard output: No space left on device"


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_broken_pipe_is_not_an_error(run: Run, command: list[str]) -> None:
    ran = run(*command, error=CLOSED)
    assert (ran.exit_code, ran.stderr) == (141, "")


def test_windows_reports_a_broken_pipe_differently() -> None:
    invalid = OSError(errno.EINVAL, "Invalid argument")
    assert OutputError(invalid, windows=True).broken_pipe
    assert not OutputError(invalid, windows=False).broken_pipe
    assert not OutputError(FULL, windows=True).broken_pipe


def test_a_process_without_standard_output_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "argv", ["livechat-customer", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 7
    assert "cannot write to standard output" in only_line(capsys.readouterr().err)


def test_upload_errors_are_reported_even_if_standard_output_fails(served: Served, run: Run, tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(b"x" * TOO_LARGE)
    small.touch()
    ran = run("upload", small, large, error=FULL)
    assert ran.exit_code == 7
    told, output = ran.stderr.splitlines()
    assert told.startswith(f"error: {large}: ")
    assert "cannot write to standard output" in output
    assert len(served.sandbox.files) == 1


@pytest.mark.parametrize("stream", [Raw, None], ids=["failing", "none"])
def test_the_exit_code_is_right_without_standard_error(
    stream: type[Raw] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = None if stream is None else stream()
    if raw is not None:
        raw.error = CLOSED
    stderr = None if raw is None else io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "argv", ["livechat-customer", "nope"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    if raw is not None:
        raw.error = None


def test_other_os_errors_are_not_converted() -> None:
    with pytest.raises(OSError, match="elsewhere"), guarded_streams():
        raise OSError(errno.ENOSPC, "elsewhere")


def test_attributes_of_the_stream_are_available(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    with guarded_streams():
        assert sys.stdout is not stdout
        assert (sys.stdout.encoding, sys.stdout.isatty()) == ("latin-1", False)
    assert sys.stdout is stdout


# ---- a server has no end at which to tell


def test_the_sandbox_stops_when_its_log_cannot_be_written(run: Run, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    original = livechat_customer_async.sandbox.run
    answers: list[int] = []

    def visit(server: SandboxServer) -> None:
        raw.error = CLOSED
        with httpx.Client(trust_env=False) as client:
            try:
                while True:  # a few answers may arrive before the server stops
                    answers.append(client.get(f"{server.url}/files/a/b").status_code)
            except httpx.HTTPError:
                pass

    def run_with_visit(*args: Any, on_ready: Callable[[SandboxServer], object], **options: Any) -> None:
        def ready(server: SandboxServer) -> None:
            on_ready(server)
            visitor.append(threading.Thread(target=visit, args=(server,)))
            visitor[0].start()

        visitor: list[threading.Thread] = []
        try:
            original(*args, on_ready=ready, **options)
        finally:
            visitor[0].join()

    monkeypatch.setattr(livechat_customer_async.sandbox, "run", run_with_visit)
    ran = run("sandbox", "--port", 0, error=None)
    assert (ran.exit_code, ran.stderr) == (141, "")
    assert "Sandbox running at http://" in ran.stdout
    assert "Stopped" not in ran.stdout
    assert set(answers) <= {404}


# ---- real ones: where they are buffered, Python itself writes to them once more when it ends


def run_into(command: str, stdout: int, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "livechat_customer_async.cli", command],
        stdout=stdout,
        stderr=stderr,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        timeout=60,
        check=False,
    )


def test_a_real_broken_pipe() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = run_into("--version", writer)
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_real_full_device() -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run_into("--version", full.fileno())
        unheard = run_into("nope", subprocess.PIPE, full.fileno())
    assert ran.returncode == 7
    assert "cannot write to standard output" in only_line(ran.stderr)
    assert unheard.returncode == 2
