"""Listing: the events of a stream without their content, in the order of their versions."""

from collections.abc import Iterator
from typing import NamedTuple

from chalicelib.events.dynamodb_faults import reading
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem

_ATTRIBUTES = ("version", "type", "recorded_at", "hash")


class ListedEvent(NamedTuple):
    """An event as it is stored; `recorded_at` is RFC 3339."""

    version: int
    type: str
    recorded_at: str
    hash: bytes


def listed(
    stream: Stream, *, after: int | None, newest_first: bool, page: int
) -> Iterator[ListedEvent]:
    """The events after a version, or, newest first, those before it; all of them for None.

    They are read in pages of `page` items, strongly consistently. Raises Busy.
    """
    version = EventItem.version
    rest = None if after is None else version < after if newest_first else version > after
    found = EventItem.query(
        str(stream),
        rest,
        consistent_read=True,
        scan_index_forward=not newest_first,
        page_size=page,
        attributes_to_get=list(_ATTRIBUTES),  # Of a tuple PynamoDB makes one path.
    )
    with reading():
        for item in found:
            yield ListedEvent(item.version, item.type, item.recorded_at, item.hash)
