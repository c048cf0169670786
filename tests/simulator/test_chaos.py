"""Chaos, fault by fault: what each does, that it can be had again, and that it is counted."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib import tables
from chalicelib.read_models import guarded
from chalicelib.read_models.guarded import GuardedWrite
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.transactions.table import TransactionRow
from simulator.chaos import WORST, Chaos, Died
from simulator.chaos_dynamodb import inject
from simulator.chaos_streams import SplitStreams
from simulator.delivery import NotInvoked
from simulator.mapping import SourceMapping
from simulator.poller import Poller
from tests import engines
from tests.simulator.streams import ARN, Shard, Streams, sent, sequences

BATCH = [sent(sequence) for sequence in range(1, 9)]


def strikes_of(chaos: Chaos) -> list[tuple[str, int]]:
    return [
        (fault, number)
        for fault in WORST
        for number in range(50)
        if chaos.occurs(fault, "shard", number % 5)
    ]


def test_a_seed_strikes_the_same_again_and_another_seed_elsewhere() -> None:
    first = strikes_of(Chaos(1))

    assert first == strikes_of(Chaos(1))
    assert first != strikes_of(Chaos(2))


def test_threads_do_not_change_what_a_seed_strikes() -> None:
    def strikes(chaos: Chaos, shard: int) -> list[bool]:
        return [chaos.occurs("a shard returned nothing for a while", shard) for _ in range(200)]

    alone, shared = Chaos(3), Chaos(3)
    expected = [strikes(alone, shard) for shard in range(8)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda shard: strikes(shared, shard), range(8)))

    assert found == expected
    assert shared.injected == alone.injected
    assert shared.injected.total() == sum(map(sum, expected))


def test_in_calm_nothing_strikes() -> None:
    chaos = Chaos(1, dict.fromkeys(WORST, 1.0))
    chaos.stopped = True

    assert strikes_of(chaos) == []
    assert chaos.injected == {}


class Function:
    """Takes everything; which batches it was given, and how many at the same time at most."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> Any:
        with self._lock:
            self.batches.append(sequences(event["Records"]))
        return {"batchItemFailures": []}


def among(fault: str) -> tuple[Function, Any, Chaos]:
    """A function that only this fault befalls, and always does."""
    function, chaos = Function(), Chaos(5, {fault: 1.0})
    return function, chaos.function("books", function), chaos


ALL = [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("fault", "error", "given"),
    [
        ("the function died before its write", Died, []),
        ("the function died after its write", Died, [ALL]),
        ("an invocation found no capacity", NotInvoked, []),
    ],
)
def test_an_invocation_ends_before_its_write_after_it_or_is_none(
    fault: str, error: type[Exception], given: list[list[int]]
) -> None:
    function, invoke, chaos = among(fault)

    with pytest.raises(error):
        invoke({"Records": BATCH})

    assert function.batches == given
    assert chaos.injected == {fault: 1}


@pytest.mark.parametrize(
    ("fault", "given"),
    [
        ("a batch was delivered twice", [ALL, ALL]),
        ("a batch was delivered to two invocations at once", [ALL, ALL]),
        ("an invocation was delayed", [ALL]),
        ("the response was malformed", [ALL]),
    ],
)
def test_a_batch_is_given_more_often_or_later_and_always_in_order(
    fault: str, given: list[list[int]]
) -> None:
    function, invoke, chaos = among(fault)

    response = invoke({"Records": BATCH})

    assert function.batches == given
    assert (response["batchItemFailures"] == []) is (fault != "the response was malformed")
    assert chaos.injected == {fault: 1}


def test_a_part_of_a_batch_is_taken_and_the_rest_reported() -> None:
    function, invoke, _ = among("part of a batch was processed")

    response = invoke({"Records": BATCH})

    [part] = function.batches
    assert 0 < len(part) < 8
    assert part == ALL[: len(part)]
    assert response == {"batchItemFailures": [{"itemIdentifier": str(part[-1] + 1)}]}


def test_a_batch_of_before_is_given_again() -> None:
    function, invoke, _ = among("an old batch was delivered again")

    invoke({"Records": BATCH[:4]})
    invoke({"Records": BATCH[4:]})

    assert function.batches == [[1, 2, 3, 4], [1, 2, 3, 4], [5, 6, 7, 8]]


class Items(Streams):
    """Seven items, each of which changes time and again."""

    def get_records(self, **asked: Any) -> dict[str, Any]:
        page = super().get_records(**asked)
        for one in page["Records"]:
            number = int(one["dynamodb"]["SequenceNumber"])
            one["dynamodb"]["Keys"] = {"id": {"N": str(number % 7)}}
        return page


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stream_in_pieces_gives_everything_and_an_items_changes_in_their_order(
    seed: int,
) -> None:
    chaos = Chaos(
        seed,
        {
            **dict.fromkeys(WORST, 0.0),
            "a shard was split": 0.05,
            "a shard returned nothing for a while": 0.1,
            "a read of the stream failed": 0.1,
            "a shard iterator expired": 0.1,
        },
    )
    streams = SplitStreams(chaos, Items({"only": Shard(range(1, 501))}), ARN)
    function = Function()
    mapping = SourceMapping(batch_size=10, retry_seconds=(0.001, 0.002))

    chaos.poll("books", lambda: Poller("books", streams, ARN, function, mapping))

    taken = [number for batch in function.batches for number in batch]
    assert sorted(taken) == list(range(1, 501))
    assert taken != list(range(1, 501))
    for item in range(7):
        of_item = [number for number in taken if number % 7 == item]
        assert of_item == sorted(of_item)
    assert all(chaos.injected[fault] for fault in chaos.probabilities if chaos.probabilities[fault])
    parents = {
        shard.get("ParentShardId")
        for shard in streams.describe_stream()["StreamDescription"]["Shards"]
    }
    assert len(parents) > 1


@pytest.fixture
def wire(ministack: str) -> Iterator[Any]:
    """Makes requests to DynamoDB fail as told, until the test is over."""

    def fail(**odds: float) -> Chaos:
        chaos = Chaos(1, {fault.replace("_", " "): chance for fault, chance in odds.items()})
        inject(chaos, tables.connection().client)
        return chaos

    with engines.connected(ministack):
        yield fail


def row(ledger: str, number: int = 0) -> StatementRow:
    return StatementRow(
        ledger, f"{number:04d}", version=1, asset="USD/2", balance=number, recorded_at="now"
    )


CONTENT: dict[str, Any] = {"body": "{}", "place": "p", "day_bucket": "d"}


def write_of(row: TransactionRow) -> GuardedWrite:
    return GuardedWrite(row, ["version", *CONTENT], ["version"], True, row.save)


def save_together(*rows: StatementRow) -> None:
    with TransactWrite(connection=tables.connection()) as transaction:
        for each in rows:
            transaction.save(each)


def places(chaos: Chaos, ledger: str) -> list[str]:
    chaos.stopped = True
    return [found.place for found in StatementRow.query(ledger)]


def test_a_throttled_request_is_refused_and_not_done(wire: Any, ledger: str) -> None:
    chaos = wire(a_request_was_throttled=1)
    codes = set()

    for _ in range(20):
        with pytest.raises(PutError) as refused:
            row(ledger).save()
        codes.add(tables.response_code(refused.value))

    assert codes == {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    }
    assert chaos.injected == {"a request was throttled": 20}
    assert places(chaos, ledger) == []


def test_a_connection_that_closes_leaves_the_request_undone(wire: Any, ledger: str) -> None:
    chaos = wire(a_connection_closed_before_the_request=1)

    with pytest.raises(PutError) as failed:
        row(ledger).save()

    assert tables.response_code(failed.value) == ""
    assert places(chaos, ledger) == []


def test_a_request_whose_reply_is_lost_is_done(wire: Any, ledger: str) -> None:
    chaos = wire(a_response_was_lost_after_the_request_was_done=1)

    with pytest.raises(PutError) as failed:
        row(ledger).save()

    assert tables.response_code(failed.value) == ""
    assert places(chaos, ledger) == ["0000"]


def test_a_write_meets_a_transaction(wire: Any, ledger: str) -> None:
    chaos = wire(a_write_conflicted_with_a_transaction=1)

    with pytest.raises(PutError) as single:
        row(ledger).save()
    with pytest.raises(TransactWriteError) as several:
        save_together(row(ledger, 1), row(ledger, 2))

    assert tables.response_code(single.value) == "TransactionConflictException"
    assert tables.response_code(several.value) == "TransactionCanceledException"
    assert [each and each.code for each in several.value.cancellation_reasons] == [
        "TransactionConflict",
        None,
    ]
    assert places(chaos, ledger) == []


def test_a_batch_that_is_left_half_undone_is_done_by_who_asks_again(wire: Any, ledger: str) -> None:
    chaos = wire(a_batch_was_partly_unprocessed=1)
    keys = [(ledger, f"{number:04d}") for number in range(12)]

    with StatementRow.batch_write() as batch:
        for number in range(12):
            batch.save(row(ledger, number))
    found = [each.place for each in StatementRow.batch_get(keys)]

    assert chaos.injected["a batch was partly unprocessed"] == 2
    assert sorted(found) == places(chaos, ledger) == [place for _, place in keys]


def test_a_statement_that_is_left_out_of_a_batch_is_executed_by_who_asks_again(
    wire: Any, ledger: str
) -> None:
    chaos = wire(a_batch_was_partly_unprocessed=1)
    changes = [write_of(TransactionRow(f"{ledger}/{n}", version=1, **CONTENT)) for n in range(4)]

    guarded.write(changes)

    assert chaos.injected["a batch was partly unprocessed"] == 1
    chaos.stopped = True
    keys = [each.row.key for each in changes]  # type: ignore[attr-defined]  # A TransactionRow.
    assert len(list(TransactionRow.batch_get(keys))) == 4
