"""Files larger than the limit: one error, whether their size is known or not, over every transport."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from livechat_customer_async import EntityTooLargeError, FileTooLargeError, InvalidRequestError, Outcome
from tests.helpers.sessions import TOKEN
from tests.helpers.storm import Over, over_auto, over_httpx
from tests.helpers.uploads import CHUNK, LIMIT, serving

pytestmark = pytest.mark.asyncio

over_each = pytest.mark.parametrize("over", [over_auto, over_httpx], ids=lambda over: over.__name__)


def blocks() -> Iterator[bytes]:
    while True:
        yield bytes(CHUNK)


async def async_blocks() -> AsyncIterator[bytes]:
    for block in blocks():
        yield block


async def refused(over: Over, file: Any) -> tuple[FileTooLargeError, list[bool]]:
    """Upload a file; return the error, and which requests were complete."""
    async with serving() as server:
        async with over(server.base_url, TOKEN) as session:
            with pytest.raises(FileTooLargeError) as caught:
                await session.events.upload_file(file)
        await server.all_closed()
        return caught.value, [request.complete for request in server.requests]


@over_each
async def test_a_known_size_is_refused_before_anything_is_sent(over: Over, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(bytes(LIMIT + 1))
    error, requests = await refused(over, path)
    assert (
        str(error) == f"upload_file: file: 'video.mp4' has {LIMIT + 1} bytes; the limit is {LIMIT} [nothing was sent]"
    )
    assert (error.outcome, error.attempts, error.parameter, requests) == (Outcome.NOT_SENT, 0, "file", [])


@over_each
@pytest.mark.parametrize("make", [blocks, async_blocks])
async def test_an_unknown_size_is_refused_at_the_limit(make: Any, over: Over) -> None:
    error, requests = await refused(over, make())
    assert error.message == f"the file has more than {LIMIT} bytes, the limit"
    assert "[the request was not completed; 1 attempt, " in str(error)
    assert (error.outcome, error.attempts, error.parameter, requests) == (Outcome.NOT_SENT, 1, "file", [False])


async def test_it_is_both_kinds_of_refusal_and_survives_copies() -> None:
    error = FileTooLargeError("the file is too large", parameter="file", attempts=1)
    assert isinstance(error, InvalidRequestError)
    assert isinstance(error, EntityTooLargeError)
    for one in (error, copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (one.type, one.status_code, one.parameter, one.attempts) == ("entity_too_large", 0, "file", 1)
        assert (one.outcome, str(one)) == (Outcome.NOT_SENT, "file: the file is too large")
