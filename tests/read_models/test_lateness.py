"""Lateness: an older record after a newer one changes nothing, and what trails is not claimed."""

from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib.domain.errors import ProjectionBehind
from chalicelib.domain.transaction.events import TransactionPosted
from chalicelib.events.recorded import Recorded, encode_event
from chalicelib.ledger.aggregates import account_state, transaction_stream
from chalicelib.read_models.balances.queries import GetAccount
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.statements.queries import AccountEntries
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.projector import gain
from chalicelib.read_models.totals.queries import TrialBalance
from chalicelib.read_models.totals.table import TotalRow, account_key
from chalicelib.read_models.transactions.queries import GetTransaction, ListTransactions
from chalicelib.read_models.transactions.table import TransactionRow
from tests.ask import ask
from tests.books import Bookkeeper, deliver
from tests.read_models.shelves import rows_of

pytestmark = pytest.mark.usefixtures("moto")


@pytest.fixture
def alice(books: Bookkeeper) -> list[Recorded]:
    """What happened to Alice: opened, paid in 100, then 20, then 3. Nothing of it is told."""
    for number, amount in enumerate([100, 20, 3]):
        books.pay_in(f"t{number}", amount)
    return books.of("alice")


def test_an_older_record_does_not_bring_an_old_balance_back(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver([alice[0], alice[3]])
    before = rows_of(BalanceRow, books.ledger)

    deliver(alice[1:3])

    assert rows_of(BalanceRow, books.ledger) == before
    found = ask(GetAccount(ledger=books.ledger, account="alice"))
    assert (found.posted, found.version, found.metadata) == ("123", 4, {"name": "Alice"})


def test_an_older_record_takes_its_own_place_in_the_statement(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver(alice)
    before = rows_of(StatementRow, books.ledger)

    deliver(alice[1:3])

    assert rows_of(StatementRow, books.ledger) == before
    found = ask(AccountEntries(ledger=books.ledger, account="alice"))
    assert [entry.amount for entry in found.entries] == ["100", "20", "3"]


def test_an_older_record_adds_nothing_to_the_totals(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver([alice[3]])
    before = rows_of(TotalRow, books.ledger)

    for event in alice[:3]:
        deliver([event])

    assert rows_of(TotalRow, books.ledger) == before
    [usd] = ask(TrialBalance(ledger=books.ledger)).assets
    assert (usd.debits, usd.credits, usd.balanced) == ("0", "123", False)


@pytest.mark.usefixtures("alice")
def test_an_older_record_does_not_bring_an_old_transaction_back(books: Bookkeeper) -> None:
    stream = transaction_stream(books.ledger, "t0")
    [older] = [event for event in books.recorded if event.stream == stream]
    assert isinstance(older.event, TransactionPosted)
    # No command makes a second version yet; the projector's guard is for the first that will.
    changed = encode_event(structs.replace(older.event, metadata={"changed": "yes"}))
    newer = replace(older, version=2, data=changed)
    deliver([older, newer])
    before = rows_of(TransactionRow, books.ledger)

    deliver([older])

    assert rows_of(TransactionRow, books.ledger) == before
    found = ask(GetTransaction(ledger=books.ledger, transaction="t0"))
    assert (found.version, found.metadata) == (2, {"changed": "yes"})
    assert ask(ListTransactions(ledger=books.ledger)).transactions == [found]


def test_a_gain_is_what_was_not_seen_before(alice: list[Recorded]) -> None:
    key = account_key(alice[0].stream.ledger, "alice")
    seen = TotalRow(*key, version=2, debits=0, credits=100)

    news = gain(alice[3], seen)

    assert news is not None
    assert (news.debits, news.credits, news.seen) == (0, 23, 2)
    assert (news.row.version, news.row.debits, news.row.credits) == (4, 0, 123)
    assert gain(alice[1], seen) is None
    assert gain(alice[0], seen) is None


def test_metadata_that_comes_after_newer_state_ends_right(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver([alice[2]])
    found = ask(GetAccount(ledger=books.ledger, account="alice"))
    assert (found.posted, found.version, found.metadata) == ("120", 3, {})

    deliver([alice[0]])

    found = ask(GetAccount(ledger=books.ledger, account="alice", min_version=3))
    assert (found.posted, found.version, found.metadata) == ("120", 3, {"name": "Alice"})


@pytest.mark.parametrize("min_version", [1, 3])
def test_state_whose_metadata_is_not_here_yet_is_not_fresh(
    books: Bookkeeper, alice: list[Recorded], min_version: int
) -> None:
    deliver([alice[2]])

    with pytest.raises(ProjectionBehind) as behind:
        ask(GetAccount(ledger=books.ledger, account="alice", min_version=min_version))

    assert behind.value.min_version == min_version


def test_metadata_and_newer_state_in_one_batch_each_find_their_place(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver([alice[3]])

    deliver([alice[2], alice[0], alice[1]])

    found = ask(GetAccount(ledger=books.ledger, account="alice", min_version=4))
    assert (found.posted, found.version, found.metadata) == ("123", 4, {"name": "Alice"})


def test_a_row_says_what_the_newest_event_of_its_account_says(
    books: Bookkeeper, alice: list[Recorded]
) -> None:
    deliver(reversed(alice))

    found = ask(GetAccount(ledger=books.ledger, account="alice"))

    assert found.recorded_at == "2026-11-01T12:30:19.000250Z"
    assert found.opened_at == "2026-11-01T12:30:16.000250Z"
    assert (found.posted, found.version) == (
        str(account_state(alice[-1]).posted),
        alice[-1].version,
    )
