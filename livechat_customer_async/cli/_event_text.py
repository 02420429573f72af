"""Events as styled text, for transcripts and chats."""

from collections.abc import Iterator

from rich.filesize import decimal
from rich.text import Text

from .. import Chat, Customer, Event, File, Message, RichButton, RichMessage, SystemMessage, UnknownUser
from ._terminal import one_line, without_controls


def user_names(chat: Chat) -> dict[str, str]:
    """Return the names of the users of a chat, by ID."""
    known = [user for user in chat.users if not isinstance(user, UnknownUser)]
    return {user.id: user.name or ("Customer" if isinstance(user, Customer) else user.id) for user in known}


def author_name(event: Event, names: dict[str, str]) -> str:
    """Return the name of an author, or the ID if the name is unknown."""
    author = event.author_id
    return one_line(names.get(author or "", author or "unknown"))


def event_lines(event: Event, *, ascii_only: bool, links: bool = True) -> Iterator[Text]:
    """Return the content of an event in one or more lines.

    Args:
        event: the event.
        ascii_only: whether the terminal shows ASCII characters only.
        links: whether to show the URLs of files.
    """
    match event:
        case Message():
            yield Text(without_controls(event.text))
        case File():
            yield from _file(event, links=links)
        case RichMessage():
            yield from _card(event, ascii_only=ascii_only)
        case SystemMessage():
            yield Text(one_line(event.text or f"[{event.system_message_type}]"), style="dim")
        case _:
            yield Text(f"[{one_line(event.type or 'event of unknown type')}]", style="dim")


def clock_time(event: Event) -> str:
    """Return the local time of an event, empty if unknown."""
    return "" if event.timestamp is None else f"{event.timestamp.astimezone():%H:%M:%S}"


def _file(file: File, *, links: bool) -> Iterator[Text]:
    facts = [one_line(file.content_type or ""), "" if file.size is None else decimal(file.size)]
    shown = ", ".join(filter(None, facts))
    yield Text.assemble((one_line(file.name or "file"), "bold"), f" ({shown})" if shown else "")
    if links:
        yield Text(one_line(file.url), style="underline", overflow="fold")


def _card(card: RichMessage, *, ascii_only: bool) -> Iterator[Text]:
    for element in card.elements:
        if element.title:
            yield Text(one_line(element.title), style="bold")
        if element.subtitle:
            yield Text(one_line(element.subtitle))
        if element.buttons:
            yield Text("  ").join(_button(button, ascii_only=ascii_only) for button in element.buttons)


def _button(button: RichButton, *, ascii_only: bool) -> Text:
    text = one_line(button.text or "")
    if not button.user_ids:
        return Text(f"[ {text} ]", style="dim")
    return Text(f"[ {'x' if ascii_only else '✓'} {text} ]", style="bold cyan")
