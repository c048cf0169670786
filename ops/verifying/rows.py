"""Rows: what each read model has of an event, as items to be compared with what is stored.

A read model's own functions put the words into a row's places: that is looked up when it is used,
so that there is one of each. `ops/independent.py` makes the same rows without them.
"""

from collections.abc import Mapping

import msgspec

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_state, transaction_event
from chalicelib.read_models import ledgers
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import row_of
from chalicelib.read_models.ledgers import LedgerRow
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.totals import table as totals
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.read_models.transactions import table as transactions_table
from ops.verifying.raw import Item


def balance_row(event: Recorded, metadata: Mapping[str, str]) -> Item:
    """The row of an account after an event."""
    row = row_of(event.stream.ledger, event.stream.id)
    balances.take_state(row, event)
    row.metadata_version = account_state(event).metadata_version
    row.metadata = msgspec.json.encode(metadata).decode()
    return row.serialize()


def statement_row(event: Recorded) -> Item:
    """The line of an account's statement for an event."""
    return statements.row(event).serialize()


def transaction_row(event: Recorded) -> Item:
    """The row of a transaction after an event."""
    return transactions.row(event).serialize()


def day_row(ledger: str, day: str) -> Item:
    """The row that lists a day."""
    return transactions_table.day_row(ledger, day).serialize()


def day_of(event: Recorded) -> str:
    """The day that a transaction is listed under."""
    return rfc3339(transaction_event(event).created_at)[: len("2026-11-23")]


def total_row(event: Recorded, debits: int, credits: int) -> Item:
    """What an account added to the sums, as of an event."""
    row = TotalRow(
        *totals.account_key(event.stream.ledger, event.stream.id),
        version=event.version,
        debits=debits,
        credits=credits,
        as_of=rfc3339(event.recorded_at),
    )
    return row.serialize()


def registry_row(registry: type[LedgerRow], ledger: str, asset: str) -> Item:
    """The row that lists an asset of a ledger."""
    return registry(ledgers.PARTITION, ledgers.place_of(ledger, asset)).serialize()
