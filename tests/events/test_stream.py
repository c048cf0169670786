"""The stream: images become events again, and a batch is fed to the rooms of a stack."""

import base64
import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from chalicelib.events.codec import UnknownEvent
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded, account_stream, transaction_stream
from chalicelib.events.stream import feed, newest, read
from tests.events.recordings import OPENED, TRANSFERRED, entered, recorded

CASH = account_stream("acme", "cash")
EVENTS = recorded(CASH, OPENED, *[entered(amount) for amount in range(1, 6)])
KINDS = [*EVENTS[:2], *recorded(transaction_stream("acme", "order-77"), TRANSFERRED)]
GOOD: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def record_of(event: Recorded) -> dict[str, Any]:
    """The stream record of an event, with a sequence number that tells its version."""
    image, sequence = to_item(event).serialize(), f"{event.version}00000000000000000000"
    keys = {name: image[name] for name in ("stream", "version")}
    change = {"Keys": keys, "NewImage": image, "SequenceNumber": sequence}
    return {"eventName": "INSERT", "dynamodb": change}


def poison(record: dict[str, Any]) -> dict[str, Any]:
    """The same record, of a stream that this build knows nothing of."""
    image = {**record["dynamodb"]["NewImage"], "stream": {"S": "acme/wallet/cash"}}
    return {**record, "dynamodb": {**record["dynamodb"], "NewImage": image}}


class Room:
    """A room that remembers what it was fed, and fails at the versions it cannot bear."""

    def __init__(self, *unbearable: int) -> None:
        self.seen: list[Recorded] = []
        self.batches: list[int] = []
        self._unbearable = unbearable

    def project(self, events: Sequence[Recorded]) -> None:
        self.batches.append(len(events))
        for event in events:
            if event.version in self._unbearable:
                raise RuntimeError(f"version {event.version} cannot be projected")
            self.seen.append(event)

    def versions(self) -> set[int]:
        """The versions that were projected."""
        return {event.version for event in self.seen}


@pytest.mark.parametrize("event", KINDS, ids=lambda event: event.type)
def test_an_event_is_read_out_of_the_image_of_its_item(event: Recorded) -> None:
    found = read(to_item(event).serialize())

    assert found == event
    assert (found.event, found.state) == (event.event, event.state)


@pytest.mark.parametrize("event", KINDS, ids=lambda event: event.type)
def test_an_event_is_read_out_of_an_image_as_lambda_sends_it(event: Recorded) -> None:
    image = to_item(event).serialize()
    # Lambda's events are JSON, in which binary values are base64.
    image["hash"] = {"B": base64.b64encode(event.hash).decode()}

    assert read(json.loads(json.dumps(image))) == event


def test_an_image_of_no_known_stream_is_unknown() -> None:
    with pytest.raises(UnknownEvent, match="no stream's name"):
        read(poison(record_of(EVENTS[0]))["dynamodb"]["NewImage"])


def test_a_batch_is_fed_as_one_to_every_room() -> None:
    balances, statements = Room(), Room()

    answer = feed([balances.project, statements.project], [record_of(each) for each in EVENTS])

    assert answer == GOOD
    assert balances.seen == statements.seen == EVENTS
    assert balances.batches == statements.batches == [6]


def test_an_empty_batch_is_no_failure() -> None:
    assert feed([Room().project], []) == GOOD


@pytest.mark.parametrize("place", range(6))
def test_a_poison_record_is_reported_and_all_before_it_is_projected(place: int) -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    records[place] = poison(records[place])

    answer = feed([room.project], records)

    sequence = records[place]["dynamodb"]["SequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence}]}
    assert room.versions() == set(range(1, place + 1))


def test_of_several_poison_records_the_first_is_reported() -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    records[4], records[2] = poison(records[4]), poison(records[2])

    answer = feed([room.project], records)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "300000000000000000000"}]}
    assert room.versions() == {1, 2}


def test_a_record_that_one_room_cannot_bear_is_reported() -> None:
    balances, statements = Room(), Room(4)

    answer = feed([balances.project, statements.project], [record_of(each) for each in EVENTS])

    assert answer == {"batchItemFailures": [{"itemIdentifier": "400000000000000000000"}]}
    assert statements.versions() == {1, 2, 3}
    assert {1, 2, 3} <= balances.versions()


def test_a_fault_that_has_passed_when_the_batch_is_fed_again_costs_nothing() -> None:
    room, faults = Room(), [RuntimeError("throttled")]

    def project(events: Sequence[Recorded]) -> None:
        if faults:
            raise faults.pop()
        room.project(events)

    assert feed([project], [record_of(each) for each in EVENTS]) == GOOD
    assert room.seen == EVENTS


def test_records_without_a_new_image_are_passed_over() -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    for place in (0, 3):
        del records[place]["dynamodb"]["NewImage"]
        records[place]["eventName"] = "REMOVE"

    assert feed([room.project], records) == GOOD
    assert room.versions() == {2, 3, 5, 6}

    records[4] = poison(records[4])
    assert feed([Room().project], records) == {
        "batchItemFailures": [{"itemIdentifier": "500000000000000000000"}]
    }


def test_the_newest_of_each_stream_is_found_in_any_order() -> None:
    bank = recorded(account_stream("acme", "bank"), OPENED)
    order = KINDS[2:]

    for batch in permutations([*EVENTS[:3], *bank, *order]):
        assert newest("account", batch) == {CASH: EVENTS[2], bank[0].stream: bank[0]}
        assert newest("transaction", batch) == {order[0].stream: order[0]}
