"""An event's item: one write unit, and a small state in it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import asdict, replace
from uuid_utils import uuid7

from chalicelib.domain.account.events import EntryHeld
from chalicelib.domain.holds import MOST_LISTED
from chalicelib.domain.transaction.events import AccountEvent, TransactionHeld
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Origin, Recorded, follow
from chalicelib.ledger.aggregates import (
    Event,
    account_stream,
    transaction_event,
    transaction_stream,
)
from tests.events.recordings import NOW, OPENED, TRANSFERRED, entered

WRITE_UNIT = 1024
STATE_BYTES = 500


def bytes_of(item: dict[str, dict[str, Any]]) -> int:
    """An item's size as DynamoDB counts it: names and values."""
    return sum(len(name) + _bytes_of_value(**value) for name, value in item.items())


def _bytes_of_value(S: str = "", N: str = "", B: bytes = b"") -> int:  # noqa: N803  # DynamoDB's names of its types.
    # A number takes a byte for every two digits, and one more.
    return len(S.encode()) + len(B) + (len(N) + 1) // 2 + bool(N)


def usual_transfer() -> list[Recorded]:
    """What a transfer between two old accounts of a ledger in use writes."""
    ledger, id = "acme-europe", str(uuid7())
    origin = Origin(recorded_at=NOW, command_id=str(uuid7()), actor="key:payments-service")
    bank, alice = TRANSFERRED.entries
    posted = replace(
        TRANSFERRED,
        entries=(
            replace(bank, account="bank:settlement", version=4_000_000, balance_after=10**12),
            replace(alice, account="customers:0198c0de", version=120, balance_after=1_250_000),
        ),
        metadata={"channel": "web", "order": "77-1009"},
        account_events=(AccountEvent(4_000_000, bytes(15)), AccountEvent(120, bytes(15))),
    )
    written = follow(None, transaction_stream(ledger, id), [posted], origin)
    for account in ("bank:settlement", "customers:0198c0de"):
        opened = replace(OPENED, min_balance=-(10**9), max_balance=10**15)
        events: list[Event] = [opened, entered(10**12), entered(125_000, transaction=id)]
        written += follow(None, account_stream(ledger, account), events, origin)[-1:]
    return written


def test_each_event_of_a_usual_transfer_costs_one_write_unit() -> None:
    sizes = {str(event.stream): bytes_of(to_item(event).serialize()) for event in usual_transfer()}

    assert len(sizes) == 3
    assert {name: size for name, size in sizes.items() if size > WRITE_UNIT} == {}


def test_a_usual_hold_costs_one_write_unit() -> None:
    [posted, *_] = usual_transfer()
    held = TransactionHeld(
        **{
            **asdict(transaction_event(posted)),
            "effective_when_posted": True,
            "is_hold": True,
            "expires_at": NOW + timedelta(days=7),
        }
    )
    origin = Origin(recorded_at=NOW, command_id=str(uuid7()), actor="key:payments-service")

    [recorded] = follow(None, posted.stream, [held], origin)

    assert bytes_of(to_item(recorded).serialize()) <= WRITE_UNIT


def test_the_state_that_each_event_carries_is_small() -> None:
    sizes = {str(event.stream): len(event.state_data.encode()) for event in usual_transfer()}

    assert {name: size for name, size in sizes.items() if size >= STATE_BYTES} == {}


def entry_of_an_account_with_holds(holds: int) -> Recorded:
    """An entry on an old account of which money is held until it expires, so many times at once."""
    stream = account_stream("acme-europe", "customers:0198c0de")
    opened = replace(OPENED, min_balance=-(10**9), max_balance=10**15)
    events: list[Event] = [opened, entered(10**12)]
    events += [
        EntryHeld(
            transaction=str(uuid7()),
            direction="debit",
            amount=125_000,
            expires_at=NOW + timedelta(days=7, seconds=number),
        )
        for number in range(holds)
    ]
    origin = Origin(recorded_at=NOW, command_id=str(uuid7()), actor="key:payments-service")
    return follow(None, stream, [*events, entered(125_000, transaction=str(uuid7()))], origin)[-1]


@pytest.mark.parametrize(
    ("holds", "units"), [(0, 1), (1, 1), (4, 1), (5, 2), (MOST_LISTED, 2), (1_000, 2)]
)
def test_a_few_open_holds_cost_an_event_nothing_and_any_number_one_write_unit(
    holds: int, units: int
) -> None:
    item = to_item(entry_of_an_account_with_holds(holds)).serialize()

    assert -(-bytes_of(item) // WRITE_UNIT) == units
