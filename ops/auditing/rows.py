"""Rows: what the read tables must have, out of events that were folded anew.

The rooms' own functions put the words into a row's places: how it is written is no question of
truth. What it says - states, sums, versions - comes from the audit's own fold and count.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.read_models.balances.projector import take_state
from chalicelib.read_models.balances.table import BalanceRow, row_of
from chalicelib.read_models.ledgers import PARTITION as LEDGERS
from chalicelib.read_models.ledgers import AccountsLedger, JournalLedger, LedgerRow
from chalicelib.read_models.ledgers import place_of as ledger_place
from chalicelib.read_models.statements.projector import row as statement_row_of
from chalicelib.read_models.statements.table import StatementRow, partition
from chalicelib.read_models.totals.table import TotalRow, account_key, shard_key, shard_of
from chalicelib.read_models.transactions.projector import row as transaction_row_of
from chalicelib.read_models.transactions.table import TransactionRow, day_row, key_of
from chalicelib.tables import Table
from ops.auditing.items import Item, digest
from ops.auditing.scratch import Row
from ops.auditing.streams import Walk

ROOMS: dict[str, type[Table]] = {
    "balances": BalanceRow,
    "statements": StatementRow,
    "transactions": TransactionRow,
    "totals": TotalRow,
    "accounts_ledgers": AccountsLedger,
    "journal_ledgers": JournalLedger,
}
"""The read tables that are audited."""

_BETWEEN = " "


def balance_row(one: Recorded, told: Recorded) -> Item:
    """The row of an account after an event, with the metadata of the event that set it."""
    row = row_of(one.stream.ledger, one.stream.id)
    take_state(row, one)
    row.metadata_set_by = row.metadata_version = told.version
    row.metadata = msgspec.json.encode(told.metadata).decode()
    return row.serialize()


def total_row(one: Recorded, debits: int, credits: int) -> Item:
    """What an account added to the sums, as of an event."""
    row = TotalRow(
        *account_key(one.stream.ledger, one.stream.id),
        version=one.version,
        debits=debits,
        credits=credits,
        as_of=rfc3339(one.recorded_at),
    )
    return row.serialize()


def sum_row(key: tuple[str, str], version: int, debits: int, credits: int, as_of: str) -> Item:
    """A shard's sum of one asset."""
    row = TotalRow(*key, version=version, debits=debits, credits=credits, as_of=as_of)
    return row.serialize()


def statement_row(one: Recorded) -> Item:
    """The line of an account's statement for an event."""
    return statement_row_of(one).serialize()


def transaction_row(one: Recorded) -> Item:
    """The row of a transaction after an event."""
    return transaction_row_of(one).serialize()


def day_item(ledger: str, day: str) -> Item:
    """The row that lists a day."""
    return day_row(ledger, day).serialize()


def ledger_rows(ledger: str, asset: str) -> list[tuple[str, LedgerRow]]:
    """The rows that list an asset of a ledger, each with the name of its table."""
    place = ledger_place(ledger, asset)
    return [
        ("accounts_ledgers", AccountsLedger(LEDGERS, place)),
        ("journal_ledgers", JournalLedger(LEDGERS, place)),
    ]


def key_text(room: str, item: Item) -> str:
    """A row's key as one text; all of an account's statement has one."""
    names = {
        "balances": ("partition", "account"),
        "statements": ("account",),
        "transactions": ("key",),
        "totals": ("key", "of"),
        "accounts_ledgers": ("partition", "place"),
        "journal_ledgers": ("partition", "place"),
    }[room]
    return _BETWEEN.join(item[name]["S"] for name in names)


def key_parts(key: str) -> tuple[str, str]:
    """The hash key and the range key, which is empty where there is none."""
    hash_key, _, range_key = key.partition(_BETWEEN)
    return hash_key, range_key


def rows_of(walk: Walk, statement: int) -> Iterator[Row]:
    """The rows that a stream asks for, with the sum of the digests of its statement's lines."""
    if walk.stream is None:
        return
    if walk.stream.kind == "transaction":
        yield from _of_transaction(walk, walk.stream)
    else:
        yield from _of_account(walk, walk.stream, statement)


def _of_account(walk: Walk, stream: Stream, statement: int) -> Iterator[Row]:
    empty = row_of(stream.ledger, stream.id)
    balance = f"{empty.partition}{_BETWEEN}{stream.id}"
    total = _BETWEEN.join(account_key(stream.ledger, stream.id))
    lines = partition(stream.ledger, stream.id)
    one, told = walk.newest, walk.told
    if not walk.whole or one is None or told is None:
        for room, key in (("balances", balance), ("totals", total), ("statements", lines)):
            yield Row(room, key, walk.version, "", walk.asset)
        return
    posted = walk.tally.posted
    for room, listed in ledger_rows(stream.ledger, one.account.asset):
        item = listed.serialize()
        yield Row(room, key_text(room, item), 0, mark_of(item))
    yield Row("balances", balance, one.version, mark_of(balance_row(one, told)))
    yield Row(
        "totals",
        total,
        one.version,
        mark_of(total_row(one, posted["debit"], posted["credit"])),
        walk.asset,
    )
    yield Row("statements", lines, one.version, f"{statement:032x}")


def _of_transaction(walk: Walk, stream: Stream) -> Iterator[Row]:
    key = key_of(stream.ledger, stream.id)
    if not walk.whole or walk.newest is None:
        yield Row("transactions", key, walk.version, "")
        return
    yield Row("transactions", key, walk.version, mark_of(transaction_row(walk.newest)))
    day = day_of(walk.newest.transaction_event.created_at)
    item = day_item(stream.ledger, day)
    yield Row("transactions", item["key"]["S"], 0, mark_of(item))


def day_of(instant: datetime) -> str:
    """The day that a transaction is listed under."""
    return rfc3339(instant)[: len("2026-11-23")]


def mark_of(item: Item) -> str:
    """A row's digest as text."""
    return f"{digest(item):032x}"


def sum_key(account: str, asset: str) -> tuple[str, str]:
    """The shard's row that an account, by the hash key of its own row, adds to."""
    ledger, _, id = account.partition("/")
    return shard_key(ledger, shard_of(id)), asset
