"""Engines: the rooms hold on real engines too, to the last digit and round trip."""

import random

import pytest

from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.balances.queries import GetAccount, ListAccounts
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
)
from chalicelib.read_models.totals.queries import TrialBalance
from chalicelib.read_models.transactions.queries import GetTransaction, ListTransactions
from tests.ask import ask
from tests.books import Bookkeeper, deliver, later
from tests.deliveries import events_of
from tests.domain.books import credit, debit
from tests.read_models.shelves import shelves_of

MOST = 10**30


@pytest.fixture(params=["moto", "ministack", "dynamodb_local"])
def engine(request: pytest.FixtureRequest) -> str:
    """The tables, on an engine."""
    request.getfixturevalue(request.param)
    return str(request.param)


@pytest.mark.usefixtures("engine")
def test_the_largest_amounts_survive_in_every_room(books: Bookkeeper) -> None:
    for number in range(3):
        books.pay_in(f"t{number}", MOST)
    books.pay_in("t3", MOST - 1)
    books.tell()
    ledger, total, last = books.ledger, str(4 * MOST - 1), str(MOST - 1)

    account = ask(GetAccount(ledger=ledger, account="alice", min_version=5))
    entries = ask(AccountEntries(ledger=ledger, account="alice", order="desc")).entries
    statement = ask(AccountStatement(ledger=ledger, account="alice", from_=later(seconds=5)))
    transaction = ask(GetTransaction(ledger=ledger, transaction="t3"))
    [usd] = ask(TrialBalance(ledger=ledger)).assets

    assert (account.posted, account.available) == (total, total)
    assert [each.amount for each in entries] == [last, *[str(MOST)] * 3]
    assert entries[0].balance_after == total
    assert (statement.opening_balance, statement.closing_balance) == (str(3 * MOST), total)
    assert ask(AccountBalance(ledger=ledger, account="alice")).posted == total
    assert [each.amount for each in transaction.entries] == [last, last]
    assert {each.balance_after for each in transaction.entries} == {total}
    assert (usd.debits, usd.credits, usd.balanced) == (total, total, True)


@pytest.mark.usefixtures("engine")
def test_a_balance_below_zero_survives_in_every_room(books: Bookkeeper) -> None:
    books.post("t1", debit("alice", MOST), credit("cash", MOST))
    books.tell()

    for id in ("alice", "cash"):
        found = ask(GetAccount(ledger=books.ledger, account=id, min_version=2))
        assert found.posted == str(-MOST)
        assert ask(AccountBalance(ledger=books.ledger, account=id)).posted == str(-MOST)


@pytest.mark.usefixtures("engine")
def test_the_event_table_delivered_in_disorder_fills_the_rooms_as_calmly_as_ever(
    ledger: str,
) -> None:
    written = Bookkeeper(ledger, DynamoStore())
    calm = Bookkeeper(f"{ledger}-calm")
    for books in (written, calm):
        live_a_little(books)
    calm.tell()
    stored = events_of(ledger)
    assert sorted(event.hash for event in stored) == sorted(
        event.hash for event in written.recorded
    )

    random.Random(7).shuffle(stored)
    for start in range(0, len(stored), 9):
        deliver(stored[start : start + 20])

    assert shelves_of(ledger) == shelves_of(calm.ledger)
    assert [(each.id, each.posted) for each in ask(ListAccounts(ledger=ledger)).accounts] == [
        ("alice", "189"),
        ("bob", "4"),
        ("cash", "189"),
        ("till", "4"),
    ]
    usd_and_eur = [("EUR/2", "4", "4"), ("USD/2", "189", "189")]
    totals = ask(TrialBalance(ledger=ledger)).assets
    assert [(each.asset, each.debits, each.credits) for each in totals] == usd_and_eur
    even = ask(ListTransactions(ledger=ledger, reference="invoice 0", limit=3))
    assert [each.id for each in even.transactions] == ["t00", "t02", "t04"]
    first = ask(AccountEntries(ledger=ledger, account="alice", limit=8))
    rest = ask(AccountEntries(ledger=ledger, account="alice", cursor=first.next_cursor))
    assert [each.version for each in [*first.entries, *rest.entries]] == list(range(2, 15))


def live_a_little(books: Bookkeeper) -> None:
    """Four accounts in two assets, and thirteen transactions."""
    books.open_till()
    books.open("till", asset="EUR/2")
    books.open("bob", "credit", asset="EUR/2")
    for number in range(12):
        books.pay_in(f"t{number:02}", 10 + number, reference=f"invoice {number % 2}")
    books.post("both", debit("cash", 3), debit("till", 4), credit("alice", 3), credit("bob", 4))
