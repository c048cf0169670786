"""Reading: compares the read tables with the expected rows.

A row that differs may be ahead of the audit's scan of the events, or behind it. So it is read again
and compared with the event of its own version, which must be at least the version of the scan.
"""

from collections.abc import Iterable, Iterator

from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel, SharedRows
from ops.auditing.expectations import BROKEN, Lines, key_item, key_text, mark_of
from ops.auditing.findings import ledger_of
from ops.auditing.scratch import Scratch
from ops.auditing.settling import read
from ops.auditing.streams import StreamCheck
from ops.verifying.raw import Item, get, key_names, last, number_of, query, same
from ops.verifying.read_models import after, expected, is_asked_for, is_shared, is_single
from ops.verifying.scanning import Page, Pages

Marks = dict[str, tuple[str, str]]
"""The digest of rows and the name of their stream, by the key as text."""


def compare(model: ReadModel, scratch: Scratch, _: int, pages: Pages) -> None:
    """Compares a segment of a read model's table, and suspects the rows that differ."""
    found = pages(None)
    history = model.projection.history
    for marks in _histories(model, found) if history else _singles(model, found, scratch):
        wanted = scratch.expected(model.name, list(marks)) if marks else {}
        wrong = {
            key
            for key, (mark, _) in marks.items()
            if key not in wanted or wanted[key].digest != mark
        }
        broken = scratch.expected(BROKEN, [marks[key][1] for key in wrong]) if wrong else {}
        scratch.suspect((model.name, key) for key in wrong if marks[key][1] not in broken)


def _singles(model: ReadModel, pages: Iterable[Page], scratch: Scratch) -> Iterator[Marks]:
    """The digests of rows by their keys, page by page. Keys of sums go to the scratch file."""
    for page in pages:
        sums = [item for item in page.items if not is_single(model, item)]
        scratch.add_sums((model.name, key_text(model, item)) for item in sums)
        yield {
            key_text(model, item): (mark_of(item), _stream_of(model, item))
            for item in page.items
            if is_single(model, item)
        }


def _histories(model: ReadModel, pages: Iterable[Page]) -> Iterator[Marks]:
    """The sums of the digests of each partition's rows, which are consecutive."""
    lines, stream = Lines(model), ""
    for page in pages:
        done: Marks = {}
        for item in page.items:
            if key_text(model, item) != lines.key:
                done[lines.key] = lines.mark, stream
                lines, stream = Lines(model), _stream_of(model, item)
            lines.add(item)
        done.pop("", None)
        yield done
    if lines.key:
        yield {lines.key: (lines.mark, stream)}


def _stream_of(model: ReadModel, item: Item) -> str:
    """The name of a row's stream; "" for a shared or an orphan row."""
    if is_shared(model, item):
        return ""
    try:
        return str(model.projection.origin(item)[0])
    except (UnknownEvent, ValueError, KeyError):
        return ""


def ledger_of_row(model: ReadModel, row: str) -> str:
    """The ledger of a row, by its key as text."""
    item = key_item(model, row)
    shared = model.projection.shared
    return shared.ledger(item) if shared and shared.is_shared(item) else ledger_of(row)


def look(model: ReadModel, row: str, least: int) -> Iterator[tuple[int, str]]:
    """What is wrong with a row now, each with a version. The row must be at least at `least`."""
    if model.projection.history:
        yield from _look_at_history(model, row, least)
        return
    seen = key_item(model, row)
    item = get(model.table, seen)
    if model.projection.shared and model.projection.shared.is_shared(seen):
        yield from _look_at_shared(model.projection.shared, seen, item)
    elif item is not None:
        yield from _look_at_row(model, item, least)
    elif least:
        yield 0, "this row is missing"


def _look_at_row(model: ReadModel, item: Item, least: int) -> Iterator[tuple[int, str]]:
    version = number_of(item, "version")
    try:
        wanted = expected(model, item, _own)
    except UnknownEvent:
        wanted = {}
    if wanted is None:
        yield version, "this row is of an event that does not exist"
    elif not same(item, wanted):
        yield version, "this row differs from its event"
    elif version < least:
        yield version, f"this row is behind: the events are at {least}"


def _own(stream: Stream, seen: Item) -> Recorded | None:
    version = number_of(seen, "version")
    return read((str(stream), version)) if version > 0 else None


def _look_at_shared(shared: SharedRows, seen: Item, item: Item | None) -> Iterator[tuple[int, str]]:
    wanted = shared.row(seen)
    is_wanted = wanted is not None and is_asked_for(shared, seen)
    if item is None:
        if is_wanted:
            yield 0, f"this row, which lists {shared.lists}, is missing"
    elif not is_wanted or not seen.items() <= wanted.serialize().items():
        yield 0, f"this row lists {shared.orphan}"
    elif not same(item, wanted.serialize()):
        yield 0, f"this row, which lists {shared.lists}, is not as it should be"


def _look_at_history(model: ReadModel, partition: str, least: int) -> Iterator[tuple[int, str]]:
    """Merges a partition's rows with its stream's events, both in the order of versions.

    Events are read up to the newest one at the start; those of later rows are read singly.
    """
    name = _stream_of(model, key_item(model, partition))
    rows = query(model.table, partition)
    row = next(rows, None)
    for one, wanted in _lines(model, name):
        if wanted is None:
            return  # Unreadable, which is a finding of its stream.
        while row is not None and _range_key(model, row) < _range_key(model, wanted):
            yield _orphan(model, row)
            row = next(rows, None)
        if row is None or _range_key(model, row) > _range_key(model, wanted):
            if one <= least:
                yield one, "the row of this event is missing"
            continue
        if not same(row, wanted) and not (number_of(row, "version") > one and _is_own(model, row)):
            yield one, "the row of this event differs from it"
        row = next(rows, None)
    while row is not None:
        if not _is_own(model, row):
            yield _orphan(model, row)
        row = next(rows, None)


def _orphan(model: ReadModel, row: Item) -> tuple[int, str]:
    return number_of(row, "version"), f"there is an orphan row {_range_key(model, row)}"


def _lines(model: ReadModel, name: str) -> Iterator[tuple[int, Item | None]]:
    """The expected rows of a stream's events up to the newest one now, each with its version; None
    for an unreadable event. Of events with the same key the last one counts.
    """
    newest = last(EventItem, name) if name else None
    until = number_of(newest, "version") if newest else 0
    check, before = StreamCheck(name), None
    for item in query(EventItem, name) if until else ():
        one, _ = check.take(item)
        wanted = after(model, one) if one else [None]
        for each in wanted:
            if before and not (each and _range_key(model, each) == _range_key(model, before[1])):
                yield before
            before = (one.version, each) if one and each else None
        if one is None:
            yield check.version, None
            return
        if one.version >= until:
            break
    if before:
        yield before


def _is_own(model: ReadModel, row: Item) -> bool:
    name, version = _stream_of(model, row), number_of(row, "version")
    one = read((name, version)) if name and version > 0 else None
    return one is not None and any(same(row, each) for each in after(model, one))


def _range_key(model: ReadModel, item: Item) -> str:
    return str(item[key_names(model.table)[1]]["S"])
