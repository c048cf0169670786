"""Messages: bodies of replies, with amounts as `int`s of the asset's smallest unit and times as
`datetime`s with a zone.

Unknown fields, which a newer ledger may send, are ignored.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

Direction = Literal["debit", "credit"]


class Frozen(Struct, frozen=True):
    """The entries that an account refuses."""

    debits: bool
    credits: bool


class Account(Struct, frozen=True, kw_only=True):
    """An account, with balances and limits on its normal side; a limit of None is none.

    `replayed` says that an opening was done before: this is the account as it is now.
    """

    id: str
    ledger: str
    asset: str
    normal_balance: Direction
    min_balance: int | None
    max_balance: int | None
    posted: int
    pending_debits: int
    pending_credits: int
    available: int
    frozen: Frozen
    state: Literal["open", "closed"]
    metadata: dict[str, str]
    version: int
    opened_at: datetime
    recorded_at: datetime
    stripes: int = 1
    own_version: int | None = None
    replayed: bool = False


class Balance(Struct, frozen=True, kw_only=True):
    """An account's posted balance after the last entry recorded at or before `at`.

    `final` says that no later recording can change it.
    """

    account: str
    asset: str
    at: datetime
    posted: int
    version: int
    final: bool = False


class AccountEntry(Struct, frozen=True, kw_only=True):
    """An entry as its account shows it; `version` is the account's."""

    version: int
    transaction: str
    direction: Direction
    amount: int
    balance_after: int
    recorded_at: datetime
    effective_at: datetime
    reference: str | None


class Period(Struct, frozen=True, kw_only=True):
    """The period of a statement, which is on each page."""

    account: str
    asset: str
    from_: datetime = field(name="from")
    to: datetime
    opening_balance: int
    closing_balance: int


class TransactionEntry(Struct, frozen=True, kw_only=True):
    """An entry as its transaction shows it: the account's version, and its balance then.

    A striped account's entries are not in one order yet when they are made: that balance is None.
    """

    account: str
    direction: Direction
    amount: int
    asset: str
    version: int
    balance_after: int | None


class Transaction(Struct, frozen=True, kw_only=True):
    """A transaction. One that was never pending, or never expires, has no `expires_at`.

    `replayed` says that it was made before, and this is the first reply again; `dry_run` that
    nothing was written.
    """

    id: str
    ledger: str
    state: Literal["pending", "posted", "voided", "expired"]
    reference: str | None
    effective_at: datetime
    recorded_at: datetime
    metadata: dict[str, str]
    version: int
    entries: tuple[TransactionEntry, ...]
    expires_at: datetime | None = None
    resolved_at: datetime | None = None
    void_reason: str | None = None
    reverses: str | None = None
    reversed_by: str | None = None
    dry_run: bool = False
    replayed: bool = False

    def version_of(self, account: str) -> int:
        """The version that this transaction's last entry on an account gave the account.

        Raises LookupError for an account on which it has no entry.
        """
        versions = [entry.version for entry in self.entries if entry.account == account]
        if not versions:
            raise LookupError(f"transaction {self.id} has no entry on {account}")
        return max(versions)


class AssetTotals(Struct, frozen=True, kw_only=True):
    """The sums of everything posted in one asset, by side."""

    asset: str
    debits: int
    credits: int
    balanced: bool | None


class TrialBalance(Struct, frozen=True, kw_only=True):
    """Whether debits equal credits, by `events` events of accounts, the newest recorded at `as_of`.

    While transactions are still being projected, it is not `settled`, and `balanced` may be None.
    """

    ledger: str
    as_of: datetime | None
    events: int
    settled: bool
    assets: tuple[AssetTotals, ...]


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The Merkle root, in hex, over the newest events of all `streams` of a ledger."""

    at: datetime
    root: str
    streams: int
    events: int


class Integrity(Struct, frozen=True, kw_only=True):
    """What the last audit found in `events` events of `streams` streams, the newest recorded at
    `as_of`: whether all is `whole`, or the number of `findings`. All None before the first audit.
    `checkpoint` is of the last audit without findings.
    """

    ledger: str
    audited_at: datetime | None
    as_of: datetime | None
    events: int | None
    streams: int | None
    findings: int | None
    whole: bool | None
    checkpoint: Checkpoint | None = None


class LedgerEvent(Struct, frozen=True, kw_only=True):
    """An event of an account or a transaction, without its content. `hash` is hexadecimal."""

    version: int
    type: str
    recorded_at: datetime
    hash: str


class ReadModelStatus(Struct, frozen=True, kw_only=True):
    """How far a read model has come: it contains an event recorded at `as_of`, and this number of
    `events`. None for what it does not know.
    """

    name: str
    as_of: datetime | None
    events: int | None


class LastAudit(Struct, frozen=True, kw_only=True):
    """The last audit of a ledger; `Ledger.integrity` returns all of it."""

    audited_at: datetime
    as_of: datetime | None
    whole: bool
    findings: int


class Status(Struct, frozen=True, kw_only=True):
    """How far the read models of one Read API have come. `last_audit` is None before the first
    audit, and from the Read API of accounts.
    """

    ledger: str
    read_models: tuple[ReadModelStatus, ...]
    last_audit: LastAudit | None


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """A ledger that a key opens, and the assets that its accounts hold or held."""

    id: str
    assets: tuple[str, ...]


class Health(Struct, frozen=True, kw_only=True):
    """The state of an API."""

    status: str
    serves: tuple[str, ...]
    version: str
