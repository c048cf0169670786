"""What a batch of events costs a projector: one write for each row, as before, in fewer requests.

Rows are counted, since no emulator reports the units of statements: ministack charges each one
unit, DynamoDB Local none. DynamoDB charges a statement by the size of its row, as any write.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from unittest.mock import patch

import pytest

from benchmarks.projectors import feed, openings_and_transfers
from benchmarks.rows import STACKS
from chalicelib.read_models import guarded
from chalicelib.read_models.guarded import GuardedWrite
from tests.requests_sent import requests_sent

pytestmark = pytest.mark.usefixtures("ministack")

SINGLE = ("PutItem", "UpdateItem")
Counts = Counter[str]
Write = Callable[[Sequence[GuardedWrite]], None]


def written(stack: str, write: Write) -> list[tuple[Counts, Counts]]:
    """The requests, and the rows that each kind of them wrote, of 100 new accounts, and of 50
    transfers between them.
    """
    phases = openings_and_transfers(100, 50)
    STACKS[stack].register(phases[0])
    feed(stack, openings_and_transfers(4, 2)[1])  # Whatever a process does only once.
    found = []
    for events in phases:
        requests, rows = Counter[str](), Counter[str]()
        with patch.object(guarded, "write", write), requests_sent() as sent:
            feed(stack, events)
        for operation, params in sent:
            requests[operation] += 1
            parts = params.get("RequestItems", {}).values()
            several = params.get("Statements") or params.get("TransactItems")
            rows[operation] += len(several) if several else sum(map(len, parts)) or 1
        found.append((requests, rows))
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_each_row_is_written_once_whether_in_batches_or_singly(stack: str) -> None:
    singly = [rows for _, rows in written(stack, guarded.singly)]
    together = [rows for _, rows in written(stack, guarded.write)]

    for before, after in zip(singly, together, strict=True):
        statements = after.pop("BatchExecuteStatement", 0)
        rows = sum(after[each] for each in SINGLE) + statements
        assert rows == sum(before[each] for each in SINGLE)
        for each in SINGLE:
            del before[each], after[each]
        assert after == before


def test_a_batch_of_a_hundred_events_needs_so_many_requests() -> None:
    accounts = [requests for requests, _ in written("accounts", guarded.write)]
    journal = [requests for requests, _ in written("journal", guarded.write)]

    assert accounts == [{"BatchWriteItem": 4, "BatchExecuteStatement": 4}] * 2
    assert [each["BatchExecuteStatement"] for each in journal] == [0, 3]
    assert [sum(each[single] for single in SINGLE) for each in journal] == [0, 1]  # A day's row.
