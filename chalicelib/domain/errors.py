"""Refusals: every way in which a command is turned down, named, with its figures.

The fields of a refusal are its figures; `__post_init__` adds the words that only some cases need.
`sentences.py` has the `code` of each, and the sentence that `str()` gives.
"""

from dataclasses import InitVar, dataclass
from typing import ClassVar, dataclass_transform

from chalicelib.domain.sentences import SENTENCES


@dataclass_transform(eq_default=False)
@dataclass(eq=False, repr=False)
class Refusal(Exception):
    """A command that was understood and turned down, or that could not be understood."""

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if cls.__name__ in SENTENCES:
            cls.code, cls.sentence = SENTENCES[cls.__name__]
        if "__annotations__" in vars(cls):
            dataclass(eq=False, repr=False)(cls)

    def __str__(self) -> str:
        return self.sentence.format_map(vars(self))


def are_similar(asset: str, other: str) -> bool:
    """Whether two assets differ only in capitals or in scale, such as USD/2 and usd/2."""
    code, other_code = (each.partition("/")[0].lower() for each in (asset, other))
    return asset != other and code == other_code


# What is wrong with a request by itself, whatever the books hold.


class InvalidField(Refusal):
    """A field's value is not one the ledger takes."""

    where: str
    why: str


class InvalidAmount(InvalidField):
    """An amount that is not a whole number in range."""


class TooManyEntries(Refusal):
    """A transaction has more entries than one atomic write holds."""

    entries: int
    most: int


class UnbalancedTransaction(Refusal):
    """Debits and credits of one asset differ; `similar` is another that looks like it."""

    asset: str
    debits: int
    credits: int
    similar: InitVar[str | None] = None

    def __post_init__(self, similar: str | None) -> None:
        self.hint = f". {similar} is another asset" if similar else ""


# What the books say against it.


class LedgerNotFound(Refusal):
    """Nothing of this ledger is known to the read model that was asked."""

    ledger: str


class AccountNotFound(Refusal):
    """No account of this ledger has the id."""

    account: str


class TransactionNotFound(Refusal):
    """No transaction of this ledger has the id."""

    transaction: str


class AccountExists(Refusal):
    """The id is taken by an account that was opened with other content."""

    account: str


class AssetMismatch(Refusal):
    """An entry names an asset that its account does not hold."""

    account: str
    asset: str
    asked: str

    def __post_init__(self) -> None:
        hint = ", which is another asset: code and scale must be the same to the letter"
        self.hint = hint if are_similar(self.asset, self.asked) else ""


class InsufficientFunds(Refusal):
    """Taking the amount out would leave less than the account's minimum."""

    account: str
    available: int
    min_balance: int
    asked: int
    normal_balance: str

    def __post_init__(self) -> None:
        self.floor = f" and a minimum of {self.min_balance}" if self.min_balance else ""


class BalanceLimitExceeded(Refusal):
    """The account's balance would lie outside its limits."""

    account: str
    balance: int
    min_balance: int | None
    max_balance: int | None

    def __post_init__(self) -> None:
        self.low = "none" if self.min_balance is None else self.min_balance
        self.high = "none" if self.max_balance is None else self.max_balance


class AccountIsFrozen(Refusal):
    """The account takes no new entries of this direction for now."""

    account: str
    direction: str


class AccountIsClosed(Refusal):
    """The account changes no more."""

    account: str


class AccountNotEmpty(Refusal):
    """An account that holds something, or for which something is pending, cannot be closed."""

    account: str
    posted: int
    pending_debits: int
    pending_credits: int


class VersionConflict(Refusal):
    """The account has changed since the version that the request was made for; 0 is a weak tag."""

    account: str
    version: int
    if_version: int

    def __post_init__(self) -> None:
        weak = "; a weak tag matches no version"
        self.mismatch = f", not {self.if_version}" if self.if_version else weak


class TransactionNotPending(Refusal):
    """Only what is pending, and has not expired, can be posted or voided."""

    transaction: str
    state: str


class ExceedsPendingAmount(Refusal):
    """More was to be posted than is held."""

    transaction: str
    held: int
    asked: int


class TransactionNotPosted(Refusal):
    """Only what was posted can be reversed."""

    transaction: str
    state: str


class AlreadyReversed(Refusal):
    """The transaction was reversed before, by another one than asked for now."""

    transaction: str
    reversed_by: str


class IdempotencyKeyReused(Refusal):
    """The id belongs to a transaction with other content, or the key to another request for it."""

    transaction: str


class BatchTooLarge(Refusal):
    """A batch holds more than can be done at once."""

    size: int
    most: int
    of: str


class BatchAborted(Refusal):
    """Nothing was done, since another transaction of the same atomic batch was refused."""


# What may be asked again in a moment.


class TryAgain(Refusal):
    """Nothing is wrong with the request. The same one may succeed later."""


class Contention(TryAgain):
    """Other writers kept winning the race for the same accounts until the deadline."""


class NotAttempted(TryAgain):
    """There was no time left for this transaction of a batch."""


class ClocksApart(NotAttempted):
    """What it builds on was recorded this many seconds ahead of the clock: one of them is wrong."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class OutcomeUnknown(TryAgain):
    """It may have been written: a reply of the store is missing, and could not be made up for."""


class ProjectionBehind(TryAgain):
    """The read side has not seen the version that was asked for yet; 0 is the newest of all."""

    min_version: int

    def __post_init__(self) -> None:
        self.what = f"version {self.min_version}" if self.min_version else "all of it"
