"""The queries of this read model, and their results."""

from functools import partial
from typing import Annotated

import msgspec

from chalicelib.domain.errors import AccountNotFound, ProjectionBehind
from chalicelib.domain.fields import check_id
from chalicelib.domain.holds import ExpiringHold
from chalicelib.domain.stripes import stripes_of
from chalicelib.http.bodies import AccountBody, account_of_streams, whole_account, without_holds
from chalicelib.http.field_types import LedgerId, NextCursor, described
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.ledger.accounts import at_one_moment, metadata_of
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.read_models.balances.table import BUCKETS, BalanceRow, find, partition, stripe_rows
from chalicelib.read_models.ledgers import AccountsLedger, require_ledger
from chalicelib.read_models.reading import (
    PAGE,
    AccountNotProjected,
    AccountQuery,
    Cursor,
    Limit,
    event_store,
    in_order,
    now,
    page_of,
    require_seen,
    retry_while_behind,
)
from chalicelib.tables import in_parallel


class GetAccount(AccountQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is this account worth now?"""


class ListAccounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which accounts are there, in the order of their ids?"""

    ledger: LedgerId
    prefix: Annotated[
        str | None,
        described("Only accounts whose ids begin so. Default: all accounts.", "customers:"),
    ] = None
    limit: Limit = PAGE
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        if self.prefix:
            check_id(self.prefix, "prefix")


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """A page of accounts."""

    accounts: Annotated[list[AccountBody], described("The accounts, in the order of their ids.")]
    next_cursor: NextCursor


def get_account(query: GetAccount) -> AccountBody:
    """The account now. Raises AccountNotFound, ProjectionBehind, InvalidField."""
    if query.consistency == "strong":
        return _from_events(query)

    def read() -> AccountBody:
        row = find(query.ledger, query.account)
        if row is None:
            require_seen([0], query.min_version)
            raise AccountNotProjected(query.account)
        return _account(row, query.min_version)

    return retry_while_behind(read)


def _from_events(query: GetAccount) -> AccountBody:
    store = event_store()
    streams = at_one_moment(store, account_stream(query.ledger, query.account))
    if not streams:
        raise AccountNotFound(query.account)
    require_seen([one.version for one in streams], query.min_version)
    at = now()
    return account_of_streams(
        query.ledger,
        query.account,
        [(account_state(one).as_of(at), one.recorded_at) for one in streams],
        metadata_of(store, streams[0]),
    )


def list_accounts(query: ListAccounts) -> Accounts:
    """A page of accounts. Raises ProjectionBehind, LedgerNotFound, Problem invalid_cursor."""
    return retry_while_behind(lambda: _page_of_accounts(query))


def _page_of_accounts(query: ListAccounts) -> Accounts:
    listing = ("accounts", query.ledger)
    prefix = query.prefix or ""
    # Ids are ASCII from "-" to "z": "!" sorts before, and "~" after, all of their characters.
    first = prefix or "!"
    if query.cursor is not None:
        after, prefix = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.prefix, prefix)
        first = f"{after}!"
    ids = BalanceRow.account.between(first, f"{prefix}~")
    query_bucket = partial(
        BalanceRow.query, range_key_condition=ids, page_size=query.limit // BUCKETS + 2
    )
    buckets = [query_bucket(partition(query.ledger, bucket)) for bucket in range(BUCKETS)]
    rows, more = page_of(in_order(buckets, lambda row: str(row.account)), query.limit)
    if not rows:
        require_ledger(AccountsLedger, query.ledger)
    return Accounts(
        accounts=in_parallel(_account, rows),
        next_cursor=make_cursor(rows[-1].account, prefix, of=listing) if more else None,
    )


def _account(row: BalanceRow, min_version: int = 0) -> AccountBody:
    """The account, from its own row and the rows of its stripes. Raises ProjectionBehind."""
    own, stripes = _body(row), list[BalanceRow]()
    if own.stripes is not msgspec.UNSET:
        rows = {stripe.account: stripe for stripe in stripe_rows(own.ledger, own.id)}
        if len(rows) < own.stripes:
            raise ProjectionBehind(min_version)
        stripes = [rows[id] for id in stripes_of(own.id, own.stripes)]
    versions = [stripe.version for stripe in stripes]
    require_seen([_seen(row), *versions], min_version)
    return whole_account([own, *map(_body, stripes)], [row.version, *versions])


def _seen(row: BalanceRow) -> int:
    """The version that both the state and the metadata of the row have reached."""
    return row.version if row.metadata_version == row.metadata_set_by else row.metadata_version


def _body(row: BalanceRow) -> AccountBody:
    metadata = msgspec.json.decode(row.metadata, type=dict[str, str]) if row.metadata else {}
    body = msgspec.json.decode(row.body, type=AccountBody)
    if row.expiring:
        at = now()
        holds = msgspec.json.decode(row.expiring, type=tuple[ExpiringHold, ...])
        body = without_holds(body, [hold for hold in holds if hold.expires_at <= at])
    return msgspec.structs.replace(body, metadata=metadata)
