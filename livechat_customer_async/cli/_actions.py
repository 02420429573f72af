"""The actions of the API: for help, completion and the detection of typing errors."""

import difflib
from collections.abc import Iterator
from typing import Final

import typer

ACTIONS: Final[dict[str, dict[str, str]]] = {
    "chats": {
        "get_chats_summary": "List the chats, most recent first.",
        "get_chat_threads_summary": "List the threads of a chat.",
        "get_chat_threads": "Get a chat with its threads and events.",
        "start_chat": "Start a chat.",
        "activate_chat": "Start a new thread in an inactive chat.",
        "close_thread": "Close the active thread of a chat.",
    },
    "events": {
        "send_event": "Send a message or another event.",
        "send_file": "Send a file (command upload --chat).",
        "upload_file": "Upload a file (command upload).",
        "send_rich_message_postback": "Press or release a button.",
        "send_sneak_peek": "Show agents what is being typed.",
    },
    "properties": {
        "update_chat_properties": "Set properties of a chat.",
        "delete_chat_properties": "Delete properties of a chat.",
        "update_chat_thread_properties": "Set properties of a thread.",
        "delete_chat_thread_properties": "Delete properties of a thread.",
        "update_event_properties": "Set properties of an event.",
        "delete_event_properties": "Delete properties of an event.",
    },
    "customers": {
        "update_customer": "Set the name, email, avatar or fields.",
        "set_customer_fields": "Set custom fields.",
    },
    "status": {
        "get_groups_status": "Get the status of groups.",
    },
    "other": {
        "check_goals": "Trigger goals reached by a page.",
        "get_form": "Get a pre-chat or post-chat form.",
        "get_predicted_agent": "Get the agent who would take a chat.",
        "get_url_details": "Get the link preview of a URL.",
        "update_last_seen_timestamp": "Mark a chat as seen.",
    },
}
"""One line about each action, by namespace."""

UPLOADS: Final = frozenset({"send_file", "upload_file"})

_ALL: Final = {name: text for actions in ACTIONS.values() for name, text in actions.items()}
_NAME_WIDTH: Final = max(map(len, _ALL)) + 2


def actions_help() -> str:
    """Return the list of actions for the help of `call`."""
    lines = ["Actions:"]
    for namespace, actions in ACTIONS.items():
        lines.append(f"  {namespace}")
        lines += [f"    {name:{_NAME_WIDTH}}{text}" for name, text in actions.items()]
    return "\n".join(lines)


def complete_action(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of an action in a shell. Uploads have a command of their own."""
    return ((name, text) for name, text in _ALL.items() if name.startswith(incomplete) and name not in UPLOADS)


def check_action(action: str, *, force: bool) -> None:
    """Refuse names that look like typing errors, unless forced. Other unknown names may be new actions of the API."""
    if action in UPLOADS:
        raise _invalid("to send a file, use livechat-customer upload")
    if action in _ALL or force:
        return
    matches = difflib.get_close_matches(action.lower().replace("-", "_"), _ALL, n=1, cutoff=0.75)
    if matches:
        raise _invalid(f"unknown action; did you mean {matches[0]}? Add --force to call it anyway")


def is_known(action: str) -> bool:
    """Return whether this version of the package knows the action."""
    return action in _ALL


def _invalid(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="ACTION")
