"""Looking: reads suspected rows again, and yields what is wrong with them now.

A row that differed may have been newer than the audit's scan of the events, or older. So it is
compared with the event of its own version, which must be at least the version of the scan.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel, SharedRows
from ops.auditing.expectations import key_item
from ops.auditing.findings import Finding, Report, ledger_of
from ops.auditing.scratch import Scratch
from ops.auditing.streams import StreamCheck
from ops.verifying.events import Coordinates
from ops.verifying.raw import Item, get_all, key_names, key_text, last, number_of, query, same
from ops.verifying.read_models import READ_MODELS, after, expected, is_asked_for, is_shared
from ops.verifying.reader import Reader

_AT_ONCE = 100
"""Rows that are read together: a BatchGetItem reads up to 100."""

_MOST = 2**63
"""Versions in rows are below this. A larger one belongs to no event."""

Suspect = tuple[str, str, int]
"""A read model's name, a row's key as text, and the version that it must have reached."""


def look_again(scratch: Scratch) -> Report:
    """The findings of suspected rows as they are now. Rows that are right now are cleared."""
    report, suspects = Report(), scratch.suspects()
    while chunk := list(islice(suspects, _AT_ONCE)):
        found = {suspect[:2]: list(each) for suspect, each in _look(chunk)}
        for (name, key), wrong in found.items():
            ledger = ledger_of_row(READ_MODELS[name], key)
            report.add(Finding(ledger, f"{name} {key}", version, what) for version, what in wrong)
        scratch.clear([row for row, wrong in found.items() if not wrong])
    return report


def _look(suspects: Sequence[Suspect]) -> Iterator[tuple[Suspect, Iterable[tuple[int, str]]]]:
    """What is wrong with each of these rows, with a version. Rows and events are read together."""
    reader = Reader()
    for name in dict.fromkeys(name for name, _, _ in suspects):
        model = READ_MODELS[name]
        of_model = [each for each in suspects if each[0] == name]
        if model.projection.history:
            for suspect in of_model:
                yield suspect, _look_at_history(model, *suspect[1:])
            continue
        keys = [key_item(model, key) for _, key, _ in of_model]
        stored = get_all(model.table, keys)
        reader.fetch(_events_of(model, stored.values()))
        for suspect, key in zip(of_model, keys, strict=True):
            item = stored.get(key_text(model.table, key))
            yield suspect, _look_at(model, key, item, suspect[2], reader)


def _events_of(model: ReadModel, rows: Iterable[Item]) -> Iterator[Coordinates]:
    """The events that rows name: their own, and those that set their metadata."""
    for row in rows:
        if name := stream_of(model, row):
            versions = {number_of(row, "version"), number_of(row, "metadata_version")}
            yield from ((name, version) for version in versions if 0 < version < _MOST)


def _look_at(
    model: ReadModel, key: Item, item: Item | None, least: int, reader: Reader
) -> Iterator[tuple[int, str]]:
    if model.projection.shared and model.projection.shared.is_shared(key):
        yield from _look_at_shared(model.projection.shared, key, item)
    elif item is not None:
        yield from _look_at_row(model, item, least, reader)
    elif least:
        yield 0, "this row is missing"


def _look_at_row(
    model: ReadModel, item: Item, least: int, reader: Reader
) -> Iterator[tuple[int, str]]:
    version = number_of(item, "version")

    def own(stream: Stream, _: Item) -> Recorded | None:
        return reader.read((str(stream), version)) if version > 0 else None

    try:
        wanted = expected(model, item, own, reader.event)
    except UnknownEvent:
        wanted = {}
    if wanted is None:
        yield version, "this row is of an event that does not exist"
    elif not same(item, wanted):
        yield version, "this row differs from its event"
    elif version < least:
        yield version, f"this row is behind: the events are at {least}"


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
    name = stream_of(model, key_item(model, partition))
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
    name, version = stream_of(model, row), number_of(row, "version")
    one = Reader().read((name, version)) if name and version > 0 else None
    return one is not None and any(same(row, each) for each in after(model, one))


def _range_key(model: ReadModel, item: Item) -> str:
    return str(item[key_names(model.table)[1]]["S"])


def stream_of(model: ReadModel, item: Item) -> str:
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
