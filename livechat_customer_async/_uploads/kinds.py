"""Which kind of source a caller's object is, and so how it is read."""

from __future__ import annotations

import inspect
import io
import os
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, TypeAlias, cast

from .._base.checks import refuse
from .files import AwaitedFile, BlockingFile, open_regular_file
from .iterables import AwaitedIterable, BlockingIterable
from .metadata import own
from .pieces import OpeningReader, unusable
from .readers import MemoryReader, RawSource, SourceReader, check_buffers, is_buffer
from .runners import Pump, Worker

NewReader: TypeAlias = Callable[[], OpeningReader]


def readable_part(upload: Any) -> Any:
    """Return what is read: the object itself, or the file in an upload object that has neither `read` nor items."""
    has_items = isinstance(upload, Iterable | AsyncIterable | os.PathLike)
    if has_items or callable(getattr(upload, "read", None)):
        return cast("object", upload)
    file = own(upload, "file")
    return file if callable(getattr(file, "read", None)) else upload


def new_reader(file: Any, upload: Any) -> NewReader:
    """Return what makes a reader for a source. `upload`: the object that may state its size.

    Raises:
        InvalidRequestError: it is of no kind that can be uploaded.
    """
    if isinstance(file, str):
        raise unusable("a str is neither a path nor content: pass pathlib.Path(...) for a file, text.encode() for text")
    if isinstance(file, os.PathLike):
        return _blocking(lambda: BlockingFile(partial(open_regular_file, file), ours=True))
    if not isinstance(file, bytes | bytearray | memoryview) and callable(getattr(file, "read", None)):
        return _of_file(file, upload)
    return _of_items(file)


def _of_file(file: Any, upload: Any) -> NewReader:
    if own(file, "closed") is True:
        raise unusable("the file is closed")
    # Wrappers of text files (temporary files, async files) are not TextIOBase, but have the encoding of one.
    if isinstance(file, io.TextIOBase) or isinstance(own(file, "encoding"), str):
        raise unusable('the file is open in text mode: open it with mode "rb"')
    if inspect.iscoroutinefunction(file.read):
        return lambda: _awaited(AwaitedFile(file, upload=upload), interrupt=False)
    return _blocking(lambda: BlockingFile(lambda: file, ours=False, upload=upload))


def _of_items(file: Any) -> NewReader:
    if is_buffer(file):
        return partial(MemoryReader, check_buffers((file,)))
    if isinstance(file, list | tuple | deque):
        return partial(MemoryReader, check_buffers(tuple(cast("Iterable[object]", file))))
    if isinstance(file, AsyncIterable):
        return lambda: _awaited(AwaitedIterable(cast("AsyncIterable[object]", file)), interrupt=True)
    if isinstance(file, Iterable) and not isinstance(file, Mapping | AbstractSet):
        return _blocking(partial(BlockingIterable, cast("Iterable[object]", file)))
    expected = "a path, bytes, a file open in binary mode or an iterable of bytes"
    return refuse(expected, cast("object", file), "file")


def _blocking(new_source: Callable[[], RawSource]) -> NewReader:
    return lambda: SourceReader(new_source(), Worker())


def _awaited(source: AwaitedFile | AwaitedIterable, *, interrupt: bool) -> OpeningReader:
    return SourceReader(source, Pump(source.cancelled, interrupt=interrupt))


_claimed: dict[int, object] = {}


def claim(file: Any) -> Callable[[], object]:
    """Reserve a caller's file or iterator for one upload, and return what releases it.

    Two uploads at once would each read a part of it, and move each other's position.
    """
    if isinstance(file, os.PathLike) or not (hasattr(file, "read") or isinstance(file, Iterator | AsyncIterator)):
        return lambda: None
    key = id(cast("object", file))
    if _claimed.setdefault(key, mine := object()) is not mine:
        raise unusable("another call is uploading this very object; open the file once for each call")
    return lambda: _claimed.pop(key, None)
