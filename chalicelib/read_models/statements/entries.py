"""An account's entries in order, read from the rows of its streams.

The entries are in the account's own stream or, if it is striped, in its stripes. They are ordered
by time, then by public version. A position is a time and a version: the stream's version in a
stream, the public version in an account.

Every event has a row and versions are gapless, so a missing version is a row that is not projected
yet: reading past it raises ProjectionBehind. Stripes are projected independently, so entries may
still appear among the newest ones of a striped account.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, islice, repeat
from typing import Annotated, Any

import msgspec

from chalicelib.domain.errors import ProjectionBehind
from chalicelib.domain.stripes import public_version, stripes_of, versions_before
from chalicelib.http.field_types import (
    AccountVersion,
    EffectiveAt,
    ReferenceText,
    Time,
    TransactionId,
    Units,
    described,
)
from chalicelib.read_models.reading import AccountQuery, in_order, prefetched
from chalicelib.read_models.statements.table import StatementRow, partition, place
from chalicelib.tables import in_parallel

FIRST, LAST = "0", "~"
"""Before and after every position: a position begins with a year."""

Row = StatementRow | None
Rows = Iterator[StatementRow]


class EntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an account, with the account's balance after it."""

    version: AccountVersion
    transaction: TransactionId
    direction: Annotated[
        str,
        described("The side of the entry.", "credit", enum=["debit", "credit"]),
    ]
    amount: Units
    balance_after: Annotated[
        Units, described("The account's posted balance after this entry.", "1000")
    ]
    recorded_at: Annotated[Time, described("When the ledger recorded it.")]
    effective_at: EffectiveAt
    reference: Annotated[
        ReferenceText | None, described("The transaction's reference; null = none.")
    ]


@dataclass(frozen=True)
class StreamRows:
    """The rows with the hash key `key`: those of stream `number` of an account with `stripes`."""

    key: str
    stripes: int
    number: int

    def between(self, low: str, high: str, *, descending: bool = False, **size: Any) -> Rows:
        """The rows between two positions, inclusive. `size` is a `limit` or `page_size`."""
        if low > high or high == FIRST or low == LAST:
            return iter(())
        return StatementRow.query(
            self.key,
            StatementRow.place.between(low, high),
            scan_index_forward=not descending,
            **size,
        )

    def last(self, high: str = LAST) -> Rows:
        """The last row at or before a position, if any."""
        return self.between(FIRST, high, descending=True, limit=1)

    def first(self, low: str = FIRST) -> Rows:
        """The first row at or after a position, if any."""
        return self.between(low, LAST, limit=1)

    def up_to(self, position: str, *, inclusive: bool) -> str:
        """The last position in this stream up to a position in the account."""
        recorded_at, mark, version = position.partition("#")
        if not mark:
            return position
        public = int(version) + inclusive
        return place(recorded_at, versions_before(public, self.stripes, self.number))

    def position(self, row: StatementRow) -> str:
        """The position of a row in the account."""
        return place(row.recorded_at, public_version(row.version, self.stripes, self.number))

    def entry(self, row: StatementRow, balance: int) -> EntryBody:
        """The body of a row that is an entry, with the account's balance after it."""
        return EntryBody(
            version=public_version(row.version, self.stripes, self.number),
            transaction=row.transaction,
            direction=row.direction,
            amount=str(row.amount),
            balance_after=str(balance),
            recorded_at=row.recorded_at,
            effective_at=row.effective_at,
            reference=row.reference,
        )


def streams_of(query: AccountQuery, stripes: int = 1) -> list[StreamRows]:
    """The streams with the account's entries: its stripes', or only its own."""
    ids = stripes_of(query.account, stripes)
    return [
        StreamRows(partition(query.ledger, id), stripes, number)
        for number, id in (enumerate(ids, start=1) if ids else [(0, query.account)])
    ]


def first_rows(queries: Iterable[Rows]) -> list[Row]:
    """The first row of each query, read in parallel."""
    return [next(rows, None) for rows in in_parallel(prefetched, queries)]


def row_at(position: str, rows: Rows) -> StatementRow:
    """The first of these rows. Raises ProjectionBehind if it is not at the position of a cursor.

    That happens if another replica, which is further ahead, answered the previous request.
    """
    row = next(rows, None)
    if row is None or row.place != position:
        raise ProjectionBehind(int(position.rpartition("#")[2]))
    return row


def complete(rows: Rows, versions: range) -> Rows:
    """The rows of these consecutive versions. Raises ProjectionBehind if one is missing."""
    for version in versions:
        row = next(rows, None)
        if row is None or row.version != version:
            raise ProjectionBehind(version)
        yield row


def page_size(limit: int, streams: Sequence[StreamRows]) -> int:
    """How many rows of each stream a page of `limit` entries usually takes."""
    return limit // len(streams) + 2


def following(
    streams: Sequence[StreamRows], lows: Iterable[str], high: str, limit: int
) -> list[Rows]:
    """The rows of each stream after its `low` position, up to `high`."""
    size = page_size(limit, streams)
    # "!" comes before "#": after a row's position, and before the rows at a time.
    return [
        stream.between(f"{low}!", high, page_size=size)
        for stream, low in zip(streams, lows, strict=False)
    ]


def resume(
    streams: Sequence[StreamRows], position: str, high: str, limit: int
) -> tuple[list[Row], list[Rows]]:
    """The last row of each stream up to a position in the account, and the rows that follow it."""
    if len(streams) == 1:
        rows = streams[0].between(position, high, page_size=page_size(limit, streams))
        return [row_at(position, rows)], [rows]
    lows = [stream.up_to(position, inclusive=True) for stream in streams]
    before = first_rows(stream.last(low) for stream, low in zip(streams, lows, strict=True))
    return before, following(streams, lows, high, limit)


def forward(
    streams: Sequence[StreamRows],
    rows: Sequence[Rows],
    before: Sequence[Row],
    until: Sequence[int],
    balance: int | None = None,
) -> Iterator[EntryBody]:
    """The entries after the rows `before`, oldest first, up to the version `until` of each stream.

    `balance` is the account's balance before them, if known. Raises ProjectionBehind.
    """
    held = [row.balance if row else 0 for row in before]
    balance = sum(held) if balance is None else balance
    first = [row.version + 1 if row else 1 for row in before]
    numbered = [
        zip(repeat(index), complete(rows[index], range(first[index], last + 1)))
        for index, last in enumerate(until)
    ]
    for index, row in in_order(numbered, key=lambda one: streams[one[0]].position(one[1])):
        balance += row.balance - held[index]
        held[index] = row.balance
        if row.is_entry:
            yield streams[index].entry(row, balance)


def backward(
    streams: Sequence[StreamRows], rows: Sequence[Rows], newest: Sequence[int]
) -> Iterator[EntryBody]:
    """The entries up to the versions `newest`, newest first. Raises ProjectionBehind."""
    left = [_down_from(version, each) for version, each in zip(newest, rows, strict=True)]
    heads = {
        streams[index].position(row): (index, row)
        for index, row in enumerate(first_rows(left))
        if row
    }
    balance = sum(row.balance for _, row in heads.values())
    while heads:
        index, row = heads.pop(max(heads))
        if row.is_entry:
            yield streams[index].entry(row, balance)
        balance -= row.balance
        for earlier in islice(left[index], 1):
            heads[streams[index].position(earlier)] = index, earlier
            balance += earlier.balance


def _down_from(version: int, rows: Rows) -> Rows:
    """The rows from this version back, without those projected since it was read."""
    known = dropwhile(lambda row: row.version > version, rows)
    return complete(known, range(version, 0, -1))
