"""What AWS documents of polling, batching and order, case by case, held against the simulator.

Quotes are from "Using AWS Lambda with Amazon DynamoDB" (with-ddb) and "Control which events Lambda
sends to your function" (invocation-eventfiltering) of the AWS Lambda Developer Guide, but where
another page is named.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.checkpoints import Checkpoints
from simulator.delivery import batches
from simulator.mapping import MAX_PAYLOAD, SourceMapping
from simulator.poller import Poller
from simulator.stream import index_of
from tests.simulator.streams import ARN, WRITTEN, Shard, Streams, record, sent, sequences


@dataclass
class Mapped:
    """A function, its mapping, and a clock that stands still until the test moves it."""

    streams: Streams
    mapping: SourceMapping
    function: Callable[[list[int]], Any] = lambda _: None
    batches: list[list[int]] = field(default_factory=list)
    discarded: list[dict[str, Any]] = field(default_factory=list)
    now: float = WRITTEN.timestamp()

    def __post_init__(self) -> None:
        self.poller = Poller(
            "books",
            self.streams,
            ARN,
            self.take,
            self.mapping,
            on_failure=self.discarded.append,
            clock=lambda: self.now,
        )

    def take(self, event: dict[str, Any]) -> Any:
        batch = sequences(event["Records"])
        self.batches.append(batch)
        return self.function(batch)

    def step(self, times: int = 1) -> Sequence[list[int]]:
        for _ in range(times):
            self.poller.step()
        return self.batches


# "By default, Lambda invokes your function as soon as records are available. If the batch that
# Lambda reads from the event source has only one record in it, Lambda sends only one record".
def test_without_a_window_what_is_there_is_sent_at_once() -> None:
    written = [1]
    mapped = Mapped(Streams({"a": Shard(written)}), SourceMapping())
    mapped.step()
    written.extend([2, 3])

    assert mapped.step() == [[1], [2, 3]]


# "Lambda continues to read records from the event source until it has gathered a full batch, the
# batching window expires, or the batch reaches the payload limit of 6 MB."
def test_within_a_window_records_are_gathered_until_the_batch_is_full() -> None:
    written = [1, 2, 3]
    mapped = Mapped(Streams({"a": Shard(written)}), SourceMapping(batch_size=5, batching_window=60))

    assert mapped.step(3) == []
    written.extend(range(4, 13))
    assert mapped.step() == [[1, 2, 3, 4, 5]]
    assert mapped.step() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert mapped.step(3)[2:] == []


def test_when_the_window_ends_what_was_gathered_is_sent() -> None:
    written = [1, 2, 3]
    mapped = Mapped(Streams({"a": Shard(written)}), SourceMapping(batching_window=60))
    mapped.step()
    mapped.now += 59
    written.append(4)
    assert mapped.step(2) == []

    mapped.now += 1

    assert mapped.step() == [[1, 2, 3, 4]]


def test_the_end_of_a_shard_ends_its_window() -> None:
    mapped = Mapped(
        Streams({"a": Shard([1, 2], closed=True), "b": Shard([3], parent="a", closed=True)}),
        SourceMapping(batching_window=60),
    )

    assert mapped.step(4) == [[1, 2], [3]]


def test_no_event_weighs_more_than_six_megabytes() -> None:
    records = [sent(number, size=400_000) for number in range(40)]

    cut = list(batches(records, 100))

    assert [len(batch) for batch in cut] == [14, 14, 12]
    assert sequences([one for batch in cut for one in batch]) == list(range(40))
    assert all(400_000 * len(batch) < MAX_PAYLOAD for batch in cut)


# "If you're using batching windows, Lambda applies your filter criteria to each new event to
# determine whether to add it to the current batch."
def test_what_the_filters_refuse_does_not_fill_a_batch() -> None:
    odd = {"dynamodb": {"SequenceNumber": [{"suffix": digit} for digit in "13579"]}}
    written = list(range(1, 8))
    mapping = SourceMapping(batch_size=5, batching_window=60, filters=[odd])
    mapped = Mapped(Streams({"a": Shard(written)}), mapping)
    assert mapped.step(3) == []

    written.extend([8, 9])

    assert mapped.step(3) == [[1, 3, 5, 7, 9]]


# "Once your filter criteria processes a Kinesis or DynamoDB record, the streams iterator advances
# past this record."
def test_what_the_filters_refuse_is_passed_by_and_not_looked_at_again() -> None:
    passed: list[str] = []

    class Noting(Checkpoints):
        def set(self, _: str, __: str, record: Any) -> None:
            passed.append(record["dynamodb"]["SequenceNumber"])

    none = SourceMapping(filters=[{"eventName": ["REMOVE"]}])
    calls: list[Any] = []
    poller = Poller("books", Streams({"a": Shard([1, 2])}), ARN, calls.append, none, Noting())

    poller.drain()

    assert calls == []
    assert passed == ["2"]


# "To ensure that no events are missed, specify the stream starting position as TRIM_HORIZON."
def test_the_horizon_is_everything_that_the_stream_still_has() -> None:
    streams = Streams({"a": Shard([1, 2, 3], horizon=1)})

    assert Mapped(streams, SourceMapping()).step(3) == [[2, 3]]


def test_the_latest_is_what_is_written_from_now_on_and_all_of_later_shards() -> None:
    written, closing = [1, 2, 3], Shard([4, 5])
    streams = Streams({"a": Shard(written), "b": closing})
    mapped = Mapped(streams, SourceMapping(starting_position="LATEST"))
    assert mapped.step(2) == []

    written.append(6)
    closing.sequences, closing.closed = [4, 5, 7], True
    streams.shards["c"] = Shard([8, 9], parent="b")
    mapped.step(5)

    assert sorted(mapped.batches) == [[6], [7], [8, 9]]


# "If processing succeeds, Lambda resumes polling"; services-dynamodb-errors: "a bad record can
# block processing on the affected shard".
def test_a_failing_shard_holds_up_its_children_and_no_other_shard() -> None:
    def function(batch: list[int]) -> None:
        if batch == [1, 2]:
            raise RuntimeError

    written = [3]
    streams = Streams(
        {
            "bad": Shard([1, 2], closed=True),
            "child": Shard([5], parent="bad"),
            "good": Shard(written),
        }
    )
    mapped = Mapped(streams, SourceMapping(), function)
    mapped.step(2)
    written.append(4)
    mapped.now += 100
    mapped.step(2)

    assert [batch for batch in mapped.batches if batch != [1, 2]] == [[3], [4]]
    assert mapped.batches.count([1, 2]) > 1


# Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": "applications must
# always process a parent shard before it processes a child shard".
def test_a_child_waits_until_its_parent_was_taken_and_not_only_read() -> None:
    def function(batch: list[int]) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": "2"}] if "2" in map(str, batch) else []}

    streams = Streams({"parent": Shard([1, 2], closed=True), "child": Shard([3], parent="parent")})
    mapping = SourceMapping(report_failures=True, max_retries=3)
    mapped = Mapped(streams, mapping, function)
    for _ in range(8):
        mapped.now += 10
        mapped.step()

    assert mapped.batches == [[1, 2], [2], [2], [2], [3]]
    assert [one["DDBStreamBatchInfo"]["shardId"] for one in mapped.discarded] == ["parent"]


class Busy:
    """Functions that wait for each other: how many run at once, of one shard and in all."""

    def __init__(self, together: int) -> None:
        self.meeting = threading.Barrier(together, timeout=10)
        self.met = 0

    def __call__(self, _: list[int]) -> None:
        self.meeting.wait()
        self.met += 1


# "By default, Lambda invokes a function with one batch of data records from one shard at a time"
# (announcement of the parallelization factor, 2019); each shard has its own.
def test_two_shards_are_invoked_at_the_same_time() -> None:
    both = Busy(2)
    streams = Streams({"a": Shard([1]), "b": Shard([2])})

    Mapped(streams, SourceMapping(), both).poller.drain()

    assert both.met == 2


def test_a_shard_has_one_invocation_at_a_time() -> None:
    running = threading.Lock()

    def function(_: list[int]) -> None:
        assert running.acquire(blocking=False)
        running.release()

    mapped = Mapped(
        Streams({"a": Shard(range(1, 41)), "b": Shard([], closed=True)}),
        SourceMapping(batch_size=2, max_retries=0),
        function,
    )
    mapped.poller.drain()

    assert mapped.discarded == []
    assert mapped.batches == [[at, at + 1] for at in range(1, 41, 2)]


# "When you increase the number of concurrent batches per shard, Lambda still ensures in-order
# processing at the item (partition and sort key) level."
def test_with_a_parallelization_factor_a_shard_has_so_many_invocations_at_a_time() -> None:
    indexes = {index_of(record(sequence), 3) for sequence in range(1, 31)}
    assert indexes == {0, 1, 2}
    three = Busy(3)

    mapped = Mapped(Streams({"a": Shard(range(1, 31))}), SourceMapping(parallelization=3), three)
    mapped.poller.drain()

    assert three.met == 3
    assert sorted(number for batch in mapped.batches for number in batch) == list(range(1, 31))


def test_with_a_parallelization_factor_the_records_of_an_item_keep_their_order() -> None:
    # The same item, time and again: the key of the record is the remainder.
    class Items(Streams):
        def get_records(self, **asked: Any) -> dict[str, Any]:
            page = super().get_records(**asked)
            for one in page["Records"]:
                number = int(one["dynamodb"]["SequenceNumber"])
                one["dynamodb"]["Keys"] = {"id": {"N": str(number % 7)}}
            return page

    failures = Counter[int]()

    def function(batch: list[int]) -> Any:
        failures[batch[0]] += 1
        if failures[batch[0]] < 3 and batch[0] % 2:
            raise RuntimeError
        return None

    taken: list[int] = []

    def take(batch: list[int]) -> Any:
        function(batch)
        taken.extend(batch)

    mapping = SourceMapping(
        batch_size=5, parallelization=4, bisect=True, retry_seconds=(0.001, 0.002)
    )
    streams = Items({"a": Shard(range(1, 201))})
    poller = Poller("books", streams, ARN, lambda event: take(sequences(event["Records"])), mapping)
    poller.drain()

    assert sorted(taken) == list(range(1, 201))
    for item in range(7):
        of_item = [number for number in taken if number % 7 == item]
        assert of_item == sorted(of_item)
