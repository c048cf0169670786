"""A small ledger over HTTP: two accounts, transfers between them, and what they add up to."""

import time
from typing import Any

from tests.local.server import Server

CASH = {"id": "cash", "asset": "USD/2", "normal_balance": "debit", "min_balance": None}
ALICE = {
    "id": "customers:alice",
    "asset": "USD/2",
    "normal_balance": "credit",
    "metadata": {"name": "Alice"},
}


def open_accounts(server: Server, ledger: str) -> None:
    """Opens both accounts."""
    for account in (CASH, ALICE):
        reply = server.post(f"/ledgers/{ledger}/accounts", account)
        assert reply.status == 201, reply.body
        assert reply.headers["Location"] == f"/ledgers/{ledger}/accounts/{account['id']}"
        assert reply.body["posted"] == "0"


def transfer(id: str, amount: int) -> dict[str, Any]:
    """The body of a transaction that pays an amount in for Alice."""
    return {
        "id": id,
        "reference": f"invoice {id}",
        "entries": [
            {"account": "cash", "direction": "debit", "amount": amount},
            {"account": "customers:alice", "direction": "credit", "amount": str(amount)},
        ],
    }


def post(server: Server, ledger: str, id: str, amount: int) -> Any:
    """Posts a new transfer; the transaction as it was answered."""
    reply = server.post(f"/ledgers/{ledger}/transactions", transfer(id, amount))
    assert reply.status == 201, reply.body
    return reply.body


def seen_by(transaction: Any) -> int:
    """The version of Alice's account that a read must have seen to know of a transaction."""
    [version] = {
        entry["version"]
        for entry in transaction["entries"]
        if entry["account"] == "customers:alice"
    }
    return int(version)


def assert_trial_balance(server: Server, ledger: str, total: int) -> None:
    """Holds once the projection is there: debits equal credits, and both are this total."""
    expected = [{"asset": "USD/2", "debits": str(total), "credits": str(total), "balanced": True}]
    deadline = time.monotonic() + 15
    while (shown := server.read(f"/ledgers/{ledger}/trial-balance"))["assets"] != expected:
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)


def assert_the_flow_works(server: Server, ledger: str) -> None:
    """Two accounts, a transaction, and each read side's view of it."""
    open_accounts(server, ledger)
    posted = post(server, ledger, "order-77", 1000)
    version = seen_by(posted)
    books = f"/ledgers/{ledger}"

    alice = server.read(f"{books}/accounts/customers:alice?min_version={version}")
    statement = server.read(f"{books}/accounts/customers:alice/statement?min_version={version}")

    assert alice["posted"] == alice["available"] == "1000"
    assert alice["version"] == version == 2
    assert alice["metadata"] == {"name": "Alice"}
    assert [entry["transaction"] for entry in statement["entries"]] == ["order-77"]
    assert statement["opening_balance"] == "0"
    assert statement["closing_balance"] == "1000"
    assert server.read(f"{books}/transactions/order-77?min_version=1") == posted
    assert_trial_balance(server, ledger, 1000)
