"""Decide: what a transaction's command does to the transaction and to the accounts it touches."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import (
    AlreadyReversed,
    ExceedsPendingAmount,
    IdempotencyKeyReused,
    InvalidField,
    TransactionNotFound,
    TransactionNotPending,
    TransactionNotPosted,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.postings import (
    Line,
    book,
    held_entries,
    new_lines,
    posted_entries,
    resolved_entries,
)
from chalicelib.domain.transaction.commands import (
    Command,
    ExpireHold,
    HoldTransaction,
    PostHold,
    PostTransaction,
    Resolving,
    ReverseTransaction,
    VoidHold,
    is_repeated,
)
from chalicelib.domain.transaction.events import (
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

    What does not exist is left out. `stripes` names the stripe that takes the new entries of a
    striped account.
    """

    transactions: Mapping[str, Event]
    accounts: Mapping[str, Account]
    stripes: Mapping[str, str] = field(default_factory=dict)


class Decision(Struct, frozen=True):
    """Events for transactions and for each account they touch; empty when already done.

    `states` are the states of the accounts after each of their events.
    """

    transactions: Mapping[str, list[Event]] = field(default_factory=dict)
    accounts: Mapping[str, list[AccountEvent]] = field(default_factory=dict)
    states: Mapping[str, list[Account]] = field(default_factory=dict)


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


def _post(command: PostTransaction, books: Books, now: datetime) -> Decision:
    effective_at = command.effective_at or now
    lines = new_lines(command.entries, books.accounts, books.stripes)
    postings = posted_entries(lines, command.transaction, effective_at, command.reference)
    booked = book(postings, books.accounts)
    posted = TransactionPosted(
        entries=booked.entries,
        effective_at=effective_at,
        reference=command.reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
    )
    return Decision({command.transaction: [posted]}, booked.events, booked.states)


def _hold(command: HoldTransaction, books: Books, now: datetime) -> Decision:
    timeout = command.timeout_seconds
    expires_at = None if timeout is None else now + timedelta(seconds=timeout)
    lines = new_lines(command.entries, books.accounts, books.stripes)
    booked = book(held_entries(lines, command.transaction, expires_at), books.accounts)
    held = TransactionHeld(
        entries=booked.entries,
        effective_at=command.effective_at or now,
        effective_when_posted=command.effective_at is None,
        reference=command.reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
        is_hold=True,
        expires_at=expires_at,
    )
    return Decision({command.transaction: [held]}, booked.events, booked.states)


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
    resolution = Resolution(at=now, fingerprint=command.fingerprint, key=command.key)
    resolved: Event
    match command:
        case PostHold():
            amount = _amount_to_post(command, held)
            effective_at = now if held.effective_when_posted else held.effective_at
            postings = resolved_entries(command.transaction, held, amount, effective_at)
            booked = book(postings, books.accounts)
            resolved = _next(
                HoldPosted,
                held,
                entries=booked.entries,
                effective_at=effective_at,
                resolution=resolution,
            )
        case VoidHold():
            booked = book(resolved_entries(command.transaction, held), books.accounts)
            resolved = _next(
                HoldVoided, held, resolution=replace(resolution, reason=command.reason)
            )
        case ExpireHold():
            booked = book(resolved_entries(command.transaction, held), books.accounts)
            resolved = _next(HoldExpired, held, resolution=resolution)
        case _:
            assert_never(command)
    return Decision({command.transaction: [resolved]}, booked.events, booked.states)


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


def _amount_to_post(command: PostHold, held: Event) -> int | None:
    """Of each entry, or None for all that it holds."""
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
    lines = [
        Line(entry.account, _OPPOSITE[entry.direction], entry.amount)
        for entry in reversed(original.entries)
    ]
    postings = posted_entries(lines, command.transaction, effective_at, reference)
    booked = book(postings, books.accounts)
    reversal = TransactionPosted(
        entries=booked.entries,
        effective_at=effective_at,
        reference=reference,
        metadata=dict(command.metadata),
        fingerprint=command.fingerprint,
        created_at=now,
        reverses=command.reverses,
    )
    reversed_ = _next(TransactionReversed, original, reversed_by=command.transaction)
    transactions: dict[str, list[Event]] = {
        command.transaction: [reversal],
        command.reverses: [reversed_],
    }
    return Decision(transactions, booked.events, booked.states)


def _next(kind: type[Event], before: Event, **changes: Any) -> Event:
    """The next event of a transaction: all of it again, but for these changes."""
    return kind(**{**asdict(before), "account_events": None, **changes})
