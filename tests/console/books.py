"""The books that the console shows in tests and pictures: a bank's customer, and a small shop."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from twofold import Ledger, NewAccount, NewTransaction, Pending, credit, debit

from ops.demo import ASSET, Row, by_customer, read
from tests.engines import ROOT

BANK, SHOP = "berka", "shop"

CUSTOMER = "4937"
"""The customer of the sample with most transactions."""

SAMPLE = ROOT / "tests" / "data" / "berka-sample.csv"

_DOLLARS = "USD/2"
_DAY = 24 * 3600


def rows_of(customer: str = CUSTOMER, sample: Path = SAMPLE) -> Sequence[Row]:
    """A customer's transactions at the bank, in its order, without those that move nothing."""
    return [row for row in by_customer(read(sample))[customer] if row.amount]


def load_bank(url: str, key: str | None = None) -> None:
    """A customer's whole history at the bank, and the accounts of others without one."""
    customers = by_customer(read(SAMPLE))
    with Ledger(BANK, url, key=key) as ledger:
        opened = [_of_customer(account, rows) for account, rows in customers.items()]
        ledger.accounts.open_batch([account for pair in opened for account in pair])
        rows = rows_of()
        for start in range(0, len(rows), 50):
            ledger.transactions.post_batch(
                [_transaction(row) for row in rows[start : start + 50]], atomic=False
            )


def _of_customer(account: str, rows: Sequence[Row]) -> tuple[NewAccount, NewAccount]:
    lowest = min(0, *(row.balance_after for row in rows))
    return (
        NewAccount(id=f"bank:{account}", asset=ASSET, normal_balance="debit", min_balance=None),
        NewAccount(id=account, asset=ASSET, normal_balance="credit", min_balance=lowest),
    )


def _transaction(row: Row) -> NewTransaction:
    customer, bank = (credit, debit) if row.amount > 0 else (debit, credit)
    moved = abs(row.amount)
    return NewTransaction(
        entries=[customer(row.account, moved), bank(row.counterpart, moved)],
        id=row.id,
        reference=row.category or row.operation,
        effective_at=datetime.fromisoformat(row.date).replace(tzinfo=UTC),
        metadata={"operation": row.operation},
    )


def load_shop(url: str, key: str | None = None) -> None:
    """A shop: customers by name, a hold, a part of a hold, a reversal, a frozen account, points."""
    with Ledger(SHOP, url, key=key) as ledger:
        names = {"alice": "Alice Ade", "bob": "Bob Bauer", "carol": "Carol Cruz"}
        for id, name in names.items():
            ledger.accounts.open(
                f"customers:{id}", asset=_DOLLARS, normal_balance="credit", metadata={"name": name}
            )
        ledger.accounts.open("bank", asset=_DOLLARS, normal_balance="debit", min_balance=None)
        for id in ("sales:books", "sales:music", "fees"):
            ledger.accounts.open(id, asset=_DOLLARS, normal_balance="credit")
        ledger.accounts.open(
            "points:issued", asset="PTS/0", normal_balance="debit", min_balance=None
        )
        ledger.accounts.open("points:alice", asset="PTS/0", normal_balance="credit")
        post = ledger.transactions.post
        for id, amount in (("alice", 1_250_000), ("bob", 40_000), ("carol", 7_505)):
            post([debit("bank", amount), credit(f"customers:{id}", amount)], id=f"topup-{id}")
        post(
            [
                debit("customers:alice", 4_200),
                credit("sales:books", 4_000),
                credit("fees", 200),
                debit("points:issued", 42),
                credit("points:alice", 42),
            ],
            id="order-1001",
            reference="invoice 1001",
            effective_at=datetime(2026, 11, 1, tzinfo=UTC),
            metadata={"basket": "9", "channel": "web"},
        )
        hold = [debit("customers:bob", 12_000), credit("sales:music", 12_000)]
        post(hold, id="order-1002", reference="invoice 1002", pending=Pending(30 * _DAY))
        post(hold, id="order-1003", reference="invoice 1003", pending=Pending(None))
        ledger.transactions.post_hold("order-1003", amount=9_950)
        post([debit("bank", 500), credit("customers:carol", 500)], id="topup-twice")
        ledger.transactions.reverse("topup-twice", id="topup-twice-reversal")
        ledger.accounts.freeze("customers:carol", debits=True, credits=False)
