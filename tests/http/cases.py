"""Cases: a request, and word for word the problem that it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_DIGITS = (
    "an amount is a whole number of the asset's smallest unit (10.50 in USD/2 is 1050), "
    "as an integer or a string of digits"
)


@dataclass(frozen=True)
class Case:
    """A request by its route and where that leads, and the problem that it is answered."""

    route: str
    code: str
    path: str
    body: object
    detail: str
    figures: Mapping[str, str | None] = field(default_factory=dict)
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


def named(asset: str) -> dict[str, object]:
    return {
        "entries": [
            {"account": "cash", "direction": "debit", "amount": 1, "asset": asset},
            {"account": "alice", "direction": "credit", "amount": 1},
        ]
    }


NOT_ARRIVED = (
    ", or it has not arrived here yet; after a write, read with its version as min_version"
)
"""What only the Read APIs say, which have their own tables."""


def no_account(route: str, path: str, body: object) -> Case:
    detail = f"there is no account nobody{NOT_ARRIVED if body is None else ''}"
    return Case(route, "account_not_found", path, body, detail, {"account": "nobody"})


def no_transaction(route: str, path: str, body: object) -> Case:
    detail = f"there is no transaction never{NOT_ARRIVED if body is None else ''}"
    return Case(route, "transaction_not_found", path, body, detail, {"transaction": "never"})


def closed(route: str, path: str, body: object) -> Case:
    return Case(route, "account_closed", path, body, "gone is closed", {"account": "gone"})


def limits(
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


def reused(route: str, path: str, body: object, id: str, **headers: str) -> Case:
    return Case(
        route,
        "idempotency_key_reused",
        path,
        body,
        f"the id or key was already used for {id} with other content",
        {"transaction": id},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def behind(route: str, path: str, version: int = 99) -> Case:
    return Case(
        route,
        "projection_behind",
        f"{path}?min_version={version}",
        None,
        f"version {version} has not arrived here yet",
        {"min_version": str(version)},
    )


def strange_cursor(route: str, path: str) -> Case:
    detail = "the cursor was not made by this listing"
    return Case(route, "invalid_cursor", f"{path}?cursor=surprise", None, detail)


def no_amount(route: str, path: str, body: object, field: str) -> Case:
    return Case(route, "invalid_amount", path, body, f"{field}: {NOT_DIGITS}", at=field)
