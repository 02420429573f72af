import asyncio
import io
import re
import zlib

import pytest
from rich.console import Console

from livechat_customer_async import Chat, File, Message, RichMessage
from livechat_customer_async.cli._demo import Played, play, show
from livechat_customer_async.cli._demo_script import draw_photo
from tests.cli.conftest import Cli, finish, start

ACTIONS = [
    "update_customer",
    "start_chat",
    "send_event",
    "get_chat_threads",
    "send_rich_message_postback",
    "send_file",
    "send_event",
    "get_chat_threads",
]


@pytest.fixture(scope="module")
def played() -> Played:
    return asyncio.run(play(Console(file=io.StringIO())))


def drawn(played: Played, width: int = 80, **options: object) -> str:
    file = io.StringIO()
    show(played, Console(file=file, width=width, highlight=False, markup=False, **options))  # type: ignore[arg-type]
    return file.getvalue()


def events(chat: Chat) -> list[object]:
    return [event for thread in chat.threads for event in thread.events]


def test_the_conversation_uses_a_real_session(played: Played) -> None:
    assert [call.action for call in played.times.calls] == ACTIONS
    assert {call.status_code for call in played.times.calls} == {200}
    assert (played.stats.calls, played.stats.attempts, played.stats.retries) == (8, 8, 0)
    kinds = {type(event) for event in events(played.story.chat)}
    assert kinds == {Message, RichMessage, File}


@pytest.mark.parametrize("width", [80, 120])
def test_messages_show_their_author_and_time(played: Played, width: int) -> None:
    screen = drawn(played, width)
    assert len(re.findall(r"─ Ada \d\d:\d\d:\d\d ─╮$", screen, re.MULTILINE)) == 4
    assert len(re.findall(r"^╭─ Sandy \d\d:\d\d:\d\d ─", screen, re.MULTILINE)) == 6
    assert "│ What do you need from me? │" in screen
    assert "[ Money back ]  [ ✓ Another size ]" in screen
    assert max(map(len, screen.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_the_file_and_the_times_are_shown(played: Played, width: int) -> None:
    screen = drawn(played, width)
    (file,) = [event for event in events(played.story.chat) if isinstance(event, File)]
    assert "http" not in screen
    assert file.size == len(draw_photo())
    assert f"jacket.png (image/png, {file.size / 1000:.1f} kB)" in screen
    assert "28%, 57%, 85%, 100%" in screen
    for call in played.times.calls:
        assert re.search(rf"^{call.action} .* 200 +{call.elapsed * 1000:.1f}", screen, re.MULTILINE)
    assert re.search(r"^8 calls in [\d.,]+ ms: 8 requests over 1 connection, 0 retries\.$", screen, re.MULTILINE)


def test_bars_are_for_wide_terminals(played: Played) -> None:
    assert "━" in drawn(played, 120)
    assert "━" not in drawn(played, 80)


def test_no_color_is_respected(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3\d")
    assert colour.search(drawn(played, force_terminal=True, color_system="standard"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(drawn(played, force_terminal=True, color_system="standard"))


def test_the_command_shows_it(cli: Cli) -> None:
    ran = cli("demo")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "8 calls in" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_piped_it_is_plain_text_in_any_encoding(encoding: str) -> None:
    ran = finish(start("demo", encoding=encoding))
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout
    assert "\r" not in ran.stdout
    assert "Hello! I would like to return a jacket." in ran.stdout
    assert ("╭" in ran.stdout) == (encoding == "utf-8")
    assert "?" not in ran.stdout.replace("from me?", "").replace("you like?", "")


def test_the_photo_is_a_png() -> None:
    photo = draw_photo(3, 2)
    assert photo.startswith(b"\x89PNG\r\n\x1a\n")
    start_of_data = photo.index(b"IDAT") + 4
    rows = zlib.decompressobj().decompress(photo[start_of_data:])
    assert len(rows) == 2 * (1 + 3 * 3)
    assert photo == draw_photo(3, 2)
