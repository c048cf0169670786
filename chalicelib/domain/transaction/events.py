"""Events of the transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct, field

from chalicelib.domain.fields import Direction

State = Literal["pending", "posted", "voided", "expired"]


class BookedEntry(Struct, frozen=True, kw_only=True):
    """An entry as it stands in the books: the account's version and posted balance after it."""

    account: str
    direction: Direction
    amount: int
    asset: str
    version: int
    balance_after: int


class Resolution(Struct, frozen=True, kw_only=True):
    """When a hold was posted, voided or expired, and by which request."""

    at: datetime
    fingerprint: str
    key: str | None = None
    reason: str | None = None


class AccountEvent(Struct, frozen=True, array_like=True):
    """Which event of its account an entry made: its version there, and how its hash begins."""

    version: int
    hash: bytes


class _Event(Struct, frozen=True, kw_only=True):
    """All of a transaction. `created_at` is when its first event was recorded.

    With `effective_when_posted`, `effective_at` is when the hold was made until it is posted, and
    then the instant of that.

    `account_events` names the event that each entry made on its account in the same commit, in the
    order of the entries: so the chain of an account is witnessed by every transaction on it. Empty
    where no account changed; None for an event of a build that named none.
    """

    entries: tuple[BookedEntry, ...]
    effective_at: datetime
    reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str
    created_at: datetime
    is_hold: bool = False
    expires_at: datetime | None = None
    resolution: Resolution | None = None
    reverses: str | None = None
    reversed_by: str | None = None
    effective_when_posted: bool = False
    account_events: tuple[AccountEvent, ...] | None = None

    state: ClassVar[State]


class TransactionPosted(_Event, frozen=True, kw_only=True):
    """The entries moved money. They are the first answer, which a repeated request is given."""

    state = "posted"


class TransactionHeld(_Event, frozen=True, kw_only=True):
    """The entries' amounts are set aside until the hold is resolved."""

    state = "pending"


class HoldPosted(_Event, frozen=True, kw_only=True):
    """What was held moved, wholly or in part; the rest is free again."""

    state = "posted"


class HoldVoided(_Event, frozen=True, kw_only=True):
    """What was held is free again, as was asked."""

    state = "voided"


class HoldExpired(_Event, frozen=True, kw_only=True):
    """What was held is free again, since its time was up."""

    state = "expired"


class TransactionReversed(_Event, frozen=True, kw_only=True):
    """The transaction `reversed_by` undid what was posted."""

    state = "posted"


Event = (
    TransactionPosted
    | TransactionHeld
    | HoldPosted
    | HoldVoided
    | HoldExpired
    | TransactionReversed
)
