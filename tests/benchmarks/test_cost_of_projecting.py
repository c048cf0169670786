"""What a batch of events costs a projector: as many units as one write for each row, in fewer
requests.

Counted on DynamoDB Local: ministack charges one unit for every statement, whatever its row.
"""

from collections import Counter
from collections.abc import Sequence
from unittest.mock import patch

import pytest

from benchmarks.counting import Meter, Tally
from benchmarks.projectors import feed, openings_and_transfers
from benchmarks.rows import STACKS
from chalicelib.read_models import guarded

pytestmark = pytest.mark.usefixtures("dynamodb_local")


def tallies(stack: str, strategy: guarded.Strategy) -> tuple[Tally, Tally]:
    """The cost of the first events of 100 accounts, and of the 100 transfers that follow."""
    opened, moved = openings_and_transfers(100, 100)
    STACKS[stack].register(opened)
    with patch.object(guarded, "STRATEGY", strategy), Meter().attached() as meter:
        return meter.tally(lambda: feed(stack, opened)), meter.tally(lambda: feed(stack, moved))


def counted(tally: Tally) -> Counter[str]:
    return Counter(call.operation for call in tally.calls)


@pytest.mark.parametrize("stack", STACKS)
def test_batches_cost_the_units_of_single_writes(stack: str) -> None:
    singly, together = (tallies(stack, each) for each in (guarded.singly, guarded.in_batches))

    units = [tally.reported for tally in together]

    assert None not in units
    assert units == [tally.reported for tally in singly]
    assert [each.round_trips for each in together] == [each.round_trips for each in singly]


@pytest.mark.parametrize(
    ("stack", "requests"),
    [
        ("accounts", [{"BatchWriteItem": 4, "BatchExecuteStatement": 4}] * 2),
        ("journal", []),
    ],
)
def test_a_batch_needs_so_many_requests(stack: str, requests: Sequence[dict[str, int]]) -> None:
    found = [counted(tally) for tally in tallies(stack, guarded.in_batches)]

    assert found == requests
