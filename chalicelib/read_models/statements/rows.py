"""Reading an account's rows in order, and never past a hole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from chalicelib.domain.errors import ProjectionBehind
from chalicelib.read_models.reading import primed
from chalicelib.read_models.statements.table import StatementRow, partition
from chalicelib.tables import in_parallel

FIRST, LAST = "0", "~"
"""Below and above every place: a place begins with a year."""


@dataclass(frozen=True)
class AccountRows:
    """The rows of one account. Nothing is read before the first row is asked for."""

    ledger: str
    account: str

    def between(self, low: str, high: str, *, page: int) -> Iterator[StatementRow]:
        """The rows from one place up to another, both inclusive."""
        return self._query(low, high, ascending=True, page_size=page)

    def down_from(self, high: str, *, page: int) -> Iterator[StatementRow]:
        """The rows from a place down, inclusive."""
        return self._query(FIRST, high, ascending=False, page_size=page)

    def last(self, high: str = LAST) -> Iterator[StatementRow]:
        """The last row at or before a place, if any."""
        return self._query(FIRST, high, ascending=False, limit=1)

    def first(self, low: str = FIRST) -> Iterator[StatementRow]:
        """The first row at or after a place, if any."""
        return self._query(low, LAST, ascending=True, limit=1)

    def _query(
        self,
        low: str,
        high: str,
        *,
        ascending: bool,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[StatementRow]:
        if low > high or high == FIRST or low == LAST:
            return iter(())  # There can be nothing, and nothing is asked.
        return StatementRow.query(
            partition(self.ledger, self.account),
            StatementRow.place.between(low, high),
            scan_index_forward=ascending,
            limit=limit,
            page_size=page_size,
        )


def each_first(rows: Iterable[Iterator[StatementRow]]) -> list[StatementRow | None]:
    """The first of each of these rows, asked for at the same time."""
    return [next(found, None) for found in in_parallel(primed, rows)]


class Around(NamedTuple):
    """The last row up to a moment, the first behind it, and the newest of all.

    The three are read at the same time, while rows may arrive: what was seen of one may not fit
    what was seen of the others.
    """

    before: StatementRow | None
    after: StatementRow | None
    newest: StatementRow | None


def around(rows: AccountRows, moment: str) -> list[Iterator[StatementRow]]:
    """What has to be asked for to know what is around a moment: of the last one, only one thing."""
    if moment == LAST:
        return [rows.last()]
    return [rows.last(moment), rows.first(moment), rows.last()]


def take_around(found: Iterator[StatementRow | None], moment: str) -> Around:
    """The answers to that."""
    if moment == LAST:
        newest = next(found)
        return Around(newest, None, newest)
    return Around(next(found), next(found), next(found))


def resume(rows: Iterator[StatementRow], place: str) -> int:
    """The version of the row that a cursor stands on, which is the first of these rows.

    Raises ProjectionBehind if it is not: a replica may have less than the one that made the cursor.
    """
    first = next(rows, None)
    if first is None or first.place != place:
        raise ProjectionBehind(int(place.rpartition("#")[2]))
    return first.version


def page_of(
    rows: Iterator[StatementRow], limit: int, *, after: int | None, until: int, step: int = 1
) -> tuple[list[StatementRow], bool]:
    """The first `limit` entries of rows whose versions go up (`step` 1) or down (-1) by one.

    The first row must follow the version `after`, where that is known; rows that come to an end
    must have reached the version `until`. Tells also whether there are more entries. Raises
    ProjectionBehind for a version that is missing.
    """
    whole = without_holes(rows, after, until, step)
    entries = list(islice((row for row in whole if row.is_entry), limit + 1))
    return entries[:limit], len(entries) > limit


def require_last(found: Around, moment: str) -> int:
    """The version of the last row up to a moment, once nothing speaks against its being the last.

    There is a newest row. Raises ProjectionBehind.
    """
    version = found.before.version if found.before else 0
    known = found.after or found.newest
    assert known is not None
    least = known.version if known.place <= moment else known.version - 1
    if version < least:
        raise ProjectionBehind(least)
    return version


def without_holes(
    rows: Iterator[StatementRow], after: int | None, until: int, step: int
) -> Iterator[StatementRow]:
    """The rows, whose versions go from behind `after` to `until` by `step`. Raises ProjectionBehind
    for a version that is missing.
    """
    for row in rows:
        if after is not None and row.version != after + step:
            raise ProjectionBehind(after + step)
        after = row.version
        yield row
    if after is None or (until - after) * step > 0:
        raise ProjectionBehind(until if after is None else after + step)
