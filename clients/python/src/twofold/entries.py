"""Entries and transactions to be made, with amounts as `int`s of the asset's smallest unit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from twofold.amounts import require_amount
from twofold.messages import Direction


class Entry(Struct, frozen=True):
    """One entry of a transaction to be made. With an `asset`, the account must hold that one.

    Raises TypeError for an amount that is not an int.
    """

    account: str
    direction: Direction
    amount: int
    asset: str | None = None

    def __post_init__(self) -> None:
        require_amount(self.amount)

    def body(self) -> dict[str, str]:
        """The entry in a request. The amount is a string."""
        body = {
            "account": self.account,
            "direction": self.direction,
            "amount": str(self.amount),
        }
        return body if self.asset is None else {**body, "asset": self.asset}


def debit(account: str, amount: int) -> Entry:
    """An entry on an account's debit side. Raises TypeError for an amount that is not an int."""
    return Entry(account, "debit", amount)


def credit(account: str, amount: int) -> Entry:
    """An entry on an account's credit side. Raises TypeError for an amount that is not an int."""
    return Entry(account, "credit", amount)


class Pending(Struct, frozen=True):
    """Makes a transaction a hold: for some seconds, or until it is resolved."""

    timeout_seconds: int | None = None


class NewTransaction(Struct, frozen=True, kw_only=True):
    """A transaction to be made: two entries or more, debits equal to credits in every asset."""

    entries: Sequence[Entry]
    id: str | None = None
    reference: str | None = None
    effective_at: datetime | None = None
    metadata: Mapping[str, str] | None = None
    pending: Pending | None = None

    def body(self) -> dict[str, Any]:
        """The body of the request, without unset fields. Amounts are strings."""
        said = {
            "id": self.id,
            "reference": self.reference,
            "effective_at": self.effective_at,
            "metadata": self.metadata,
            "pending": self.pending,
        }
        return {
            "entries": [entry.body() for entry in self.entries],
            **{name: value for name, value in said.items() if value is not None},
        }
