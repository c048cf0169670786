"""Deliveries to a real engine: batches of statements leave the rows that single writes leave."""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.commands.execution import Refused
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.events.recorded import Recorded
from chalicelib.read_models import guarded
from ops.workload import RandomWriter, openings
from tests.books import WatchedStore, deliver
from tests.domain.books import NOW
from tests.memory_store import MemoryStore
from tests.read_models.shelves import shelves_of
from tests.soak import examples

_numbers = count(1)


@pytest.fixture(params=["ministack", "dynamodb_local"])
def engine(request: pytest.FixtureRequest) -> None:
    """The tables, on an engine."""
    request.getfixturevalue(request.param)


def history(ledger: str, seed: int) -> list[Recorded]:
    """The events of random commands, holds, changes and stripes among them; the same for a seed."""
    random.seed(seed)  # Stripes are drawn.
    store, ticks = WatchedStore(MemoryStore()), count()
    executor = Executor(store, clock=lambda: NOW + timedelta(seconds=next(ticks)))

    def send(*commands: Command) -> bool:
        try:
            executor.execute_together(commands, actor="key-1")
        except Refused:
            return False
        return True

    for opening in openings(ledger):
        send(opening)
    RandomWriter(send, ledger, seed, "w").write(25)
    return store.appended


def batches(events: Sequence[Recorded], seed: int) -> list[list[Recorded]]:
    """All the events, some of them twice or more, shuffled and cut into batches."""
    chance = random.Random(seed)
    rest = [*events, *chance.choices(events, k=len(events) // 2)]
    near = chance.random() * len(rest)  # How far from its place an event arrives.
    rest = [rest[n] for n in sorted(range(len(rest)), key=lambda n: n + near * chance.random())]
    cut: list[list[Recorded]] = []
    while rest:
        size = chance.choice([1, 2, 10, 60])
        cut.append(rest[:size])
        rest = rest[size:]
    return cut


@pytest.mark.usefixtures("engine")
@settings(
    max_examples=examples(3, 30),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_batches_leave_what_single_writes_leave_and_what_a_calm_delivery_leaves(seed: int) -> None:
    number = next(_numbers)
    singly, together, calm = (f"{name}-{number}" for name in ("singly", "together", "calm"))

    with patch.object(guarded, "write", guarded.singly):
        for batch in batches(history(singly, seed), seed):
            deliver(batch)
    for batch in batches(history(together, seed), seed):
        deliver(batch)
    deliver(history(calm, seed))

    assert shelves_of(together) == shelves_of(singly) == shelves_of(calm)
