"""Assertions: what accounts and transactions record about each other, in the same form.

Every entry is recorded by an event of its account and by its transaction, every reversal by both
transactions. An assertion of only one side is wrong, or the other side is still being written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import assert_never

from chalicelib.domain.account import events as account_events
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction import events as transaction_events
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
    """A payload about the transaction stream `of`. `side` is 1 for an account or a reversal, or -1.

    The other side must assert it at `stream` and `version`. `hash` is the short hash of the
    account's event. A transaction of an older build has neither the hash nor the version at which a
    hold was released: that version is 0.
    """

    of: str
    side: int
    payload: Payload
    stream: str
    version: int
    hash: bytes | None = None

    @property
    def digest(self) -> str:
        """Equal for equal assertions of both sides."""
        return f"{mark([self.of, *self.payload]):032x}"

    @property
    def named(self) -> bytes | None:
        """The version and hash of the account's event, which must be equal on both sides."""
        return None if self.hash is None else b"%d %s" % (self.version, self.hash)

    @property
    def moved(self) -> tuple[str, int] | None:
        """The asset, and debits less credits, if this is a posted entry."""
        if self.payload[0] not in ("posted", "took"):
            return None
        _, _, _, direction, amount, asset, *_ = self.payload
        return str(asset), int(amount or 0) * (1 if direction == "debit" else -1)


def of_account(one: Recorded) -> Iterator[Assertion]:
    """The assertions of an account's event, which needs its state, about a transaction."""
    event, account = one.event, account_state(one)
    when = (rfc3339(one.recorded_at), one.command_id, one.actor)
    match event:
        case account_events.EntryPosted():
            how: Payload = (rfc3339(event.effective_at), event.reference)
            kind, version, balance = "posted", one.version, account.posted
        case account_events.EntryHeld():
            how = (_time(event.expires_at),)
            kind, version, balance = "held", one.version, account.posted
        case account_events.HeldEntryPosted():
            held = event.amount + event.released
            how = (held, rfc3339(event.effective_at), event.reference)
            kind, version, balance = "took", one.version, account.posted
        case account_events.HeldEntryReleased():
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


def of_transaction(one: Recorded, before: transaction_events.Event | None) -> Iterator[Assertion]:
    """The assertions of a transaction's event about accounts, and about a reversal."""
    event, ledger = transaction_event(one), one.stream.ledger
    when = (rfc3339(one.recorded_at), one.command_id, one.actor)
    effective = (rfc3339(event.effective_at), event.reference)
    held = before.entries if before else ()
    named = event.account_events or ()
    for entry, made, hold in zip_longest(event.entries, named, held):
        if entry is None:
            break  # More account events or held entries than entries violate a rule.
        match event:
            case transaction_events.TransactionPosted():
                yield _entry(one, "posted", entry, made, (*effective, *when))
            case transaction_events.TransactionHeld():
                yield _entry(one, "held", entry, made, (_time(event.expires_at), *when))
            case transaction_events.HoldPosted():
                yield _entry(
                    one, "took", entry, made, (hold.amount if hold else None, *effective, *when)
                )
            case transaction_events.HoldVoided() | transaction_events.HoldExpired():
                yield _entry(one, "freed", entry, made, when)
            case transaction_events.TransactionReversed():
                pass
            case _:
                assert_never(event)
    if isinstance(event, transaction_events.TransactionPosted) and event.reverses:
        of, payload = str(transaction_stream(ledger, event.reverses)), ("reversal", one.stream.id)
        yield Assertion(of, 1, (*payload, *when), str(one.stream), one.version)
    if isinstance(event, transaction_events.TransactionReversed) and event.reversed_by:
        other = transaction_stream(ledger, event.reversed_by)
        payload = ("reversal", event.reversed_by)
        yield Assertion(str(one.stream), -1, (*payload, *when), str(other), 1)


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def _entry(
    one: Recorded,
    kind: str,
    entry: transaction_events.BookedEntry,
    made: transaction_events.AccountEvent | None,
    how: Payload,
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
