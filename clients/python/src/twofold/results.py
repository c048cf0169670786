"""Results: answers that are more than one message."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from twofold.messages import Account, AccountEntry, Transaction
from twofold.problems import Problem


@dataclass(frozen=True)
class Statement:
    """An account from one time up to another.

    `entries` are fetched as they are iterated over, oldest first, and once; both balances are the
    whole period's.
    """

    account: str
    asset: str
    from_: datetime
    to: datetime
    opening_balance: int
    closing_balance: int
    entries: Iterator[AccountEntry]


@dataclass(frozen=True)
class AccountResult:
    """What became of one account of a batch: it, or the problem that it was refused for."""

    status: int
    account: Account | None
    problem: Problem | None


@dataclass(frozen=True)
class Result:
    """What became of one transaction of a batch: it, or the problem that it was refused for."""

    status: int
    transaction: Transaction | None
    problem: Problem | None
