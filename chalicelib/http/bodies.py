"""Bodies: accounts and transactions as the API shows them, whichever side answers.

Amounts are strings of digits, times are RFC 3339 in UTC with microseconds. `api.md` is their
contract: fields are added, never changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain.account.state import Account
from chalicelib.domain.fields import Direction, rfc3339
from chalicelib.domain.holds import ExpiringHold
from chalicelib.domain.stripes import MARK, shown, shown_of, whole_of
from chalicelib.domain.transaction.events import (
    BookedEntry,
    Event,
)


class Frozen(msgspec.Struct, frozen=True):
    """What an account refuses for now."""

    debits: bool
    credits: bool


class AccountBody(msgspec.Struct, frozen=True, kw_only=True):
    """An account, with balances on its normal side.

    `stripes` and `own_version` are there for one that has stripes: `version` is then that of the
    newest event of any of its streams, and `own_version`, which its `ETag` says, that of what was
    done to the account itself.
    """

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
    stripes: int | msgspec.UnsetType = msgspec.UNSET
    own_version: int | msgspec.UnsetType = msgspec.UNSET


def account_body(
    ledger: str, id: str, account: Account, metadata: Mapping[str, str], recorded_at: datetime
) -> AccountBody:
    """The account as the API shows it; `recorded_at` is its newest event's.

    A striped account is shown as it is worth: with the sum over its stripes.
    """
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
        version=shown(account.version, account.stripes),
        opened_at=rfc3339(account.opened_at),
        recorded_at=rfc3339(recorded_at),
        stripes=account.stripes if account.stripes > 1 else msgspec.UNSET,
    )


def without_holds(body: AccountBody, holds: Sequence[ExpiringHold]) -> AccountBody:
    """The account without what these holds, which have expired, set aside."""
    debits, credits = sum(one.debits for one in holds), sum(one.credits for one in holds)
    outwards = credits if body.normal_balance == "debit" else debits
    return msgspec.structs.replace(
        body,
        pending_debits=str(int(body.pending_debits) - debits),
        pending_credits=str(int(body.pending_credits) - credits),
        available=str(int(body.available) + outwards),
    )


def of_streams(body: AccountBody, streams: Sequence[tuple[str, int]]) -> AccountBody:
    """A striped account with the version of the newest of its streams: its own, and its stripes in
    their order, of each when its newest event was recorded and the version of that.
    """
    newest = max(range(len(streams)), key=lambda number: (streams[number][0], -number))
    version = shown(streams[newest][1], len(streams) - 1, newest)
    return msgspec.structs.replace(body, version=version, own_version=body.version)


def etag(body: AccountBody) -> str:
    """The `ETag` of an account, which `If-Match` is compared with."""
    version = body.version if body.own_version is msgspec.UNSET else body.own_version
    return f'"{version}"'


class TransactionEntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as its transaction shows it: where it went and what it left there.

    `balance_after` is null on a striped account, whose balance no single entry knows.
    """

    account: str
    direction: Direction
    amount: str
    asset: str
    version: int
    balance_after: str | None


class TransactionBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction.

    `recorded_at` is when it was created. `expires_at` is there for what was created pending, null
    if it never expires; the fields behind it only once they have something to say.
    """

    id: str
    ledger: str
    state: str
    reference: str | None
    effective_at: str
    recorded_at: str
    metadata: Mapping[str, str]
    version: int
    entries: tuple[TransactionEntryBody, ...]
    expires_at: str | msgspec.UnsetType | None = msgspec.UNSET
    resolved_at: str | None = None
    void_reason: str | None = None
    reverses: str | None = None
    reversed_by: str | None = None
    dry_run: bool = False


def transaction_body(
    ledger: str, id: str, event: Event, version: int, *, dry_run: bool = False
) -> TransactionBody:
    """The transaction as it was after this event, the one of this version, as the API shows it."""
    expires_at = rfc3339(event.expires_at) if event.expires_at else None
    resolution = event.resolution
    return TransactionBody(
        id=id,
        ledger=ledger,
        state=event.state,
        reference=event.reference,
        effective_at=rfc3339(event.effective_at),
        recorded_at=rfc3339(event.created_at),
        metadata=event.metadata,
        version=version,
        entries=tuple(_entry(entry) for entry in event.entries),
        expires_at=expires_at if event.is_hold else msgspec.UNSET,
        resolved_at=rfc3339(resolution.at) if resolution else None,
        void_reason=resolution.reason if resolution else None,
        reverses=event.reverses,
        reversed_by=event.reversed_by,
        dry_run=dry_run,
    )


def as_of(body: TransactionBody, now: datetime) -> TransactionBody:
    """The transaction as it is now: a hold has expired at `expires_at`, whether or not that has
    been recorded.
    """
    if body.state == "pending" and body.expires_at and body.expires_at <= rfc3339(now):
        return msgspec.structs.replace(body, state="expired")
    return body


def _entry(entry: BookedEntry) -> TransactionEntryBody:
    account, version = entry.account, entry.version
    is_striped = MARK in account
    if is_striped:
        account, version = whole_of(account), shown_of(account, version)
    return TransactionEntryBody(
        account=account,
        direction=entry.direction,
        amount=str(entry.amount),
        asset=entry.asset,
        version=version,
        balance_after=None if is_striped else str(entry.balance_after),
    )


def _limit(limit: int | None) -> str | None:
    return None if limit is None else str(limit)
