"""Postings: what the entries of a transaction do to accounts.

Each entry proposes an event for its account, which may refuse it. They are booked one after the
other, so that each is decided on what those before it left.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.account.events import (
    EntryHeld,
    EntryPosted,
    Event,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.account.state import Account, evolve, require_within_limits
from chalicelib.domain.errors import (
    AccountIsClosed,
    AccountIsFrozen,
    AccountNotFound,
    AssetMismatch,
    InsufficientFunds,
    UnbalancedTransaction,
    are_similar,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.stripes import whole_of
from chalicelib.domain.transaction.commands import Entry
from chalicelib.domain.transaction.events import BookedEntry
from chalicelib.domain.transaction.events import Event as TransactionEvent


class Line(NamedTuple):
    """One line of a transaction, with the account or the stripe that takes it."""

    account: str
    direction: Direction
    amount: int


class Posting(NamedTuple):
    """An entry as an event that is proposed for an account, or for one of its stripes."""

    account: str
    event: EntryPosted | EntryHeld | HeldEntryPosted | HeldEntryReleased


class Booked(NamedTuple):
    """The entries as they stand in the books; per account its events, and the state after each."""

    entries: tuple[BookedEntry, ...]
    events: Mapping[str, list[Event]]
    states: Mapping[str, list[Account]]


def new_lines(
    entries: Sequence[Entry], accounts: Mapping[str, Account], stripes: Mapping[str, str]
) -> list[Line]:
    """The lines of a new transaction; `stripes` names the stripe that takes a striped account's.

    Raises AccountNotFound, AssetMismatch and UnbalancedTransaction.
    """
    lines = []
    debits, credits = Counter[str](), Counter[str]()
    for entry in entries:
        id = stripes.get(entry.account, entry.account)
        account = accounts.get(id)
        if account is None:
            raise AccountNotFound(entry.account)
        if entry.asset not in (None, account.asset):
            raise AssetMismatch(entry.account, account.asset, str(entry.asset))
        side = debits if entry.direction == "debit" else credits
        side[account.asset] += entry.amount
        lines.append(Line(id, entry.direction, entry.amount))
    moved = sorted(debits | credits)
    for asset in moved:
        if debits[asset] != credits[asset]:
            similar = next((other for other in moved if are_similar(other, asset)), None)
            raise UnbalancedTransaction(asset, debits[asset], credits[asset], similar)
    return lines


def posted_entries(
    lines: Iterable[Line], transaction: str, effective_at: datetime, reference: str | None
) -> Iterator[Posting]:
    """Entries that move money."""
    for account, direction, amount in lines:
        event = EntryPosted(
            transaction=transaction,
            direction=direction,
            amount=amount,
            effective_at=effective_at,
            reference=reference,
        )
        yield Posting(account, event)


def held_entries(
    lines: Iterable[Line], transaction: str, expires_at: datetime | None
) -> Iterator[Posting]:
    """Entries that set money aside."""
    for account, direction, amount in lines:
        event = EntryHeld(
            transaction=transaction, direction=direction, amount=amount, expires_at=expires_at
        )
        yield Posting(account, event)


def resolved_entries(
    transaction: str,
    held: TransactionEvent,
    amount: int | None = None,
    effective_at: datetime | None = None,
) -> Iterator[Posting]:
    """The end of a hold: of each entry `amount` is posted, or all of it for None, and the rest is
    free. Without `effective_at`, nothing is posted.
    """
    expires = held.expires_at is not None
    for entry in held.entries:
        event: HeldEntryPosted | HeldEntryReleased
        if effective_at is None:
            event = HeldEntryReleased(
                transaction=transaction,
                direction=entry.direction,
                amount=entry.amount,
                expires=expires,
            )
        else:
            posted = entry.amount if amount is None else amount
            event = HeldEntryPosted(
                transaction=transaction,
                direction=entry.direction,
                amount=posted,
                released=entry.amount - posted,
                effective_at=effective_at,
                reference=held.reference,
                expires=expires,
            )
        yield Posting(entry.account, event)


def book(postings: Iterable[Posting], accounts: Mapping[str, Account]) -> Booked:
    """Books entries in their order.

    Raises AccountIsClosed, AccountIsFrozen, InsufficientFunds, BalanceLimitExceeded.
    """
    entries: list[BookedEntry] = []
    events: dict[str, list[Event]] = {}
    states: dict[str, list[Account]] = {}
    for id, event in postings:
        before = states[id][-1] if id in states else accounts[id]
        # A hold was counted in full when it was made, so resolving it is never refused.
        if isinstance(event, EntryPosted | EntryHeld):
            require_takes(id, before, event)
        after = evolve(before, event)
        events.setdefault(id, []).append(event)
        states.setdefault(id, []).append(after)
        entries.append(
            BookedEntry(
                account=id,
                direction=event.direction,
                amount=event.amount,
                asset=after.asset,
                version=after.version,
                balance_after=after.posted,
            )
        )
    return Booked(tuple(entries), events, states)


def require_takes(id: str, account: Account, event: EntryPosted | EntryHeld) -> None:
    """Raises the refusal of a new entry, whether it moves money now or sets it aside: its account's
    limits have to leave room for it, with all that is held.

    ValueError for an account whose stripes take its entries.
    """
    if account.stripes > 1:
        raise ValueError(f"{id} is striped: it takes no entries itself")
    if account.closed:
        raise AccountIsClosed(whole_of(id))
    if account.frozen_debits if event.direction == "debit" else account.frozen_credits:
        raise AccountIsFrozen(whole_of(id), event.direction)
    low, high = account.min_balance, account.max_balance
    if event.direction == account.normal_balance:
        most = account.posted + account.pending_in + event.amount
        require_within_limits(id, most, most, low, high)
    elif low is not None and account.available - event.amount < low:
        raise InsufficientFunds(id, account.available, low, event.amount, account.normal_balance)


def expired_holds(
    account: Account, newest_first: Callable[[], Iterable[Event]], now: datetime
) -> dict[str, datetime]:
    """The pending transactions that still hold something here, though they have expired, and when.

    The account's state says it. Only where holds that it does not list may have expired are its
    events read, from the newest back, and no further than to the oldest of those holds.
    """
    expired = {hold.transaction: hold.expires_at for hold in account.expired(now)}
    if not account.has_unlisted_expired(now):
        return expired
    listed = {hold.transaction for hold in account.expiring}
    resolved: set[str] = set()
    unlisted = account.unlisted
    unexplained = account.pending_debits + account.pending_credits
    for event in newest_first():
        if isinstance(event, HeldEntryPosted | HeldEntryReleased):
            resolved.add(event.transaction)
        elif isinstance(event, EntryHeld) and event.transaction not in resolved:
            unexplained -= event.amount
            if event.expires_at is not None and event.transaction not in listed:
                unlisted -= 1
                if event.expires_at <= now:
                    expired[event.transaction] = event.expires_at
            if not unexplained or not unlisted:
                break
    return expired
