"""A chat as speech bubbles: the customer on the right, everyone else on the left."""

from collections.abc import Iterator
from datetime import datetime

from rich.align import Align
from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.filesize import decimal
from rich.panel import Panel
from rich.text import Text

from .. import Chat, Customer, Event, File, Message, RichButton, RichMessage, SystemMessage, UnknownEvent, UnknownUser
from ._terminal import one_line, without_controls

_MAX_WIDTH = 72


def transcript(chat: Chat, console: Console) -> Group:
    """Return all events of a chat, oldest first."""
    bubbles = _Bubbles(chat, console)
    events = [event for thread in sorted(chat.threads, key=lambda one: one.order or 0) for event in thread.events]
    return Group(*(bubbles.bubble(event) for event in events))


class _Bubbles:
    """Renders events with the names of the chat's users."""

    def __init__(self, chat: Chat, console: Console) -> None:
        known = [user for user in chat.users if not isinstance(user, UnknownUser)]
        self._names = {user.id: user.name or user.id for user in known}
        self._mine = {user.id for user in known if isinstance(user, Customer)}
        self._width = min(_MAX_WIDTH, console.width * 3 // 4)
        self._ascii = console.options.ascii_only

    def bubble(self, event: Event) -> RenderableType:
        """Return an event as a bubble on its author's side."""
        if isinstance(event, UnknownEvent):
            return Align.center(Text(f"[{one_line(event.type or 'event of unknown type')}]", style="dim"))
        if isinstance(event, SystemMessage):
            return Align.center(Text(one_line(event.text or event.system_message_type), style="dim"))
        mine = event.author_id in self._mine
        title = Text.assemble((self._name(event.author_id), "bold"), (_time(event.timestamp), "dim"))
        panel = Panel(
            Text("\n").join(self._lines(event)),
            title=title,
            title_align="right" if mine else "left",
            border_style="cyan" if mine else "green",
            box=ROUNDED,
            expand=False,
        )
        return Align(Constrain(panel, self._width), "right" if mine else "left")

    def _name(self, author_id: str | None) -> str:
        return one_line(self._names.get(author_id or "", author_id or "unknown"))

    def _lines(self, event: Event) -> Iterator[Text]:
        match event:
            case Message():
                yield Text(without_controls(event.text))
            case File():
                size = "" if event.size is None else f", {decimal(event.size)}"
                kind = one_line(event.content_type or "unknown type")
                yield Text.assemble((one_line(event.name or "file"), "bold"), f" ({kind}{size})")
                yield Text(one_line(event.url), style="underline", overflow="fold")
            case RichMessage():
                yield from self._card(event)
            case _:
                yield Text(f"[{event.type}]", style="dim")

    def _card(self, card: RichMessage) -> Iterator[Text]:
        for element in card.elements:
            if element.title:
                yield Text(one_line(element.title), style="bold")
            if element.subtitle:
                yield Text(one_line(element.subtitle))
            if element.buttons:
                yield Text("  ").join(self._button(button) for button in element.buttons)

    def _button(self, button: RichButton) -> Text:
        text = one_line(button.text or "")
        if not button.user_ids:
            return Text(f"[ {text} ]", style="dim")
        return Text(f"[ {'x' if self._ascii else '✓'} {text} ]", style="bold cyan")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f" {moment.astimezone():%H:%M:%S}"
