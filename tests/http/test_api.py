"""The contract's paths: what each answers, field by field."""

import re

import pytest

from tests.http.api import Api

ACCOUNT_FIELDS = {
    "id", "ledger", "asset", "normal_balance", "min_balance", "max_balance", "posted",
    "pending_debits", "pending_credits", "available", "frozen", "state", "metadata", "version",
    "opened_at", "recorded_at",
}  # fmt: skip  # As the contract lists them.
ENTRY_FIELDS = {
    "version", "transaction", "direction", "amount", "balance_after", "recorded_at",
    "effective_at", "reference",
}  # fmt: skip  # As the contract lists them.
TRANSACTION_FIELDS = {
    "id", "ledger", "state", "reference", "effective_at", "recorded_at", "metadata", "version",
    "entries",
}  # fmt: skip  # As the contract lists them.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_an_account_is_opened_and_shown(api: Api) -> None:
    reply = api.post(
        "/accounts",
        {
            "id": "customers:alice",
            "asset": "USD/2",
            "normal_balance": "credit",
            "min_balance": "-500",
            "max_balance": 10**18,
            "metadata": {"name": "Alice"},
        },
    )
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/ledgers/{api.ledger}/accounts/customers:alice"
    account = reply.json_body
    assert account.keys() == ACCOUNT_FIELDS
    assert (account["min_balance"], account["max_balance"]) == ("-500", str(10**18))
    assert account["frozen"] == {"debits": False, "credits": False}
    assert (account["state"], account["version"], account["posted"]) == ("open", 1, "0")
    assert INSTANT.fullmatch(account["opened_at"])
    api.project()
    assert api.get("/accounts/customers:alice?min_version=1").json_body == account
    assert api.get("/accounts/customers%3Aalice").json_body == account


def test_limits_default_to_no_overdraft_and_no_maximum(api: Api) -> None:
    account = api.open("a")
    assert (account["min_balance"], account["max_balance"]) == ("0", None)


def test_opening_an_account_again_is_replayed(api: Api) -> None:
    body = {"id": "a", "asset": "USD/2", "normal_balance": "credit", "metadata": {"k": "v"}}
    first, again = api.post("/accounts", body), api.post("/accounts", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json_body == first.json_body


def test_the_server_makes_ids_that_sort_by_time(api: Api) -> None:
    body = {"asset": "USD/2", "normal_balance": "credit"}
    ids = [api.post("/accounts", body).json_body["id"] for _ in range(3)]
    assert ids == sorted(set(ids))
    funded = [api.transfer(None, "cash", ids[0], 1) for _ in range(2)]
    assert all(reply.status_code == 404 for reply in funded)


def test_a_transaction_is_posted_and_shown(funded: Api) -> None:
    reply = funded.transfer(
        "order-77",
        "alice",
        "cash",
        400,
        reference="invoice 1009",
        effective_at="2026-11-01T00:00:00Z",
        metadata={"k": "v"},
    )
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/ledgers/{funded.ledger}/transactions/order-77"
    transaction = reply.json_body
    assert transaction.keys() == TRANSACTION_FIELDS
    assert transaction["effective_at"] == "2026-11-01T00:00:00.000000Z"
    assert (transaction["state"], transaction["version"]) == ("posted", 1)
    assert transaction["entries"] == [
        {
            "account": account,
            "direction": direction,
            "amount": "400",
            "asset": "USD/2",
            "version": 3,
            "balance_after": "600",
        }
        for account, direction in (("alice", "debit"), ("cash", "credit"))
    ]
    funded.project()
    assert funded.get("/transactions/order-77?min_version=1").json_body == transaction
    listed = funded.get("/transactions?reference=invoice%201009").json_body
    assert listed == {"transactions": [transaction], "next_cursor": None}
    by_time = funded.get(f"/transactions?from={transaction['recorded_at']}").json_body
    assert by_time["transactions"] == [transaction]


def test_a_transaction_sent_again_gets_the_first_answer(funded: Api) -> None:
    first = funded.transfer("t", "alice", "cash", "1000")
    again = funded.transfer("t", "alice", "cash", 1000)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json_body == first.json_body


def test_the_id_may_come_in_a_header(funded: Api) -> None:
    lines = {
        "entries": [
            {"account": "cash", "direction": "debit", "amount": 1},
            {"account": "alice", "direction": "credit", "amount": 1},
        ]
    }
    first = funded.post("/transactions", lines, {"Idempotency-Key": "key-1"})
    again = funded.post("/transactions", lines, {"Idempotency-Key": "key-1"})
    assert (first.json_body["id"], again.status_code) == ("key-1", 200)
    other = funded.post("/transactions", {"id": "x", **lines}, {"Idempotency-Key": "key-1"})
    assert other.status_code == 400


def test_a_dry_run_answers_and_writes_nothing(funded: Api) -> None:
    lines = {
        "id": "t",
        "entries": [
            {"account": "cash", "direction": "debit", "amount": 5},
            {"account": "alice", "direction": "credit", "amount": 5},
        ],
    }
    reply = funded.post("/transactions?dry_run=true", lines)
    assert (reply.status_code, reply.json_body["dry_run"]) == (200, True)
    assert reply.json_body["entries"][1]["balance_after"] == "1005"
    assert funded.post("/transactions", lines).status_code == 201
    assert funded.post("/transactions?dry_run=maybe", lines).status_code == 400


@pytest.mark.parametrize("amount", [2**53 - 1, 2**53 + 1, 10**18, 10**30])
@pytest.mark.parametrize("sent_as", [int, str])
def test_amounts_come_back_exactly(api: Api, amount: int, sent_as: type[int] | type[str]) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice")
    posted = api.transfer("t", "cash", "alice", sent_as(amount))
    assert posted.json_body["entries"][0]["amount"] == str(amount)
    api.project()
    assert api.get("/accounts/alice").json_body["posted"] == str(amount)
    assert api.get("/accounts/alice/balance").json_body["posted"] == str(amount)
    entry = api.get("/accounts/alice/entries").json_body["entries"][0]
    assert (entry["amount"], entry["balance_after"]) == (str(amount), str(amount))
    totals = api.get("/trial-balance").json_body["assets"]
    assert totals == [
        {"asset": "USD/2", "debits": str(amount), "credits": str(amount), "balanced": True}
    ]


def test_the_reads_of_an_account_agree(funded: Api) -> None:
    funded.project()
    balance = funded.get("/accounts/alice/balance").json_body
    assert balance.keys() == {"account", "asset", "at", "posted", "version", "final"}
    entries = funded.get("/accounts/alice/entries?order=desc").json_body
    assert entries.keys() == {"entries", "next_cursor"}
    assert entries["entries"][0].keys() == ENTRY_FIELDS
    statement = funded.get("/accounts/alice/statement").json_body
    assert statement.keys() == {
        "account", "asset", "from", "to", "opening_balance", "entries", "closing_balance", "final",
        "next_cursor",
    }  # fmt: skip  # As the contract lists them.
    assert statement["entries"] == entries["entries"]
    assert (statement["opening_balance"], statement["closing_balance"]) == ("0", "1000")
    assert balance["posted"] == "1000"
    listed = funded.get("/accounts?prefix=al").json_body
    assert listed["accounts"] == [funded.get("/accounts/alice").json_body]


def test_health_says_what_is_served(api: Api) -> None:
    reply = api.request("GET", "/health")
    assert reply.status_code == 200
    assert reply.json_body["status"] == "ok"
    assert reply.json_body["serves"] == ["write", "accounts", "journal"]
    assert reply.json_body["version"]
