"""Locations: where a client finds what it made, on whichever API that is."""

from collections.abc import Iterator

import pytest

from chalicelib.settings import read_again
from tests.http.api import Api


@pytest.fixture
def addressed(funded: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The funded ledger of a stage that knows where the Read APIs are."""
    monkeypatch.setenv("TWOFOLD_ACCOUNTS_URL", "https://ledger.example.com/accounts")
    monkeypatch.setenv("TWOFOLD_JOURNAL_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/v1")
    read_again()
    yield funded
    monkeypatch.undo()
    read_again()


def test_an_account_is_where_the_read_api_of_accounts_has_it(addressed: Api) -> None:
    body = {"id": "bob", "asset": "USD/2", "normal_balance": "credit"}

    made, again = addressed.post("/accounts", body), addressed.post("/accounts", body)

    assert (made.status_code, again.status_code) == (201, 200)
    for reply in (made, again):
        assert reply.headers["Location"] == (
            f"https://ledger.example.com/accounts/ledgers/{addressed.ledger}/accounts/bob"
        )


def test_a_transaction_is_where_the_read_api_of_the_journal_has_it(addressed: Api) -> None:
    made = addressed.transfer("order-77", "cash", "alice", "5")
    reversal = addressed.post("/transactions/order-77/reverse", {"id": "back"})

    assert (made.status_code, reversal.status_code) == (201, 201)
    for reply, id in ((made, "order-77"), (reversal, "back")):
        assert reply.headers["Location"] == (
            "https://abc.execute-api.eu-west-1.amazonaws.com/v1"
            f"/ledgers/{addressed.ledger}/transactions/{id}"
        )


def test_a_stage_that_does_not_know_the_address_says_the_path(funded: Api) -> None:
    made = funded.transfer("order-78", "cash", "alice", "5")

    assert made.headers["Location"] == f"/ledgers/{funded.ledger}/transactions/order-78"
