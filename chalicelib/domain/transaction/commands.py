"""Commands of the transaction. A command that exists is well formed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from chalicelib.domain.errors import InvalidField, TooManyEntries
from chalicelib.domain.fields import (
    Direction,
    check_amount,
    check_content,
    check_direction,
    check_id,
    check_new_id,
    check_reason,
    fingerprint,
    rfc3339,
)
from chalicelib.domain.transaction.events import Event

MIN_ENTRIES, MAX_ENTRIES = 2, 96
"""At most so many that a post (one event more), a reversal (two) and the feed (three) are one
DynamoDB transaction, which holds 100 items.
"""

MAX_TIMEOUT_SECONDS = 10 * 365 * 24 * 3600


class Entry(Struct, frozen=True, kw_only=True):
    """One line of a transaction as asked for. `asset`, where given, must be the account's."""

    account: str
    direction: Direction
    amount: int
    asset: str | None = None


class _NewTransaction(Struct, frozen=True, kw_only=True):
    """2 to 96 lines at once. Entries take effect in their order, each within the limits.

    `effective_at` defaults to the instant of recording, of a hold to that of its posting. Raises
    InvalidField, InvalidAmount or TooManyEntries for what cannot be.
    """

    ledger: str
    transaction: str
    entries: tuple[Entry, ...]
    reference: str | None = None
    effective_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, entry in enumerate(self.entries):
            check_amount(entry.amount, f"entries[{index}].amount")
        check_id(self.ledger, "ledger")
        check_new_id(self.transaction, "id")
        check_content(self.reference, self.metadata, self.effective_at)
        check_entries(self.entries, "entries")
        if len(self.entries) > MAX_ENTRIES:
            raise TooManyEntries(len(self.entries), MAX_ENTRIES)
        for index, entry in enumerate(self.entries):
            check_id(entry.account, f"entries[{index}].account")
            check_direction(entry.direction, f"entries[{index}].direction")

    @property
    def content(self) -> tuple[object, ...]:
        """What a repeated request must share."""
        return (
            [[entry.account, entry.direction, entry.amount] for entry in self.entries],
            self.reference,
            self.effective_at and rfc3339(self.effective_at),
            dict(self.metadata),
        )

    @property
    def fingerprint(self) -> str:
        """The mark of that content."""
        return fingerprint(*self.content)


def check_entries(entries: Sequence[object], where: str) -> None:
    """Raises InvalidField for too few entries."""
    if len(entries) < MIN_ENTRIES:
        raise InvalidField(where, f"a transaction has at least {MIN_ENTRIES} entries")


def check_timeout(seconds: int, where: str) -> None:
    """Raises InvalidField unless a hold can be so many seconds long."""
    if type(seconds) is not int or not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise InvalidField(
            where, f"a timeout is 1 to {MAX_TIMEOUT_SECONDS} whole seconds, or null for none"
        )


class PostTransaction(_NewTransaction, frozen=True, kw_only=True):
    """Move money now."""


class HoldTransaction(_NewTransaction, frozen=True, kw_only=True):
    """Set money aside, for so many seconds or until it is resolved."""

    timeout_seconds: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timeout_seconds is not None:
            check_timeout(self.timeout_seconds, "pending.timeout_seconds")

    @property
    def content(self) -> tuple[object, ...]:
        """What a repeated request must share."""
        return (*super().content, {"timeout_seconds": self.timeout_seconds})


class ReverseTransaction(Struct, frozen=True, kw_only=True):
    """Undo what the transaction `reverses` posted, by a new transaction with opposite entries.

    `effective_at` is not before the original's; it defaults to now, or to the original's where
    that is later. `reference` defaults to the original's.
    """

    ledger: str
    transaction: str
    reverses: str
    effective_at: datetime | None = None
    reference: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_new_id(self.transaction, "id")
        check_id(self.reverses, "transaction")
        check_content(self.reference, self.metadata, self.effective_at)

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        effective_at = self.effective_at and rfc3339(self.effective_at)
        given = [self.reference, dict(self.metadata)]
        # What is stored of a reversal that said neither is older than both.
        return fingerprint("reverse", self.reverses, effective_at, *(given if any(given) else ()))


class _Resolving(Struct, frozen=True, kw_only=True):
    """`key` is the request's idempotency key: with it a repeated request is answered again."""

    ledger: str
    transaction: str
    key: str | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.transaction, "transaction")
        if self.key is not None:
            check_id(self.key, "Idempotency-Key")


class PostHold(_Resolving, frozen=True, kw_only=True):
    """Post all of a hold, or `amount` of it if it has two entries, and free the rest."""

    amount: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.amount is not None:
            check_amount(self.amount, "amount")

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        return fingerprint("post", self.amount)


class VoidHold(_Resolving, frozen=True, kw_only=True):
    """Free what is held."""

    reason: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_reason(self.reason)

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        return fingerprint("void", self.reason)


class ExpireHold(_Resolving, frozen=True, kw_only=True):
    """Free what is held, if its time is up. The ledger's own command."""

    @property
    def fingerprint(self) -> str:
        """Its content, which is nothing."""
        return fingerprint("expire")


NewTransaction = PostTransaction | HoldTransaction | ReverseTransaction
"""The commands that make a transaction."""

Resolving = PostHold | VoidHold | ExpireHold
"""The commands that resolve a hold."""

Command = NewTransaction | Resolving


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
