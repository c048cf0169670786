"""Assertions: what accounts and transactions say of each other, in the same words on both sides.

Every entry is said twice, by the event of its account and by its transaction; every reversal by
both transactions. An assertion that only one side makes is wrong, or on its
way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from chalicelib.domain.account.events import (
    EntryHeld,
    EntryPosted,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import (
    AccountEvent,
    BookedEntry,
    HoldExpired,
    HoldPosted,
    HoldVoided,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    transaction_event,
    transaction_stream,
)
from ops.verifying.raw import mark

Payload = tuple[str | int | None, ...]


@dataclass(frozen=True)
class Assertion:
    """Payload of the transaction stream `of`; `side` is 1 where an account or a reversal says it.

    `stream` and `version` are where the other side must say it, and `hash` is how that of the
    account's event begins, as it is stored or as the transaction names it. A transaction of an
    older build names none, and does not know at which version an account was released: that is 0.
    """

    of: str
    side: int
    payload: Payload
    stream: str
    version: int
    hash: bytes | None = None

    @property
    def digest(self) -> str:
        """The mark by which it is found again."""
        return f"{mark([self.of, *self.payload]):032x}"

    @property
    def named(self) -> bytes | None:
        """The account's event by its version and hash, which both sides must say alike."""
        return None if self.hash is None else b"%d %s" % (self.version, self.hash)

    @property
    def moved(self) -> tuple[str, int] | None:
        """The asset and what was added to its debits less its credits, if this moved money."""
        if self.payload[0] not in ("posted", "took"):
            return None
        _, _, _, direction, amount, asset, *_ = self.payload
        return str(asset), int(amount or 0) * (1 if direction == "debit" else -1)


def of_account(one: Recorded) -> Iterator[Assertion]:
    """What an event of an account says of a transaction. Its state is as folded or as carried."""
    event, account = one.event, account_state(one)
    when = (rfc3339(one.recorded_at), one.command_id, one.actor)
    match event:
        case EntryPosted():
            how: Payload = (rfc3339(event.effective_at), event.reference)
            kind, version, balance = "posted", one.version, account.posted
        case EntryHeld():
            how = (_time(event.expires_at),)
            kind, version, balance = "held", one.version, account.posted
        case HeldEntryPosted():
            held = event.amount + event.released
            how = (held, rfc3339(event.effective_at), event.reference)
            kind, version, balance = "took", one.version, account.posted
        case HeldEntryReleased():
            how, kind, version, balance = (), "freed", 0, 0
        case _:
            return
    yield Assertion(
        of=str(transaction_stream(one.stream.ledger, event.transaction)),
        side=1,
        payload=(
            *(kind, one.stream.id, version, event.direction, event.amount, account.asset, balance),
            *how,
            *when,
        ),
        stream=str(one.stream),
        version=one.version,
        hash=one.short_hash,
    )


def of_transaction(one: Recorded, before: TransactionEvent | None) -> Iterator[Assertion]:
    """What an event of a transaction says of accounts, and of the other part of a reversal."""
    event, ledger = transaction_event(one), one.stream.ledger
    when = (rfc3339(one.recorded_at), one.command_id, one.actor)
    effective = (rfc3339(event.effective_at), event.reference)
    held = before.entries if before else ()
    named = event.account_events or ()
    for place, entry in enumerate(event.entries):
        made = named[place] if place < len(named) else None
        match event:
            case TransactionPosted():
                yield _entry(one, "posted", entry, made, (*effective, *when))
            case TransactionHeld():
                yield _entry(one, "held", entry, made, (_time(event.expires_at), *when))
            case HoldPosted():
                most = held[place].amount if place < len(held) else None
                yield _entry(one, "took", entry, made, (most, *effective, *when))
            case HoldVoided() | HoldExpired():
                yield _entry(one, "freed", entry, made, when)
            case TransactionReversed():
                pass
            case _:
                assert_never(event)
    if isinstance(event, TransactionPosted) and event.reverses:
        of, payload = str(transaction_stream(ledger, event.reverses)), ("reversal", one.stream.id)
        yield Assertion(of, 1, (*payload, *when), str(one.stream), one.version)
    if isinstance(event, TransactionReversed) and event.reversed_by:
        other = transaction_stream(ledger, event.reversed_by)
        payload = ("reversal", event.reversed_by)
        yield Assertion(str(one.stream), -1, (*payload, *when), str(other), 1)


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def _entry(
    one: Recorded, kind: str, entry: BookedEntry, made: AccountEvent | None, how: Payload
) -> Assertion:
    freed = kind == "freed"
    version, balance = (0, 0) if freed else (entry.version, entry.balance_after)
    return Assertion(
        of=str(one.stream),
        side=-1,
        payload=(
            *(kind, entry.account, version, entry.direction, entry.amount, entry.asset, balance),
            *how,
        ),
        stream=str(account_stream(one.stream.ledger, entry.account)),
        version=made.version if freed and made else version,
        hash=made.hash if made else None,
    )
