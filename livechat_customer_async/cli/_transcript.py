"""A chat as speech bubbles: the customer on the right, everyone else on the left."""

from rich.align import Align
from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.text import Text

from .. import Chat, Customer, Event, SystemMessage, UnknownEvent
from ._event_text import author_name, clock_time, event_lines, user_names

_MAX_WIDTH = 72


def transcript(chat: Chat, console: Console, *, links: bool = True) -> Group:
    """Return all events of a chat, oldest first.

    Args:
        chat: the chat.
        console: where to print the result.
        links: whether to show the URLs of files.
    """
    bubbles = _Bubbles(chat, console, links=links)
    events = [event for thread in sorted(chat.threads, key=lambda one: one.order or 0) for event in thread.events]
    return Group(*(bubbles.bubble(event) for event in events))


class _Bubbles:
    """Renders events with the names of the chat's users."""

    def __init__(self, chat: Chat, console: Console, *, links: bool) -> None:
        self._names = user_names(chat)
        self._customers = {user.id for user in chat.users if isinstance(user, Customer)}
        self._width = min(_MAX_WIDTH, console.width * 3 // 4)
        self._ascii = console.options.ascii_only
        self._links = links

    def bubble(self, event: Event) -> RenderableType:
        """Return an event as a bubble on its author's side."""
        content = Text("\n").join(event_lines(event, ascii_only=self._ascii, links=self._links))
        if isinstance(event, UnknownEvent | SystemMessage):
            return Align.center(content)
        right = event.author_id in self._customers
        time = clock_time(event)
        title = Text.assemble((author_name(event, self._names), "bold"), (f" {time}" if time else "", "dim"))
        panel = Panel(
            content,
            title=title,
            title_align="right" if right else "left",
            border_style="cyan" if right else "green",
            box=ROUNDED,
            expand=False,
        )
        return Align(Constrain(panel, self._width), "right" if right else "left")
