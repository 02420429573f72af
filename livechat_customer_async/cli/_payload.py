"""The payload of a call: a JSON object given on the command line, in a file or on standard input."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import typer


def read_payload(given: str) -> Mapping[str, Any]:
    """Return the payload that the option `--payload` gives or names.

    Raises:
        BadParameter: it cannot be read or is not a JSON object.
    """
    # json.loads detects the encoding of bytes, including the UTF-16 that Windows shells write.
    try:
        payload: object = json.loads(_source(given))
    except OSError as error:
        source = "standard input" if given == "-" else given[1:]
        raise _invalid(f"cannot read {source}: {error.strerror}") from error
    except ValueError as error:
        raise _invalid(f"not valid JSON: {error}") from error
    if not isinstance(payload, dict):
        raise _invalid("expected a JSON object {…}")
    return cast("dict[str, Any]", payload)


def _source(given: str) -> bytes | str:
    if given == "-":
        if sys.stdin is None:
            raise _invalid("standard input is closed")
        return sys.stdin.buffer.read()
    return Path(given[1:]).read_bytes() if given.startswith("@") else given


def _invalid(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--payload")
