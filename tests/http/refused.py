"""Refused: for each route and each code of its own, a request that earns it, and the words.

All are asked of one ledger, the `stocked` one, which is as it was after each of them.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.http.stocked import (
    ACCOUNT,
    ACCOUNTS,
    BATCH,
    CHANGE,
    CLOSE,
    ENTRIES,
    FREEZE,
    NEW,
    OPEN,
    POST,
    REVERSE,
    STATEMENT,
    TRANSACTION,
    TRANSACTIONS,
    UNFREEZE,
    VOID,
)

NOT_DIGITS = "an amount is an integer or a string of digits"


@dataclass(frozen=True)
class Case:
    """A request by its route and where that leads, and the problem that it is answered."""

    route: str
    code: str
    path: str
    body: object
    detail: str
    figures: dict[str, str | None] = field(default_factory=dict)
    at: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> dict[str, Any]:
        """The document, but for its status."""
        why = self.detail.removeprefix(f"{self.at}: ")
        return {
            "type": f"https://twofold.dev/problems/{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "code": self.code,
            "detail": self.detail,
            "errors": [] if self.at is None else [{"field": self.at, "detail": why}],
            **self.figures,
        }


def moving(debit: str, credit: str, amount: object, **more: object) -> dict[str, object]:
    """The body of a transaction of two entries."""
    sides = {"debit": debit, "credit": credit}
    lines = [{"account": sides[side], "direction": side, "amount": amount} for side in sides]
    return {"id": "new", "entries": lines, **more}


def _named(asset: str) -> dict[str, object]:
    return {
        "entries": [
            {"account": "cash", "direction": "debit", "amount": 1, "asset": asset},
            {"account": "alice", "direction": "credit", "amount": 1},
        ]
    }


def _no_account(route: str, path: str, body: object) -> Case:
    return Case(
        route, "account_not_found", path, body, "there is no account nobody", {"account": "nobody"}
    )


def _no_transaction(route: str, path: str) -> Case:
    detail, figures = "there is no transaction never", {"transaction": "never"}
    return Case(route, "transaction_not_found", path, {}, detail, figures)


def _closed(route: str, path: str, body: object) -> Case:
    return Case(route, "account_closed", path, body, "gone is closed", {"account": "gone"})


def _limits(
    route: str,
    path: str,
    body: object,
    account: str,
    balance: str,
    low: str | None,
    high: str | None,
) -> Case:
    words = f"its minimum is {low or 'none'}, its maximum {high or 'none'}"
    return Case(
        route,
        "balance_limit_exceeded",
        path,
        body,
        f"{account} would hold {balance}; {words}",
        {"account": account, "balance": balance, "min_balance": low, "max_balance": high},
    )


def _reused(route: str, path: str, body: object, id: str, **headers: str) -> Case:
    return Case(
        route,
        "idempotency_key_reused",
        path,
        body,
        f"the id or key was already used for {id} with other content",
        {"transaction": id},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def _behind(route: str, path: str, version: int = 99) -> Case:
    return Case(
        route,
        "projection_behind",
        f"{path}?min_version={version}",
        None,
        f"version {version} has not arrived here yet",
        {"min_version": str(version)},
    )


def _strange_cursor(route: str, path: str) -> Case:
    detail = "the cursor was not made by this listing"
    return Case(route, "invalid_cursor", f"{path}?cursor=surprise", None, detail)


def _no_amount(route: str, path: str, body: object, field: str) -> Case:
    return Case(route, "invalid_amount", path, body, f"{field}: {NOT_DIGITS}", at=field)


CASES = [
    Case(
        OPEN,
        "account_exists",
        "/accounts",
        {"id": "alice", "asset": "EUR/2", "normal_balance": "credit"},
        "alice is already open, with other content",
        {"account": "alice"},
    ),
    _no_amount(
        OPEN,
        "/accounts",
        {"asset": "USD/2", "normal_balance": "debit", "max_balance": 1.5},
        "max_balance",
    ),
    _limits(
        OPEN,
        "/accounts",
        {"id": "new", "asset": "USD/2", "normal_balance": "debit", "min_balance": 1},
        *("new", "0", "1", None),
    ),
    _no_account(CHANGE, "/accounts/nobody", {}),
    _no_amount(CHANGE, "/accounts/alice", {"min_balance": "01"}, "min_balance"),
    Case(
        CHANGE,
        "version_conflict",
        "/accounts/alice",
        {"max_balance": "1"},
        "alice is at version 8, not 1",
        {"account": "alice", "version": "8", "if_version": "1"},
        headers={"If-Match": '"1"'},
    ),
    _closed(CHANGE, "/accounts/gone", {}),
    _limits(CHANGE, "/accounts/bob", {"max_balance": "9"}, "bob", "10", "0", "9"),
    _no_account(FREEZE, "/accounts/nobody/freeze", {}),
    _closed(FREEZE, "/accounts/gone/freeze", {}),
    _no_account(UNFREEZE, "/accounts/nobody/unfreeze", {}),
    _closed(UNFREEZE, "/accounts/gone/unfreeze", {}),
    _no_account(CLOSE, "/accounts/nobody/close", {}),
    Case(
        CLOSE,
        "account_not_empty",
        "/accounts/alice/close",
        {},
        "alice holds 999, with 400 of debits and 0 of credits pending",
        {"account": "alice", "posted": "999", "pending_debits": "400", "pending_credits": "0"},
    ),
    _no_account(NEW, "/transactions", moving("cash", "nobody", 1)),
    Case(
        NEW,
        "insufficient_funds",
        "/transactions",
        moving("alice", "cash", "600"),
        "alice has 599 available, 600 asked",
        {"account": "alice", "available": "599", "min_balance": "0", "asked": "600"},
    ),
    _limits(NEW, "/transactions", moving("cash", "bob", 1), "bob", "11", "0", "10"),
    Case(
        NEW,
        "account_frozen",
        "/transactions",
        moving("cash", "iced", 1),
        "iced is frozen for credits",
        {"account": "iced", "direction": "credit"},
    ),
    _closed(NEW, "/transactions", moving("cash", "gone", 1)),
    _reused(NEW, "/transactions", {**moving("cash", "alice", 1), "id": "first"}, "first"),
    _no_amount(NEW, "/transactions", moving("cash", "alice", True), "entries[0].amount"),
    Case(
        NEW,
        "too_many_entries",
        "/transactions",
        {"entries": [{"account": "alice", "direction": "debit", "amount": 1}] * 51},
        "a transaction has at most 50 entries, this one has 51",
        {"entries": "51", "most": "50"},
    ),
    Case(
        NEW,
        "unbalanced_transaction",
        "/transactions",
        moving("cash", "euros", 1),
        "EUR/2: debits are 0, credits are 1",
        {"asset": "EUR/2", "debits": "0", "credits": "1"},
    ),
    Case(
        NEW,
        "asset_mismatch",
        "/transactions",
        _named("EUR/2"),
        "cash holds USD/2, the entry says EUR/2",
        {"account": "cash", "asset": "USD/2", "asked": "EUR/2"},
    ),
    Case(
        BATCH,
        "batch_too_large",
        "/transactions/batch",
        {"atomic": False, "transactions": [{}] * 101},
        "a batch has at most 100 transactions, this one has 101",
        {"size": "101", "most": "100", "of": "transactions"},
    ),
    _no_transaction(POST, "/transactions/never/post"),
    Case(
        POST,
        "transaction_not_pending",
        "/transactions/first/post",
        {},
        "first is posted",
        {"transaction": "first", "state": "posted"},
    ),
    _reused(POST, "/transactions/keyed/post", {"amount": 1}, "keyed", Idempotency_Key="key-1"),
    _no_amount(POST, "/transactions/held/post", {"amount": None}, "amount"),
    Case(
        POST,
        "exceeds_pending_amount",
        "/transactions/held/post",
        {"amount": "401"},
        "held holds 400, 401 asked",
        {"transaction": "held", "held": "400", "asked": "401"},
    ),
    _no_transaction(VOID, "/transactions/never/void"),
    Case(
        VOID,
        "transaction_not_pending",
        "/transactions/voided/void",
        {"reason": "no"},
        "voided is voided",
        {"transaction": "voided", "state": "voided"},
    ),
    _reused(VOID, "/transactions/voided/void", {}, "voided", Idempotency_Key="key-1"),
    _no_transaction(REVERSE, "/transactions/never/reverse"),
    Case(
        REVERSE,
        "transaction_not_posted",
        "/transactions/held/reverse",
        {},
        "held is pending",
        {"transaction": "held", "state": "pending"},
    ),
    Case(
        REVERSE,
        "already_reversed",
        "/transactions/reversed/reverse",
        {"id": "back-too"},
        "reversed was reversed by back",
        {"transaction": "reversed", "reversed_by": "back"},
    ),
    _reused(REVERSE, "/transactions/first/reverse", {"id": "spent"}, "spent"),
    Case(
        REVERSE,
        "insufficient_funds",
        "/transactions/given/reverse",
        {},
        "carol has 0 available, 5 asked",
        {"account": "carol", "available": "0", "min_balance": "0", "asked": "5"},
    ),
    _limits(REVERSE, "/transactions/gave/reverse", {}, "bob", "15", "0", "10"),
    Case(
        REVERSE,
        "account_frozen",
        "/transactions/cooled/reverse",
        {},
        "iced is frozen for debits",
        {"account": "iced", "direction": "debit"},
    ),
    _closed(REVERSE, "/transactions/came/reverse", {}),
    *[
        _no_account(f"{ACCOUNT}{picture}", f"/accounts/nobody{picture}", None)
        for picture in ("", "/balance", "/entries", "/statement")
    ],
    *[
        _behind(f"{ACCOUNT}{picture}", f"/accounts/alice{picture}")
        for picture in ("", "/balance", "/entries", "/statement")
    ],
    _strange_cursor(ACCOUNTS, "/accounts"),
    _strange_cursor(ENTRIES, "/accounts/alice/entries"),
    _strange_cursor(STATEMENT, "/accounts/alice/statement"),
    _no_transaction(TRANSACTION, "/transactions/never"),
    _behind(TRANSACTION, "/transactions/first"),
    _strange_cursor(TRANSACTIONS, "/transactions"),
]
