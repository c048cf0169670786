"""The questions of this room, and their answers.

No answer has a hole. Every event of an account has a row and versions are gapless, so a read that
finds one missing between two that are there waits for it, and otherwise says `projection_behind`.
"""

from datetime import datetime
from itertools import chain
from typing import Literal

import msgspec

from chalicelib.domain.fields import rfc3339, utc
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.read_models.reading import (
    PAGE,
    Limit,
    patiently,
    primed,
    require_order,
    require_version,
)
from chalicelib.read_models.statements.answers import (
    Balance,
    Entries,
    Statement,
    entry_body,
)
from chalicelib.read_models.statements.asking import Asked, OfAccount, just_after, sum_of
from chalicelib.read_models.statements.periods import Period, first_page, next_page, period_of
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
from chalicelib.read_models.statements.striped import place_of
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.tables import in_parallel

_CURSOR_PARTS = 2 + len(Period._fields)
"""Of a statement's: where the next page begins, the balance there, and the period."""


class AccountBalance(OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was the posted balance at this time? By default, now."""

    at: datetime | None = None


class AccountEntries(OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened on this account, oldest first or newest first?"""

    order: Literal["asc", "desc"] | None = None
    limit: Limit = PAGE
    cursor: str | None = None


class AccountStatement(OfAccount, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened from one time up to another? By default, from the opening until now."""

    from_: datetime | None = msgspec.field(name="from", default=None)
    to: datetime | None = None
    limit: Limit = PAGE
    cursor: str | None = None


def account_balance(query: AccountBalance) -> Balance:
    """The balance at a time. Raises AccountNotFound, ProjectionBehind."""
    at = query.at and utc(query.at, "at")
    moment = f"{rfc3339(at)}~" if at else LAST
    asked = query.asked()

    def read() -> Balance:
        found = take_around(iter(each_first(around(asked.rows, moment))), moment)
        before, _, newest = found
        if newest is None:
            raise asked.nothing_known()
        if newest.stripes:
            return _striped_balance(asked, newest, before, at, moment)
        asked.require(newest.version)
        return Balance(
            account=query.account,
            asset=newest.asset,
            at=rfc3339(at or just_after(newest)),
            posted=str(before.balance if before else 0),
            version=require_last(found, moment),
            final=asked.is_final(at),
        )

    return patiently(read)


def _striped_balance(
    asked: Asked,
    newest: StatementRow,
    before: StatementRow | None,
    at: datetime | None,
    moment: str,
) -> Balance:
    stripes = asked.stripes(newest)
    standing = stripes.all_standing(moment, asked.min_version)
    return Balance(
        account=asked.account,
        asset=newest.asset,
        at=rfc3339(at or just_after(*(one.newest for one in standing))),
        posted=str(sum(one.balance for one in standing)),
        version=stripes.newest_shown(before, standing),
        final=asked.is_final(at),
    )


def account_entries(query: AccountEntries) -> Entries:
    """A page of entries. Raises AccountNotFound, ProjectionBehind, Problem invalid_cursor."""
    listing = ("entries", query.ledger, query.account)
    place, order = "", "asc"
    if query.cursor is not None:
        place, order = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.order, order)
    order = query.order or order
    up, page = order == "asc", query.limit + 2
    asked = query.asked()

    def read() -> Entries:
        if up:
            rows = asked.rows.between(place or FIRST, LAST, page=page)
        else:
            rows = asked.rows.down_from(place or LAST, page=page)
        rows, newest = in_parallel(primed, [rows, asked.rows.last()])
        last = next(newest, None)
        if last is None:
            raise asked.nothing_known()
        if last.stripes:
            return _striped_entries(asked, query.limit, last, place, order)
        asked.require(last.version)
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
    asked: Asked, limit: int, newest: StatementRow, place: str, order: str
) -> Entries:
    stripes = asked.stripes(newest)
    if order == "asc":
        until = [one.version for one in stripes.all_standing(LAST, asked.min_version)]
        before = stripes.before(place or FIRST)
        entries, more = stripes.up(
            place or FIRST, LAST, until, limit, before=before, balance=sum_of(before)
        )
    else:
        entries, more = stripes.down(place or LAST, limit, asked.min_version)
    listing = ("entries", asked.ledger, asked.account)
    cursor = make_cursor(place_of(entries[-1]), order, of=listing) if more else None
    return Entries(entries=entries, next_cursor=cursor)


def account_statement(query: AccountStatement) -> Statement:
    """A page of a period. Raises InvalidField, AccountNotFound, ProjectionBehind, and Problem
    invalid_cursor.
    """
    start = rfc3339(utc(query.from_, "from")) if query.from_ else None
    end = rfc3339(utc(query.to, "to")) if query.to else None
    require_order(start, end)
    listing = ("statement", query.ledger, query.account)
    asked = query.asked()

    def read() -> Statement:
        if query.cursor is not None:
            place, balance, *pinned = read_cursor(query.cursor, of=listing, parts=_CURSOR_PARTS)
            period = Period(*pinned)
            must_agree(start, period.start)
            must_agree(end, period.end)
            entries, more = next_page(asked, period, place, balance, query.limit)
        else:
            period, before = period_of(asked, start, end)
            require_order(start, period.end, "now")
            entries, more = first_page(asked, period, before, query.limit)
        at = (place_of(entries[-1]), entries[-1].balance_after) if more else ("", "")
        return Statement(
            account=query.account,
            asset=period.asset,
            from_=period.start,
            to=period.end,
            opening_balance=period.opening,
            entries=entries,
            closing_balance=period.closing,
            final=bool(period.final),
            next_cursor=make_cursor(*at, *period, of=listing) if more else None,
        )

    return patiently(read)
