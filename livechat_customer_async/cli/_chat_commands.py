"""The commands of a chat."""

from typing import Final, Literal

import attrs

Role = Literal["customer", "agent"]

HELP: Final = """\
TEXT            Send a message.
/agent TEXT     Send a message as the agent (sandbox only).
/customer TEXT  Send a message as the customer.
//TEXT          Send a message that starts with a slash.
/help           Show this list.
/quit           End the chat, as does Ctrl-D."""


@attrs.frozen
class Say:
    """A message to send."""

    role: Role
    text: str


Command = Say | Literal["help", "quit"]


def parse_line(line: str, role: Role) -> Command | None:
    """Return the command in a line; `None` for a blank one.

    Args:
        line: the line as typed.
        role: who sends messages without a command.

    Raises:
        ValueError: the command is unknown or incomplete; the message says so.
    """
    text = line.strip()
    if not text.startswith("/"):
        return Say(role, text) if text else None
    if text.startswith("//"):
        return Say(role, text[1:])
    name, _, rest = text[1:].partition(" ")
    match name:
        case "agent" | "customer":
            if not rest.strip():
                raise ValueError(f"missing text: /{name} TEXT")
            return Say(name, rest.strip())
        case "quit" | "help":
            return name
        case _:
            raise ValueError("unknown command (/help lists the commands; //TEXT sends a text with a slash)")
