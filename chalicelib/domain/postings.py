"""Entries: what a transaction does to an account: post, hold, resolve what is held.

The steps are the account's to decide, one after the other: a transaction only says what they are.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from chalicelib.domain.account.decide import require_open, require_within_limits
from chalicelib.domain.account.events import (
    EntryHeld,
    EntryPosted,
    Event,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountIsFrozen, InsufficientFunds
from chalicelib.domain.fields import Direction
from chalicelib.domain.stripes import whole_of


class PostEntry(Struct, frozen=True, kw_only=True):
    """Enter one line of a transaction on this account."""

    account: str
    transaction: str
    direction: Direction
    amount: int
    effective_at: datetime
    reference: str | None


class HoldEntry(Struct, frozen=True, kw_only=True):
    """Set aside what a pending transaction would move."""

    account: str
    transaction: str
    direction: Direction
    amount: int
    expires_at: datetime | None


class ResolveEntry(Struct, frozen=True, kw_only=True):
    """Post `amount` of what was held, which may be 0, and free the rest.

    `expires` says that it was held until it expires, if not resolved before.
    """

    account: str
    transaction: str
    direction: Direction
    amount: int
    held: int
    effective_at: datetime
    reference: str | None
    expires: bool = False


Step = PostEntry | HoldEntry | ResolveEntry


def decide(step: Step, account: Account) -> Event:
    """What this step does to the account.

    Raises AccountIsClosed, AccountIsFrozen, InsufficientFunds, BalanceLimitExceeded.
    """
    match step:
        case PostEntry():
            _require_takes(step, account)
            return EntryPosted(
                transaction=step.transaction,
                direction=step.direction,
                amount=step.amount,
                effective_at=step.effective_at,
                reference=step.reference,
            )
        case HoldEntry():
            _require_takes(step, account)
            return EntryHeld(
                transaction=step.transaction,
                direction=step.direction,
                amount=step.amount,
                expires_at=step.expires_at,
            )
        case ResolveEntry():
            return _resolve(step)
        case _:
            assert_never(step)


def _require_takes(step: PostEntry | HoldEntry, account: Account) -> None:
    """Raises the refusal of a new entry, whether it is to move money now or to set it aside.

    ValueError for an account whose stripes take its entries.
    """
    if account.stripes > 1:
        raise ValueError(f"{step.account} is striped: it takes no entries itself")
    named = whole_of(step.account)
    require_open(named, account)
    if account.frozen_debits if step.direction == "debit" else account.frozen_credits:
        raise AccountIsFrozen(named, step.direction)
    if step.direction == account.normal_balance:
        most = account.posted + account.pending_in + step.amount
        require_within_limits(step.account, most, most, account.min_balance, account.max_balance)
    elif account.min_balance is not None and account.available - step.amount < account.min_balance:
        raise InsufficientFunds(
            step.account,
            account.available,
            account.min_balance,
            step.amount,
            account.normal_balance,
        )


def _resolve(step: ResolveEntry) -> Event:
    # Nothing is asked of the account: the hold was counted in full when it was made.
    if not step.amount:
        return HeldEntryReleased(
            transaction=step.transaction,
            direction=step.direction,
            amount=step.held,
            expires=step.expires,
        )
    return HeldEntryPosted(
        transaction=step.transaction,
        direction=step.direction,
        amount=step.amount,
        released=step.held - step.amount,
        effective_at=step.effective_at,
        reference=step.reference,
        expires=step.expires,
    )


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
