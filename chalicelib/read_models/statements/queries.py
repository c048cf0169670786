"""The queries of this read model, and their results.

A read that finds a row missing waits for it, and otherwise raises ProjectionBehind.
"""

from datetime import datetime
from itertools import repeat
from typing import Annotated, NamedTuple

import msgspec

from chalicelib.domain.fields import rfc3339, utc
from chalicelib.domain.stripes import MAX_STRIPES
from chalicelib.http.field_types import (
    AccountId,
    AssetCode,
    NextCursor,
    Time,
    Units,
    described,
)
from chalicelib.http.pagination import make_cursor, must_agree, not_ours, read_cursor, whole_number
from chalicelib.read_models.reading import (
    PAGE,
    AccountQuery,
    At,
    Cursor,
    Final,
    From,
    Limit,
    Order,
    To,
    page_of,
    require_order,
    retry_while_behind,
)
from chalicelib.read_models.statements.entries import (
    FIRST,
    LAST,
    EntryBody,
    following,
    forward,
    resume,
    streams_of,
)
from chalicelib.read_models.statements.history import History, Section
from chalicelib.read_models.statements.table import place


class AccountBalance(AccountQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was the posted balance at this time? By default, now."""

    at: At | None = None


class AccountEntries(AccountQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened on this account, oldest first or newest first?"""

    order: Order | None = None
    limit: Limit = PAGE
    cursor: Cursor | None = None


class AccountStatement(AccountQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened from one time up to another? By default, from the opening until now."""

    from_: From | None = msgspec.field(name="from", default=None)
    to: To | None = None
    limit: Limit = PAGE
    cursor: Cursor | None = None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """The posted balance after the last event recorded at or before `at`.

    `final` says that no event that may still be written can change it.
    """

    account: AccountId
    asset: AssetCode
    at: Annotated[Time, described("The time of the balance.")]
    posted: Annotated[Units, described("The balance at that time, without pending holds.", "1000")]
    version: Annotated[
        int,
        described("The account's version at that time; 0 before it was opened.", 3, minimum=0),
    ]
    final: Final


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an account's entries."""

    entries: Annotated[list[EntryBody], described("The entries, in the order that was asked for.")]
    next_cursor: NextCursor


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a period. Every page has the balances of the whole period.

    `final` says that no event that may still be written can belong to the period.
    """

    account: AccountId
    asset: AssetCode
    from_: Annotated[Time, described("The start of the period.")] = msgspec.field(name="from")
    to: Annotated[Time, described("The end of the period, which does not belong to it.")]
    opening_balance: Annotated[
        Units, described("The balance before the first entry of the period.", "0")
    ]
    entries: Annotated[
        list[EntryBody], described("The entries of this page of the period, oldest first.")
    ]
    closing_balance: Annotated[
        Units, described("The balance after the last entry of the period.", "1000")
    ]
    final: Final
    next_cursor: NextCursor


def account_balance(query: AccountBalance) -> Balance:
    """The balance at a time. Raises AccountNotFound, ProjectionBehind."""
    at = query.at and utc(query.at, "at")
    history = History.of(query)

    def read() -> Balance:
        section = history.around(FIRST, f"{rfc3339(at)}~" if at else LAST)
        return Balance(
            account=query.account,
            asset=section.asset,
            at=rfc3339(at or section.just_after),
            posted=section.closing_balance,
            version=section.version,
            final=history.is_final(at),
        )

    return retry_while_behind(read)


def account_entries(query: AccountEntries) -> Entries:
    """A page of entries. Raises AccountNotFound, ProjectionBehind, Problem invalid_cursor."""
    listing = ("entries", query.ledger, query.account)
    position = ""
    order: str = query.order or "asc"
    if query.cursor is not None:
        position, order = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.order, order)
    history = History.of(query)

    def read() -> Entries:
        entries = history.entries(position, query.limit, descending=order == "desc")
        page, more = page_of(entries, query.limit)
        return Entries(
            entries=page,
            next_cursor=make_cursor(_position(page[-1]), order, of=listing) if more else None,
        )

    return retry_while_behind(read)


def account_statement(query: AccountStatement) -> Statement:
    """A page of a period. Raises InvalidField, AccountNotFound, ProjectionBehind, Problem."""
    start = rfc3339(utc(query.from_, "from")) if query.from_ else None
    end = rfc3339(utc(query.to, "to")) if query.to else None
    require_order(start, end)
    listing = ("statement", query.ledger, query.account)
    history = History.of(query)

    def read() -> Statement:
        balance: int | None = None
        if query.cursor is not None:
            position, left, *pinned = read_cursor(query.cursor, of=listing, parts=_CURSOR_PARTS)
            period, balance = _Period(*pinned), whole_number(left)
            must_agree(start, period.start)
            must_agree(end, period.end)
            streams = streams_of(query, len(period.versions))
            before, rows = resume(streams, position, period.last, query.limit)
        else:
            section = history.around(start or FIRST, end or LAST, opening=True)
            period = _period(history, section, start, end)
            require_order(start, period.end, "now")
            streams, before = section.streams, [each.before for each in section.found]
            rows = following(streams, repeat(period.start), period.last, query.limit)
        entries = forward(streams, rows, before, period.versions, balance)
        page, more = page_of(entries, query.limit)
        last = (_position(page[-1]), page[-1].balance_after) if more else ()
        return Statement(
            account=query.account,
            asset=period.asset,
            from_=period.start,
            to=period.end,
            opening_balance=period.opening,
            entries=page,
            closing_balance=period.closing,
            final=bool(period.final),
            next_cursor=make_cursor(*last, *period, of=listing) if more else None,
        )

    return retry_while_behind(read)


class _Period(NamedTuple):
    """The period of a statement, found by its first page and carried in its cursors.

    `until` is the last version of each stream, separated by points, and `last` a position at or
    after the last row. `final` is "1" or empty.
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
        """`until`, as numbers. Raises Problem invalid_cursor."""
        found = self.until.split(".")
        if len(found) > MAX_STRIPES:
            raise not_ours()
        return [whole_number(version) for version in found]


_CURSOR_PARTS = 2 + len(_Period._fields)
"""A statement's cursor has the position of the last entry, the balance after it, and the period."""


def _period(history: History, section: Section, start: str | None, end: str | None) -> _Period:
    own = section.own
    assert own.opening is not None
    last = end or LAST
    if len(section.streams) == 1:
        last = own.last.place if own.last else FIRST
    return _Period(
        start=start or min(own.opening.recorded_at, end or LAST),
        end=end or rfc3339(section.just_after),
        asset=section.asset,
        opening=section.opening_balance,
        closing=section.closing_balance,
        until=".".join(str(each.version) for each in section.found),
        last=last,
        final="1" if history.is_final(datetime.fromisoformat(end) if end else None) else "",
    )


def _position(entry: EntryBody) -> str:
    return place(entry.recorded_at, entry.version)
