"""Bodies: accounts and transactions as the API shows them, whichever side answers.

Amounts are strings of digits, times are RFC 3339 in UTC with microseconds. `api.md` is their
contract: fields are added, never changed.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from chalicelib.domain.account import Account
from chalicelib.domain.fields import Direction, rfc3339
from chalicelib.domain.transaction import PostedEntry, TransactionPosted


class Frozen(msgspec.Struct, frozen=True):
    """What an account refuses for now."""

    debits: bool
    credits: bool


class AccountBody(msgspec.Struct, frozen=True, kw_only=True):
    """An account, with balances on its normal side."""

    id: str
    ledger: str
    asset: str
    normal_balance: Direction
    min_balance: str | None
    max_balance: str | None
    posted: str
    pending_debits: str
    pending_credits: str
    available: str
    frozen: Frozen
    state: str
    metadata: Mapping[str, str]
    version: int
    opened_at: str
    recorded_at: str


def account_body(
    ledger: str, id: str, account: Account, metadata: Mapping[str, str], recorded_at: datetime
) -> AccountBody:
    """The account as the API shows it; `recorded_at` is its newest event's."""
    return AccountBody(
        id=id,
        ledger=ledger,
        asset=account.asset,
        normal_balance=account.normal_balance,
        min_balance=_limit(account.min_balance),
        max_balance=_limit(account.max_balance),
        posted=str(account.posted),
        pending_debits=str(account.pending_debits),
        pending_credits=str(account.pending_credits),
        available=str(account.available),
        frozen=Frozen(debits=account.frozen_debits, credits=account.frozen_credits),
        state="closed" if account.closed else "open",
        metadata=metadata,
        version=account.version,
        opened_at=rfc3339(account.opened_at),
        recorded_at=rfc3339(recorded_at),
    )


class TransactionEntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as its transaction shows it: where it went and what it left there."""

    account: str
    direction: Direction
    amount: str
    asset: str
    version: int
    balance_after: str


class TransactionBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction. `dry_run` is there only when nothing was written."""

    id: str
    ledger: str
    state: str
    reference: str | None
    effective_at: str
    recorded_at: str
    metadata: Mapping[str, str]
    version: int
    entries: tuple[TransactionEntryBody, ...]
    dry_run: bool = False


def transaction_body(
    ledger: str,
    id: str,
    posted: TransactionPosted,
    version: int,
    recorded_at: datetime,
    *,
    dry_run: bool = False,
) -> TransactionBody:
    """The transaction as the API shows it."""
    return TransactionBody(
        id=id,
        ledger=ledger,
        state="posted",
        reference=posted.reference,
        effective_at=rfc3339(posted.effective_at),
        recorded_at=rfc3339(recorded_at),
        metadata=posted.metadata,
        version=version,
        entries=tuple(_entry(entry) for entry in posted.entries),
        dry_run=dry_run,
    )


def _entry(entry: PostedEntry) -> TransactionEntryBody:
    return TransactionEntryBody(
        account=entry.account,
        direction=entry.direction,
        amount=str(entry.amount),
        asset=entry.asset,
        version=entry.version,
        balance_after=str(entry.balance_after),
    )


def _limit(limit: int | None) -> str | None:
    return None if limit is None else str(limit)
