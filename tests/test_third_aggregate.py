"""The event store, the executor and the stream know no account and no transaction: another
aggregate uses them as they are.
"""

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from chalicelib import tables
from chalicelib.commands.executor import Executor
from chalicelib.domain.errors import InvalidField
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Append, EventStore
from chalicelib.events.stream import feed
from tests.counter import COUNTING, Counter, CounterRow, Counters, Increase
from tests.deliveries import record_of
from tests.memory_store import MemoryStore

VISITS = Increase("acme", "visits", 1)


@pytest.fixture(params=["memory", "moto"])
def store(request: pytest.FixtureRequest) -> EventStore:
    """The store on both engines that are quick."""
    request.getfixturevalue("moto")
    return MemoryStore() if request.param == "memory" else DynamoStore()


def test_a_counter_counts_in_its_own_stream(store: EventStore, ledger: str) -> None:
    executor = Executor(store, decider=COUNTING)

    for by in (1, 2, 39):
        executed = executor.execute(Increase(ledger, "visits", by), actor="key-1")

    events = list(store.history(executed.recorded.stream))
    assert [event.version for event in events] == [1, 2, 3]
    assert events[-1] == executed.recorded
    assert events[-1].state == Counter(42)
    assert [event.hash for event in events][1:] == [
        after.chained_to(before.hash) for before, after in pairwise(events)
    ]


def test_a_refusal_of_its_decision_is_the_command_s(store: EventStore, ledger: str) -> None:
    with pytest.raises(InvalidField, match="only grows"):
        Executor(store, decider=COUNTING).execute(Increase(ledger, "visits", 0), actor="key-1")


class Raced(MemoryStore):
    """A store in which another process is faster, once."""

    def __init__(self) -> None:
        super().__init__()
        self.raced = False

    def append(self, *appends: Append) -> None:
        if not self.raced:
            self.raced = True
            Executor(self, decider=COUNTING).execute(VISITS, actor="other")
        super().append(*appends)


def test_a_lost_race_is_decided_again() -> None:
    executor = Executor(Raced(), decider=COUNTING, sleep=lambda _: None)

    executed = executor.execute(VISITS, actor="me")

    assert (executed.recorded.version, executed.recorded.state) == (2, Counter(2))


@pytest.mark.usefixtures("moto")
def test_its_read_model_is_fed_from_the_stream_in_any_order_and_twice(ledger: str) -> None:
    group, store = Counters(), MemoryStore()
    tables.create([CounterRow, group.dead_letters])
    executor = Executor(store, decider=COUNTING, clock=lambda: datetime(2026, 11, 1, tzinfo=UTC))
    events = [
        executor.execute(Increase(ledger, name, by), actor="key-1").recorded
        for name, by in [("visits", 5), ("visits", 37), ("orders", 3)]
    ]
    records = [record_of(event) for event in [*events, *events]]
    random.Random(7).shuffle(records)

    fed = feed(group, records, history=store.history)

    assert (fed.failed, fed.dead_letters, len(fed.events)) == (None, 0, 6)
    rows = {row.key: (row.version, row.total) for row in CounterRow.scan()}
    assert rows == {f"{ledger}/counter/visits": (2, 42), f"{ledger}/counter/orders": (1, 3)}
