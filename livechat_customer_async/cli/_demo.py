"""`livechat-customer demo`: the main job on a sandbox, to look at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import AsyncCustomerSession, SessionStats
from ._conversation import conversation
from ._exits import reporting
from ._progress import Bars
from ._terminal import milliseconds, out

if TYPE_CHECKING:
    from ._story import Stopwatch, Story

_LICENSE_ID: Final = 1520
_BAR_WIDTH: Final = 30
_ROOM_FOR_BARS: Final = 100
_TOKEN: Final = "dal-ada"  # noqa: S105 - the sandbox takes any


def demo() -> None:
    """Have a conversation on a sandbox and show it: messages, a button, a file, the history, the time it took."""
    with reporting():
        console = out()
        played = asyncio.run(play(console))
        show(played, console)


@frozen(kw_only=True)
class Played:
    """A story that was lived, where, and what it took."""

    url: str
    story: Story
    stopwatch: Stopwatch
    stats: SessionStats


async def play(console: Console) -> Played:
    """Live the story on a sandbox of its own."""
    from ..sandbox import Sandbox, serve  # noqa: PLC0415 - an extra that other commands do without
    from ._story import PHOTO, Stopwatch, agent, draw_photo, live  # noqa: PLC0415 - it needs the sandbox

    stopwatch, photo = Stopwatch(), draw_photo()
    async with serve(Sandbox(agent=agent)) as server:
        session = AsyncCustomerSession(_LICENSE_ID, _TOKEN, base_url=server.url, observers=[stopwatch], trust_env=False)
        async with session:
            with Bars(console, len(photo), 1) as bars, bars.file(PHOTO, len(photo)) as advance:
                story = await live(session, photo, advance)
            return Played(url=server.url, story=story, stopwatch=stopwatch, stats=session.stats())


def show(played: Played, console: Console) -> None:
    """Show the conversation, the calls, and what they came to."""
    story = played.story
    console.print(Text.assemble("\nA conversation on a sandbox at ", (played.url, "bold"), ", as read back from it:\n"))
    console.print(conversation(story.chat, console))
    console.print(Text.assemble("\n", ("What it took", "bold"), "\n"))
    console.print(_calls(played, console))
    console.print()
    console.print(_summary(played.stats, sum(call.elapsed for call in played.stopwatch.calls)))
    console.print(
        Text.assemble(
            "\nTo try calls of your own, keep a sandbox running: ", ("livechat-customer sandbox", "bold"), "\n"
        )
    )


def _calls(played: Played, console: Console) -> Table:
    story, calls = played.story, played.stopwatch.calls
    slowest = max(call.elapsed for call in calls)
    dash = "#" if console.options.ascii_only else "━"
    bars = console.width >= _ROOM_FOR_BARS
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("call", no_wrap=True)
    table.add_column("Ada")
    table.add_column("status", justify="right")
    table.add_column("ms", justify="right")
    if bars:
        table.add_column("")
    for step, call in zip(story.steps, calls, strict=True):
        bar = [dash * round(call.elapsed / slowest * _BAR_WIDTH)] if bars else []
        table.add_row(call.action, step, str(call.status_code), milliseconds(call.elapsed), *bar)
    return table


def _summary(stats: SessionStats, seconds: float) -> str:
    counts = ((stats.calls, "call"), (stats.attempts, "request"), (stats.connections or 0, "connection"))
    shown = [f"{number} {name}{'' if number == 1 else 's'}" for number, name in counts]
    return f"{shown[0]} in {milliseconds(seconds)} ms: {shown[1]} over {shown[2]}, {stats.retries} tried again."
