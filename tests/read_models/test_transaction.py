"""What was this transaction?"""

import json

import msgspec
import pytest

from chalicelib.domain.errors import ProjectionBehind, TransactionNotFound
from chalicelib.read_models.transactions.queries import GetTransaction
from tests.ask import ask
from tests.books import Bookkeeper
from tests.domain.books import credit, debit

pytestmark = pytest.mark.usefixtures("moto")


def test_a_transaction_is_shown_with_all_that_is_known_of_it(books: Bookkeeper) -> None:
    books.post(
        "order-77",
        debit("cash", 1000),
        credit("alice", 1000),
        reference="invoice 1009",
        metadata={"k": "v"},
    )
    books.tell()

    found = ask(GetTransaction(ledger=books.ledger, transaction="order-77", min_version=1))

    assert json.loads(msgspec.json.encode(found)) == {
        "id": "order-77",
        "ledger": books.ledger,
        "state": "posted",
        "reference": "invoice 1009",
        "effective_at": "2026-11-01T12:30:17.000250Z",
        "recorded_at": "2026-11-01T12:30:17.000250Z",
        "metadata": {"k": "v"},
        "version": 1,
        "entries": [
            {
                "account": account,
                "direction": direction,
                "amount": "1000",
                "asset": "USD/2",
                "version": 2,
                "balance_after": "1000",
            }
            for account, direction in [("cash", "debit"), ("alice", "credit")]
        ],
    }


def test_a_transaction_that_nobody_posted_is_not_found(books: Bookkeeper) -> None:
    with pytest.raises(TransactionNotFound):
        ask(GetTransaction(ledger=books.ledger, transaction="t99"))


@pytest.mark.parametrize(("id", "min_version"), [("t1", 2), ("t99", 1)])
def test_a_version_that_is_not_here_yet_is_not_answered(
    books: Bookkeeper, id: str, min_version: int
) -> None:
    books.pay_in("t1", 1)
    books.tell()

    with pytest.raises(ProjectionBehind) as behind:
        ask(GetTransaction(ledger=books.ledger, transaction=id, min_version=min_version))

    assert behind.value.min_version == min_version
