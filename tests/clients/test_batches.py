"""The client's batches of accounts, keys, and ledgers, on a running server."""

import hashlib

import pytest
from twofold import Ledger, NewAccount, Problem, credit, debit


def test_accounts_are_opened_in_a_batch_and_once(books: Ledger) -> None:
    accounts = [
        NewAccount(asset="USD/2", normal_balance="credit", id="bob", min_balance=-5),
        NewAccount(asset="USD/2", normal_balance="debit", min_balance=None, stripes=2),
        NewAccount(asset="EUR/2", normal_balance="credit", id="alice"),
    ]

    first = books.accounts.open_batch(accounts, idempotency_key="import")
    again = books.accounts.open_batch(accounts, idempotency_key="import")

    assert [result.status for result in first] == [201, 201, 409]
    assert [result.status for result in again] == [200, 200, 409]
    bob, striped = first[0].account, first[1].account
    assert bob is not None
    assert striped is not None
    assert (bob.min_balance, bob.replayed, striped.id) == (-5, False, "import:1")
    assert striped.stripes == 2
    assert again[0].account is not None
    assert again[0].account.replayed
    refused = first[2].problem
    assert refused is not None
    assert refused.code == "account_exists"


def test_a_batch_that_is_refused_as_a_whole_raises(books: Ledger) -> None:
    with pytest.raises(Problem) as refused:
        books.accounts.open_batch([])

    assert refused.value.code == "validation_failed"


def test_a_key_gives_an_account_its_id(books: Ledger) -> None:
    key = "ann@example.com"
    made = books.accounts.open(asset="USD/2", normal_balance="credit", idempotency_key=key)
    again = books.accounts.open(asset="USD/2", normal_balance="credit", idempotency_key=key)

    assert made.id == f"key-{hashlib.sha256(key.encode()).hexdigest()}"
    assert (again.id, again.replayed) == (made.id, True)


def test_a_reversal_says_why(books: Ledger) -> None:
    posted = books.transactions.post([debit("cash", 5), credit("alice", 5)])

    back = books.transactions.reverse(posted.id, reference="ticket 9", metadata={"by": "ann"})

    assert (back.reference, back.metadata) == ("ticket 9", {"by": "ann"})


@pytest.mark.parametrize("api", ["accounts", "journal"])
def test_the_ledgers_are_listed(books: Ledger, ledger: str, api: str) -> None:
    version = books.accounts.get("alice", strong=False, min_version=1).version
    posted = books.transactions.post([debit("cash", 1), credit("alice", 1)])
    books.transactions.get(posted.id, min_version=1)

    found = {each.id: each.assets for each in books.ledgers(api)}  # type: ignore[arg-type]  # One of the APIs.

    assert found[ledger] == ("USD/2",)
    assert version == 1
