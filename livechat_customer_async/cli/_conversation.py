"""A conversation as a person wants to see it: bubbles, mine to the right, theirs to the left."""

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
from ._terminal import printable, printable_lines

_WIDEST = 72


def conversation(chat: Chat, console: Console) -> Group:
    """All events of a chat, oldest first, from its customer's side."""
    teller = _Teller(chat, console)
    events = [event for thread in sorted(chat.threads, key=lambda one: one.order or 0) for event in thread.events]
    return Group(*(teller.bubble(event) for event in events))


class _Teller:
    """Knows the users of a chat, and how wide a bubble may be."""

    def __init__(self, chat: Chat, console: Console) -> None:
        known = [user for user in chat.users if not isinstance(user, UnknownUser)]
        self._names = {user.id: user.name or user.id for user in known}
        self._mine = {user.id for user in known if isinstance(user, Customer)}
        self._width = min(_WIDEST, console.width * 3 // 4)
        self._ascii = console.options.ascii_only

    def bubble(self, event: Event) -> RenderableType:
        """One event, in its author's bubble and on its author's side."""
        if isinstance(event, UnknownEvent):
            return Align.center(Text(f"[{printable(event.type or 'an event without a type')}]", style="dim"))
        if isinstance(event, SystemMessage):
            return Align.center(Text(printable(event.text), style="dim"))
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
        return printable(self._names.get(author_id or "", author_id or "somebody"))

    def _lines(self, event: Event) -> Iterator[Text]:
        match event:
            case Message():
                yield Text(printable_lines(event.text))
            case File():
                size = "" if event.size is None else f", {decimal(event.size)}"
                yield Text.assemble((printable(event.name), "bold"), f" ({printable(event.content_type)}{size})")
                yield Text(printable(event.url), style="underline", overflow="fold")
            case RichMessage():
                yield from self._card(event)
            case _:
                yield Text(f"[{event.type}]", style="dim")

    def _card(self, card: RichMessage) -> Iterator[Text]:
        for element in card.elements:
            if element.title:
                yield Text(printable(element.title), style="bold")
            if element.subtitle:
                yield Text(printable(element.subtitle))
            if element.buttons:
                yield Text("  ").join(self._button(button) for button in element.buttons)

    def _button(self, button: RichButton) -> Text:
        text = printable(button.text)
        if not button.user_ids:
            return Text(f"[ {text} ]", style="dim")
        return Text(f"[ {'x' if self._ascii else '✓'} {text} ]", style="bold cyan")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f" {moment.astimezone():%H:%M:%S}"
