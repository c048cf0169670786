"""The questions of this room, and their answers."""

from functools import partial

import msgspec

from chalicelib.domain.errors import (
    AccountNotFound,
    ProjectionBehind,
)
from chalicelib.domain.fields import check_id, rfc3339
from chalicelib.domain.holds import ExpiringHold
from chalicelib.domain.stripes import stripes_of, sum_of
from chalicelib.http.bodies import AccountBody, account_body, of_streams, without_holds
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.ledger.accounts import at_one_moment, metadata_of
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.read_models.balances.table import (
    BUCKETS,
    BalanceRow,
    find,
    partition,
    stripe_rows,
)
from chalicelib.read_models.ledgers import AccountsLedger, require_ledger
from chalicelib.read_models.reading import (
    PAGE,
    Consistency,
    Limit,
    MinVersion,
    event_store,
    in_order,
    now,
    page_of,
    patiently,
    require_shown,
    require_version,
)
from chalicelib.tables import in_parallel


class GetAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is this account worth now?"""

    ledger: str
    account: str
    min_version: MinVersion = 0
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")


class ListAccounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which accounts are there, in the order of their ids?"""

    ledger: str
    prefix: str | None = None
    limit: Limit = PAGE
    cursor: str | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        if self.prefix:
            check_id(self.prefix, "prefix")


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """A page of accounts."""

    accounts: list[AccountBody]
    next_cursor: str | None


def get_account(query: GetAccount) -> AccountBody:
    """The account now. Raises AccountNotFound, ProjectionBehind, and InvalidField for a strong read
    where this stage has none.
    """
    if query.consistency == "strong":
        return _from_events(query)

    def read() -> AccountBody:
        row = find(query.ledger, query.account)
        if row is None:
            require_version(0, query.min_version)
            raise AccountNotFound(query.account)
        return _whole(row, query.min_version)

    return patiently(read)


def _from_events(query: GetAccount) -> AccountBody:
    store = event_store()
    found = at_one_moment(store, account_stream(query.ledger, query.account))
    if not found:
        raise AccountNotFound(query.account)
    head, stripes = found[0], found[1:]
    seen = {one.stream.id: one.version for one in found}
    require_shown(seen, query.account, account_state(head).stripes, query.min_version)
    body = account_body(
        query.ledger,
        query.account,
        sum_of(account_state(head), [account_state(stripe) for stripe in stripes]).as_of(now()),
        metadata_of(store, head),
        max(one.recorded_at for one in found),
    )
    streams = [(rfc3339(one.recorded_at), one.version) for one in found]
    return of_streams(body, streams) if stripes else body


def list_accounts(query: ListAccounts) -> Accounts:
    """A page of accounts, ordered by id. Raises ProjectionBehind where a stripe is missing,
    LedgerNotFound, and Problem invalid_cursor.
    """
    return patiently(lambda: _page_of_accounts(query))


def _page_of_accounts(query: ListAccounts) -> Accounts:
    listing = ("accounts", query.ledger)
    prefix = query.prefix or ""
    # Ids are ASCII from "-" to "z": "!" sorts before and "~" after whatever may follow a prefix.
    first = prefix or "!"
    if query.cursor is not None:
        after, prefix = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.prefix, prefix)
        first = f"{after}!"
    ids = BalanceRow.account.between(first, f"{prefix}~")
    ask = partial(BalanceRow.query, range_key_condition=ids, page_size=query.limit // BUCKETS + 2)
    buckets = [ask(partition(query.ledger, bucket)) for bucket in range(BUCKETS)]
    rows, more = page_of(in_order(buckets, lambda row: str(row.account)), query.limit)
    if not rows:
        require_ledger(AccountsLedger, query.ledger)
    return Accounts(
        accounts=in_parallel(_whole, rows),
        next_cursor=make_cursor(rows[-1].account, prefix, of=listing) if more else None,
    )


def _whole(row: BalanceRow, min_version: int = 0) -> AccountBody:
    """The account, with what its stripes hold if it has any. Raises ProjectionBehind."""
    body = _body(row)
    if body.stripes is msgspec.UNSET:
        require_version(_seen(row), min_version)
        return body
    stripes = list(stripe_rows(body.ledger, body.id))
    if len(stripes) < body.stripes:
        raise ProjectionBehind(min_version)
    seen = {body.id: _seen(row), **{stripe.account: stripe.version for stripe in stripes}}
    require_shown(seen, body.id, body.stripes, min_version)
    held = {stripe.account: _body(stripe) for stripe in stripes}
    whole = _sum(body, list(held.values()))
    ids = stripes_of(body.id, body.stripes)
    streams = [(body.recorded_at, row.version)]
    return of_streams(whole, [*streams, *((held[id].recorded_at, seen[id]) for id in ids)])


def _sum(body: AccountBody, stripes: list[AccountBody]) -> AccountBody:
    held = [body, *stripes]
    return msgspec.structs.replace(
        body,
        posted=str(sum(int(one.posted) for one in held)),
        pending_debits=str(sum(int(one.pending_debits) for one in held)),
        pending_credits=str(sum(int(one.pending_credits) for one in held)),
        available=str(sum(int(one.available) for one in held)),
        recorded_at=max(one.recorded_at for one in held),
    )


def _seen(row: BalanceRow) -> int:
    """The version up to which the row is whole: its metadata may trail its state."""
    whole = row.metadata_version == row.metadata_set_by
    return row.version if whole else row.metadata_version


def _body(row: BalanceRow) -> AccountBody:
    metadata = msgspec.json.decode(row.metadata, type=dict[str, str]) if row.metadata else {}
    body = msgspec.json.decode(row.body, type=AccountBody)
    if row.expiring:
        at = now()
        holds = msgspec.json.decode(row.expiring, type=tuple[ExpiringHold, ...])
        body = without_holds(body, [hold for hold in holds if hold.expires_at <= at])
    return msgspec.structs.replace(body, metadata=metadata)
