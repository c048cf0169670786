"""The transaction: two or more entries whose debits equal their credits, for every asset.

A transaction is its own stream, and that stream is its idempotency guard: the first event of an id
can be written once. What it does to an account is decided by the account.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from chalicelib.domain import account as accounts_domain
from chalicelib.domain.account import Account, PostEntry
from chalicelib.domain.amounts import check_amount
from chalicelib.domain.fields import (
    Direction,
    check_direction,
    check_id,
    check_metadata,
    check_reference,
    fingerprint,
    rfc3339,
    utc,
)
from chalicelib.domain.refusals import (
    AccountNotFound,
    AssetMismatch,
    IdempotencyKeyReused,
    InvalidField,
    TooManyEntries,
    UnbalancedTransaction,
)

MIN_ENTRIES, MAX_ENTRIES = 2, 50

# Events


@dataclass(frozen=True, kw_only=True)
class PostedEntry:
    """An entry as it stands in the books: the account's version and balance after it."""

    account: str
    direction: Direction
    amount: int
    asset: str
    version: int
    balance_after: int


@dataclass(frozen=True, kw_only=True)
class TransactionPosted:
    """The whole first answer, so that a repeated request can be given it again, for ever."""

    entries: tuple[PostedEntry, ...]
    effective_at: datetime
    reference: str | None
    metadata: Mapping[str, str]
    fingerprint: str


Event = TransactionPosted


# State


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """What the next decision needs to know of a transaction."""

    version: int
    state: str
    fingerprint: str


def evolve(transaction: Transaction | None, event: Event) -> Transaction:
    """The transaction after one more event."""
    match event:
        case TransactionPosted() if transaction is None:
            return Transaction(version=1, state="posted", fingerprint=event.fingerprint)
        case TransactionPosted():
            raise ValueError("a transaction is posted by its first event")
        case _:
            assert_never(event)


# Commands


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a transaction as asked for. `asset`, where given, must be the account's."""

    account: str
    direction: Direction
    amount: int
    asset: str | None = None


@dataclass(frozen=True, kw_only=True)
class PostTransaction:
    """Enter 2 to 50 lines at once. Entries take effect in their order, each within the limits.

    `effective_at` defaults to the instant of recording. Raises InvalidField, InvalidAmount or
    TooManyEntries for what cannot be.
    """

    ledger: str
    transaction: str
    entries: tuple[Entry, ...]
    reference: str | None = None
    effective_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.transaction, "id")
        check_reference(self.reference)
        check_metadata(self.metadata)
        if self.effective_at is not None:
            utc(self.effective_at, "effective_at")
        if len(self.entries) < MIN_ENTRIES:
            raise InvalidField("entries", f"a transaction has at least {MIN_ENTRIES} entries")
        if len(self.entries) > MAX_ENTRIES:
            raise TooManyEntries(len(self.entries), MAX_ENTRIES)
        for place, entry in enumerate(self.entries):
            check_id(entry.account, f"entries[{place}].account")
            check_direction(entry.direction, f"entries[{place}].direction")
            check_amount(entry.amount, f"entries[{place}].amount")

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        return fingerprint(
            [[entry.account, entry.direction, entry.amount] for entry in self.entries],
            self.reference,
            self.effective_at and rfc3339(self.effective_at),
            dict(self.metadata),
        )


Command = PostTransaction


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Events for the transaction and for each account it touches; empty when already done."""

    transaction: list[Event] = field(default_factory=list)
    accounts: Mapping[str, list[accounts_domain.Event]] = field(default_factory=dict)


def decide(
    command: Command,
    transaction: Transaction | None,
    accounts: Mapping[str, Account],
    now: datetime,
) -> Decision:
    """What this command does to the transaction and to the accounts; nothing when already done.

    `accounts` are the states of the accounts that the command names; one that does not exist is
    left out. Raises IdempotencyKeyReused, UnbalancedTransaction, and what the accounts raise.
    """
    match command:
        case PostTransaction() if transaction is None:
            return _post(command, accounts, now)
        case PostTransaction() if transaction.fingerprint == command.fingerprint:
            return Decision()
        case PostTransaction():
            raise IdempotencyKeyReused(command.transaction)
        case _:
            assert_never(command)


def _post(command: PostTransaction, accounts: Mapping[str, Account], now: datetime) -> Decision:
    _require_balanced(command.entries, accounts)
    effective_at = command.effective_at or now
    states = dict(accounts)
    events: dict[str, list[accounts_domain.Event]] = {}
    posted = []
    for entry in command.entries:
        step = PostEntry(
            account=entry.account,
            transaction=command.transaction,
            direction=entry.direction,
            amount=entry.amount,
            effective_at=effective_at,
            reference=command.reference,
        )
        for event in accounts_domain.decide(step, states[entry.account], now):
            states[entry.account] = accounts_domain.evolve(states[entry.account], event)
            events.setdefault(entry.account, []).append(event)
        after = states[entry.account]
        posted.append(
            PostedEntry(
                account=entry.account,
                direction=entry.direction,
                amount=entry.amount,
                asset=after.asset,
                version=after.version,
                balance_after=after.posted,
            )
        )
    return Decision(
        transaction=[
            TransactionPosted(
                entries=tuple(posted),
                effective_at=effective_at,
                reference=command.reference,
                metadata=dict(command.metadata),
                fingerprint=command.fingerprint,
            )
        ],
        accounts=events,
    )


def _require_balanced(entries: Sequence[Entry], accounts: Mapping[str, Account]) -> None:
    sides: dict[Direction, Counter[str]] = {"debit": Counter(), "credit": Counter()}
    for entry in entries:
        account = accounts.get(entry.account)
        if account is None:
            raise AccountNotFound(entry.account)
        if entry.asset not in (None, account.asset):
            raise AssetMismatch(entry.account, account.asset, str(entry.asset))
        sides[entry.direction][account.asset] += entry.amount
    for asset in sorted(sides["debit"] | sides["credit"]):
        debits, credits = sides["debit"][asset], sides["credit"][asset]
        if debits != credits:
            raise UnbalancedTransaction(asset, debits, credits)
