"""In place: the rows that are there put right, those that are missing projected, the sums last."""

from collections.abc import Sequence
from functools import partial

from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.parking import is_transient
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import trusted
from chalicelib.events.table import EventItem
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.tables import together
from ops.rebuilding.progress import DONE, Progress
from ops.rebuilding.raw import Item, key_of, name_of, number_of, place_of, read_all
from ops.rebuilding.repair import set_right
from ops.rebuilding.rooms import Room
from ops.rebuilding.scanning import Scan, patiently
from ops.rebuilding.sums import set_sums_right


def repair(scan: Scan, rooms: Sequence[Room]) -> None:
    """Makes each row of the rooms what the events say, whatever it was, under live traffic.

    Beforehand wrong rows and rows too many go, so that what projectors then find is true; a row
    that is missing comes with its events; a sum is right when its accounts are.
    """
    for room in rooms:
        scan.run(f"{room.name}: rows", name_of(room.model), partial(_rows, room, scan.progress))
    scan.run("events", name_of(EventItem), partial(project, rooms, scan.progress))
    if has_sums(rooms) and scan.progress.at("sums") != DONE:
        scan.progress.add("sums put right", patiently(set_sums_right))
        scan.progress.reached("sums", DONE)


def has_sums(rooms: Sequence[Room]) -> bool:
    """Whether rows of these rooms sum up others."""
    return any(room.model is TotalRow for room in rooms)


def _rows(room: Room, progress: Progress, items: Sequence[Item]) -> None:
    def right(item: Item) -> bool:
        try:
            return set_right(room, item)
        except Exception as error:
            if is_transient(error):
                raise
            progress.complain(f"{room.name} {key_of(room.model, item)}: {error}")
            return False

    progress.add("rows put right", sum(together(right, filter(room.alone, items))))
    progress.add("rows", len(items))


def project(rooms: Sequence[Room], progress: Progress, items: Sequence[Item]) -> None:
    """Feeds the rooms the events that they lack; one by one where they do not go together."""
    try:
        fed = _feed(rooms, items)
    except Exception as error:
        if is_transient(error):
            raise
        fed = sum(_feed_alone(rooms, progress, item) for item in items)
    progress.add("events", len(items))
    progress.add("events projected into a room", fed)


def _feed_alone(rooms: Sequence[Room], progress: Progress, item: Item) -> int:
    try:
        return _feed(rooms, [item])
    except Exception as poison:
        if is_transient(poison):
            raise
        where = f"{item['stream']['S']}#{item['version']['N']}"
        progress.complain(f"{where}: {type(poison).__name__}: {poison}")
        return 0


def _feed(rooms: Sequence[Room], items: Sequence[Item]) -> int:
    events = events_of(items)
    fed = 0
    for room in rooms:
        lacking = lacks(room, events)
        if lacking:
            room.project(lacking)
        fed += len(lacking)
    return fed


def lacks(room: Room, events: Sequence[Recorded]) -> list[Recorded]:
    """The events that a room has not heard of: a row of theirs is missing, or older than they."""
    called_for = [
        [row.serialize() for row in room.rows(event)] if event.stream.kind == room.kind else []
        for event in events
    ]
    found = read_all(room.model, [row for rows in called_for for row in rows])
    return [
        event
        for event, rows in zip(events, called_for, strict=True)
        if not all(map(_is_heard, rows, map(found.get, map(partial(place_of, room.model), rows))))
    ]


def _is_heard(row: Item, found: Item | None) -> bool:
    return found is not None and all(
        number_of(found, name) >= number_of(row, name) for name in ("version", "metadata_version")
    )


def events_of(items: Sequence[Item]) -> list[Recorded]:
    """The events that items of the event table store. Raises UnknownEvent."""
    events = []
    for item in items:
        found = EventItem()
        found.deserialize(item)
        events.append(trusted(from_item(found), DynamoStore().history))
    return events
