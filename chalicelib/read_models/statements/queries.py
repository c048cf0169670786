"""The questions of this room, and their answers.

No answer has a hole. Every event of an account has a row and versions are gapless, so a read that
finds one missing between two that are there waits for it, and otherwise says `projection_behind`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Literal, NamedTuple

import msgspec

from chalicelib.domain.fields import check_id, rfc3339, utc
from chalicelib.domain.refusals import AccountNotFound, InvalidField
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor, whole_number
from chalicelib.read_models.reading import (
    PAGE,
    Limit,
    MinVersion,
    patiently,
    primed,
    require_version,
)
from chalicelib.read_models.statements.answers import (
    Balance,
    Entries,
    EntryBody,
    Statement,
    entry_body,
)
from chalicelib.read_models.statements.rows import (
    FIRST,
    LAST,
    AccountRows,
    around,
    each_first,
    page_of,
    require_last,
    resume,
    take_around,
)
from chalicelib.read_models.statements.striped import Stripes, place_of
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.tables import together

_TICK = timedelta(microseconds=1)


class _OfAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ledger: str
    account: str
    min_version: MinVersion = 0

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")

    @property
    def rows(self) -> AccountRows:
        return AccountRows(self.ledger, self.account)


class AccountBalance(_OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was the posted balance at this time? By default, now."""

    at: datetime | None = None


class AccountEntries(_OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened on this account, oldest first or newest first?"""

    order: Literal["asc", "desc"] | None = None
    limit: Limit = PAGE
    cursor: str | None = None


class AccountStatement(_OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened from one time up to another? By default, from the opening until now."""

    from_: datetime | None = msgspec.field(name="from", default=None)
    to: datetime | None = None
    limit: Limit = PAGE
    cursor: str | None = None


def account_balance(query: AccountBalance) -> Balance:
    """The balance at a time. Raises AccountNotFound, ProjectionBehind."""
    at = query.at and utc(query.at, "at")
    moment = f"{rfc3339(at)}~" if at else LAST

    def read() -> Balance:
        found = take_around(iter(each_first(around(query.rows, moment))), moment)
        before, _, newest = found
        if newest is None:
            raise _nothing_known(query)
        if newest.stripes:
            return _striped_balance(query, newest, before, at, moment)
        require_version(newest.version, query.min_version)
        return Balance(
            account=query.account,
            asset=newest.asset,
            at=rfc3339(at or _just_after(newest)),
            posted=str(before.balance if before else 0),
            version=require_last(found, moment),
        )

    return patiently(read)


def _striped_balance(
    query: AccountBalance,
    newest: StatementRow,
    before: StatementRow | None,
    at: datetime | None,
    moment: str,
) -> Balance:
    stripes = _stripes(query, newest)
    standing = stripes.all_standing(moment, query.min_version)
    return Balance(
        account=query.account,
        asset=newest.asset,
        at=rfc3339(at or _just_after(*(one.newest for one in standing))),
        posted=str(sum(one.balance for one in standing)),
        version=stripes.newest_shown(before, standing),
    )


def account_entries(query: AccountEntries) -> Entries:
    """A page of entries. Raises AccountNotFound, ProjectionBehind, Problem invalid_cursor."""
    listing = ("entries", query.ledger, query.account)
    place, order = "", "asc"
    if query.cursor:
        place, order = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.order, order)
    order = query.order or order
    up, page = order == "asc", query.limit + 2

    def read() -> Entries:
        if up:
            rows = query.rows.between(place or FIRST, LAST, page=page)
        else:
            rows = query.rows.down_from(place or LAST, page=page)
        rows, newest = together(primed, [rows, query.rows.last()])
        last = next(newest, None)
        if last is None:
            raise _nothing_known(query)
        if last.stripes:
            return _striped_entries(query, last, place, order)
        require_version(last.version, query.min_version)
        after: int | None = None
        if place:
            after = resume(rows, place)
        elif up:
            after = 0
        else:
            first = next(rows, None)
            require_version(first.version if first else 0, last.version)
            rows = chain(filter(None, [first]), rows)
        entries, more = page_of(
            rows, query.limit, after=after, until=last.version if up else 1, step=1 if up else -1
        )
        return Entries(
            entries=[entry_body(row) for row in entries],
            next_cursor=make_cursor(entries[-1].place, order, of=listing) if more else None,
        )

    return patiently(read)


def _striped_entries(
    query: AccountEntries, newest: StatementRow, place: str, order: str
) -> Entries:
    stripes = _stripes(query, newest)
    if order == "asc":
        until = [one.version for one in stripes.all_standing(LAST, query.min_version)]
        before = stripes.before(place or FIRST)
        entries, more = stripes.up(
            place or FIRST, LAST, until, query.limit, before=before, balance=_sum(before)
        )
    else:
        entries, more = stripes.down(place or LAST, query.limit, query.min_version)
    listing = ("entries", query.ledger, query.account)
    cursor = make_cursor(place_of(entries[-1]), order, of=listing) if more else None
    return Entries(entries=entries, next_cursor=cursor)


def account_statement(query: AccountStatement) -> Statement:
    """A page of a period. Raises AccountNotFound, ProjectionBehind, Problem invalid_cursor."""
    start = rfc3339(utc(query.from_, "from")) if query.from_ else None
    end = rfc3339(utc(query.to, "to")) if query.to else None
    if start and end and start > end:
        raise InvalidField("from", "is later than to")
    listing = ("statement", query.ledger, query.account)

    def read() -> Statement:
        if query.cursor:
            place, balance, *pinned = read_cursor(query.cursor, of=listing, parts=_PINNED)
            period = _Period(*pinned)
            must_agree(start, period.start)
            must_agree(end, period.end)
            entries, more = _page(query, period, place, balance)
        else:
            period, before = _period(query, start, end)
            entries, more = _first_page(query, period, before)
        at = (place_of(entries[-1]), entries[-1].balance_after) if more else ("", "")
        return Statement(
            account=query.account,
            asset=period.asset,
            from_=period.start,
            to=period.end,
            opening_balance=period.opening,
            entries=entries,
            closing_balance=period.closing,
            next_cursor=make_cursor(*at, *period, of=listing) if more else None,
        )

    return patiently(read)


class _Period(NamedTuple):
    """What the first page finds and the following ones keep, so that they are of one statement.

    The period ends with the version `until`, at the place `last`. Of a striped account `until` says
    so of each stripe, with points between.
    """

    start: str
    end: str
    asset: str
    opening: str
    closing: str
    until: str
    last: str

    @property
    def versions(self) -> list[int]:
        """`until`, as numbers. Raises Problem for what no cursor of ours says."""
        return [whole_number(version) for version in self.until.split(".")]


_PINNED = 2 + len(_Period._fields)
"""What a cursor has: where the next page begins, the balance there, and the period."""

_Before = Sequence[StatementRow | None]
"""The last row before the period: of an account, or of each of its stripes."""


def _period(query: AccountStatement, start: str | None, end: str | None) -> tuple[_Period, _Before]:
    beginning = [query.rows.first(), query.rows.last(start or FIRST)]
    moment = end or LAST
    opened, before, *rest = each_first([*beginning, *around(query.rows, moment)])
    ending = take_around(iter(rest), moment)
    last, _, newest = ending
    if opened is None or newest is None:
        raise _nothing_known(query)
    # Its first row is the account's opening: without it, the beginning is not here yet.
    require_version(1, opened.version)
    if newest.stripes:
        return _striped_period(query, newest, start or opened.recorded_at, end)
    require_version(newest.version, query.min_version)
    until = require_last(ending, moment)
    # All are read at the same time, while rows may arrive.
    require_version(until, before.version if before else 0)
    period = _Period(
        start=start or opened.recorded_at,
        end=end or rfc3339(_just_after(newest)),
        asset=newest.asset,
        opening=str(before.balance if before else 0),
        closing=str(last.balance if last else 0),
        until=str(until),
        last=last.place if last else FIRST,
    )
    return period, [before]


def _striped_period(
    query: AccountStatement, newest: StatementRow, start: str, end: str | None
) -> tuple[_Period, _Before]:
    stripes = _stripes(query, newest)
    before = stripes.before(start)
    last = stripes.all_standing(end or LAST, query.min_version)
    for row, one in zip(before, last, strict=True):
        require_version(one.version, row.version if row else 0)
    period = _Period(
        start=start,
        end=end or rfc3339(_just_after(*(one.newest for one in last))),
        asset=newest.asset,
        opening=str(_sum(before)),
        closing=str(sum(one.balance for one in last)),
        until=".".join(str(one.version) for one in last),
        last=end or LAST,
    )
    return period, before


def _first_page(
    query: AccountStatement, period: _Period, before: _Before
) -> tuple[list[EntryBody], bool]:
    """What follows the rows that the opening balance is of, and no others."""
    if len(period.versions) > 1:
        return _striped_page(query, period, period.start, before, _sum(before))
    rows = query.rows.between(period.start, period.last, page=query.limit + 2)
    (row,) = before
    return _plain_page(query, period, rows, row.version if row else 0)


def _page(
    query: AccountStatement, period: _Period, place: str, balance: str
) -> tuple[list[EntryBody], bool]:
    """What follows the entry at a place, which left this balance."""
    if len(period.versions) > 1:
        stripes = Stripes(query.ledger, query.account, len(period.versions))
        before = stripes.before(place)
        return _striped_page(query, period, place, before, whole_number(balance))
    rows = query.rows.between(place, period.last, page=query.limit + 2)
    return _plain_page(query, period, rows, resume(rows, place))


def _plain_page(
    query: AccountStatement, period: _Period, rows: Iterator[StatementRow], after: int
) -> tuple[list[EntryBody], bool]:
    (until,) = period.versions
    entries, more = page_of(rows, query.limit, after=after, until=until)
    return [entry_body(row) for row in entries], more


def _striped_page(
    query: AccountStatement, period: _Period, place: str, before: _Before, balance: int
) -> tuple[list[EntryBody], bool]:
    stripes = Stripes(query.ledger, query.account, len(period.versions))
    return stripes.up(
        place, period.last, period.versions, query.limit, before=before, balance=balance
    )


def _sum(rows: _Before) -> int:
    return sum(row.balance for row in rows if row is not None)


def _stripes(query: _OfAccount, newest: StatementRow) -> Stripes:
    return Stripes(query.ledger, query.account, int(newest.stripes), newest.version)


def _just_after(*rows: StatementRow) -> datetime:
    """Now, unless a writer's clock is ahead of ours: then just after what it recorded."""
    newest = max(row.recorded_at for row in rows)
    return max(datetime.now(UTC), datetime.fromisoformat(newest) + _TICK)


def _nothing_known(query: _OfAccount) -> Exception:
    """An account without rows: not there, or not here yet."""
    require_version(0, query.min_version)
    return AccountNotFound(query.account)
