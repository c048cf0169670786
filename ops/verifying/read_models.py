"""Read models: the expected rows of an event, and the expected row for a stored one."""

import time
from collections.abc import Callable
from typing import Any

from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.read_models.read_model import Earlier, ReadModel, SharedRows, groups
from ops.verifying.events import Coordinates, event_at, newest_of
from ops.verifying.raw import Item, all_items, key_of, number_of

ARRIVAL_SECONDS = 1.0
"""Seconds for the projection of a ledger's first account after the row that lists the ledger."""

Find = Callable[[Stream, Item], Recorded | None]
"""Returns the event for which a stored row is verified. Raises UnknownEvent."""

Read = Callable[[Coordinates], Recorded | None]
"""Returns a stored event. Raises UnknownEvent."""

GROUPS = {group.name: group.projected for group in groups()}
"""The projected read models of each projection group, in the order of feeding."""

READ_MODELS = {each.name: each for group in GROUPS.values() for each in group}
"""All projected read models by name."""


def newest(stream: Stream, _: Item) -> Recorded | None:
    """The newest event of the row's stream."""
    return newest_of(stream)


def own(stream: Stream, seen: Item) -> Recorded | None:
    """The event of the row's own version."""
    version = number_of(seen, "version")
    return event_at((str(stream), version)) if version > 0 else None


def is_shared(model: ReadModel, item: Item) -> bool:
    """Whether a row is shared by several streams."""
    shared = model.projection.shared
    return shared is not None and shared.is_shared(item)


def is_single(model: ReadModel, item: Item) -> bool:
    """Whether a row is not a sum."""
    sums = model.projection.sums
    return sums is None or not sums.is_sum(item)


def of_event(model: ReadModel, event: Recorded) -> list[Item]:
    """The rows of an event, with only the attributes that the event itself writes."""
    if event.stream.kind != model.projection.kind:
        return []
    return [row.serialize() for row in model.projection.rows(event, None)]


def after(model: ReadModel, event: Recorded, earlier: Earlier | None = None) -> list[Item]:
    """The expected rows after an event. Raises UnknownEvent."""
    read = earlier or (lambda version: event_at((str(event.stream), version)))
    return [row.serialize() for row in model.projection.rows(event, read)]


def expected(model: ReadModel, seen: Item, find: Find, read: Read = event_at) -> Item | None:
    """The expected row for a stored one; None if it should not exist. Raises UnknownEvent.

    If the expected row has another key, the stored one is an orphan row.
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
        event = read((str(stream), version))
    else:
        # Only the projector may advance an account's row, together with its sum.
        keeps_version = projection.sums is not None and find is newest
        event = (own(stream, seen) if keeps_version else None) or find(stream, seen)
    if event is None:
        return None
    rows = after(model, event, lambda version: read((str(stream), version)))
    key = key_of(model.table, seen)
    return next((row for row in rows if key_of(model.table, row) == key), rows[0])


def _shared(model: ReadModel, shared: SharedRows, seen: Item, find: Find) -> Item | None:
    row: Any = shared.row(seen)
    if row is None:
        return None
    # A rebuild's new derived table was written from events only.
    is_certain = (model.derived and find is own) or shared.may_come(seen)
    if not is_certain and not is_asked_for(shared, seen):
        if not model.derived:
            return None
        time.sleep(ARRIVAL_SECONDS)
        if not is_asked_for(shared, seen):
            return None
    item: Item = row.serialize()
    return item


def is_asked_for(shared: SharedRows, item: Item) -> bool:
    """Whether any stream needs a shared row now. Raises UnknownEvent."""
    return shared.is_asked_for(item, newest_of)


def stored_rows() -> dict[str, list[Item]]:
    """All stored rows of each read model."""
    return {name: list(all_items(model.table)) for name, model in READ_MODELS.items()}
