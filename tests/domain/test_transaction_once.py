"""The transaction's id: used once, for one content."""

from datetime import timedelta, timezone

import pytest

from chalicelib.domain.errors import IdempotencyKeyReused
from chalicelib.domain.transaction.commands import PostTransaction
from chalicelib.domain.transaction.decide import Decision
from chalicelib.domain.transaction.state import evolve
from tests.domain.books import NOW, Books, credit, debit, opening, posting

EARLIER = NOW - timedelta(days=40)


@pytest.fixture
def books() -> Books:
    """A till and two customers' deposits."""
    books = Books()
    books.do(opening("cash"))
    books.do(opening("alice", normal_balance="credit"))
    books.do(opening("bob", normal_balance="credit"))
    return books


def test_posting_a_transaction_again_changes_nothing(books: Books) -> None:
    command = posting(
        "t",
        debit("cash", 1),
        credit("alice", 1),
        effective_at=EARLIER,
        metadata={"a": "1", "b": "2"},
    )
    in_other_words = posting(
        "t",
        debit("cash", 1),
        credit("alice", 1),
        effective_at=EARLIER.astimezone(timezone(timedelta(hours=5))),
        metadata={"b": "2", "a": "1"},
    )
    books.do(command)

    assert books.decide(command) == Decision()
    assert books.decide(in_other_words) == Decision()


@pytest.mark.parametrize(
    "other",
    [
        posting("t", debit("cash", 2), credit("alice", 2)),
        posting("t", debit("cash", 1), credit("bob", 1)),
        posting("t", credit("cash", 1), debit("alice", 1)),
        posting("t", credit("alice", 1), debit("cash", 1)),
        posting("t", debit("cash", 1), credit("alice", 1), reference="again"),
        posting("t", debit("cash", 1), credit("alice", 1), effective_at=NOW),
        posting("t", debit("cash", 1), credit("alice", 1), metadata={"k": "v"}),
    ],
    ids=["amount", "account", "direction", "order", "reference", "effective_at", "metadata"],
)
def test_an_id_is_not_used_for_other_content(books: Books, other: PostTransaction) -> None:
    books.do(posting("t", debit("cash", 1), credit("alice", 1)))

    with pytest.raises(IdempotencyKeyReused) as refused:
        books.do(other)
    assert refused.value.transaction == "t"


def test_a_transaction_is_posted_once(books: Books) -> None:
    books.do(posting("t", debit("cash", 1), credit("alice", 1)))

    with pytest.raises(ValueError, match="cannot follow"):
        evolve(books.transactions["t"], books.transaction_events["t"][0])
