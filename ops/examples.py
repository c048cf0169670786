"""Examples: a session that shows every operation of the API, and what is refused.

It is played against a running server to make the examples of `openapi.json`, and by a test to hold
that they are true.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """One request, and the status that it is answered with.

    Its path is within a ledger, unless it is `outside` of ledgers.
    """

    operation: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    outside: bool = False

    def whole_path(self, ledger: str) -> str:
        """The path from the root of the API, where the session is played in this ledger."""
        return self.path if self.outside else f"/ledgers/{ledger}{self.path}"


def _post(operation: str, path: str, body: Any, status: int = 200, **headers: str) -> Example:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Example(operation, "POST", path, body, named, status)


def _get(operation: str, path: str, status: int = 200) -> Example:
    return Example(operation, "GET", path, status=status)


def _entries(debited: str, credited: str, amount: str) -> list[dict[str, str]]:
    return [
        {"account": debited, "direction": "debit", "amount": amount},
        {"account": credited, "direction": "credit", "amount": amount},
    ]


_CASH = {"id": "cash", "asset": "USD/2", "normal_balance": "debit", "min_balance": None}
_ALICE = {
    "id": "customers:alice",
    "asset": "USD/2",
    "normal_balance": "credit",
    "min_balance": "0",
    "max_balance": "1000000",
    "metadata": {"name": "Alice"},
}
_BOB = {"id": "customers:bob", "asset": "USD/2", "normal_balance": "credit"}
_ORDER = {
    "id": "order-77",
    "reference": "invoice 1009",
    "effective_at": "2026-11-01T00:00:00.000000Z",
    "entries": _entries("cash", "customers:alice", "1000"),
    "metadata": {"channel": "web"},
}
_HOLD = {
    "id": "hold-1",
    "entries": _entries("customers:alice", "cash", "400"),
    "pending": {"timeout_seconds": 600},
}

SESSION = [
    _post("openAccount", "/accounts", _CASH, 201),
    _post("openAccount", "/accounts", _ALICE, 201),
    _post("openAccount", "/accounts", _ALICE, 200),
    _post("openAccount", "/accounts", {**_ALICE, "asset": "EUR/2"}, 409),
    _post("openAccount", "/accounts", _BOB, 201),
    _post(
        "openAccounts",
        "/accounts/batch",
        {
            "accounts": [
                {"id": "fees", "asset": "USD/2", "normal_balance": "credit"},
                {"id": "cash", "asset": "EUR/2", "normal_balance": "debit"},
            ]
        },
    ),
    _post("postTransaction", "/transactions", _ORDER, 201),
    _post("postTransaction", "/transactions", _ORDER, 200),
    _post(
        "postTransaction",
        "/transactions",
        {"entries": _entries("customers:bob", "cash", "1")},
        422,
        Idempotency_Key="order-78",
    ),
    _post("postTransaction", "/transactions", _HOLD, 201),
    _get("getAccount", "/accounts/customers:alice?min_version=3"),
    _get("listTransactions", "/transactions?state=pending&limit=10"),
    _post("postHold", "/transactions/hold-1/post", {"amount": "300"}, Idempotency_Key="capture-1"),
    _post("postHold", "/transactions/hold-1/post", {"amount": "300"}, 409),
    _post("postTransaction", "/transactions", {**_HOLD, "id": "hold-2"}, 201),
    _post("voidHold", "/transactions/hold-2/void", {"reason": "out of stock"}),
    _post("reverseTransaction", "/transactions/hold-1/reverse", {"id": "refund-1"}, 201),
    _post("reverseTransaction", "/transactions/hold-1/reverse", {"id": "refund-1"}, 200),
    _post("reverseTransaction", "/transactions/hold-1/reverse", {"id": "refund-2"}, 409),
    _post(
        "postBatch",
        "/transactions/batch",
        {
            "atomic": False,
            "transactions": [
                {"id": "gift-1", "entries": _entries("customers:alice", "customers:bob", "200")},
                {"id": "gift-2", "entries": _entries("customers:bob", "customers:alice", "201")},
            ],
        },
    ),
    Example(
        "changeAccount",
        "PATCH",
        "/accounts/customers:bob",
        {"min_balance": "-5000", "metadata": {"name": "Bob"}},
        {"If-Match": '"2"'},
    ),
    Example(
        "changeAccount",
        "PATCH",
        "/accounts/customers:bob",
        {"min_balance": "0"},
        {"If-Match": '"2"'},
        409,
    ),
    _post("freezeAccount", "/accounts/customers:bob/freeze", {"debits": True}),
    _post("unfreezeAccount", "/accounts/customers:bob/unfreeze", {"debits": True}),
    _post("closeAccount", "/accounts/customers:bob/close", {}, 409),
    _post("openAccount", "/accounts", {**_BOB, "id": "customers:carol"}, 201),
    _post("closeAccount", "/accounts/customers:carol/close", {}),
    _get("listAccounts", "/accounts?prefix=customers:&limit=2"),
    _get("getAccount", "/accounts/customers:nobody", 404),
    _get("getBalance", "/accounts/customers:alice/balance?min_version=8"),
    _get("listEntries", "/accounts/customers:alice/entries?order=desc&limit=2"),
    _get("getStatement", "/accounts/customers:alice/statement?min_version=8"),
    _get("getTransaction", "/transactions/hold-1?min_version=3"),
    _get("listTransactions", "/transactions?reference=invoice%201009"),
    _get("listAccountEvents", "/accounts/customers:alice/events?order=desc&limit=2"),
    _get("listTransactionEvents", "/transactions/hold-1/events"),
    _get("getLedgerStatus", "/status"),
    _get("getTrialBalance", "/trial-balance"),
    _get("getIntegrity", "/integrity"),
    Example("listLedgers", "GET", "/ledgers?limit=200", outside=True),
    Example("getHealth", "GET", "/health", outside=True),
]
