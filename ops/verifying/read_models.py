"""Read models: for each, which rows an event makes, and what belongs in the place of a row."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.read_models.read_model import Earlier, ReadModel, SharedRows, groups
from ops.verifying.events import event_at, newest_of
from ops.verifying.raw import Item, all_items, key_of, number_of

ARRIVAL_SECONDS = 1.0
"""Given to the first account of a ledger to arrive after the row that lists the ledger."""

Find = Callable[[Stream, Item], Recorded | None]
"""The event by which a row that was seen is judged. Raises UnknownEvent."""

GROUPS = {group.name: group.projected for group in groups()}
"""The read models of each projection group that are made of events, in the order of feeding."""

READ_MODELS = {each.name: each for group in GROUPS.values() for each in group}
"""All of them by name. The verdicts of audits, which no event makes, are none."""


def newest(stream: Stream, _: Item) -> Recorded | None:
    """The newest event of the row's stream, whatever version the row has."""
    return newest_of(stream)


def own(stream: Stream, seen: Item) -> Recorded | None:
    """The event of the version that the row says it is of."""
    version = number_of(seen, "version")
    return event_at((str(stream), version)) if version > 0 else None


def is_shared(model: ReadModel, item: Item) -> bool:
    """Whether several streams ask for a row."""
    shared = model.projection.shared
    return shared is not None and shared.is_shared(item)


def is_single(model: ReadModel, item: Item) -> bool:
    """Whether a row is judged by itself: it is no sum."""
    sums = model.projection.sums
    return sums is None or not sums.is_sum(item)


def of_event(model: ReadModel, event: Recorded) -> list[Item]:
    """The rows that an event must have reached, with what the event alone writes."""
    if event.stream.kind != model.projection.kind:
        return []
    return [row.serialize() for row in model.projection.rows(event, None)]


def after(model: ReadModel, event: Recorded, earlier: Earlier | None = None) -> list[Item]:
    """The rows that must be there after an event. Raises UnknownEvent."""
    read = earlier or partial(_earlier, event.stream)
    return [row.serialize() for row in model.projection.rows(event, read)]


def expected(model: ReadModel, seen: Item, find: Find) -> Item | None:
    """What must be there instead of a row that was seen; None if nothing. Raises UnknownEvent.

    It may have another key than the row, which then belongs to nothing.
    """
    projection = model.projection
    if projection.shared and projection.shared.is_shared(seen):
        return _shared(model, projection.shared, seen, find)
    try:
        stream, version = projection.origin(seen)
    except (UnknownEvent, ValueError, KeyError):
        return None
    if stream.kind != projection.kind:
        return None
    if version is not None:
        event = event_at((str(stream), version))
    else:
        # An account's row is added to its sum by the projector alone: it is judged as it is.
        at_once = projection.sums is not None and find is newest
        event = (own(stream, seen) if at_once else None) or find(stream, seen)
    if event is None:
        return None
    rows = after(model, event)
    key = key_of(model.table, seen)
    return next((row for row in rows if key_of(model.table, row) == key), rows[0])


def _shared(model: ReadModel, shared: SharedRows, seen: Item, find: Find) -> Item | None:
    row: Any = shared.row(seen)
    if row is None:
        return None
    # A derived table that is being proved has been written from events alone.
    is_there = (model.derived and find is own) or shared.may_come(seen)
    if not is_there and not is_asked_for(shared, seen):
        if not model.derived:
            return None
        time.sleep(ARRIVAL_SECONDS)
        if not is_asked_for(shared, seen):
            return None
    item: Item = row.serialize()
    return item


def is_asked_for(shared: SharedRows, item: Item) -> bool:
    """Whether a stream asks for a row now. Raises UnknownEvent."""
    return shared.is_asked_for(item, newest_of)


def _earlier(stream: Stream, version: int) -> Recorded | None:
    return event_at((str(stream), version))


def stored_rows() -> dict[str, list[Item]]:
    """All rows of each read model as they are stored."""
    return {name: list(all_items(model.table)) for name, model in READ_MODELS.items()}
