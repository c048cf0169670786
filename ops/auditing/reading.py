"""Reading: the read tables held against what the events ask for.

A row that is not as expected may only be ahead of the audit's own look at the events, or behind
them. So it is looked at again, with the event of its own version: it must be what that event says,
and have come as far as the audit had.
"""

from collections.abc import Iterable, Iterator

from chalicelib.events.recorded import Recorded, account_stream, transaction_stream
from chalicelib.events.table import EventItem
from chalicelib.read_models.balances.table import ledger_of
from chalicelib.read_models.ledgers import PARTITION as LEDGERS
from chalicelib.read_models.ledgers import parts_of
from chalicelib.read_models.statements.table import StatementRow, partition
from chalicelib.read_models.totals.table import ACCOUNT
from chalicelib.read_models.transactions.table import TransactionRow, day_buckets
from ops.auditing.items import Item, Pace, digest, get, number_of, query, scan
from ops.auditing.rows import (
    ROOMS,
    balance_row,
    day_item,
    key_parts,
    key_text,
    ledger_rows,
    mark_of,
    statement_row,
    total_row,
    transaction_row,
)
from ops.auditing.scratch import Row, Scratch
from ops.auditing.settling import read
from ops.auditing.streams import Walk
from ops.rebuilding.registries import has_balance, has_total

KEPT_BY = {"accounts_ledgers": has_balance, "journal_ledgers": has_total}
"""The registries of ledgers, and whether their stack has an account of an asset."""

MASK = 2**128 - 1
"""Sums of digests are kept to their 128 bits."""


def compare(room: str, segment: int, *, segments: int, pace: Pace, scratch: Scratch) -> None:
    """Scans a segment of a room's table, and notes which rows are not as expected."""
    pages = scan(ROOMS[room], segment, segments, pace, consistent=False)
    grouped = _statements(pages) if room == "statements" else _singles(room, pages, scratch)
    for rows in grouped:
        expected = scratch.expected(room, list(rows)) if rows else {}
        scratch.suspect(
            (room, key) for key, mark in rows.items() if not _fits(expected.get(key), mark)
        )


def _fits(row: Row | None, mark: str) -> bool:
    """Whether a row's digest is the expected one, or there is no telling."""
    return row is not None and row.digest in ("", mark)


def _singles(room: str, pages: Iterable[list[Item]], scratch: Scratch) -> Iterator[dict[str, str]]:
    """The digests of rows by their keys, page by page. Sums are only noted."""
    for page in pages:
        scratch.suspect(("sums", key_text(room, item)) for item in page if is_sum(room, item))
        yield {key_text(room, item): mark_of(item) for item in page if not is_sum(room, item)}


def _statements(pages: Iterable[list[Item]]) -> Iterator[dict[str, str]]:
    """The sums of the digests of each account's lines, which come together."""
    sums: dict[str, int] = {}
    for page in pages:
        key = ""
        for item in page:
            key = key_text("statements", item)
            sums[key] = (sums.get(key, 0) + digest(item)) & MASK
        rest = {key: sums.pop(key)} if key else {}
        yield {key: f"{sum:032x}" for key, sum in sums.items()}
        sums = rest
    yield {key: f"{sum:032x}" for key, sum in sums.items()}


def is_sum(room: str, item: Item) -> bool:
    """Whether a row of the totals is the sum of a shard: those are compared by themselves."""
    return room == "totals" and item["of"]["S"] != ACCOUNT


def look(room: str, key: str, least: int) -> Iterator[tuple[int, str]]:
    """What is wrong with a row now, with the version that it is about. `least` must have come."""
    if room == "statements":
        yield from _look_at_lines(key, least)
        return
    hash_key, range_key = key_parts(key)
    if room in KEPT_BY:
        yield from _look_at_ledger(room, hash_key, range_key)
        return
    if room == "transactions" and "#" in hash_key:
        yield from _look_at_day(hash_key, expected=least == 0)
        return
    item = get(ROOMS[room], hash_key, range_key or None)
    if item is None:
        if least:
            yield 0, "this row is missing"
        return
    version = number_of(item, "version")
    one = read((_stream_of(room, hash_key, range_key), version)) if version > 0 else None
    if one is None:
        yield version, "this row is of an event that is not there"
    elif mark_of(item) != mark_of(_wanted(room, one)):
        yield version, "this row is not what the event says"
    elif version < least:
        yield version, f"this row is behind: the events are at {least}"


def _stream_of(room: str, hash_key: str, range_key: str) -> str:
    if room == "balances":
        return str(account_stream(ledger_of(hash_key), range_key))
    ledger, _, id = hash_key.partition("/")
    make = transaction_stream if room == "transactions" else account_stream
    return str(make(ledger, id))


def _wanted(room: str, one: Recorded) -> Item:
    if room == "transactions":
        return transaction_row(one)
    if room == "totals":
        return total_row(one, one.account.debits, one.account.credits)
    told = one if one.sets_metadata else read((str(one.stream), one.account.metadata_version))
    return balance_row(one, told) if told is not None and told.sets_metadata else {}


def _look_at_day(key: str, *, expected: bool) -> Iterator[tuple[int, str]]:
    ledger, _, day = key.partition("#")
    item = get(TransactionRow, key)
    if item is None:
        if expected:
            yield 0, "this row, which lists a day, is missing"
    elif mark_of(item) != mark_of(day_item(ledger, day)):
        yield 0, "this row, which lists a day, is not as it should be"
    elif not any(_has_row(bucket) for bucket in day_buckets(ledger, day)):
        yield 0, "this row lists a day without transactions"


def _look_at_ledger(room: str, hash_key: str, place: str) -> Iterator[tuple[int, str]]:
    ledger, asset = parts_of(place)
    item, is_asset = get(ROOMS[room], hash_key, place), KEPT_BY[room](ledger, asset)
    if item is None:
        if is_asset:
            yield 0, "this row, which lists a ledger, is missing"
    elif not is_asset or hash_key != LEDGERS:
        yield 0, "this row lists an asset that no account of the ledger holds"
    elif mark_of(item) != mark_of(dict(ledger_rows(ledger, asset))[room].serialize()):
        yield 0, "this row, which lists a ledger, is not as it should be"


def _has_row(bucket: str) -> bool:
    return next(iter(TransactionRow.by_day.query(bucket, limit=1)), None) is not None


def _look_at_lines(key: str, least: int) -> Iterator[tuple[int, str]]:
    """Merges an account's lines with its events, both in the order of versions.

    The rows are read up to the newest event there was at the beginning; those behind it one by one.
    """
    ledger, _, id = key.partition("/")
    stream = str(account_stream(ledger, id))
    newest = next(query(EventItem, stream, newest_first=True), None)
    until = number_of(newest, "version") if newest else 0
    walk = Walk(stream)
    events = (walk.take(item)[0] for item in query(EventItem, stream))
    lines = query(StatementRow, partition(ledger, id))
    line = next(lines, None)
    reached = 0
    while reached < until:
        one = next(events, None)
        if one is None:
            return  # Unreadable: a finding of its stream.
        reached = one.version
        wanted = statement_row(one)
        while line is not None and line["place"]["S"] < wanted["place"]["S"]:
            yield number_of(line, "version"), f"there is a row {line['place']['S']} of no event"
            line = next(lines, None)
        if line is None or line["place"]["S"] > wanted["place"]["S"]:
            if one.version <= least:
                yield one.version, "the row of this event is missing"
            continue
        if digest(line) != digest(wanted):
            yield one.version, "the row of this event is not what it says"
        line = next(lines, None)
    while line is not None:
        version = number_of(line, "version")
        late = read((stream, version)) if version > 0 else None
        if late is None or digest(line) != digest(statement_row(late)):
            yield version, f"there is a row {line['place']['S']} of no event"
        line = next(lines, None)
