"""Shelves: all rows of a ledger, to compare what two deliveries left behind."""

import json

from pynamodb.attributes import UnicodeAttribute

from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.tables import Table

KEYS: dict[type[Table], UnicodeAttribute] = {
    BalanceRow: BalanceRow.partition,
    StatementRow: StatementRow.account,
    TransactionRow: TransactionRow.key,
    TotalRow: TotalRow.key,
}
"""The rooms' tables, and the hash key of each, which begins with the ledger's name."""


def rows_of(room: type[Table], ledger: str) -> list[str]:
    """The rows of a ledger in one room, without its name, as sorted JSON."""
    of_ledger = KEYS[room].startswith(f"{ledger}/") | KEYS[room].startswith(f"{ledger}#")
    rows = [json.dumps(row.serialize(), sort_keys=True) for row in room.scan(of_ledger)]
    return sorted(row.replace(ledger, "ledger") for row in rows)


def shelves_of(ledger: str) -> dict[str, list[str]]:
    """The rows of a ledger in every room, but for how many additions made up a sum."""
    shelves = {room.__name__: rows_of(room, ledger) for room in KEYS}
    totals = [json.loads(row) for row in shelves["TotalRow"]]
    for row in totals:
        if row["of"] != {"S": ACCOUNT}:
            del row["version"]
    return {**shelves, "TotalRow": [json.dumps(row) for row in totals]}


def clear() -> None:
    """Empties every room: on moto, a transaction takes time for each row of its table."""
    for room in KEYS:
        rows = list(room.scan())
        with room.batch_write() as batch:
            for row in rows:
                batch.delete(row)
