"""Recordings: events for the streams of a ledger, put behind one another, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account.events import AccountOpened, EntryPosted
from chalicelib.domain.transaction.events import BookedEntry, TransactionPosted
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import Append
from chalicelib.ledger.aggregates import Event, account_stream

NOW = datetime(2026, 11, 1, 12, 30, 15, 257, tzinfo=UTC)

OPENED = AccountOpened(
    asset="USD/2",
    normal_balance="debit",
    min_balance=None,
    max_balance=10**30,
    metadata={"name": "Till 1 é"},
    fingerprint="384a40a9c5f9c055c4caf99de430cffe",
    opened_at=NOW,
)

TRANSFERRED = TransactionPosted(
    entries=(
        BookedEntry(
            account="cash",
            direction="debit",
            amount=1000,
            asset="USD/2",
            version=12,
            balance_after=5000,
        ),
        BookedEntry(
            account="customers:alice",
            direction="credit",
            amount=1000,
            asset="USD/2",
            version=7,
            balance_after=-(10**30),
        ),
    ),
    effective_at=NOW - timedelta(days=1),
    reference="invoice 1009",
    metadata={"k": "v"},
    fingerprint="a2a1195fbb4f978949760bc57297c2e1",
    created_at=NOW,
)


def entered(amount: int = 1000, transaction: str = "order-77") -> EntryPosted:
    """An entry on the debit side."""
    return EntryPosted(
        transaction=transaction,
        direction="debit",
        amount=amount,
        effective_at=NOW,
        reference="invoice 1009",
    )


def recorded(
    stream: Stream,
    *events: Event,
    behind: Recorded | None = None,
    command_id: str = "command-1",
    at: datetime = NOW,
) -> list[Recorded]:
    """The events as they stand in the books, behind the newest of their stream."""
    origin = Origin(recorded_at=at, command_id=command_id, actor="key-1")
    return follow(behind, stream, events, origin)


def append_of(events: Sequence[Recorded]) -> Append:
    """The append that puts these events where they belong."""
    return Append(
        stream=events[0].stream, expected_version=events[0].version - 1, events=list(events)
    )


def streams_of(ledger: str, count: int) -> list[Stream]:
    """The streams of some accounts."""
    return [account_stream(ledger, f"account-{number}") for number in range(count)]
