"""The account: one asset, one balance, its limits. Events, state and `evolve`, commands, `decide`.

Balances and limits are counted on the account's normal side: what comes in on that side adds, what
goes out on the other takes away. The version counts the account's events: 1, 2, 3, gapless.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from chalicelib.domain.amounts import check_limit
from chalicelib.domain.fields import (
    Direction,
    check_asset,
    check_direction,
    check_id,
    check_metadata,
    fingerprint,
)
from chalicelib.domain.refusals import (
    AccountExists,
    AccountNotFound,
    BalanceLimitExceeded,
    InsufficientFunds,
    InvalidField,
)

# Events


@dataclass(frozen=True, kw_only=True)
class AccountOpened:
    """The account exists from `opened_at` on, with nothing in it."""

    asset: str
    normal_balance: Direction
    min_balance: int | None
    max_balance: int | None
    metadata: Mapping[str, str]
    fingerprint: str
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class EntryPosted:
    """One entry of a transaction moved this account's balance."""

    transaction: str
    direction: Direction
    amount: int
    effective_at: datetime
    reference: str | None


Event = AccountOpened | EntryPosted


# State


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the next decision needs to know, and the totals that the books are proved by.

    Limits are None where there is none. `metadata_version` says which event set the metadata:
    the metadata itself stays in that event, so that the state stays small.
    """

    version: int
    asset: str
    normal_balance: Direction
    min_balance: int | None
    max_balance: int | None
    debits: int = 0
    credits: int = 0
    pending_debits: int = 0
    pending_credits: int = 0
    frozen_debits: bool = False
    frozen_credits: bool = False
    closed: bool = False
    opened_at: datetime
    fingerprint: str
    metadata_version: int

    @property
    def posted(self) -> int:
        """What came in less what went out."""
        return self._on_normal_side(self.debits, self.credits)

    @property
    def pending_in(self) -> int:
        """What is held to come in."""
        return self.pending_debits if self.normal_balance == "debit" else self.pending_credits

    @property
    def pending_out(self) -> int:
        """What is held to go out."""
        return self.pending_credits if self.normal_balance == "debit" else self.pending_debits

    @property
    def available(self) -> int:
        """Posted less what is pending outwards."""
        return self.posted - self.pending_out

    def _on_normal_side(self, debits: int, credits: int) -> int:
        return debits - credits if self.normal_balance == "debit" else credits - debits


def evolve(account: Account | None, event: Event) -> Account:
    """The account after one more event."""
    match event:
        case AccountOpened():
            return Account(
                version=1,
                asset=event.asset,
                normal_balance=event.normal_balance,
                min_balance=event.min_balance,
                max_balance=event.max_balance,
                opened_at=event.opened_at,
                fingerprint=event.fingerprint,
                metadata_version=1,
            )
        case EntryPosted() if account is not None:
            side = {"debit": "debits", "credit": "credits"}[event.direction]
            total = getattr(account, side) + event.amount
            return replace(account, version=account.version + 1, **{side: total})
        case EntryPosted():
            raise ValueError("an account's first event opens it")
        case _:
            assert_never(event)


# Commands


@dataclass(frozen=True, kw_only=True)
class OpenAccount:
    """Open an account for one asset. Raises InvalidField or InvalidAmount for what cannot be."""

    ledger: str
    account: str
    asset: str
    normal_balance: Direction
    min_balance: int | None = 0
    max_balance: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "id")
        check_asset(self.asset)
        check_direction(self.normal_balance, "normal_balance")
        check_metadata(self.metadata)
        check_limit(self.min_balance, "min_balance")
        check_limit(self.max_balance, "max_balance")
        if None not in (self.min_balance, self.max_balance) and (
            self.min_balance > self.max_balance  # type: ignore[operator]  # None is ruled out above
        ):
            raise InvalidField("min_balance", "the minimum is above the maximum")

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        return fingerprint(
            self.asset,
            self.normal_balance,
            self.min_balance,
            self.max_balance,
            dict(self.metadata),
        )


@dataclass(frozen=True, kw_only=True)
class PostEntry:
    """Enter one line of a transaction on this account. Transactions issue it; clients do not."""

    account: str
    transaction: str
    direction: Direction
    amount: int
    effective_at: datetime
    reference: str | None


Command = OpenAccount | PostEntry


def decide(command: Command, account: Account | None, now: datetime) -> list[Event]:
    """The events this command causes; none when it has already been done.

    Raises AccountExists, AccountNotFound, InsufficientFunds, BalanceLimitExceeded.
    """
    match command:
        case OpenAccount():
            if account is None:
                return [_open(command, now)]
            if account.fingerprint != command.fingerprint:
                raise AccountExists(command.account)
            return []
        case PostEntry():
            if account is None:
                raise AccountNotFound(command.account)
            return [_enter(command, account)]
        case _:
            assert_never(command)


def _open(command: OpenAccount, now: datetime) -> AccountOpened:
    _require_within_limits(command.account, 0, command.min_balance, command.max_balance)
    return AccountOpened(
        asset=command.asset,
        normal_balance=command.normal_balance,
        min_balance=command.min_balance,
        max_balance=command.max_balance,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        opened_at=now,
    )


def _enter(command: PostEntry, account: Account) -> EntryPosted:
    if command.direction == account.normal_balance:
        balance = account.posted + account.pending_in + command.amount
        _require_within_limits(command.account, balance, None, account.max_balance)
    elif (
        account.min_balance is not None and account.available - command.amount < account.min_balance
    ):
        raise InsufficientFunds(
            command.account, account.available, account.min_balance, command.amount
        )
    return EntryPosted(
        transaction=command.transaction,
        direction=command.direction,
        amount=command.amount,
        effective_at=command.effective_at,
        reference=command.reference,
    )


def _require_within_limits(
    account: str, balance: int, min_balance: int | None, max_balance: int | None
) -> None:
    too_low = min_balance is not None and balance < min_balance
    too_high = max_balance is not None and balance > max_balance
    if too_low or too_high:
        raise BalanceLimitExceeded(account, balance, min_balance, max_balance)
