"""The period of a statement: pinned by its first page, so that all pages are of one statement."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import MAX_STRIPES
from chalicelib.http.pagination import not_ours, whole_number
from chalicelib.read_models.reading import require_version
from chalicelib.read_models.statements.answers import EntryBody, entry_body
from chalicelib.read_models.statements.asking import Asked, just_after, sum_of
from chalicelib.read_models.statements.rows import (
    FIRST,
    LAST,
    around,
    each_first,
    page_of,
    require_last,
    resume,
    take_around,
)
from chalicelib.read_models.statements.striped import Stripes
from chalicelib.read_models.statements.table import StatementRow


class Period(NamedTuple):
    """What the first page finds and the following ones keep, so that they are of one statement.

    The period ends with the version `until`, at the place `last`. Of a striped account `until` says
    so of each stripe, with points between. `final` is "1" where nothing that may still be recorded
    can belong to it, else empty.
    """

    start: str
    end: str
    asset: str
    opening: str
    closing: str
    until: str
    last: str
    final: str

    @property
    def versions(self) -> list[int]:
        """`until`, as numbers. Raises Problem for what no cursor of ours says."""
        found = self.until.split(".")
        if len(found) > MAX_STRIPES:
            raise not_ours()
        return [whole_number(version) for version in found]


def _final(asked: Asked, end: str | None) -> str:
    return "1" if asked.is_final(datetime.fromisoformat(end) if end else None) else ""


Before = Sequence[StatementRow | None]
"""The last row before the period: of an account, or of each of its stripes."""


def period_of(asked: Asked, start: str | None, end: str | None) -> tuple[Period, Before]:
    """The period, and the rows before it that its opening balance is of. Raises AccountNotFound and
    ProjectionBehind.
    """
    beginning = [asked.rows.first(), asked.rows.last(start or FIRST)]
    moment = end or LAST
    opened, before, *rest = each_first([*beginning, *around(asked.rows, moment)])
    ending = take_around(iter(rest), moment)
    last, _, newest = ending
    if opened is None or newest is None:
        raise asked.nothing_known()
    # Its first row is the account's opening: without it, the beginning is not here yet.
    require_version(1, opened.version)
    start = start or min(opened.recorded_at, end or LAST)
    if newest.stripes:
        return _striped_period(asked, newest, start, end)
    asked.require(newest.version)
    until = require_last(ending, moment)
    # All are read at the same time, while rows may arrive.
    require_version(until, before.version if before else 0)
    period = Period(
        start=start,
        end=end or rfc3339(just_after(newest)),
        asset=newest.asset,
        opening=str(before.balance if before else 0),
        closing=str(last.balance if last else 0),
        until=str(until),
        last=last.place if last else FIRST,
        final=_final(asked, end),
    )
    return period, [before]


def _striped_period(
    asked: Asked, newest: StatementRow, start: str, end: str | None
) -> tuple[Period, Before]:
    stripes = asked.stripes(newest)
    before = stripes.before(start)
    last = stripes.all_standing(end or LAST, asked.min_version)
    for row, one in zip(before, last, strict=True):
        require_version(one.version, row.version if row else 0)
    period = Period(
        start=start,
        end=end or rfc3339(just_after(*(one.newest for one in last))),
        asset=newest.asset,
        opening=str(sum_of(before)),
        closing=str(sum(one.balance for one in last)),
        until=".".join(str(one.version) for one in last),
        last=end or LAST,
        final=_final(asked, end),
    )
    return period, before


def first_page(
    asked: Asked, period: Period, before: Before, limit: int
) -> tuple[list[EntryBody], bool]:
    """What follows the rows that the opening balance is of, and no others."""
    if len(period.versions) > 1:
        return _striped_page(asked, period, period.start, before, sum_of(before), limit)
    rows = asked.rows.between(period.start, period.last, page=limit + 2)
    (row,) = before
    return _plain_page(period, rows, row.version if row else 0, limit)


def next_page(
    asked: Asked, period: Period, place: str, balance: str, limit: int
) -> tuple[list[EntryBody], bool]:
    """What follows the entry at a place, which left this balance."""
    if len(period.versions) > 1:
        stripes = Stripes(asked.ledger, asked.account, len(period.versions))
        before = stripes.before(place)
        return _striped_page(asked, period, place, before, whole_number(balance), limit)
    rows = asked.rows.between(place, period.last, page=limit + 2)
    return _plain_page(period, rows, resume(rows, place), limit)


def _plain_page(
    period: Period, rows: Iterator[StatementRow], after: int, limit: int
) -> tuple[list[EntryBody], bool]:
    (until,) = period.versions
    entries, more = page_of(rows, limit, after=after, until=until)
    return [entry_body(row) for row in entries], more


def _striped_page(
    asked: Asked, period: Period, place: str, before: Before, balance: int, limit: int
) -> tuple[list[EntryBody], bool]:
    stripes = Stripes(asked.ledger, asked.account, len(period.versions))
    return stripes.up(place, period.last, period.versions, limit, before=before, balance=balance)
