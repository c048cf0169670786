"""Events, read from the event table."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.store import with_current_state
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import Event
from ops.verifying.raw import Item, get, key, last, number_of, text_of
from ops.verifying.scanning import Page

Coordinates = tuple[str, int]
"""The name of a stream, and a version."""


def recorded(item: Item) -> Recorded:
    """The event of an item that has all attributes. Raises ValueError, UnknownEvent."""
    text = text_of(item, "recorded_at")
    recorded_at = datetime.fromisoformat(text)
    if rfc3339(recorded_at) != text:
        raise ValueError(f"{text} is not a valid time")
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
    """The decoded event. Raises UnknownEvent, also if its stream is of another kind."""
    if isinstance(one.event, TransactionEvent) != (one.stream.kind == "transaction"):
        raise UnknownEvent(f"{one.type} cannot be in a stream of this kind")
    return cast(Event, one.event)


def readable(item: Item) -> Recorded:
    """The event of an item, with a state of this build's schema. Raises UnknownEvent."""
    try:
        return with_current_state(recorded(item), DynamoStore().history)
    except (ValueError, LookupError) as error:
        raise UnknownEvent(f"it cannot be read: {error}") from error


def event_at(coordinates: Coordinates) -> Recorded | None:
    """The stored event, if any. Raises UnknownEvent."""
    item = get(EventItem, key(EventItem, *coordinates))
    return readable(item) if item else None


def newest_of(stream: Stream) -> Recorded | None:
    """The newest stored event of a stream, if any. Raises UnknownEvent."""
    item = last(EventItem, str(stream))
    return readable(item) if item else None


def stored() -> Iterator[Recorded]:
    """All events, unordered."""
    return map(from_item, EventItem.scan(page_size=1000, consistent_read=True))


def grouped(pages: Iterable[Page]) -> Iterator[tuple[str, Iterator[Item]]]:
    """The items of a segment by stream. Items not read before the next stream are skipped."""
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


def combined(events: Iterable[Recorded]) -> int:
    """How many requests were done in a commit together with others.

    No two commits have an event of the same stream at the same instant.
    """
    requests: dict[tuple[Stream, datetime], set[str]] = defaultdict(set)
    for event in events:
        requests[event.stream, event.recorded_at].add(event.command_id)
    return len({id for commit in requests.values() if len(commit) > 1 for id in commit})
