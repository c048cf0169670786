"""The transaction: balanced entries, in their order, once."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.errors import (
    AccountNotFound,
    AssetMismatch,
    BalanceLimitExceeded,
    InsufficientFunds,
    InvalidAmount,
    InvalidField,
    TooManyEntries,
    UnbalancedTransaction,
)
from chalicelib.domain.transaction.commands import PostTransaction
from chalicelib.domain.transaction.events import BookedEntry, TransactionPosted
from tests.domain.books import NOW, Books, credit, debit, opening, posting

EARLIER = NOW - timedelta(days=40)


@pytest.fixture
def books() -> Books:
    """A till and two customers' deposits in dollars, the same till and one of them in euros."""
    books = Books()
    for asset, suffix in (("USD/2", ""), ("EUR/2", ":eur")):
        books.do(opening(f"cash{suffix}", asset=asset))
        books.do(opening(f"alice{suffix}", asset=asset, normal_balance="credit"))
    books.do(opening("bob", normal_balance="credit", max_balance=5000))
    return books


def test_a_transfer_moves_its_accounts_and_keeps_the_whole_answer(books: Books) -> None:
    command = posting(
        "order-77",
        debit("cash", 1000),
        credit("alice", 1000),
        reference="invoice 1009",
        effective_at=EARLIER,
        metadata={"k": "v"},
    )

    assert books.do(command)

    assert books.transaction_events["order-77"] == [
        TransactionPosted(
            entries=(
                BookedEntry(
                    account="cash",
                    direction="debit",
                    amount=1000,
                    asset="USD/2",
                    version=2,
                    balance_after=1000,
                ),
                BookedEntry(
                    account="alice",
                    direction="credit",
                    amount=1000,
                    asset="USD/2",
                    version=2,
                    balance_after=1000,
                ),
            ),
            effective_at=EARLIER,
            reference="invoice 1009",
            metadata={"k": "v"},
            fingerprint=command.fingerprint,
            created_at=NOW,
        )
    ]
    assert (books.accounts["cash"].debits, books.accounts["alice"].credits) == (1000, 1000)
    transaction = books.transactions["order-77"]
    assert (transaction.version, transaction.newest) == (1, "TransactionPosted")


def test_a_transaction_counts_from_its_recording_unless_it_says_otherwise(books: Books) -> None:
    books.do(posting("order-77", debit("cash", 1), credit("alice", 1)))

    [posted] = books.transaction_events["order-77"]
    assert posted.effective_at == NOW


def test_each_asset_balances_on_its_own(books: Books) -> None:
    books.do(
        posting(
            "fx",
            debit("cash", 110),
            debit("cash:eur", 100),
            credit("alice", 110),
            credit("alice:eur", 100),
        )
    )

    assert books.posted() == {
        "cash": 110,
        "alice": 110,
        "cash:eur": 100,
        "alice:eur": 100,
        "bob": 0,
    }


@pytest.mark.parametrize(
    ("command", "asset", "debits", "credits"),
    [
        (posting("t", debit("cash", 100), credit("alice", 99)), "USD/2", 100, 99),
        (posting("t", debit("cash", 100), debit("alice", 100)), "USD/2", 200, 0),
        (posting("t", credit("cash", 7), credit("alice", 7)), "USD/2", 0, 14),
        (posting("t", debit("cash", 100), credit("alice:eur", 100)), "EUR/2", 0, 100),
        (
            posting(
                "t",
                debit("cash", 5),
                credit("alice", 5),
                debit("cash:eur", 10**30),
                credit("alice:eur", 10**30 - 1),
            ),
            "EUR/2",
            10**30,
            10**30 - 1,
        ),
    ],
    ids=["amounts", "debits only", "credits only", "two assets", "one of two assets"],
)
def test_debits_that_differ_from_credits_in_an_asset_are_refused(
    books: Books, command: PostTransaction, asset: str, debits: int, credits: int
) -> None:
    with pytest.raises(UnbalancedTransaction) as refused:
        books.do(command)

    figures = refused.value
    assert (figures.asset, figures.debits, figures.credits) == (asset, debits, credits)


def test_an_account_can_stand_in_a_transaction_more_than_once(books: Books) -> None:
    books.do(posting("t", debit("cash", 30), credit("alice", 10), credit("alice", 20)))

    [posted] = books.transaction_events["t"]
    assert [(entry.version, entry.balance_after) for entry in posted.entries[1:]] == [
        (2, 10),
        (3, 30),
    ]
    assert len(books.account_events["alice"]) == 3


def test_an_account_can_stand_against_itself(books: Books) -> None:
    books.do(posting("t", credit("alice", 10), debit("alice", 10)))

    assert books.accounts["alice"].posted == 0
    assert books.accounts["alice"].version == 3


def test_the_balance_after_an_entry_is_the_posted_one_whatever_is_held(books: Books) -> None:
    books.do(posting("t", debit("cash", 10), credit("alice", 10)))
    books.accounts["alice"] = replace(books.accounts["alice"], pending_debits=4)

    books.do(posting("u", debit("cash", 1), credit("alice", 1)))

    assert books.transaction_events["u"][0].entries[1].balance_after == 11


def test_what_an_entry_brings_the_next_can_take(books: Books) -> None:
    books.do(posting("t", credit("alice", 10), debit("alice", 10)))

    with pytest.raises(InsufficientFunds) as refused:
        books.do(posting("u", debit("alice", 10), credit("alice", 10)))
    assert (refused.value.account, refused.value.available, refused.value.asked) == ("alice", 0, 10)


def test_what_an_entry_takes_makes_room_for_the_next(books: Books) -> None:
    books.do(posting("fill", debit("cash", 5000), credit("bob", 5000)))

    with pytest.raises(BalanceLimitExceeded) as refused:
        books.do(posting("t", credit("bob", 1), debit("bob", 1)))
    assert (refused.value.balance, refused.value.max_balance) == (5001, 5000)
    assert books.do(posting("u", debit("bob", 1), credit("bob", 1)))


def test_a_refused_entry_leaves_those_before_it_undone(books: Books) -> None:
    before = books.posted()

    with pytest.raises(InsufficientFunds):
        books.do(
            posting("t", debit("cash", 5), credit("bob", 5), debit("alice", 1), credit("bob", 1))
        )

    assert books.posted() == before
    assert books.transactions == {}


def test_an_entry_on_an_account_that_is_not_there_refuses_the_transaction(books: Books) -> None:
    with pytest.raises(AccountNotFound) as refused:
        books.do(posting("t", debit("cash", 1), credit("carol", 1)))

    assert refused.value.account == "carol"


def test_an_entry_may_name_the_asset_of_its_account_and_no_other(books: Books) -> None:
    assert books.do(posting("t", debit("cash", 1, "USD/2"), credit("alice", 1)))

    with pytest.raises(AssetMismatch) as refused:
        books.do(posting("u", debit("cash", 1, "USD/4"), credit("alice", 1)))
    figures = refused.value
    assert (figures.account, figures.asset, figures.asked) == ("cash", "USD/2", "USD/4")


@pytest.mark.parametrize("count", [2, 50])
def test_a_transaction_has_2_to_50_entries(books: Books, count: int) -> None:
    entries = [debit("cash", 1), credit("alice", 1)] * (count // 2)

    assert books.do(posting("t", *entries))
    assert books.posted()["alice"] == count // 2


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_2_entries_are_no_transaction(count: int) -> None:
    with pytest.raises(InvalidField) as refused:
        posting("t", *[debit("cash", 1)] * count)

    assert (refused.value.where, refused.value.code) == ("entries", "validation_failed")


def test_97_entries_are_too_many() -> None:
    with pytest.raises(TooManyEntries) as refused:
        posting("t", *[debit("cash", 1)] * 97)

    assert (refused.value.entries, refused.value.most) == (97, 96)


@pytest.mark.parametrize("amount", [0, -1, 10**30 + 1])
def test_an_entry_out_of_range_is_refused_by_its_place(amount: int) -> None:
    with pytest.raises(InvalidAmount) as refused:
        posting("t", debit("cash", 1), credit("alice", amount))

    assert refused.value.where == "entries[1].amount"
