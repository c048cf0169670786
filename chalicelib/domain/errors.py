"""Refusals: every way in which a command is turned down, named, with its figures.

`code` is part of the HTTP contract. The fields of a refusal are its figures; `str()` is a sentence
for a person.
"""

from dataclasses import InitVar, dataclass
from typing import ClassVar


class Refusal(Exception):
    """A command that was understood and turned down, or that could not be understood."""

    code: ClassVar[str]


def are_similar(asset: str, other: str) -> bool:
    """Whether two assets differ only in capitals or in scale, such as USD/2 and usd/2."""
    code, other_code = (each.partition("/")[0].lower() for each in (asset, other))
    return asset != other and code == other_code


# What a request says is wrong by itself, whatever the books hold.


@dataclass(eq=False, repr=False)
class InvalidField(Refusal):
    """A field's value is not one the ledger takes."""

    where: str
    why: str
    code = "validation_failed"

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


class InvalidAmount(InvalidField):
    """An amount that is not a whole number in range."""

    code = "invalid_amount"


@dataclass(eq=False, repr=False)
class TooManyEntries(Refusal):
    """A transaction has more entries than one atomic write holds."""

    entries: int
    most: int
    code = "too_many_entries"

    def __str__(self) -> str:
        return f"a transaction has at most {self.most} entries, this one has {self.entries}"


@dataclass(eq=False, repr=False)
class UnbalancedTransaction(Refusal):
    """Debits and credits of one asset differ."""

    asset: str
    debits: int
    credits: int
    similar: InitVar[str | None] = None
    code = "unbalanced_transaction"

    def __post_init__(self, similar: str | None) -> None:
        """Takes an asset of the same transaction that is easily taken for this one."""
        self._hint = f". {similar} is another asset" if similar else ""

    def __str__(self) -> str:
        return f"{self.asset}: debits are {self.debits}, credits are {self.credits}{self._hint}"


# What the books say against it.


@dataclass(eq=False, repr=False)
class LedgerNotFound(Refusal):
    """Nothing of this ledger is known where it was asked for."""

    ledger: str
    code = "ledger_not_found"

    def __str__(self) -> str:
        return f"there is no ledger {self.ledger}, or nothing of it has arrived here"


@dataclass(eq=False, repr=False)
class AccountNotFound(Refusal):
    """No account of this ledger has the id."""

    account: str
    code = "account_not_found"

    def __str__(self) -> str:
        return f"there is no account {self.account}"


@dataclass(eq=False, repr=False)
class TransactionNotFound(Refusal):
    """No transaction of this ledger has the id."""

    transaction: str
    code = "transaction_not_found"

    def __str__(self) -> str:
        return f"there is no transaction {self.transaction}"


@dataclass(eq=False, repr=False)
class AccountExists(Refusal):
    """The id is taken by an account that was opened with other content."""

    account: str
    code = "account_exists"

    def __str__(self) -> str:
        return f"{self.account} is already open, with other content"


@dataclass(eq=False, repr=False)
class AssetMismatch(Refusal):
    """An entry names an asset that its account does not hold."""

    account: str
    asset: str
    asked: str
    code = "asset_mismatch"

    def __str__(self) -> str:
        same = are_similar(self.asset, self.asked)
        hint = ", which is another asset: code and scale must be the same to the letter"
        return f"{self.account} holds {self.asset}, the entry says {self.asked}{hint * same}"


@dataclass(eq=False, repr=False)
class InsufficientFunds(Refusal):
    """Taking the amount out would leave less than the account's minimum."""

    account: str
    available: int
    min_balance: int
    asked: int
    normal_balance: str
    code = "insufficient_funds"

    def __str__(self) -> str:
        floor = f" and a minimum of {self.min_balance}" if self.min_balance else ""
        return (
            f"{self.account} has {self.available} available{floor}, {self.asked} asked; "
            f"it grows by {self.normal_balance}s"
        )


@dataclass(eq=False, repr=False)
class BalanceLimitExceeded(Refusal):
    """The account's balance would lie outside its limits."""

    account: str
    balance: int
    min_balance: int | None
    max_balance: int | None
    code = "balance_limit_exceeded"

    def __str__(self) -> str:
        low = "none" if self.min_balance is None else self.min_balance
        high = "none" if self.max_balance is None else self.max_balance
        return f"{self.account} would hold {self.balance}; its minimum is {low}, its maximum {high}"


@dataclass(eq=False, repr=False)
class AccountIsFrozen(Refusal):
    """The account takes no new entries of this direction for now."""

    account: str
    direction: str
    code = "account_frozen"

    def __str__(self) -> str:
        return f"{self.account} is frozen for {self.direction}s"


@dataclass(eq=False, repr=False)
class AccountIsClosed(Refusal):
    """The account changes no more."""

    account: str
    code = "account_closed"

    def __str__(self) -> str:
        return f"{self.account} is closed"


@dataclass(eq=False, repr=False)
class AccountNotEmpty(Refusal):
    """An account that holds something, or for which something is pending, cannot be closed."""

    account: str
    posted: int
    pending_debits: int
    pending_credits: int
    code = "account_not_empty"

    def __str__(self) -> str:
        return (
            f"{self.account} holds {self.posted}, with {self.pending_debits} of debits and "
            f"{self.pending_credits} of credits pending"
        )


@dataclass(eq=False, repr=False)
class VersionConflict(Refusal):
    """The account has changed since the version that the request was made for."""

    account: str
    version: int
    if_version: int
    code = "version_conflict"

    def __str__(self) -> str:
        if not self.if_version:
            return f"{self.account} is at version {self.version}; a weak tag matches no version"
        return f"{self.account} is at version {self.version}, not {self.if_version}"


@dataclass(eq=False, repr=False)
class TransactionNotPending(Refusal):
    """Only what is pending, and has not expired, can be posted or voided."""

    transaction: str
    state: str
    code = "transaction_not_pending"

    def __str__(self) -> str:
        return f"{self.transaction} is {self.state}"


@dataclass(eq=False, repr=False)
class ExceedsPendingAmount(Refusal):
    """More was to be posted than is held."""

    transaction: str
    held: int
    asked: int
    code = "exceeds_pending_amount"

    def __str__(self) -> str:
        return f"{self.transaction} holds {self.held}, {self.asked} asked"


@dataclass(eq=False, repr=False)
class TransactionNotPosted(Refusal):
    """Only what was posted can be reversed."""

    transaction: str
    state: str
    code = "transaction_not_posted"

    def __str__(self) -> str:
        return f"{self.transaction} is {self.state}"


@dataclass(eq=False, repr=False)
class AlreadyReversed(Refusal):
    """The transaction was reversed before, by another one than asked for now."""

    transaction: str
    reversed_by: str
    code = "already_reversed"

    def __str__(self) -> str:
        return f"{self.transaction} was reversed by {self.reversed_by}"


@dataclass(eq=False, repr=False)
class IdempotencyKeyReused(Refusal):
    """The id belongs to a transaction with other content, or the key to another request for it."""

    transaction: str
    code = "idempotency_key_reused"

    def __str__(self) -> str:
        return f"the id or key was already used for {self.transaction} with other content"


@dataclass(eq=False, repr=False)
class BatchTooLarge(Refusal):
    """A batch holds more than can be done at once."""

    size: int
    most: int
    of: str
    code = "batch_too_large"

    def __str__(self) -> str:
        return f"a batch has at most {self.most} {self.of}, this one has {self.size}"


class BatchAborted(Refusal):
    """Nothing was done, since another transaction of the same atomic batch was refused."""

    code = "batch_aborted"

    def __str__(self) -> str:
        return "another transaction of this batch was refused; nothing was written"


# What may be asked again in a moment.


class TryAgain(Refusal):
    """Nothing is wrong with the request. The same one may succeed later."""


class Contention(TryAgain):
    """Other writers kept winning the race for the same accounts until the deadline."""

    code = "contention"

    def __str__(self) -> str:
        return "too many writers at once; nothing was written"


class NotAttempted(TryAgain):
    """There was no time left for this transaction of a batch."""

    code = "not_attempted"

    def __str__(self) -> str:
        return "there was no time for it; nothing was written; send the same batch again"


class ClocksApart(NotAttempted):
    """What it would follow was recorded far ahead of this process's clock: one of the two is wrong.

    `seconds` is how far.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def __str__(self) -> str:
        return (
            f"what it builds on was recorded {self.seconds:.0f} seconds ahead of the clock here; "
            "nothing was written; it can be done once that time has come"
        )


class OutcomeUnknown(TryAgain):
    """It may have been written: a reply of the store is missing, and could not be made up for."""

    code = "outcome_unknown"

    def __str__(self) -> str:
        return (
            "it may have been written, or not; send the request again: "
            "with the same id or Idempotency-Key it is done once"
        )


@dataclass(eq=False, repr=False)
class ProjectionBehind(TryAgain):
    """The read side has not seen the version that was asked for yet."""

    min_version: int
    code = "projection_behind"

    def __str__(self) -> str:
        what = f"version {self.min_version}" if self.min_version else "all of it"
        return f"{what} has not arrived here yet"
