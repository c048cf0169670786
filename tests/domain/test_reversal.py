"""Reversal: the opposite entries in the opposite order, once."""

from datetime import timedelta

import pytest

from chalicelib.domain.account.commands import CloseAccount, FreezeAccount
from chalicelib.domain.errors import (
    AccountIsClosed,
    AccountIsFrozen,
    AlreadyReversed,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidField,
    Refusal,
    TransactionNotFound,
    TransactionNotPosted,
)
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.domain.transaction.decide import Decision
from chalicelib.domain.transaction.events import TransactionPosted, TransactionReversed
from tests.domain.books import NOW, Books, credit, debit, opening, posting

LATER = NOW + timedelta(days=30)


def reversing(
    reverses: str = "first", id: str = "back", effective_at: object = None
) -> ReverseTransaction:
    """The command that undoes a transaction."""
    return ReverseTransaction(
        ledger="acme",
        transaction=id,
        reverses=reverses,
        effective_at=effective_at,  # type: ignore[arg-type]  # A datetime or None.
    )


@pytest.fixture
def books() -> Books:
    """Alice and Bob were given 10 and 20."""
    books = Books()
    books.do(opening("cash"))
    books.do(opening("alice", normal_balance="credit"))
    books.do(opening("bob", normal_balance="credit"))
    books.do(
        posting(
            "first",
            debit("cash", 30),
            credit("alice", 10),
            credit("bob", 20),
            reference="gift",
            metadata={"k": "v"},
        )
    )
    return books


def test_a_reversal_takes_everything_back_from_the_last_entry_to_the_first(books: Books) -> None:
    at = NOW + timedelta(seconds=1)

    assert books.do(reversing(), at)

    [reversal] = books.transaction_events["back"]
    assert isinstance(reversal, TransactionPosted)
    assert [(e.account, e.direction, e.amount, e.balance_after) for e in reversal.entries] == [
        ("bob", "debit", 20, 0),
        ("alice", "debit", 10, 0),
        ("cash", "credit", 30, 0),
    ]
    assert (reversal.reverses, reversal.reversed_by) == ("first", None)
    assert (reversal.reference, reversal.metadata) == ("gift", {})
    assert (reversal.effective_at, reversal.created_at) == (at, at)


def test_what_was_reversed_says_by_what_and_is_otherwise_as_it_was(books: Books) -> None:
    [original] = books.transaction_events["first"]
    books.do(reversing())

    event = books.transaction_events["first"][-1]
    assert isinstance(event, TransactionReversed)
    assert (event.state, event.reversed_by) == ("posted", "back")
    assert (event.entries, event.metadata) == (original.entries, original.metadata)
    assert (event.created_at, event.fingerprint) == (original.created_at, original.fingerprint)
    assert books.transactions["first"].version == 2


def test_a_reversal_that_is_sent_again_changes_nothing(books: Books) -> None:
    books.do(reversing())

    assert books.decide(reversing(), LATER) == Decision()


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        (reversing(id="back-too"), AlreadyReversed),
        (reversing(effective_at=LATER), IdempotencyKeyReused),
        (reversing(reverses="back"), IdempotencyKeyReused),
        (reversing(reverses="nothing"), IdempotencyKeyReused),
        (reversing(id="first"), IdempotencyKeyReused),
        (reversing(reverses="nothing", id="new"), TransactionNotFound),
        (posting("back", debit("cash", 1), credit("alice", 1)), IdempotencyKeyReused),
    ],
)
def test_a_second_reversal_is_refused(
    books: Books, other: ReverseTransaction, refusal: type[Refusal]
) -> None:
    books.do(reversing())

    with pytest.raises(refusal):
        books.do(other)


def test_a_reversal_may_itself_be_reversed_once(books: Books) -> None:
    before = books.posted()
    books.do(reversing())
    books.do(reversing("back", "forth"))

    assert books.posted() == before
    assert [entry.account for entry in books.transaction_events["forth"][0].entries] == [
        "cash",
        "alice",
        "bob",
    ]
    for again in (reversing("back", "again"), reversing("first", "again")):
        with pytest.raises(AlreadyReversed):
            books.do(again)
    assert books.do(reversing("forth", "again"))


def test_a_reversal_counts_from_now_or_from_when_the_original_does(books: Books) -> None:
    books.do(posting("future", debit("cash", 5), credit("alice", 5), effective_at=LATER))
    early = LATER - timedelta(microseconds=1)

    with pytest.raises(InvalidField) as refused:
        books.do(reversing("future", effective_at=early))
    assert refused.value.where == "effective_at"
    assert books.do(reversing("future"))
    assert books.transaction_events["back"][0].effective_at == LATER
    assert books.do(reversing("first", "past", effective_at=NOW))
    assert books.transaction_events["past"][0].effective_at == NOW


@pytest.mark.parametrize("state", ["pending", "voided", "expired"])
def test_what_is_not_posted_is_not_reversed(books: Books, state: str) -> None:
    lines = (debit("alice", 4), credit("bob", 4))
    books.do(HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=1))
    if state == "voided":
        books.do(VoidHold(ledger="acme", transaction="h"))
    if state == "expired":
        books.do(ExpireHold(ledger="acme", transaction="h"), LATER)

    with pytest.raises(TransactionNotPosted) as refused:
        books.do(reversing("h"))

    assert (refused.value.transaction, refused.value.state) == ("h", state)


@pytest.mark.parametrize("amount", [3, None])
def test_of_a_hold_what_was_posted_is_reversed(books: Books, amount: int | None) -> None:
    lines = (debit("alice", 4), credit("bob", 4))
    before = books.posted()
    books.do(HoldTransaction(ledger="acme", transaction="h", entries=lines))
    books.do(PostHold(ledger="acme", transaction="h", amount=amount, key="k"))

    books.do(reversing("h"))

    assert books.posted() == before
    assert [entry.amount for entry in books.transaction_events["back"][0].entries] == [
        amount or 4,
        amount or 4,
    ]
    event = books.transaction_events["h"][-1]
    assert event.resolution is not None
    assert (event.resolution.key, event.is_hold, event.reversed_by) == ("k", True, "back")
    # The request that resolved it is still known.
    again = PostHold(ledger="acme", transaction="h", amount=amount, key="k")
    assert books.decide(again) == Decision()


def test_a_reversal_obeys_limits_freezes_and_closing(books: Books) -> None:
    books.do(FreezeAccount(ledger="acme", account="alice", debits=True, credits=False))
    with pytest.raises(AccountIsFrozen):
        books.do(reversing())

    books.do(posting("spent", debit("bob", 20), credit("cash", 20)))
    with pytest.raises(InsufficientFunds) as refused:
        books.do(reversing())
    assert refused.value.account == "bob"

    books.do(CloseAccount(ledger="acme", account="bob"))
    with pytest.raises(AccountIsClosed):
        books.do(reversing())
    assert books.transactions["first"].version == 1
    assert "back" not in books.transactions


def test_a_balance_that_only_the_order_of_entries_allowed_is_taken_back_in_the_other(
    books: Books,
) -> None:
    # Carol, who has nothing, is given 7 and gives 7 away.
    books.do(opening("carol", normal_balance="credit"))
    books.do(
        posting("t", debit("cash", 7), credit("carol", 7), debit("carol", 7), credit("alice", 7))
    )

    assert books.do(reversing("t"))
    assert books.posted() == {"cash": 30, "alice": 10, "bob": 20, "carol": 0}
