"""Checking: rows held against what belongs in their places, and events against their rows."""

import time
from collections.abc import Sequence
from functools import partial

from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import Recorded
from chalicelib.read_models.read_model import ReadModel
from ops.verifying.raw import Item, get, get_all, key_of, number_of, place_of, same
from ops.verifying.read_models import expected, of_event, own

_ROW_WAITS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 0.0)
_EVENT_WAITS = (0.1, 0.5, 1.0, 2.0, 4.0, 0.0)


def is_right(model: ReadModel, item: Item) -> bool:
    """Whether a row is what the events up to its version say. Its metadata may be on its way for
    some seconds. A row that is gone by then is nothing wrong: its events will miss it.
    """
    seen: Item | None = item
    for wait in _ROW_WAITS:
        if seen is None or _is_as_expected(model, seen):
            return True
        time.sleep(wait)
        seen = get(model.table, key_of(model.table, seen))
    return False


def _is_as_expected(model: ReadModel, seen: Item) -> bool:
    try:
        return same(expected(model, seen, own), seen)
    except UnknownEvent:
        return False


def lacking(model: ReadModel, events: Sequence[Recorded]) -> list[Recorded]:
    """The events that have not reached a read model: a row of theirs is missing, or older."""
    due = [of_event(model, event) for event in events]
    found = get_all(model.table, [row for rows in due for row in rows])
    place = partial(place_of, model.table)
    return [
        event
        for event, rows in zip(events, due, strict=True)
        if not all(_has_reached(row, found.get(place(row))) for row in rows)
    ]


def never_arriving(model: ReadModel, events: Sequence[Recorded]) -> list[Recorded]:
    """Those that are lacking still when projectors had time."""
    left = list(events)
    for wait in _EVENT_WAITS:
        left = lacking(model, left)
        if not left:
            break
        time.sleep(wait)
    return left


def _has_reached(row: Item, found: Item | None) -> bool:
    return found is not None and all(
        number_of(found, name) >= number_of(row, name) for name in ("version", "metadata_version")
    )
