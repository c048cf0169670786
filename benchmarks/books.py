"""Books: histories of any length, in the form that the ledger writes, made faster."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account.events import AccountOpened, EntryPosted
from chalicelib.domain.fields import fingerprint
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Origin, Recorded, follow
from chalicelib.ledger.aggregates import account_stream

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
AMOUNT = 100_000

PAYERS = [f"payer-{number}" for number in range(256)]
"""Accounts of whom many can pay at once."""


def history(ledger: str, account: str, events: int) -> Iterator[Recorded]:
    """An account's opening and its entries after that, one a second, all of them credits."""
    stream = account_stream(ledger, account)
    opened = AccountOpened(
        asset="USD/2",
        normal_balance="credit",
        min_balance=0,
        max_balance=None,
        metadata={},
        fingerprint=fingerprint("USD/2", "credit", 0, None, {}),
        opened_at=BEGAN,
    )
    head: Recorded | None = None
    for version in range(1, events + 1):
        at = BEGAN + timedelta(seconds=version)
        event = opened if version == 1 else _entry(version, at)
        origin = Origin(recorded_at=at, command_id=_id(version), actor="bench")
        (head,) = follow(head, stream, [event], origin)
        yield head


def item_of(event: Recorded) -> dict[str, Any]:
    """The item that an event is stored as, in DynamoDB's JSON."""
    return dict(to_item(event).serialize())


def _entry(version: int, at: datetime) -> EntryPosted:
    return EntryPosted(
        transaction=_id(version),
        direction="credit",
        amount=AMOUNT,
        effective_at=at,
        reference=None,
    )


def _id(number: int) -> str:
    """As long as the ids that the ledger makes."""
    return f"01930000-0000-7000-8000-{number:012d}"
