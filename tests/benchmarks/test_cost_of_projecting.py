"""What a batch of events costs a projector: one write for each row, as before, in fewer requests.

Rows are counted, since no emulator reports the units of statements: ministack charges each one
unit, DynamoDB Local none. DynamoDB charges a statement by the size of its row, as any write.
"""

from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest

from benchmarks.projectors import feed, openings_and_transfers
from benchmarks.rows import STACKS
from chalicelib.read_models import guarded
from chalicelib.tables import connection

pytestmark = pytest.mark.usefixtures("ministack")

SINGLE = ("PutItem", "UpdateItem")
Counts = Counter[str]


def written(stack: str, strategy: guarded.Strategy) -> list[tuple[Counts, Counts]]:
    """The requests, and the rows that each kind of them wrote, of 100 new accounts, and of 50
    transfers between them.
    """
    phases = openings_and_transfers(100, 50)
    STACKS[stack].register(phases[0])
    feed(stack, openings_and_transfers(4, 2)[1])  # Whatever a process does only once.
    found = []
    for events in phases:
        requests, rows = Counter[str](), Counter[str]()

        def note(
            params: Any, model: Any, requests: Counts = requests, rows: Counts = rows, **_: Any
        ) -> None:
            requests[model.name] += 1
            parts = params.get("RequestItems", {}).values()
            several = params.get("Statements") or params.get("TransactItems")
            rows[model.name] += len(several) if several else sum(map(len, parts)) or 1

        hooks = connection().client.meta.events
        hooks.register("before-parameter-build.dynamodb", note)
        try:
            with patch.object(guarded, "STRATEGY", strategy):
                feed(stack, events)
        finally:
            hooks.unregister("before-parameter-build.dynamodb", note)
        found.append((requests, rows))
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_each_row_is_written_once_whether_in_batches_or_singly(stack: str) -> None:
    singly = [rows for _, rows in written(stack, guarded.singly)]
    together = [rows for _, rows in written(stack, guarded.in_batches)]

    for before, after in zip(singly, together, strict=True):
        statements = after.pop("BatchExecuteStatement", 0)
        rows = sum(after[each] for each in SINGLE) + statements
        assert rows == sum(before[each] for each in SINGLE)
        for each in SINGLE:
            del before[each], after[each]
        assert after == before


def test_a_batch_of_a_hundred_events_needs_so_many_requests() -> None:
    accounts = [requests for requests, _ in written("accounts", guarded.in_batches)]
    journal = [requests for requests, _ in written("journal", guarded.in_batches)]

    assert accounts == [{"BatchWriteItem": 4, "BatchExecuteStatement": 4}] * 2
    assert [each["BatchExecuteStatement"] for each in journal] == [0, 3]
    assert [sum(each[single] for single in SINGLE) for each in journal] == [0, 1]  # A day's row.
