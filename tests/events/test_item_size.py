"""An event's item: one write unit, and a small state in it."""

from typing import Any

from msgspec.structs import replace
from uuid_utils import uuid7

from chalicelib.events.codec import Event
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import (
    Origin,
    Recorded,
    account_stream,
    follow,
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


def test_the_state_that_each_event_carries_is_small() -> None:
    sizes = {str(event.stream): len(event.state_data.encode()) for event in usual_transfer()}

    assert {name: size for name, size in sizes.items() if size >= STATE_BYTES} == {}
