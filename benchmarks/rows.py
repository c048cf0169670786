"""Rows: what a batch leaves in the tables of each stack, made beforehand and written bare.

Once by `BatchWriteItem`, which takes no condition, and once with the conditions that keep a late or
repeated event from harming, one call for each row that has one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import newest
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models import accounts, journal
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow, row_of
from chalicelib.read_models.ledgers import ACCOUNTS_REGISTRY, JOURNAL_REGISTRY
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import TotalRow, shard_key, shard_of
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.tables import Table, connection, in_parallel

_PUTS = 25

Batch = Sequence[Recorded]
Work = Callable[[], object]


@dataclass(frozen=True)
class Stack:
    """A stack's Lambda, the projector of its registry of ledgers, the rows that a batch leaves, and
    the kind of events that it is fed.
    """

    project: Callable[[Any, Any], Any]
    register: Callable[[Batch], None]
    rows: Callable[[Batch], list[Table]]
    transactions: bool

    def is_fed(self, event: Recorded) -> bool:
        """Whether the event is of a kind that this stack reads."""
        return self.transactions or event.stream.kind == "account"


def _accounts_rows(events: Batch) -> list[Table]:
    """A row per event, and one per account."""
    return [*map(statements.row, events), *map(_balance, newest("account", events).values())]


def _balance(event: Recorded) -> BalanceRow:
    row = row_of(event.stream.ledger, event.stream.id)
    balances.take_state(row, event)
    row.metadata_set_by = row.metadata_version = 1
    row.metadata = "{}"
    return row


def _journal_rows(events: Batch) -> list[Table]:
    """A row per transaction, per account and per sum."""
    told = [transactions.row(event) for event in newest("transaction", events).values()]
    moved = newest("account", events).values()
    seen = [gain.row for event in moved if (gain := totals.gain(event, None))]
    sums = {
        (shard_key(event.stream.ledger, shard_of(event.stream.id)), account_state(event).asset)
        for event in moved
    }
    summed = [
        TotalRow(*key, version=10**6, debits=10**6, credits=10**6, as_of=seen[0].as_of)
        for key in sums
    ]
    return [*told, *seen, *summed]


STACKS = {
    "accounts": Stack(
        accounts.project_accounts, ACCOUNTS_REGISTRY.project, _accounts_rows, transactions=False
    ),
    "journal": Stack(
        journal.project_journal, JOURNAL_REGISTRY.project, _journal_rows, transactions=True
    ),
}


def bare(rows: Sequence[Table]) -> Work:
    """Writes these rows by as few `BatchWriteItem` as there can be, all at the same time."""
    requests = _puts(rows)
    return partial(in_parallel, _write, requests)


def conditional(rows: Sequence[Table]) -> Work:
    """Writes these rows as a projector must, all at the same time: each that is not the same for
    ever on the condition that no newer one is there.
    """
    client: Any = connection().client
    lines = [row for row in rows if isinstance(row, StatementRow)]
    calls: list[Work] = [partial(_write, request) for request in _puts(lines)]
    for row in rows:
        if not isinstance(row, StatementRow):
            item = dict(row.serialize())
            put = partial(
                client.put_item,
                TableName=row.Meta.table_name,
                Item=item,
                ConditionExpression="attribute_not_exists(version) OR version <= :version",
                ExpressionAttributeValues={":version": item["version"]},
            )
            calls.append(put)
    return partial(in_parallel, lambda call: call(), calls)


def _puts(rows: Sequence[Table]) -> list[dict[str, Any]]:
    """The BatchWriteItem requests that put these rows."""
    puts = [(row.Meta.table_name, {"PutRequest": {"Item": dict(row.serialize())}}) for row in rows]
    requests: list[dict[str, Any]] = []
    for start in range(0, len(puts), _PUTS):
        tables: dict[str, list[Any]] = {}
        for table, put in puts[start : start + _PUTS]:
            tables.setdefault(table, []).append(put)
        requests.append(tables)
    return requests


def _write(request: dict[str, Any]) -> None:
    client: Any = connection().client
    if client.batch_write_item(RequestItems=request)["UnprocessedItems"]:
        raise RuntimeError("the engine did not take everything")
