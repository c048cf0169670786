"""Holding: the command that sets money aside, in short, and books in which it was done."""

from chalicelib.domain.transaction.commands import Entry, HoldTransaction
from tests.domain.books import Books, credit, debit, opening, posting


def holding(
    *entries: Entry, id: str = "h", seconds: int | None = 60, reference: str | None = None
) -> HoldTransaction:
    """The command that sets money aside."""
    return HoldTransaction(
        ledger="acme",
        transaction=id,
        entries=entries,
        timeout_seconds=seconds,
        reference=reference,
    )


def books_of_alice_and_bob() -> Books:
    """Alice has 1000 and Bob may have 5000."""
    books = Books()
    books.do(opening("cash"))
    books.do(opening("alice", normal_balance="credit"))
    books.do(opening("bob", normal_balance="credit", max_balance=5000))
    books.do(posting("first", debit("cash", 1000), credit("alice", 1000)))
    return books
