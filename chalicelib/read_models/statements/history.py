"""The history of an account: its balances around a period, and its entries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import NamedTuple

from chalicelib.domain.errors import AccountNotFound, ProjectionBehind
from chalicelib.domain.stripes import public_version
from chalicelib.events.clocks import ARRIVES_WITHIN
from chalicelib.ledger.accounts import all_of
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models.reading import (
    AccountNotProjected,
    AccountQuery,
    event_store,
    now,
    prefetched,
    require_seen,
    require_version,
)
from chalicelib.read_models.statements.entries import (
    FIRST,
    LAST,
    EntryBody,
    Row,
    Rows,
    StreamRows,
    backward,
    first_rows,
    forward,
    page_size,
    resume,
    row_at,
    streams_of,
)
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.tables import in_parallel


class Around(NamedTuple):
    """The rows of a stream around a period that ends at the position `end`.

    They are read in parallel, while rows may be written: `check` verifies that they agree.
    """

    end: str
    newest: Row
    opening: Row = None
    before: Row = None
    up_to_end: Row = None
    after_end: Row = None

    @property
    def last(self) -> Row:
        """The last row up to the end of the period."""
        return self.newest if self.end == LAST else self.up_to_end

    @property
    def version(self) -> int:
        """The version of the last row; 0 for none."""
        return self.last.version if self.last else 0

    def check(self) -> None:
        """Raises ProjectionBehind if a row is missing before the end of the period."""
        known = self.after_end or self.newest
        assert known is not None
        least = known.version if known.place <= self.end else known.version - 1
        require_version(self.version, least)
        require_version(self.version, self.before.version if self.before else 0)


def around(
    streams: Sequence[StreamRows], start: str, ends: Iterable[str], *, opening: bool = False
) -> list[Around]:
    """The rows of each stream around a period, optionally with its first row; one round trip."""
    periods = list(zip(streams, ends, strict=False))
    queries = [_queries(stream, start, end, opening=opening) for stream, end in periods]
    rows = iter(first_rows(chain.from_iterable(each.values() for each in queries)))
    return [
        Around(end, **{name: next(rows) for name in each})
        for each, (_, end) in zip(queries, periods, strict=True)
    ]


def _queries(stream: StreamRows, start: str, end: str, *, opening: bool) -> dict[str, Rows]:
    queries = {"newest": stream.last()}
    if opening:
        queries["opening"] = stream.first()
    if start != FIRST:
        queries["before"] = stream.last(start)
    if end != LAST:
        queries |= {"up_to_end": stream.last(end), "after_end": stream.first(end)}
    return queries


class Section(NamedTuple):
    """The rows around a period: of the account's own stream, and of those with its entries."""

    own: Around
    streams: list[StreamRows]
    found: Sequence[Around]

    @property
    def asset(self) -> str:
        """The asset of the account."""
        return str(self.own.newest.asset) if self.own.newest else ""

    @property
    def opening_balance(self) -> str:
        """The posted balance before the period."""
        return str(sum(each.before.balance for each in self.found if each.before))

    @property
    def closing_balance(self) -> str:
        """The posted balance at the end of the period."""
        return str(sum(each.last.balance for each in self.found if each.last))

    @property
    def version(self) -> int:
        """The public version of the last event up to the end of the period; 0 for none."""
        count = len(self.streams)
        found = [self.own, *self.found] if count > 1 else self.found
        public = [
            (each.last.recorded_at, public_version(each.last.version, count, number))
            for number, each in enumerate(found)
            if each.last
        ]
        return max(public, default=("", 0))[1]

    @property
    def just_after(self) -> datetime:
        """Now, or just after the newest row if that was stamped by a clock ahead of this one."""
        newest = max(each.newest.recorded_at for each in self.found if each.newest)
        return max(now(), datetime.fromisoformat(newest) + timedelta(microseconds=1))


@dataclass(frozen=True)
class History:
    """The history of a query's account.

    A result must contain the query's `min_version` and, for a strong read, the versions of the
    streams that were `recorded` when it `began`.
    """

    query: AccountQuery
    recorded: Sequence[int]
    began: datetime

    @classmethod
    def of(cls, query: AccountQuery) -> "History":
        """The history for a query now. Raises AccountNotFound, InvalidField."""
        began, recorded = now(), list[int]()
        if query.consistency == "strong":
            heads = all_of(event_store(), account_stream(query.ledger, query.account))
            if not heads:
                raise AccountNotFound(query.account)
            recorded = [head.version for head in heads]
        return cls(query, recorded, began)

    def is_final(self, end: datetime | None) -> bool:
        """Whether no later event can belong to a period with this end."""
        return bool(self.recorded) and end is not None and end + ARRIVES_WITHIN < self.began

    def around(self, start: str, end: str, *, opening: bool = False) -> Section:
        """The account around a period, optionally with its first row. Raises AccountNotFound."""
        streams = streams_of(self.query)
        (own,) = around(streams, start, [end], opening=opening)
        if own.newest is None or (opening and own.opening is None):
            raise self._unknown()
        if own.opening:
            require_version(1, own.opening.version)  # Otherwise the opening is not projected.
        if own.newest.stripes:
            streams = streams_of(self.query, own.newest.stripes)
            return Section(own, streams, self._stripes(streams, own.newest, start, repeat(end)))
        self._require([own.newest.version])
        own.check()
        return Section(own, streams, [own])

    def entries(self, position: str, limit: int, *, descending: bool) -> Iterator[EntryBody]:
        """The entries after a position, or all for "". Raises AccountNotFound."""
        (own,) = streams = streams_of(self.query)
        low, high = (FIRST, position or LAST) if descending else (position or FIRST, LAST)
        rows = own.between(low, high, descending=descending, page_size=page_size(limit, streams))
        rows, found = in_parallel(prefetched, [rows, own.last()])
        newest = next(found, None)
        if newest is None:
            raise self._unknown()
        if newest.stripes:
            return self._entries_of_stripes(newest, position, limit, descending=descending)
        self._require([newest.version])
        before = row_at(position, rows) if position else None
        if descending:
            return backward(streams, [rows], [before.version - 1 if before else newest.version])
        return forward(streams, [rows], [before], [newest.version])

    def _entries_of_stripes(
        self, own: StatementRow, position: str, limit: int, *, descending: bool
    ) -> Iterator[EntryBody]:
        streams = streams_of(self.query, own.stripes)
        if not descending:
            found = self._stripes(streams, own, FIRST, repeat(LAST))
            before, rows = resume(streams, position or FIRST, LAST, limit)
            return forward(streams, rows, before, [each.version for each in found])
        ends = [stream.up_to(position or LAST, inclusive=False) for stream in streams]
        found = self._stripes(streams, own, FIRST, ends)
        size = page_size(limit, streams)
        rows = [
            stream.between(FIRST, end, descending=True, page_size=size)
            for stream, end in zip(streams, ends, strict=True)
        ]
        return backward(streams, rows, [each.version for each in found])

    def _stripes(
        self, streams: Sequence[StreamRows], own: StatementRow, start: str, ends: Iterable[str]
    ) -> list[Around]:
        found = around(streams, start, ends)
        seen = [own.version]
        for each in found:
            if each.newest is None:
                raise ProjectionBehind(self.query.min_version)
            each.check()
            seen.append(each.newest.version)
        self._require(seen)
        return found

    def _require(self, seen: Sequence[int]) -> None:
        require_seen(seen, self.query.min_version)
        for version, recorded in zip(seen, self.recorded, strict=False):
            require_version(version, recorded)

    def _unknown(self) -> Exception:
        """The refusal of an account without rows. Raises ProjectionBehind for a version."""
        self._require([0])
        return AccountNotProjected(self.query.account)
