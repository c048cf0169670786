"""Bodies: makes accounts and transactions as both the Write API and the Read APIs show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain.account.state import Account
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.holds import ExpiringHold
from chalicelib.domain.stripes import MARK, public_version, public_version_of, whole_of
from chalicelib.domain.transaction.events import BookedEntry, Event
from chalicelib.http.body_types import (
    AccountBody,
    Frozen,
    TransactionBody,
    TransactionEntryBody,
)

__all__ = [
    "AccountBody",
    "TransactionBody",
    "account_body",
    "account_of_streams",
    "as_of",
    "etag",
    "transaction_body",
    "whole_account",
    "without_holds",
]


def account_body(
    ledger: str, id: str, account: Account, metadata: Mapping[str, str], recorded_at: datetime
) -> AccountBody:
    """The body of one stream of an account; `recorded_at` is its newest event's."""
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
        version=public_version(account.version, account.stripes),
        opened_at=rfc3339(account.opened_at),
        recorded_at=rfc3339(recorded_at),
        stripes=account.stripes if account.stripes > 1 else msgspec.UNSET,
    )


def without_holds(body: AccountBody, holds: Sequence[ExpiringHold]) -> AccountBody:
    """The account without these holds, which have expired."""
    debits, credits = sum(one.debits for one in holds), sum(one.credits for one in holds)
    outwards = credits if body.normal_balance == "debit" else debits
    return msgspec.structs.replace(
        body,
        pending_debits=str(int(body.pending_debits) - debits),
        pending_credits=str(int(body.pending_credits) - credits),
        available=str(int(body.available) + outwards),
    )


def account_of_streams(
    ledger: str,
    id: str,
    streams: Sequence[tuple[Account, datetime]],
    metadata: Mapping[str, str],
) -> AccountBody:
    """The account, from the state of its own stream and of its stripes in their order, each state
    with the time of its newest event.
    """
    bodies = [account_body(ledger, id, state, metadata, at) for state, at in streams]
    return whole_account(bodies, [state.version for state, _ in streams])


def whole_account(streams: Sequence[AccountBody], versions: Sequence[int]) -> AccountBody:
    """The account, from the body and the version of its own stream and of its stripes in their
    order: with their balances added up, and the public version of the newest event of any.
    """
    own, *stripes = streams
    if not stripes:
        return own
    newest = max(range(len(streams)), key=lambda number: (streams[number].recorded_at, -number))
    return msgspec.structs.replace(
        own,
        posted=str(sum(int(one.posted) for one in streams)),
        pending_debits=str(sum(int(one.pending_debits) for one in streams)),
        pending_credits=str(sum(int(one.pending_credits) for one in streams)),
        available=str(sum(int(one.available) for one in streams)),
        recorded_at=streams[newest].recorded_at,
        version=public_version(versions[newest], len(stripes), newest),
        own_version=own.version,
    )


def etag(body: AccountBody) -> str:
    """The `ETag` of an account, which `If-Match` is compared with."""
    version = body.version if body.own_version is msgspec.UNSET else body.own_version
    return f'"{version}"'


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
        entries=tuple(map(_entry, event.entries)),
        expires_at=expires_at if event.is_hold else msgspec.UNSET,
        resolved_at=rfc3339(resolution.at) if resolution else None,
        void_reason=resolution.reason if resolution else None,
        reverses=event.reverses,
        reversed_by=event.reversed_by,
        dry_run=dry_run,
    )


def as_of(body: TransactionBody, now: datetime) -> TransactionBody:
    """The transaction as it is now: a hold expires at `expires_at`, before an event records it."""
    if body.state == "pending" and body.expires_at and body.expires_at <= rfc3339(now):
        return msgspec.structs.replace(body, state="expired")
    return body


def _entry(entry: BookedEntry) -> TransactionEntryBody:
    account, version = entry.account, entry.version
    is_striped = MARK in account
    if is_striped:
        account, version = whole_of(account), public_version_of(account, version)
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
