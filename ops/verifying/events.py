"""Stored events, read one by one, by stream, or all of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import with_current_state
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import Event
from ops.verifying.raw import Item, get, key, last, number_of, text_of
from ops.verifying.scanning import Page

Place = tuple[str, int]
"""The name of a stream, and a version."""


def recorded(item: Item) -> Recorded:
    """The event of an item that has all attributes. Raises ValueError, UnknownEvent."""
    text = text_of(item, "recorded_at")
    recorded_at = datetime.fromisoformat(text)
    if rfc3339(recorded_at) != text:
        raise ValueError(f"{text} is no time")
    return Recorded(
        stream=Stream.parse(text_of(item, "stream")),
        version=number_of(item, "version"),
        type=text_of(item, "type"),
        data=text_of(item, "data"),
        state_data=text_of(item, "state"),
        recorded_at=recorded_at,
        command_id=text_of(item, "command_id"),
        actor=text_of(item, "actor"),
        hash=item["hash"]["B"],
    )


def event_of(one: Recorded) -> Event:
    """What it says. Raises UnknownEvent, also where it is of another kind than its stream."""
    if isinstance(one.event, TransactionEvent) != (one.stream.kind == "transaction"):
        raise UnknownEvent(f"{one.type} is no event of a stream of this kind")
    return cast(Event, one.event)


def readable(item: Item) -> Recorded:
    """The event of an item, with a state of this build's schema. Raises UnknownEvent."""
    try:
        return with_current_state(recorded(item), DynamoStore().history)
    except (ValueError, LookupError) as error:
        raise UnknownEvent(f"it cannot be read: {error}") from error


def event_at(place: Place) -> Recorded | None:
    """The event at a place now; None if there is none. Raises UnknownEvent."""
    item = get(EventItem, key(EventItem, *place))
    return readable(item) if item else None


def newest_of(stream: Stream) -> Recorded | None:
    """The newest event of a stream now; None if there is none. Raises UnknownEvent."""
    item = last(EventItem, str(stream))
    return readable(item) if item else None


def stored() -> Iterator[Recorded]:
    """All that stands in the event table, in no order."""
    return map(from_item, EventItem.scan(page_size=1000, consistent_read=True))


def grouped(pages: Iterable[Page]) -> Iterator[tuple[str, Iterator[Item]]]:
    """A segment's items by stream. Each stream's are to be used up before the next is asked for."""
    items = (item for page in pages for item in page.items)
    ahead = next(items, None)

    def of(name: str) -> Iterator[Item]:
        nonlocal ahead
        while ahead is not None and text_of(ahead, "stream") == name:
            yield ahead
            ahead = next(items, None)

    while ahead is not None:
        name = text_of(ahead, "stream")
        rest = of(name)
        yield name, rest
        for _ in rest:
            pass
