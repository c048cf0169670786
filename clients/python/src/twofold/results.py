"""Results: replies that consist of several messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from twofold.messages import Account, AccountEntry, Transaction
from twofold.problems import Problem


@dataclass(frozen=True)
class Statement:
    """An account from one time up to another.

    `entries` can be iterated over once, oldest first, and are fetched meanwhile. Both balances are
    the whole period's.
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
    """The result of one account of a batch: the account, or the problem."""

    status: int
    account: Account | None
    problem: Problem | None


@dataclass(frozen=True)
class Result:
    """The result of one transaction of a batch: the transaction, or the problem."""

    status: int
    transaction: Transaction | None
    problem: Problem | None
