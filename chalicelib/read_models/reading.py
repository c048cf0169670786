"""Reading: what the read models' queries share: waiting for a version, merging buckets."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated, Literal, TypeVar

from msgspec import Meta

from chalicelib.domain.errors import (
    InvalidField,
    ProjectionBehind,
)
from chalicelib.domain.stripes import hidden, stripes_of
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import EventStore
from chalicelib.http.pagination import DEFAULT_LIMIT, MAX_LIMIT
from chalicelib.settings import settings
from chalicelib.tables import in_parallel

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
"""How many rows a page holds."""

MinVersion = Annotated[int, Meta(ge=0)]
"""The version that a read must have seen; 0 asks for nothing."""

Consistency = Literal["eventual", "strong"]
"""From the read model's table, or from the event table itself, which is never behind."""

PAGE = DEFAULT_LIMIT

_PATIENCE_SECONDS = 2.0
_FIRST_WAIT_SECONDS = 0.02

_Found = TypeVar("_Found")
_Row = TypeVar("_Row")


def patiently(
    read: Callable[[], _Found],
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> _Found:
    """What `read` finds, read again for up to two seconds while it raises ProjectionBehind.

    The waits double from 20 ms, so that a long wait costs seven reads. Raises ProjectionBehind.
    """
    wait, waited, began = _FIRST_WAIT_SECONDS, 0.0, monotonic()
    while True:
        try:
            return read()
        except ProjectionBehind:
            # What the reads took counts too, where that is more than the waits.
            if max(waited, monotonic() - began) + wait > _PATIENCE_SECONDS:
                raise
        sleep(wait)
        waited, wait = waited + wait, wait * 2


def clock() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


def now() -> datetime:
    """The instant of a read, at which holds have expired or not."""
    return clock()  # Looked up at each call: a test sets the clock.


def newest_event(stream: Stream, min_version: int) -> Recorded | None:
    """The newest event of a stream, read from the event table, strongly consistent.

    Raises InvalidField where this stage reads its own tables only, and ProjectionBehind, without
    waiting, for a version that has not been written.
    """
    head = event_store().load([stream]).get(stream)
    if head is not None:
        require_version(head.version, min_version)
    return head


def event_store() -> EventStore:
    """The event table, for what may be read from it. Raises InvalidField where nothing may."""
    if not settings().strong_reads:
        raise InvalidField("consistency", "this stage does not read the event table")
    # Loaded by the stages that allow it, and by no others.
    from chalicelib.events.dynamodb import DynamoStore

    return DynamoStore()


def require_order(start: str | None, end: str | None, called: str = "to") -> None:
    """Raises InvalidField for a period that begins after its end, which is what is `called` so."""
    if start is not None and end is not None and start > end:
        raise InvalidField("from", f"is later than {called}")


def require_version(seen: int, min_version: int) -> None:
    """Raises ProjectionBehind unless the version that was asked for has been seen."""
    if seen < min_version:
        raise ProjectionBehind(min_version)


def require_shown(seen: Mapping[str, int], account: str, count: int, min_version: int) -> None:
    """Likewise of an account in so many stripes: `min_version` is one of its, or of a stripe's.

    `seen` says how far each stream was seen, by its id.
    """
    number, version = hidden(min_version, count)
    if seen[[account, *stripes_of(account, count)][number]] < version:
        raise ProjectionBehind(min_version)


def primed(rows: Iterator[_Row]) -> Iterator[_Row]:
    """The same rows, with the first page fetched now: several can then be fetched together."""
    first = list(islice(rows, 1))
    return chain(first, rows)


def in_order(
    sources: Iterable[Iterator[_Row]], key: Callable[[_Row], str], *, descending: bool = False
) -> Iterator[_Row]:
    """Sorted sources as one, their first pages fetched at the same time."""
    return heapq.merge(*in_parallel(primed, sources), key=key, reverse=descending)


def page_of(rows: Iterator[_Row], limit: int) -> tuple[list[_Row], bool]:
    """The first `limit` rows, and whether there are more."""
    page = list(islice(rows, limit))
    return page, next(rows, None) is not None
