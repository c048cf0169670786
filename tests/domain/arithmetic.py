"""Arithmetic: the rules of the books once more, in dicts and sums, sharing no code with the domain.

A model to hold the domain against: it takes the same commands as plain tuples and says whether
they pass, and what every account then holds.
"""

from dataclasses import dataclass, field
from typing import Any

Limits = tuple[int | None, int | None]
Line = tuple[str, str, int]
"""An entry: account, "debit" or "credit", amount."""


@dataclass
class Arithmetic:
    """Each account's asset, normal side, limits and balance, and what was done under each id."""

    asset: dict[str, str] = field(default_factory=dict)
    normal: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Limits] = field(default_factory=dict)
    balance: dict[str, int] = field(default_factory=dict)
    content: dict[tuple[str, str], Any] = field(default_factory=dict)

    def open(self, account: str, asset: str, normal: str, limits: Limits, metadata: Any) -> str:
        """Says "done", "again", or the code of the refusal."""
        content = (asset, normal, limits, metadata)
        if ("account", account) in self.content:
            same = self.content["account", account] == content
            return "again" if same else "account_exists"
        if not _within(0, limits):
            return "balance_limit_exceeded"
        self.content["account", account] = content
        self.asset[account], self.normal[account] = asset, normal
        self.limits[account], self.balance[account] = limits, 0
        return "done"

    def post(self, transaction: str, lines: list[Line], rest: Any) -> str:
        """Says "done", "again", or the code of the refusal."""
        if ("transaction", transaction) in self.content:
            same = self.content["transaction", transaction] == (lines, rest)
            return "again" if same else "idempotency_key_reused"
        if any(account not in self.asset for account, _, _ in lines):
            return "account_not_found"
        sums: dict[str, int] = {}
        for account, side, amount in lines:
            asset = self.asset[account]
            sums[asset] = sums.get(asset, 0) + (amount if side == "debit" else -amount)
        if any(sums.values()):
            return "unbalanced_transaction"
        balance = dict(self.balance)
        for account, side, amount in lines:
            low, high = self.limits[account]
            if side == self.normal[account]:
                balance[account] += amount
                if not _within(balance[account], (None, high)):
                    return "balance_limit_exceeded"
            else:
                balance[account] -= amount
                if not _within(balance[account], (low, None)):
                    return "insufficient_funds"
        self.balance = balance
        self.content["transaction", transaction] = (lines, rest)
        return "done"


def _within(balance: int, limits: Limits) -> bool:
    low, high = limits
    return (low is None or balance >= low) and (high is None or balance <= high)
