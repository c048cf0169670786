"""The questions of this room, and their answers."""

from functools import partial

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.domain.refusals import AccountNotFound
from chalicelib.events.recorded import account_stream
from chalicelib.events.store import metadata_of
from chalicelib.http.bodies import AccountBody, account_body
from chalicelib.http.pagination import make_cursor, must_agree, read_cursor
from chalicelib.read_models.balances.table import BUCKETS, BalanceRow, find, partition
from chalicelib.read_models.reading import (
    PAGE,
    Consistency,
    Limit,
    MinVersion,
    in_order,
    newest_event,
    page_of,
    patiently,
    require_version,
)


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
        require_version(_seen(row), query.min_version)
        if row is None:
            raise AccountNotFound(query.account)
        return _body(row)

    return patiently(read)


def _from_events(query: GetAccount) -> AccountBody:
    stream = account_stream(query.ledger, query.account)
    head = newest_event(stream, query.min_version)
    if head is None:
        raise AccountNotFound(query.account)
    from chalicelib.events.dynamodb import DynamoStore  # As in `newest_event`.

    metadata = metadata_of(DynamoStore(), head)
    return account_body(query.ledger, query.account, head.account, metadata, head.recorded_at)


def list_accounts(query: ListAccounts) -> Accounts:
    """A page of accounts, ordered by id."""
    listing = ("accounts", query.ledger)
    prefix = query.prefix or ""
    # Ids are ASCII from "-" to "z": "!" sorts before and "~" after whatever may follow a prefix.
    first = prefix or "!"
    if query.cursor:
        after, prefix = read_cursor(query.cursor, of=listing, parts=2)
        must_agree(query.prefix, prefix)
        first = f"{after}!"
    ids = BalanceRow.account.between(first, f"{prefix}~")
    ask = partial(BalanceRow.query, range_key_condition=ids, page_size=query.limit // BUCKETS + 2)
    buckets = [ask(partition(query.ledger, bucket)) for bucket in range(BUCKETS)]
    rows, more = page_of(in_order(buckets, lambda row: str(row.account)), query.limit)
    return Accounts(
        accounts=[_body(row) for row in rows],
        next_cursor=make_cursor(rows[-1].account, prefix, of=listing) if more else None,
    )


def _seen(row: BalanceRow | None) -> int:
    """The version up to which the row is whole: its metadata may trail its state."""
    if row is None:
        return 0
    whole = row.metadata_version == row.metadata_set_by
    return row.version if whole else row.metadata_version


def _body(row: BalanceRow) -> AccountBody:
    metadata = msgspec.json.decode(row.metadata, type=dict[str, str]) if row.metadata else {}
    body = msgspec.json.decode(row.body, type=AccountBody)
    return msgspec.structs.replace(body, metadata=metadata)
