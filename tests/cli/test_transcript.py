import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from livechat_customer_async import (
    Agent,
    Chat,
    Custom,
    Customer,
    Event,
    File,
    Message,
    RichButton,
    RichElement,
    RichMessage,
    SystemMessage,
    Thread,
    UnknownEvent,
    UnknownUser,
)
from livechat_customer_async.cli._transcript import transcript

USERS = (Customer(id="me", name="Ada"), Agent(id="you", name="Sandy"), UnknownUser(id="it"))


def drawn(*events: Event, width: int = 60, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width)
    console.print(transcript(Chat(id="c", users=USERS, threads=(Thread(id="t", events=events),)), console))
    file.seek(0)
    return [line.rstrip() for line in file.read().splitlines()]


def test_the_customer_is_on_the_right() -> None:
    noon = datetime(2024, 5, 17, 12, 0, 1, tzinfo=UTC)
    lines = drawn(
        Message(id="1", text="hi", author_id="you", order=1),
        Message(id="2", text="hello", author_id="me", order=2, timestamp=noon),
    )
    assert lines[1].startswith("│ hi")
    assert len(lines[4]) == 60
    assert lines[4].lstrip().startswith("│ hello")
    assert f"Ada {noon.astimezone():%H:%M:%S}" in lines[3]


@pytest.mark.parametrize("author, name", [("you", "Sandy"), ("it", "it"), (None, "unknown")])
def test_author_names(author: str | None, name: str) -> None:
    assert f"─ {name} ─" in drawn(Message(id="1", text="a longer text", author_id=author))[0]


def test_a_long_text_wraps_within_its_bubble() -> None:
    lines = drawn(Message(id="1", text="word " * 40, author_id="me"), width=80)
    assert {len(line) for line in lines} == {80}
    assert min(len(line) - len(line.lstrip()) for line in lines) == 20


def test_threads_are_sorted() -> None:
    old = Thread(id="1", order=1, events=(Message(id="1", text="first"),))
    new = Thread(id="2", order=2, events=(Message(id="2", text="second"),))
    file = io.StringIO()
    console = Console(file=file, width=60)
    console.print(transcript(Chat(id="c", threads=(new, old)), console))
    assert file.getvalue().index("first") < file.getvalue().index("second")


def test_a_file_shows_its_name_kind_size_and_url() -> None:
    event = File(id="1", name="a.pdf", url="https://x/a.pdf", content_type="application/pdf", size=2500)
    assert drawn(event)[1:3] == ["│ a.pdf (application/pdf, 2.5 kB) │", "│ https://x/a.pdf                 │"]
    unknown = File(id="1", name="a.pdf", url="https://x/a.pdf", content_type="application/pdf")
    assert drawn(unknown)[1] == "│ a.pdf (application/pdf) │"


def test_a_card_shows_its_titles_and_buttons() -> None:
    buttons = (RichButton(text="Yes", postback_id="y", user_ids=("me",)), RichButton(text="No", postback_id="n"))
    card = RichMessage(
        id="1",
        template_id="cards",
        elements=(RichElement(title="One", subtitle="of two", buttons=buttons), RichElement(subtitle="Two")),
    )
    said = [line.strip("│ ") for line in drawn(card)[1:-1]]
    assert said == ["One", "of two", "[ ✓ Yes ]  [ No ]", "Two"]
    assert "[ x Yes ]" in "".join(drawn(card, encoding="ascii"))


def test_other_events_are_named() -> None:
    system = SystemMessage(id="1", text="Sandy joined", system_message_type="x", order=1)
    lines = drawn(system, UnknownEvent(type="future", order=2), UnknownEvent(order=3), Custom(id="2"))
    assert [line.strip() for line in lines[:3]] == ["Sandy joined", "[future]", "[event of unknown type]"]
    assert lines[4].startswith("│ [custom] ")
    assert lines[0].index("Sandy") == 24


def test_control_characters_are_removed() -> None:
    lines = drawn(Message(id="1", text="a\x1b[2Jb\x9b2J\nnext line", author_id="you"))
    assert not {"\x1b", "\x9b"} & set("".join(lines))
    assert lines[2].startswith("│ next line")
