"""Checking: compares rows with the expected rows, and events with their rows."""

import time
from collections.abc import Sequence
from contextlib import suppress

from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.read_models.read_model import ReadModel
from ops.verifying.raw import Item, get, get_all, key_of, key_text, number_of, same
from ops.verifying.read_models import expected, of_event, own

_ROW_WAITS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 0.0)
_EVENT_WAITS = (0.1, 0.5, 1.0, 2.0, 4.0, 0.0)


def is_right(model: ReadModel, item: Item) -> bool:
    """Whether a row is as expected at its version, or is deleted. Retries for some seconds, since
    its metadata may be projected later.
    """
    seen: Item | None = item
    for wait in _ROW_WAITS:
        if seen is None:
            return True
        with suppress(UnknownEvent):
            if same(expected(model, seen, own), seen):
                return True
        time.sleep(wait)
        seen = get(model.table, key_of(model.table, seen))
    return False


def lacking(model: ReadModel, events: Sequence[Recorded]) -> list[Recorded]:
    """The events that are not projected: one of their rows is missing or older."""
    due = [of_event(model, event) for event in events]
    found = get_all(model.table, [row for rows in due for row in rows])
    return [
        event
        for event, rows in zip(events, due, strict=True)
        if not all(_has_reached(row, found.get(key_text(model.table, row))) for row in rows)
    ]


def never_arriving(model: ReadModel, events: Sequence[Recorded]) -> list[Recorded]:
    """The events that are not projected within eight seconds."""
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
