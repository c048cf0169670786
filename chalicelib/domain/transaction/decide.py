"""Decide: what a transaction's command does to the transaction and to the accounts it touches.

What an entry does to an account is decided on that account, one entry after the other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from msgspec import Struct, field
from msgspec.structs import asdict

from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.state import evolve as evolve_account
from chalicelib.domain.errors import (
    AccountNotFound,
    AlreadyReversed,
    AssetMismatch,
    ExceedsPendingAmount,
    IdempotencyKeyReused,
    InvalidField,
    TransactionNotFound,
    TransactionNotPending,
    TransactionNotPosted,
    UnbalancedTransaction,
    are_similar,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.postings import HoldEntry, PostEntry, ResolveEntry, Step
from chalicelib.domain.postings import decide as decide_posting
from chalicelib.domain.transaction.commands import (
    Command,
    Entry,
    ExpireHold,
    HoldTransaction,
    NewTransaction,
    PostHold,
    PostTransaction,
    Resolving,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.domain.transaction.events import (
    BookedEntry,
    Event,
    HoldExpired,
    HoldPosted,
    HoldVoided,
    Resolution,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)

_OPPOSITE: dict[Direction, Direction] = {"debit": "credit", "credit": "debit"}


class Books(Struct, frozen=True, kw_only=True):
    """What a decision sees: the newest event of transactions, and accounts, both by id.

    What does not exist is left out. `places` says of a striped account which stripe takes the
    entries of a new transaction.
    """

    transactions: Mapping[str, Event]
    accounts: Mapping[str, Account]
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, account: str) -> str:
        """The id under which new entries of an account are booked."""
        return self.places.get(account, account)


class Decision(Struct, frozen=True, kw_only=True):
    """Events for transactions and for each account they touch; empty when already done."""

    transactions: Mapping[str, list[Event]] = field(default_factory=dict)
    accounts: Mapping[str, list[AccountEvent]] = field(default_factory=dict)


def transactions_of(command: Command) -> list[str]:
    """The transactions that must be seen to decide, apart from one that the command makes."""
    match command:
        case PostTransaction() | HoldTransaction():
            return []
        case ReverseTransaction():
            return [command.reverses]
        case PostHold() | VoidHold() | ExpireHold():
            return [command.transaction]
        case _:
            assert_never(command)


def accounts_of(command: Command, transactions: Mapping[str, Event]) -> list[str]:
    """The accounts that must be seen to decide, as far as these transactions tell."""
    entries: Iterable[Entry | BookedEntry] = (
        command.entries
        if isinstance(command, PostTransaction | HoldTransaction)
        else [
            entry
            for id in transactions_of(command)
            if id in transactions
            for entry in transactions[id].entries
        ]
    )
    return list(dict.fromkeys(entry.account for entry in entries))


def decide(command: Command, books: Books, now: datetime) -> Decision:
    """What this command does; nothing when it was done already.

    Raises IdempotencyKeyReused, UnbalancedTransaction, TransactionNotFound, TransactionNotPending,
    ExceedsPendingAmount, TransactionNotPosted, AlreadyReversed, InvalidField, AccountNotFound,
    AssetMismatch, and what an account refuses.
    """
    if isinstance(command, PostHold | VoidHold | ExpireHold):
        return _resolve(command, books, now)
    done = books.transactions.get(command.transaction)
    if done is not None:
        if not is_repeated(command, done):
            raise IdempotencyKeyReused(command.transaction)
        return Decision()
    match command:
        case PostTransaction():
            return _post(command, books, now)
        case HoldTransaction():
            return _hold(command, books, now)
        case ReverseTransaction():
            return _reverse(command, books, now)
        case _:
            assert_never(command)


def is_repeated(command: NewTransaction, done: Event) -> bool:
    """Whether a command has the content of the transaction of its id, of which this is an event.

    The fingerprint has no assets: those that entries name must be the ones that moved.
    """
    if done.fingerprint != command.fingerprint:
        return False
    if not isinstance(command, PostTransaction | HoldTransaction):
        return True
    return all(
        entry.asset in (None, booked.asset)
        for entry, booked in zip(command.entries, done.entries, strict=True)
    )


def _post(command: PostTransaction, books: Books, now: datetime) -> Decision:
    _require_balanced(command.entries, books)
    effective_at = command.effective_at or now
    steps = [
        PostEntry(
            account=books.place(entry.account),
            transaction=command.transaction,
            direction=entry.direction,
            amount=entry.amount,
            effective_at=effective_at,
            reference=command.reference,
        )
        for entry in command.entries
    ]
    booked, events = _book(steps, books.accounts)
    posted = TransactionPosted(
        entries=booked,
        effective_at=effective_at,
        reference=command.reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
    )
    return Decision(transactions={command.transaction: [posted]}, accounts=events)


def _hold(command: HoldTransaction, books: Books, now: datetime) -> Decision:
    _require_balanced(command.entries, books)
    timeout = command.timeout_seconds
    expires_at = None if timeout is None else now + timedelta(seconds=timeout)
    steps = [
        HoldEntry(
            account=books.place(entry.account),
            transaction=command.transaction,
            direction=entry.direction,
            amount=entry.amount,
            expires_at=expires_at,
        )
        for entry in command.entries
    ]
    booked, events = _book(steps, books.accounts)
    held = TransactionHeld(
        entries=booked,
        effective_at=command.effective_at or now,
        effective_when_posted=command.effective_at is None,
        reference=command.reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
        is_hold=True,
        expires_at=expires_at,
    )
    return Decision(transactions={command.transaction: [held]}, accounts=events)


def _resolve(command: Resolving, books: Books, now: datetime) -> Decision:
    held = books.transactions.get(command.transaction)
    if held is None:
        raise TransactionNotFound(command.transaction)
    if held.state != "pending":
        return _resolved_before(command, held)
    expired = held.expires_at is not None and held.expires_at <= now
    if isinstance(command, ExpireHold):
        if not expired:
            return Decision()
    elif expired:
        raise TransactionNotPending(command.transaction, "expired")
    amount = _amount_to_post(command, held)
    posts_now = isinstance(command, PostHold) and held.effective_when_posted
    effective_at = now if posts_now else held.effective_at
    steps = [
        ResolveEntry(
            account=entry.account,
            transaction=command.transaction,
            direction=entry.direction,
            amount=entry.amount if amount is None else amount,
            held=entry.amount,
            effective_at=effective_at,
            reference=held.reference,
            expires=held.expires_at is not None,
        )
        for entry in held.entries
    ]
    booked, events = _book(steps, books.accounts)
    resolution = Resolution(
        at=now,
        fingerprint=command.fingerprint,
        key=command.key,
        reason=command.reason if isinstance(command, VoidHold) else None,
    )
    resolved: Event
    match command:
        case PostHold():
            resolved = _told_on(
                HoldPosted,
                held,
                entries=booked,
                effective_at=effective_at,
                resolution=resolution,
            )
        case VoidHold():
            resolved = _told_on(HoldVoided, held, resolution=resolution)
        case ExpireHold():
            resolved = _told_on(HoldExpired, held, resolution=resolution)
        case _:
            assert_never(command)
    return Decision(transactions={command.transaction: [resolved]}, accounts=events)


def _resolved_before(command: Resolving, transaction: Event) -> Decision:
    """Nothing to do for the request that resolved the hold, or where its end is all that is asked.

    Without a key, a request cannot be told from another one that comes too late.
    """
    resolution = transaction.resolution
    if isinstance(command, ExpireHold):
        return Decision()
    if resolution is None or resolution.key is None or resolution.key != command.key:
        raise TransactionNotPending(command.transaction, transaction.state)
    if resolution.fingerprint != command.fingerprint:
        raise IdempotencyKeyReused(command.transaction)
    return Decision()


def _amount_to_post(command: Resolving, held: Event) -> int | None:
    """Of each entry, or None for all that it holds."""
    if not isinstance(command, PostHold):
        return 0
    if command.amount is None:
        return None
    if len(held.entries) != 2:
        raise InvalidField("amount", "only a transaction of two entries is posted in part")
    if command.amount > held.entries[0].amount:
        raise ExceedsPendingAmount(command.transaction, held.entries[0].amount, command.amount)
    return command.amount


def _reverse(command: ReverseTransaction, books: Books, now: datetime) -> Decision:
    original = books.transactions.get(command.reverses)
    if original is None:
        raise TransactionNotFound(command.reverses)
    if original.state != "posted":
        raise TransactionNotPosted(command.reverses, original.state)
    if original.reversed_by is not None:
        raise AlreadyReversed(command.reverses, original.reversed_by)
    effective_at = command.effective_at or max(now, original.effective_at)
    if effective_at < original.effective_at:
        raise InvalidField("effective_at", "a reversal is not effective before what it reverses")
    reference = original.reference if command.reference is None else command.reference
    # The last entry first: every balance in between is one that the account had before.
    steps = [
        PostEntry(
            account=entry.account,
            transaction=command.transaction,
            direction=_OPPOSITE[entry.direction],
            amount=entry.amount,
            effective_at=effective_at,
            reference=reference,
        )
        for entry in reversed(original.entries)
    ]
    booked, events = _book(steps, books.accounts)
    reversal = TransactionPosted(
        entries=booked,
        effective_at=effective_at,
        reference=reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
        reverses=command.reverses,
    )
    reversed_ = _told_on(TransactionReversed, original, reversed_by=command.transaction)
    return Decision(
        transactions={command.transaction: [reversal], command.reverses: [reversed_]},
        accounts=events,
    )


def _book(
    steps: Sequence[Step], accounts: Mapping[str, Account]
) -> tuple[tuple[BookedEntry, ...], dict[str, list[AccountEvent]]]:
    """The entries as they stand after each step, and the events of each account."""
    states = dict(accounts)
    events: dict[str, list[AccountEvent]] = {}
    booked = []
    for step in steps:
        event = decide_posting(step, states[step.account])
        after = states[step.account] = evolve_account(states[step.account], event)
        events.setdefault(step.account, []).append(event)
        booked.append(
            BookedEntry(
                account=step.account,
                direction=step.direction,
                amount=step.amount,
                asset=after.asset,
                version=after.version,
                balance_after=after.posted,
            )
        )
    return tuple(booked), events


def _told_on(kind: type[Event], before: Event, **changes: Any) -> Event:
    """The next event of a transaction: all of it again, but for these changes."""
    return kind(**{**asdict(before), "account_events": None, **changes})


def _require_balanced(entries: Sequence[Entry], books: Books) -> None:
    sides: dict[Direction, Counter[str]] = {"debit": Counter(), "credit": Counter()}
    for entry in entries:
        account = books.accounts.get(books.place(entry.account))
        if account is None:
            raise AccountNotFound(entry.account)
        if entry.asset not in (None, account.asset):
            raise AssetMismatch(entry.account, account.asset, str(entry.asset))
        sides[entry.direction][account.asset] += entry.amount
    moved = sorted(sides["debit"] | sides["credit"])
    for asset in moved:
        debits, credits = sides["debit"][asset], sides["credit"][asset]
        if debits != credits:
            raise UnbalancedTransaction(
                asset,
                debits,
                credits,
                next((other for other in moved if are_similar(other, asset)), None),
            )
