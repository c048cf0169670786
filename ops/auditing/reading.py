"""Reading: the read tables held against what the events ask for.

A row that is not as expected may only be ahead of the audit's own look at the events, or behind
them. So it is looked at again, with the event of its own version: it must be what that event says,
and have come as far as the audit had.
"""

from collections.abc import Iterable, Iterator

from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import (
    Recorded,
    Stream,
)
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models import ledgers
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.transactions.table import TransactionRow
from ops.auditing.expectations import REGISTRIES, key_parts, key_text, mark_of
from ops.auditing.findings import ledger_of
from ops.auditing.scratch import Row, Scratch
from ops.auditing.settling import read
from ops.auditing.streams import StreamCheck
from ops.verifying import rows
from ops.verifying.raw import Item, digest, get, key, last, number_of, query, same
from ops.verifying.read_models import READ_MODELS, has_day
from ops.verifying.registries import has_balance, has_total
from ops.verifying.scanning import Page, Pages

MASK = 2**128 - 1
"""Sums of digests are kept to their 128 bits."""

_HAS = {"accounts_ledgers": has_balance, "journal_ledgers": has_total}


def compare(model: str, scratch: Scratch, _: int, pages: Pages) -> None:
    """Takes a segment of a read model's table, and notes which rows are not as expected."""
    found = pages(None)
    grouped = _statements(found) if model == "statements" else _singles(model, found, scratch)
    for marks in grouped:
        expected = scratch.expected(model, list(marks)) if marks else {}
        scratch.suspect(
            (model, key) for key, mark in marks.items() if not _fits(expected.get(key), mark)
        )


def _fits(row: Row | None, mark: str) -> bool:
    """Whether a row's digest is the expected one, or there is no telling."""
    return row is not None and row.digest in ("", mark)


def _singles(model: str, pages: Iterable[Page], scratch: Scratch) -> Iterator[dict[str, str]]:
    """The digests of rows by their keys, page by page. Sums are only noted."""
    is_single = READ_MODELS[model].of_one_stream
    for page in pages:
        sums = [item for item in page.items if not is_single(item)]
        scratch.suspect(("sums", key_text(model, item)) for item in sums)
        yield {key_text(model, item): mark_of(item) for item in page.items if is_single(item)}


def _statements(pages: Iterable[Page]) -> Iterator[dict[str, str]]:
    """The sums of the digests of each account's lines, which come together."""
    sums: dict[str, int] = {}
    for page in pages:
        key = ""
        for item in page.items:
            key = key_text("statements", item)
            sums[key] = (sums.get(key, 0) + digest(item)) & MASK
        rest = {key: sums.pop(key)} if key else {}
        yield {key: f"{sum:032x}" for key, sum in sums.items()}
        sums = rest
    yield {key: f"{sum:032x}" for key, sum in sums.items()}


def ledger_of_row(model: str, row: str) -> str:
    """The ledger that a row is of."""
    if model in REGISTRIES:
        return ledgers.parts_of(key_parts(row)[1])[0]
    return ledger_of(row)


def look(model: str, row: str, least: int) -> Iterator[tuple[int, str]]:
    """What is wrong with a row now, with the version that it is about. `least` must have come."""
    hash_key, range_key = key_parts(row)
    if model == "statements":
        yield from _look_at_lines(row, least)
    elif model in REGISTRIES:
        yield from _look_at_ledger(model, hash_key, range_key)
    elif model == "transactions" and "#" in hash_key:
        yield from _look_at_day(hash_key, expected=least == 0)
    else:
        yield from _look_at_row(model, [hash_key, range_key] if range_key else [hash_key], least)


def _look_at_row(model: str, names: list[str], least: int) -> Iterator[tuple[int, str]]:
    table = READ_MODELS[model].table
    item = get(table, key(table, *names))
    if item is None:
        if least:
            yield 0, "this row is missing"
        return
    version = number_of(item, "version")
    try:
        wanted = READ_MODELS[model].expected(item, _own)
    except UnknownEvent:
        wanted = {}
    if wanted is None:
        yield version, "this row is of an event that is not there"
    elif not same(item, wanted):
        yield version, "this row is not what the event says"
    elif version < least:
        yield version, f"this row is behind: the events are at {least}"


def _own(stream: Stream, seen: Item) -> Recorded | None:
    """The event of the version that the row says it is of, if it can be read."""
    version = number_of(seen, "version")
    return read((str(stream), version)) if version > 0 else None


def _look_at_day(hash_key: str, *, expected: bool) -> Iterator[tuple[int, str]]:
    ledger, _, day = hash_key.partition("#")
    item = get(TransactionRow, key(TransactionRow, hash_key))
    if item is None:
        if expected:
            yield 0, "this row, which lists a day, is missing"
    elif not same(item, rows.day_row(ledger, day)):
        yield 0, "this row, which lists a day, is not as it should be"
    elif not has_day(ledger, day):
        yield 0, "this row lists a day without transactions"


def _look_at_ledger(model: str, hash_key: str, place: str) -> Iterator[tuple[int, str]]:
    ledger, asset = ledgers.parts_of(place)
    table, is_asset = REGISTRIES[model], _HAS[model](ledger, asset)
    item = get(table, key(table, hash_key, place))
    if item is None:
        if is_asset:
            yield 0, "this row, which lists a ledger, is missing"
    elif not is_asset or hash_key != ledgers.PARTITION:
        yield 0, "this row lists an asset that no account of the ledger holds"
    elif not same(item, rows.registry_row(table, ledger, asset)):
        yield 0, "this row, which lists a ledger, is not as it should be"


def _look_at_lines(account: str, least: int) -> Iterator[tuple[int, str]]:
    """Merges an account's lines with its events, both in the order of versions.

    The rows are read up to the newest event there was at the beginning; those behind it one by one.
    """
    ledger, _, id = account.partition("/")
    stream = str(account_stream(ledger, id))
    newest = last(EventItem, stream)
    until = number_of(newest, "version") if newest else 0
    check = StreamCheck(stream)
    events = (check.take(item)[0] for item in query(EventItem, stream))
    lines = query(StatementRow, account)
    line = next(lines, None)
    reached = 0
    while reached < until:
        one = next(events, None)
        if one is None:
            return  # Unreadable: a finding of its stream.
        reached = one.version
        wanted = rows.statement_row(one)
        while line is not None and line["place"]["S"] < wanted["place"]["S"]:
            yield number_of(line, "version"), f"there is a row {line['place']['S']} of no event"
            line = next(lines, None)
        if line is None or line["place"]["S"] > wanted["place"]["S"]:
            if one.version <= least:
                yield one.version, "the row of this event is missing"
            continue
        if not same(line, wanted):
            yield one.version, "the row of this event is not what it says"
        line = next(lines, None)
    while line is not None:
        version = number_of(line, "version")
        late = read((stream, version)) if version > 0 else None
        if late is None or not same(line, rows.statement_row(late)):
            yield version, f"there is a row {line['place']['S']} of no event"
        line = next(lines, None)
