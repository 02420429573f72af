"""`livechat-customer demo`: a conversation with a sandbox, and the time each call took."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import AsyncCustomerSession, SessionStats
from ._exit_codes import reporting
from ._progress import ProgressBars
from ._terminal import milliseconds, out, plural
from ._transcript import transcript

if TYPE_CHECKING:
    from ._demo_script import CallTimes, Story

_LICENSE_ID: Final = 1520
_BAR_WIDTH: Final = 30
_MIN_WIDTH_WITH_BARS: Final = 100
_TOKEN: Final = "dal-ada"  # noqa: S105 - the sandbox accepts any token


def demo() -> None:
    """Show a conversation with a sandbox.

    It contains messages, a button and a file. A table shows how long each call took.
    """
    with reporting():
        console = out()
        show(asyncio.run(play(console)), console)


@attrs.frozen(kw_only=True)
class Played:
    """A finished conversation."""

    story: Story
    times: CallTimes
    stats: SessionStats


async def play(console: Console) -> Played:
    """Have the conversation with a sandbox of its own."""
    from ..sandbox import Sandbox, serve  # noqa: PLC0415 - needs an extra
    from ._demo_script import PHOTO, CallTimes, agent, converse, draw_photo  # noqa: PLC0415 - needs the sandbox

    times, photo = CallTimes(), draw_photo()
    async with serve(Sandbox(agent=agent)) as server:
        session = AsyncCustomerSession(_LICENSE_ID, _TOKEN, base_url=server.url, observers=[times], trust_env=False)
        async with session:
            with ProgressBars(console, len(photo), 1) as bars, bars.file(PHOTO, len(photo)) as advance:
                story = await converse(session, photo, advance)
            return Played(story=story, times=times, stats=session.stats())


def show(played: Played, console: Console) -> None:
    """Print the conversation, the calls and a summary."""
    console.print("\nA conversation with a sandbox, as read back from it:\n")
    # The sandbox has ended, and with it the URL of the file.
    console.print(transcript(played.story.chat, console, links=False))
    console.print(Text.assemble("\n", ("Calls", "bold"), "\n"))
    console.print(_table(played, console))
    console.print()
    console.print(_summary(played.stats, sum(call.elapsed for call in played.times.calls)))
    console.print(
        Text.assemble("\nTo try calls of your own, start a sandbox: ", ("livechat-customer sandbox", "bold"), "\n")
    )


def _table(played: Played, console: Console) -> Table:
    story, calls = played.story, played.times.calls
    slowest = max(call.elapsed for call in calls)
    dash = "#" if console.options.ascii_only else "━"
    bars = console.width >= _MIN_WIDTH_WITH_BARS
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("action", no_wrap=True)
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
    calls, requests = plural(stats.calls, "call"), plural(stats.attempts, "request")
    connections, retries = plural(stats.connections or 0, "connection"), stats.retries
    return (
        f"{calls} in {milliseconds(seconds)} ms: {requests} over {connections}, "
        f"{retries} {'retry' if retries == 1 else 'retries'}."
    )
