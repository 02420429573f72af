"""Load `tests/samples`: the requests of each action, and the responses the server may give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

_LEFT_OUT = object()
FOLDER = Path(__file__).parents[1] / "samples"


@attrs.frozen
class RequestSample:
    """The expected request: its query, and either the payload or the parts of a multipart body."""

    query: dict[str, str]
    payload: dict[str, Any] | None = None
    parts: list[dict[str, str]] | None = None


@attrs.frozen
class ResponseSample:
    """The server's response. The body is empty if omitted."""

    status: int
    body: Any = _LEFT_OUT

    @property
    def content(self) -> bytes:
        return b"" if self.body is _LEFT_OUT else json.dumps(self.body).encode()


@attrs.frozen
class Sample:
    requests: dict[str, RequestSample]
    responses: dict[str, ResponseSample]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each request and each response once, paired with the first of the other kind."""
        first_request, first_response = next(iter(self.requests)), next(iter(self.responses))
        for request in self.requests:
            yield request, first_response
        for response in self.responses:
            if response != first_response:
                yield first_request, response


def load(action: str) -> Sample:
    recorded = json.loads((FOLDER / f"{action}.json").read_text(encoding="utf-8"))
    return Sample(
        {name: RequestSample(**fields) for name, fields in recorded["requests"].items()},
        {name: ResponseSample(**fields) for name, fields in recorded["responses"].items()},
    )


ACTIONS = sorted(path.stem for path in FOLDER.glob("*.json"))
SAMPLES = {action: load(action) for action in ACTIONS}
