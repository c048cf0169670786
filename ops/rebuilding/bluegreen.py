"""Blue-green: a new generation of tables is filled, proved and swapped in; then the old one goes.

While it is filled, projectors write both. One that did not know yet had its events from before the
filling began, and the scan that fills begins after that: no event is missed. The new one is written
before the old one, so that a reader who moves over never sees an older version than before. The old
one goes when no reader can be of the opinion that it serves.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from chalicelib.events.table import EventItem
from chalicelib.read_models import generations
from chalicelib.read_models.generations import (
    FIRST,
    SECOND,
    GenerationRow,
    Pointer,
    pinned,
    point,
    pointer,
    table_of,
)
from chalicelib.tables import create, together
from ops.provision import make
from ops.rebuilding.inplace import events_of, has_sums, lacks, project
from ops.rebuilding.progress import DONE, Progress
from ops.rebuilding.raw import Item, client, key_of
from ops.rebuilding.repair import is_right
from ops.rebuilding.rooms import Room
from ops.rebuilding.scanning import Scan, patiently
from ops.rebuilding.sums import wrong_sums
from ops.schema import definition

REQUEST_SECONDS = 30.0
"""A request that has begun ends within this time: API Gateway waits no longer."""

Tags = dict[str, str]


def replace(scan: Scan, rooms: Sequence[Room], tags: Tags) -> None:
    """Replaces the tables of the rooms by new ones, made from the events alone.

    Leaves a complaint, and all that serves as it was, where the new ones are not proved. Raises
    ValueError for a table with replicas in other regions, whose readers have no such pointer.
    """
    progress = scan.progress
    if progress.at("swapped") != DONE:
        _begin(rooms, progress, tags)
        scan.run("events", _events(), partial(_fill, rooms, progress))
        if not progress.complaints:
            _prove(scan, rooms)
        if progress.complaints:
            _abandon(rooms)
            return
        for room in rooms:
            new, old = _other(room), pointer(room.name).serving
            point(room.name, Pointer(new, (new, old)))
        progress.reached("swapped", DONE)
    time.sleep(generations.LOOK_SECONDS + REQUEST_SECONDS)
    for room in rooms:
        old = _other(room)
        point(room.name, Pointer(pointer(room.name).serving, (pointer(room.name).serving,)))
        _drop(room, old)
        if old == FIRST:  # CloudFormation counts on the table that it has made.
            _make(room, old, tags)


def _begin(rooms: Sequence[Room], progress: Progress, tags: Tags) -> None:
    """Makes the new tables, unless a killed rebuild did, and lets projectors write them too."""
    create([GenerationRow])
    for room in rooms:
        serving, new = pointer(room.name).serving, _other(room)
        if progress.at(f"{room.name} is written") == DONE:
            continue
        point(room.name, Pointer(serving, (serving,)))
        described = client().describe_table(TableName=table_of(room.name, serving))["Table"]
        if described.get("Replicas"):
            raise ValueError(f"{room.name} has replicas in other regions: rebuild it in place")
        _drop(room, new)
        _make(room, new, tags)
        point(room.name, Pointer(serving, (new, serving)))
        progress.reached(f"{room.name} is written", DONE)


def _fill(rooms: Sequence[Room], progress: Progress, items: Sequence[Item]) -> None:
    with _new(rooms):
        project(rooms, progress, items)


def _prove(scan: Scan, rooms: Sequence[Room]) -> None:
    """Complains of each row that is other than the events say, and of each event that is missing
    in the rows, though the projectors had time.
    """
    for room in rooms:
        table = table_of(room.name, _other(room))
        scan.run(f"{room.name}: proof", table, partial(_prove_rows, room, scan.progress))
    scan.run("events: proof", _events(), partial(_prove_events, rooms, scan.progress))
    if has_sums(rooms):
        with _new(rooms):
            for shard, asset in patiently(wrong_sums):
                scan.progress.complain(f"{asset} in {shard} is not what its accounts add up to")


def _prove_rows(room: Room, progress: Progress, items: Sequence[Item]) -> None:
    with _new([room]):
        alone = list(filter(room.alone, items))
        right = together(partial(is_right, room), alone)
        for item, is_so in zip(alone, right, strict=True):
            if not is_so:
                where = key_of(room.model, item)
                progress.complain(f"{room.name} {where} is other than the events say")
    progress.add("rows proved", len(items))


def _prove_events(rooms: Sequence[Room], progress: Progress, items: Sequence[Item]) -> None:
    with _new(rooms):
        for room in rooms:
            lacking = events_of(items)
            for wait in (0.1, 0.5, 1.0, 2.0, 4.0, 0.0):
                lacking = lacks(room, lacking)
                if not lacking:
                    break
                time.sleep(wait)
            for event in lacking:
                progress.complain(f"{room.name} lacks {event.stream} {event.version}")


def _abandon(rooms: Sequence[Room]) -> None:
    for room in rooms:
        serving = pointer(room.name).serving
        point(room.name, Pointer(serving, (serving,)))


def _other(room: Room) -> str:
    """The generation that does not serve."""
    return SECOND if pointer(room.name).serving == FIRST else FIRST


@contextmanager
def _new(rooms: Sequence[Room]) -> Iterator[None]:
    """Works on the generations that do not serve."""
    with ExitStack() as pins:
        for room in rooms:
            pins.enter_context(pinned(room.name, _other(room)))
        yield


def _make(room: Room, generation: str, tags: Tags) -> None:
    name = table_of(room.name, generation)
    with pinned(room.name, FIRST):
        make(client(), {**definition(room.model, tags), "TableName": name})


def _drop(room: Room, generation: str) -> None:
    name = table_of(room.name, generation)
    try:
        client().update_table(TableName=name, DeletionProtectionEnabled=False)
        client().delete_table(TableName=name)
    except client().exceptions.ResourceNotFoundException:
        return
    client().get_waiter("table_not_exists").wait(TableName=name)


def _events() -> str:
    return str(EventItem.Meta.table_name)
