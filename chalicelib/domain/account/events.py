"""Events of the account."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from chalicelib.domain.fields import Direction


class AccountOpened(Struct, frozen=True, kw_only=True):
    """The account exists from `opened_at` on, with nothing in it, in so many stripes."""

    asset: str
    normal_balance: Direction
    min_balance: int | None
    max_balance: int | None
    metadata: Mapping[str, str]
    fingerprint: str
    opened_at: datetime
    stripes: int = 1


class AccountChanged(Struct, frozen=True, kw_only=True):
    """The account has these limits from now on, and this metadata unless it is None."""

    min_balance: int | None
    max_balance: int | None
    metadata: Mapping[str, str] | None = None


class AccountFrozen(Struct, frozen=True, kw_only=True):
    """The account refuses new entries of these directions."""

    debits: bool
    credits: bool


class AccountUnfrozen(Struct, frozen=True, kw_only=True):
    """The account takes entries of these directions again."""

    debits: bool
    credits: bool


class AccountClosed(Struct, frozen=True, kw_only=True):
    """The account, which is empty, changes no more."""


class EntryPosted(Struct, frozen=True, kw_only=True):
    """One entry of a transaction moved this account's balance."""

    transaction: str
    direction: Direction
    amount: int
    effective_at: datetime
    reference: str | None


class EntryHeld(Struct, frozen=True, kw_only=True):
    """An amount is set aside for a pending transaction, until it expires if it ever does."""

    transaction: str
    direction: Direction
    amount: int
    expires_at: datetime | None


class HeldEntryPosted(Struct, frozen=True, kw_only=True):
    """Of what was held, `amount` moved this account's balance; the rest is free again.

    `expires` says that the hold would have expired.
    """

    transaction: str
    direction: Direction
    amount: int
    released: int
    effective_at: datetime
    reference: str | None
    expires: bool = False


class HeldEntryReleased(Struct, frozen=True, kw_only=True):
    """What was held is free again; `expires` says that it would have been, or is, by itself."""

    transaction: str
    direction: Direction
    amount: int
    expires: bool = False


Change = (
    AccountChanged
    | AccountFrozen
    | AccountUnfrozen
    | AccountClosed
    | EntryPosted
    | EntryHeld
    | HeldEntryPosted
    | HeldEntryReleased
)
"""What can happen to an account that is open."""

Event = AccountOpened | Change
