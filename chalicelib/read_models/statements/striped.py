"""Reading a striped account as one: its stripes' rows merged by time, their balances added up.

Every stripe's rows are read as an account's are, in the order of its versions and never past a
hole. Between stripes the order is by time, and by the version shown where times are equal. A write
that is still on its way to one stripe's rows does not hold up the others: the last moments of a
striped account may still be added to. What is pinned is not: up to a version of each stripe it is
the same entries, with the same balances, whatever arrives among them later.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, dropwhile, pairwise, takewhile
from typing import NamedTuple

import msgspec

from chalicelib.domain.errors import ProjectionBehind
from chalicelib.domain.stripes import shown, stripes_of
from chalicelib.read_models.reading import primed, require_shown, require_version
from chalicelib.read_models.statements.answers import EntryBody, entry_body
from chalicelib.read_models.statements.rows import (
    AccountRows,
    around,
    each_first,
    require_last,
    take_around,
    without_holes,
)
from chalicelib.read_models.statements.table import StatementRow, place
from chalicelib.tables import in_parallel


class Standing(NamedTuple):
    """A stripe at a moment: the last row up to then, its version, and the newest row of all."""

    row: StatementRow | None
    version: int
    newest: StatementRow

    @property
    def balance(self) -> int:
        """What the stripe held then."""
        return self.row.balance if self.row else 0


class _Move(NamedTuple):
    """A row of a stripe, the version that the account shows for it, and what it moved."""

    row: StatementRow
    version: int
    amount: int


@dataclass(frozen=True)
class Stripes:
    """The stripes of an account, whose own stream was seen up to this version.

    `least` is which version of each stream must have been seen, where that is known.
    """

    ledger: str
    account: str
    count: int
    seen: int = 0
    least: Mapping[str, int] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """Their ids, in the order of their numbers, which count from 1."""
        return stripes_of(self.account, self.count)

    @property
    def rows(self) -> list[AccountRows]:
        """The rows of each."""
        return [AccountRows(self.ledger, id) for id in self.ids]

    def standing(self, moments: Sequence[str], min_version: int = 0) -> list[Standing]:
        """Each stripe at its moment. Raises ProjectionBehind."""
        asked = [
            each
            for rows, moment in zip(self.rows, moments, strict=True)
            for each in around(rows, moment)
        ]
        found = iter(each_first(asked))
        standing = []
        seen = {self.account: self.seen}
        for id, moment in zip(self.ids, moments, strict=True):
            row = take_around(found, moment)
            if row.newest is None:
                raise ProjectionBehind(min_version)
            seen[id] = row.newest.version
            standing.append(Standing(row.before, require_last(row, moment), row.newest))
        require_shown(seen, self.account, self.count, min_version)
        for id, version in self.least.items():
            require_version(seen[id], version)
        return standing

    def all_standing(self, moment: str, min_version: int = 0) -> list[Standing]:
        """Likewise, all at the same moment."""
        return self.standing([moment] * self.count, min_version)

    def newest_shown(self, own: StatementRow | None, standing: Sequence[Standing]) -> int:
        """The version of the newest of these rows, as the account shows it; 0 for none."""
        rows = [own, *(one.row for one in standing)]
        moves = [
            (row.recorded_at, self._shown(number, row))
            for number, row in enumerate(rows)
            if row is not None
        ]
        return max(moves, default=("", 0))[1]

    def before(self, place_: str) -> list[StatementRow | None]:
        """The last row of each stripe that is not behind a place of the account."""
        return each_first(
            rows.last(low) for rows, low in zip(self.rows, self._lows(place_), strict=True)
        )

    def up(
        self,
        after: str,
        high: str,
        until: Sequence[int],
        limit: int,
        *,
        before: Sequence[StatementRow | None],
        balance: int,
    ) -> tuple[list[EntryBody], bool]:
        """The first entries behind a place and up to another, and whether there are more.

        `before` are the rows that they follow, and `balance` is what the account had then. Nothing
        behind the version `until` of a stripe is among them. Raises ProjectionBehind.
        """
        page = limit // self.count + 2
        # "!" comes right behind a place, and before the "#" of any row at a time.
        moves = [
            self._moves_up(number, rows.between(f"{low}!", high, page=page), last, end)
            for number, (rows, low, last, end) in enumerate(
                zip(self.rows, self._lows(after), before, until, strict=True), start=1
            )
        ]
        entries = []
        for move in heapq.merge(*in_parallel(primed, moves), key=_in_time):
            balance += move.amount
            if move.row.is_entry:
                entries.append(_entry(move, balance))
            if len(entries) > limit:
                break
        return entries[:limit], len(entries) > limit

    def down(self, before: str, limit: int, min_version: int) -> tuple[list[EntryBody], bool]:
        """The last entries before a place, the last one first, and whether there are more.

        Raises ProjectionBehind.
        """
        highs = [
            self._last_place(before, number, of_it=0) for number, _ in enumerate(self.ids, start=1)
        ]
        standing = self.standing(highs, min_version)
        page = limit // self.count + 2
        moves = [
            self._moves_down(number, rows.down_from(high, page=page), one.version)
            for number, (rows, high, one) in enumerate(
                zip(self.rows, highs, standing, strict=True), start=1
            )
        ]
        total = sum(one.balance for one in standing)
        entries = []
        for move in heapq.merge(*in_parallel(primed, moves), key=_in_time, reverse=True):
            if move.row.is_entry:
                entries.append(_entry(move, total))
            if len(entries) > limit:
                break
            total -= move.amount
        return entries[:limit], len(entries) > limit

    def _moves_up(
        self, number: int, rows: Iterator[StatementRow], before: StatementRow | None, until: int
    ) -> Iterator[_Move]:
        after, balance = (before.version, before.balance) if before else (0, 0)
        if after >= until:
            return  # What is before came later than what was pinned, or there is nothing more.
        due = takewhile(lambda row: row.version <= until, rows)
        for row in without_holes(due, after, until, 1):
            yield _Move(row, self._shown(number, row), row.balance - balance)
            balance = row.balance

    def _moves_down(
        self, number: int, rows: Iterator[StatementRow], newest: int
    ) -> Iterator[_Move]:
        if not newest:
            return
        known = dropwhile(lambda row: row.version > newest, rows)  # What has come meanwhile.
        whole = without_holes(known, newest + 1, 1, -1)
        for row, earlier in pairwise(chain(whole, [None])):
            assert row is not None
            amount = row.balance - (earlier.balance if earlier else 0)
            yield _Move(row, self._shown(number, row), amount)

    def _shown(self, number: int, row: StatementRow) -> int:
        return shown(row.version, self.count, number)

    def _lows(self, place_: str) -> list[str]:
        """The last place of each stripe that is not behind a place of the account."""
        return [self._last_place(place_, number, of_it=1) for number, _ in enumerate(self.ids, 1)]

    def _last_place(self, place_: str, number: int, *, of_it: int) -> str:
        """The last place of a stripe before a place of the account, or (`of_it` 1) at it."""
        recorded_at, mark, version = place_.partition("#")
        if not mark:
            return place_
        # The shown version of a stripe's v is (v - 1) * (count + 1) + number + 1.
        last = -(-(int(version) - number - 1 + of_it) // (self.count + 1))
        return place(recorded_at, max(last, 0))


def place_of(entry: EntryBody) -> str:
    """Where an entry stands among all of its account."""
    return place(entry.recorded_at, entry.version)


def _in_time(move: _Move) -> tuple[str, int]:
    return move.row.recorded_at, move.version


def _entry(move: _Move, balance: int) -> EntryBody:
    body = entry_body(move.row)
    return msgspec.structs.replace(body, version=move.version, balance_after=str(balance))
