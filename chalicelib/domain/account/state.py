"""State of the account: what the next decision needs, and `evolve`."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.account.events import (
    AccountChanged,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    Change,
    EntryHeld,
    EntryPosted,
    Event,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.errors import AccountIsClosed, BalanceLimitExceeded
from chalicelib.domain.fields import Direction, fingerprint
from chalicelib.domain.holds import ExpiringHold, Holds


class Account(Struct, frozen=True, kw_only=True):
    """What the next decision needs to know, and the totals that the books are proved by.

    Limits are None where there is none. `metadata_version` says which event set the metadata:
    the metadata itself stays in that event, so that the state stays small. With more than one of
    `stripes`, the entries are theirs.

    `expiring` has the open holds that expire, the next one first: at most MOST_LISTED. Of more than
    that, the last ones are only counted (`unlisted`, at most so many): none of them expires before
    `unlisted_from`.
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
    expiring: tuple[ExpiringHold, ...] = ()
    unlisted: int = 0
    unlisted_from: datetime | None = None
    frozen_debits: bool = False
    frozen_credits: bool = False
    closed: bool = False
    opened_at: datetime
    fingerprint: str
    metadata_version: int
    metadata_fingerprint: str
    stripes: int = 1

    @property
    def posted(self) -> int:
        """What came in less what went out."""
        net = self.debits - self.credits
        return net if self.normal_balance == "debit" else -net

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

    @property
    def holds(self) -> Holds:
        """The open holds that expire."""
        return Holds(self.expiring, self.unlisted, self.unlisted_from)

    def expired(self, now: datetime) -> tuple[ExpiringHold, ...]:
        """The listed holds that have expired by now, though nothing has released them yet."""
        return tuple(hold for hold in self.expiring if hold.expires_at <= now)

    def has_unlisted_expired(self, now: datetime) -> bool:
        """Whether holds that are not listed may have expired by now."""
        return self.unlisted_from is not None and self.unlisted_from <= now

    def as_of(self, now: datetime) -> "Account":
        """The account as it is worth now: without what listed holds have set aside until now."""
        expired = self.expired(now)
        return replace(
            self,
            pending_debits=self.pending_debits - sum(hold.debits for hold in expired),
            pending_credits=self.pending_credits - sum(hold.credits for hold in expired),
            expiring=self.expiring[len(expired) :],
        )


def evolve(account: Account | None, event: Event) -> Account:
    """The account after one more event. Raises ValueError for events in an impossible order."""
    if isinstance(event, AccountOpened):
        if account is not None:
            raise ValueError("an account is opened once")
        return Account(
            version=1,
            asset=event.asset,
            normal_balance=event.normal_balance,
            min_balance=event.min_balance,
            max_balance=event.max_balance,
            opened_at=event.opened_at,
            fingerprint=event.fingerprint,
            metadata_version=1,
            metadata_fingerprint=metadata_mark(event.metadata),
            stripes=event.stripes,
        )
    if account is None:
        raise ValueError("an account's first event opens it")
    return replace(_evolve(account, event), version=account.version + 1)


def _evolve(account: Account, event: Change) -> Account:
    match event:
        case AccountChanged():
            changed = replace(account, min_balance=event.min_balance, max_balance=event.max_balance)
            if event.metadata is None:
                return changed
            return replace(
                changed,
                metadata_version=account.version + 1,
                metadata_fingerprint=metadata_mark(event.metadata),
            )
        case AccountFrozen():
            return replace(
                account,
                frozen_debits=account.frozen_debits or event.debits,
                frozen_credits=account.frozen_credits or event.credits,
            )
        case AccountUnfrozen():
            return replace(
                account,
                frozen_debits=account.frozen_debits and not event.debits,
                frozen_credits=account.frozen_credits and not event.credits,
            )
        case AccountClosed():
            return replace(account, closed=True)
        case EntryPosted():
            return _move(account, event.direction, posted=event.amount)
        case EntryHeld():
            held = _move(account, event.direction, pending=event.amount)
            if event.expires_at is None:
                return held
            what = (event.transaction, event.direction, event.amount)
            return _with_holds(held, account.holds.added(*what, event.expires_at))
        case HeldEntryPosted():
            held_amount = event.amount + event.released
            moved = _move(account, event.direction, posted=event.amount, pending=-held_amount)
            return _resolved(moved, event, held_amount)
        case HeldEntryReleased():
            freed = _move(account, event.direction, pending=-event.amount)
            return _resolved(freed, event, event.amount)
        case _:
            assert_never(event)


def _move(account: Account, direction: Direction, *, posted: int = 0, pending: int = 0) -> Account:
    if direction == "debit":
        return replace(
            account,
            debits=account.debits + posted,
            pending_debits=account.pending_debits + pending,
        )
    return replace(
        account,
        credits=account.credits + posted,
        pending_credits=account.pending_credits + pending,
    )


def _resolved(account: Account, event: HeldEntryPosted | HeldEntryReleased, held: int) -> Account:
    """The account without a hold of this amount."""
    if not account.pending_debits and not account.pending_credits:
        return _with_holds(account, Holds())
    return _with_holds(
        account,
        account.holds.resolved(event.transaction, event.direction, held, expires=event.expires),
    )


def _with_holds(account: Account, holds: Holds) -> Account:
    return replace(account, **holds._asdict())


def metadata_mark(metadata: Mapping[str, str]) -> str:
    """Half a fingerprint: enough to see that metadata is there already."""
    return fingerprint(dict(metadata))[:16]


def require_open(id: str, account: Account) -> None:
    """Raises AccountIsClosed for an account that changes no more."""
    if account.closed:
        raise AccountIsClosed(id)


def require_within_limits(
    account: str, least: int, most: int, min_balance: int | None, max_balance: int | None
) -> None:
    """Raises BalanceLimitExceeded if what the account may come to hold lies outside its limits."""
    if min_balance is not None and least < min_balance:
        raise BalanceLimitExceeded(account, least, min_balance, max_balance)
    if max_balance is not None and most > max_balance:
        raise BalanceLimitExceeded(account, most, min_balance, max_balance)
