"""The stream: images become events again, and a batch is fed to the rooms of a stack."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from pynamodb.exceptions import PutError, UpdateError

from chalicelib import tables
from chalicelib.events.dead_letters import Coordinates, redrive, stored, table_of_group, waiting
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.store import Busy
from chalicelib.events.stream import SPARE_SECONDS, Alteration, Fed, feed, newest, read
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.events.recordings import NOW, OPENED, TRANSFERRED, entered, recorded
from tests.projected import Project, StandIn, group_of

CASH = account_stream("acme", "cash")
EVENTS = recorded(CASH, OPENED, *[entered(amount) for amount in range(1, 6)])
KINDS = [*EVENTS[:2], *recorded(transaction_stream("acme", "order-77"), TRANSFERRED)]


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


DeadLetters = table_of_group("events")


@pytest.fixture(autouse=True)
def _dead_letters(moto: None) -> Iterator[None]:  # noqa: ARG001  # Asked for its engine.
    tables.create([DeadLetters])
    yield
    DeadLetters.delete_table()


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


def fed(
    records: Sequence[Mapping[str, Any]], *projects: Project, seconds_left: float = 60.0
) -> Fed:
    """What becomes of a batch."""
    group = group_of(*projects, dead_letters=DeadLetters, name="events")
    return feed(group, records, history=history, seconds_left=lambda: seconds_left)


def history(stream: Stream) -> Iterator[Recorded]:
    """The events of the only stream that has any."""
    assert stream == CASH
    yield from EVENTS


def read_again(_: Stream, version: int) -> Recorded:
    """The event with this version."""
    return EVENTS[version - 1]


def dead_letters() -> list[tuple[str, int, str]]:
    """The dead letters: the stream, the version, and the first word of what is wrong."""
    return [(row.stream, row.version, row.error.split(":")[0]) for row in stored(DeadLetters)]


def refusing(code: str, *after: Project) -> Project:
    """A room to whose writes DynamoDB answers so, once those `after` it were fed."""

    def project(events: Sequence[Recorded]) -> None:
        for room in after:
            room(events)
        raise PutError(cause=ClientError({"Error": {"Code": code}}, "PutItem"))

    return project


def test_a_batch_is_fed_as_one_to_every_room() -> None:
    balances, statements = Room(), Room()

    outcome = fed([record_of(each) for each in EVENTS], balances.project, statements.project)

    assert outcome == Fed(None, EVENTS, 0)
    assert outcome.response == {"batchItemFailures": []}
    assert balances.seen == statements.seen == EVENTS
    assert balances.batches == statements.batches == [6]


def test_an_empty_batch_is_no_failure() -> None:
    assert fed([], Room().project) == Fed(None, [], 0)


@pytest.mark.parametrize("place", range(6))
def test_a_poison_record_is_parked_and_all_others_are_projected(place: int) -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    records[place] = poison(records[place])

    outcome = fed(records, room.project)

    assert outcome.response == {"batchItemFailures": []}
    assert outcome.dead_letters == 1
    assert room.versions() == {1, 2, 3, 4, 5, 6} - {place + 1}
    assert dead_letters() == [(str(CASH), place + 1, "UnknownEvent")]


def test_what_one_room_cannot_bear_is_parked_and_projected_by_the_others() -> None:
    balances, statements = Room(), Room(2, 4)

    outcome = fed([record_of(each) for each in EVENTS], statements.project, balances.project)

    assert (outcome.failed, outcome.dead_letters) == (None, 2)
    assert statements.versions() == {1, 3, 5, 6}
    assert balances.versions() == {1, 2, 3, 4, 5, 6}
    assert dead_letters() == [(str(CASH), 2, "RuntimeError"), (str(CASH), 4, "RuntimeError")]
    assert [row.rooms for row in stored(DeadLetters)] == ["events", "events"]


def test_a_fault_that_has_passed_when_the_batch_is_fed_again_costs_nothing() -> None:
    room, faults = Room(), [RuntimeError("passing")]

    def project(events: Sequence[Recorded]) -> None:
        if faults:
            raise faults.pop()
        room.project(events)

    assert fed([record_of(each) for each in EVENTS], project).response == {"batchItemFailures": []}
    assert room.seen == EVENTS
    assert dead_letters() == []


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "TransactionConflictException",
        "AccessDeniedException",
        "ResourceNotFoundException",
    ],
)
def test_what_aws_had_no_time_or_no_right_for_is_delivered_again(code: str) -> None:
    first = record_of(EVENTS[0])["dynamodb"]["SequenceNumber"]

    outcome = fed([record_of(each) for each in EVENTS], refusing(code))

    assert outcome.response == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert dead_letters() == []


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectionResetError(),
        TimeoutError(),
        UpdateError(cause=ReadTimeoutError(endpoint_url="https://dynamodb")),
        Busy("ThrottlingException"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_network_lost_is_delivered_again(error: Exception) -> None:
    def project(events: Sequence[Recorded]) -> None:
        if EVENTS[3] in events:
            raise error

    outcome = fed([record_of(each) for each in EVENTS], project)

    assert outcome.failed == record_of(EVENTS[3])["dynamodb"]["SequenceNumber"]
    assert [event.version for event in outcome.events] == [1, 2, 3]
    assert dead_letters() == []


def test_what_dynamodb_refuses_for_what_it_says_is_parked() -> None:
    outcome = fed([record_of(EVENTS[0])], refusing("ValidationException"))

    assert (outcome.failed, outcome.dead_letters) == (None, 1)
    assert dead_letters() == [(str(CASH), 1, "PutError")]


def test_what_cannot_even_be_parked_is_delivered_again() -> None:
    DeadLetters.delete_table()
    records = [record_of(EVENTS[0]), poison(record_of(EVENTS[1]))]

    outcome = fed(records, Room().project)
    tables.create([DeadLetters])

    assert outcome.failed == records[1]["dynamodb"]["SequenceNumber"]
    assert outcome.events == EVENTS[:1]


def test_a_batch_that_is_fed_singly_stops_with_time_to_spare_and_reports_the_rest() -> None:
    left = iter([60.0, 60.0, SPARE_SECONDS, SPARE_SECONDS - 0.1])
    room, records = Room(3), [record_of(each) for each in EVENTS]

    outcome = feed(
        group_of(room.project, dead_letters=DeadLetters, name="events"),
        records,
        history=history,
        seconds_left=lambda: next(left),
    )

    assert outcome.failed == records[2]["dynamodb"]["SequenceNumber"]
    assert [event.version for event in outcome.events] == [1, 2]


def test_a_batch_is_not_begun_without_time_for_it() -> None:
    room = Room()

    outcome = fed([record_of(each) for each in EVENTS], room.project, seconds_left=0.1)

    assert outcome.failed == record_of(EVENTS[0])["dynamodb"]["SequenceNumber"]
    assert room.seen == []


def test_records_without_a_new_image_are_passed_over() -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    for place in (0, 3):
        del records[place]["dynamodb"]["NewImage"]
        records[place]["eventName"] = "REMOVE"

    assert fed(records, room.project).response == {"batchItemFailures": []}
    assert room.versions() == {2, 3, 5, 6}

    records[4] = poison(records[4])
    assert fed(records, Room().project).dead_letters == 1


@pytest.mark.parametrize("kind", ["MODIFY", "REMOVE"])
def test_an_event_that_was_changed_or_deleted_is_told_of_and_not_projected(kind: str) -> None:
    room, records = Room(), [record_of(each) for each in EVENTS]
    records[2]["eventName"] = kind
    if kind == "REMOVE":
        del records[2]["dynamodb"]["NewImage"]

    outcome = fed(records, room.project)

    place = Coordinates(str(EVENTS[2].stream), EVENTS[2].version)
    assert outcome.altered == [Alteration(place, kind)]
    assert list(outcome.events) == [*EVENTS[:2], *EVENTS[3:]]


def test_what_was_altered_is_told_of_where_the_batch_is_fed_singly() -> None:
    records = [record_of(each) for each in EVENTS]
    records[0]["eventName"] = "MODIFY"
    records[1] = poison(records[1])

    outcome = fed(records, Room().project)

    assert (outcome.dead_letters, [each.kind for each in outcome.altered]) == (1, ["MODIFY"])


def test_a_record_that_names_no_event_is_parked_by_its_number() -> None:
    nonsense = {"kinesis": {"sequenceNumber": "495", "data": "bm90IEpTT04="}}

    outcome = fed([nonsense, record_of(EVENTS[0])], Room().project)

    assert (outcome.failed, outcome.dead_letters, outcome.events) == (None, 1, EVENTS[:1])
    assert [row.place for row in stored(DeadLetters)] == ["#495"]


def test_a_state_of_another_schema_is_folded_again_and_never_trusted() -> None:
    room = Room()
    old = replace(EVENTS[3], state_data='{"schema":1,"version":4,"debits":777}')

    outcome = fed([record_of(old)], room.project)

    assert (outcome.dead_letters, outcome.failed) == (0, None)
    assert account_state(room.seen[0]) == account_state(EVENTS[3])


def test_what_is_parked_again_keeps_the_time_at_which_it_first_was() -> None:
    records = [poison(record_of(EVENTS[1]))]
    fed(records, Room().project)
    [before] = stored(DeadLetters)
    fed(records, Room().project)
    [after] = stored(DeadLetters)

    assert after.parked_at == before.parked_at
    assert after.newest_at > before.newest_at


def test_a_redrive_projects_in_order_what_can_be_projected_now() -> None:
    broken, records = Room(2, 3, 5), [record_of(each) for each in EVENTS]
    fed(records, broken.project)
    mended = Room(5)

    ends = list(redrive(DeadLetters, [StandIn("mended", mended.project)], read_again))

    assert [(row.version, error and str(error)) for row, error in ends] == [
        (2, None),
        (3, None),
        (5, "version 5 cannot be projected"),
    ]
    assert [event.version for event in mended.seen] == [2, 3]
    assert [row.version for row in stored(DeadLetters)] == [5]

    again = list(redrive(DeadLetters, [StandIn("new", Room().project)], read_again))
    assert [error for _, error in again] == [None]
    assert list(stored(DeadLetters)) == []


def test_of_what_is_parked_the_number_and_the_age_of_the_oldest_are_known() -> None:
    assert waiting(DeadLetters, NOW) == (0, 0.0)

    fed([poison(record_of(each)) for each in EVENTS[:3]], Room().project)
    oldest = min(datetime.fromisoformat(row.parked_at) for row in stored(DeadLetters))

    assert waiting(DeadLetters, oldest + timedelta(seconds=90)) == (3, 90.0)


def test_the_newest_of_each_stream_is_found_in_any_order() -> None:
    bank = recorded(account_stream("acme", "bank"), OPENED)
    order = KINDS[2:]

    for batch in permutations([*EVENTS[:3], *bank, *order]):
        assert newest("account", batch) == {CASH: EVENTS[2], bank[0].stream: bank[0]}
        assert newest("transaction", batch) == {order[0].stream: order[0]}
