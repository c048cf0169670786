"""The poller over a real engine: whatever the projector does, every record is delivered to it."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account.events import AccountOpened, EntryPosted
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Origin, follow
from chalicelib.events.store import Append
from chalicelib.events.stream import read
from chalicelib.ledger.aggregates import Event, account_stream
from chalicelib.local.checkpoints import SavedCheckpoints
from chalicelib.local.environment import FEEDING, stream_arn, streams_client
from simulator.poller import Poller

NOW = datetime(2026, 11, 1, tzinfo=UTC)

Place = tuple[str, int]
"""A stream and a version: one event, one item."""


def write(ledger: str, account: str, entries: int) -> None:
    """Opens an account and enters so many lines on it, in appends of one, two or three events."""
    stream, store = account_stream(ledger, account), DynamoStore()
    opened = AccountOpened(
        asset="USD/2",
        normal_balance="debit",
        min_balance=None,
        max_balance=None,
        metadata={},
        fingerprint="f",
        opened_at=NOW,
    )
    entry = EntryPosted(
        transaction="t", direction="debit", amount=1, effective_at=NOW, reference=None
    )
    waiting: list[Event] = [opened, *[entry] * entries]
    origin = Origin(recorded_at=NOW, command_id="c", actor="a")
    while waiting:
        size = 1 + len(waiting) % 3
        head = store.load([stream]).get(stream)
        events = follow(head, stream, waiting[:size], origin)
        store.append(Append(stream=stream, expected_version=events[0].version - 1, events=events))
        del waiting[:size]


def written(ledger: str, accounts: int, entries: int) -> dict[str, list[int]]:
    """What a reader must be given: every version of every stream, in order."""
    return {
        str(account_stream(ledger, f"a{number}")): list(range(1, entries + 2))
        for number in range(accounts)
    }


class Collector:
    """A projector that notes what it took of one ledger, and fails as it is told."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger
        self.places: list[Place] = []

    def __call__(self, event: dict[str, Any]) -> Any:
        for record in event["Records"]:
            self.take(record)

    def take(self, record: dict[str, Any]) -> None:
        recorded = read(record["dynamodb"]["NewImage"])
        if recorded.stream.ledger == self.ledger:
            self.places.append((str(recorded.stream), recorded.version))

    @property
    def taken(self) -> dict[str, list[int]]:
        """The versions of each stream in the order in which they were first taken."""
        streams: dict[str, list[int]] = {}
        for stream, version in dict.fromkeys(self.places):
            streams.setdefault(stream, []).append(version)
        return streams


class RaisesAtFirst(Collector):
    """Raises in the middle of its first batches."""

    left = 3

    def __call__(self, event: dict[str, Any]) -> Any:
        if self.left:
            self.left -= 1
            self.take(event["Records"][0])
            raise RuntimeError("half of it is done")
        return super().__call__(event)


class NamesAStranger(Collector):
    """Takes nothing at first, and names a record that it was not given."""

    left = 3

    def __call__(self, event: dict[str, Any]) -> Any:
        if self.left:
            self.left -= 1
            return {"batchItemFailures": [{"itemIdentifier": "no such record"}]}
        return super().__call__(event)


class TakesAPart(Collector):
    """Takes a random part of every other batch, and reports all that it left in any order."""

    def __init__(self, ledger: str) -> None:
        super().__init__(ledger)
        self.chance = random.Random(7)
        self.reports = 0

    def __call__(self, event: dict[str, Any]) -> Any:
        records = event["Records"]
        if self.chance.random() < 0.5:
            return super().__call__(event)
        taken = self.chance.randrange(len(records))
        super().__call__({"Records": records[:taken]})
        left = [record["dynamodb"]["SequenceNumber"] for record in records[taken:]]
        self.chance.shuffle(left)
        self.reports += 1
        return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in left]}


def poller_for(collector: Collector, checkpoints: SavedCheckpoints | None = None) -> Poller:
    """A poller with batches that are smaller than what the tests write."""
    feeding = replace(FEEDING, batch_size=100)
    return Poller("books", streams_client(), stream_arn(), collector, feeding, checkpoints)


@pytest.mark.usefixtures("ministack")
def test_nothing_is_lost_and_each_stream_keeps_its_order_while_it_is_being_written(
    ledger: str,
) -> None:
    collector = Collector(ledger)
    poller = poller_for(collector)

    with ThreadPoolExecutor(4) as writers:
        writing = [writers.submit(write, ledger, f"a{number}", 30) for number in range(4)]
        while not all(done.done() for done in writing):
            poller.step()
        for done in writing:
            done.result()
    poller.drain()

    assert collector.taken == written(ledger, accounts=4, entries=30)
    assert len(collector.places) == 4 * 31


@pytest.mark.usefixtures("ministack")
@pytest.mark.parametrize("projector", [RaisesAtFirst, NamesAStranger])
def test_a_projector_that_fails_is_given_everything_all_the_same(
    ledger: str, projector: type[Collector]
) -> None:
    for number in range(2):
        write(ledger, f"a{number}", 80)
    collector = projector(ledger)

    poller_for(collector).drain()

    assert collector.taken == written(ledger, accounts=2, entries=80)


@pytest.mark.usefixtures("ministack")
def test_what_a_projector_took_before_its_first_failure_is_not_delivered_again(
    ledger: str,
) -> None:
    for number in range(2):
        write(ledger, f"a{number}", 80)
    collector = TakesAPart(ledger)

    poller_for(collector).drain()

    assert collector.reports > 1
    assert collector.taken == written(ledger, accounts=2, entries=80)
    assert len(collector.places) == 2 * 81


@pytest.mark.usefixtures("ministack")
def test_a_reload_between_any_two_steps_loses_nothing_and_repeats_nothing(
    ledger: str, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoints.json"
    collector = Collector(ledger)

    for number in range(4):
        write(ledger, f"a{number}", 40)
        poller_for(collector, SavedCheckpoints(path, engine="1")).step()
    poller_for(collector, SavedCheckpoints(path, engine="1")).drain()

    assert collector.taken == written(ledger, accounts=4, entries=40)
    assert len(collector.places) == 4 * 41
