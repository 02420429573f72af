"""The payload of a call: a JSON object given on the command line, in a file or on standard input."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import typer

from ._terminal import print_note

# The keys of a request in the API's documentation, besides `payload`.
_ENVELOPE: Final = frozenset({"action", "author_id", "payload", "request_id", "type", "version"})


def read_payload(given: str, action: str) -> Mapping[str, Any]:
    """Return the payload that the option `--payload` gives or names.

    A complete request, `{"payload": {…}}` as in the API's documentation, is reduced to its payload.

    Args:
        given: the value of the option.
        action: the action to call.

    Raises:
        BadParameter: the payload cannot be read, is not a JSON object, or belongs to another action.
    """
    payload = _parse(_read(given), given)
    if not isinstance(payload, dict):
        raise _invalid(f"expected a JSON object {{…}}, got {_json_type(payload)}")
    return _unwrap(cast("dict[str, Any]", payload), action)


def _read(given: str) -> bytes | str:
    if given in ("-", "@-"):
        return _read_stdin()
    if not given.startswith("@"):
        return given
    if given == "@":
        raise _invalid("expected a file name after @")
    try:
        return Path(given[1:]).read_bytes()
    except OSError as error:
        raise _invalid(f"cannot read {given[1:]}: {error.strerror}") from error


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise _invalid("standard input is closed")
    if sys.stdin.isatty():
        print_note("reading the payload from standard input; end it with Ctrl-D (Ctrl-Z and Enter on Windows)")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise _invalid(f"cannot read standard input: {error.strerror}") from error


def _parse(text: bytes | str, given: str) -> object:
    if not text.strip():
        raise _invalid("expected a JSON object, got nothing")
    try:
        # Detects the encoding of bytes, including the UTF-16 that Windows shells write.
        parsed: object = json.loads(text)
    except RecursionError as error:
        raise _invalid("nested too deeply") from error
    except ValueError as error:
        raise _invalid(f"not valid JSON: {error}{_file_hint(given)}") from error
    return parsed


def _file_hint(given: str) -> str:
    """Suggest `@` if the value is the name of a file."""
    try:
        return f"; to read the file, use @{given}" if Path(given).is_file() else ""
    except (OSError, ValueError):  # too long for a name, or not one
        return ""


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = ((bool, "a boolean"), (str, "a string"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _unwrap(payload: dict[str, Any], action: str) -> dict[str, Any]:
    inner: Any = payload.get("payload")
    if not isinstance(inner, dict) or not payload.keys() <= _ENVELOPE:
        return payload
    if payload.get("action", action) != action:
        raise _invalid("its key `action` names another action")
    print_note("sending only the value of `payload`: the command adds the envelope itself")
    return cast("dict[str, Any]", inner)


def _invalid(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--payload")
