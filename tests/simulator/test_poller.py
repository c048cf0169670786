"""The poller over a stream of several shards, some of them closed, some of it trimmed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from simulator.checkpoints import Checkpoints
from simulator.mapping import SourceMapping
from simulator.poller import Poller
from tests.simulator.streams import ARN, Shard, Streams, sequences

MAPPING = SourceMapping(report_failures=True)


@dataclass
class Reader:
    """A function that takes everything, and the poller that feeds it."""

    streams: Streams
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    batches: list[list[int]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    interrupt: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.poller = Poller("books", self.streams, ARN, self.take, MAPPING, self.checkpoints)

    def take(self, event: dict[str, Any]) -> None:
        self.batches.append(sequences(event["Records"]))
        self.events.append(event)
        self.interrupt()

    @property
    def taken(self) -> list[int]:
        return [sequence for batch in self.batches for sequence in batch]

    def read_on(self, steps: int = 20) -> list[int]:
        """What was taken after as many steps as are enough for any stream of these tests."""
        for _ in range(steps):
            self.poller.step()
        return self.taken


def test_a_shard_is_read_in_its_order_in_batches_of_what_lambda_takes_at_most() -> None:
    reader = Reader(Streams({"a": Shard(range(1, 251))}))

    assert reader.read_on() == list(range(1, 251))
    assert [len(batch) for batch in reader.batches] == [100, 100, 50]


def test_a_step_says_whether_there_was_anything() -> None:
    reader = Reader(Streams({"a": Shard([1])}))

    assert reader.poller.step()
    assert not reader.poller.step()
    assert reader.batches == [[1]]


def test_a_poller_rests_after_each_step_and_knows_whether_there_was_anything() -> None:
    rests: list[bool] = []

    def rest(busy: bool, seconds: float) -> None:
        assert seconds >= 0
        rests.append(busy)
        if len(rests) == 3:
            raise KeyboardInterrupt

    streams, taken = Streams({"a": Shard([1])}), list[Any]()
    poller = Poller("books", streams, ARN, taken.append, MAPPING, rest=rest)

    with pytest.raises(KeyboardInterrupt):
        poller.run()

    assert rests == [True, False, False]
    assert len(taken) == 1


def test_what_is_written_later_is_read_later() -> None:
    written = [1, 2]
    reader = Reader(Streams({"a": Shard(written)}))
    reader.read_on()
    written.append(3)

    assert reader.read_on() == [1, 2, 3]


def test_every_open_shard_is_read() -> None:
    reader = Reader(Streams({"a": Shard([1, 3]), "b": Shard([2, 4])}))

    assert sorted(reader.read_on()) == [1, 2, 3, 4]


def test_a_child_is_read_after_the_end_of_its_parent() -> None:
    parent = Shard(range(1, 151), closed=True)
    reader = Reader(Streams({"child": Shard(range(151, 161), parent="parent"), "parent": parent}))

    assert reader.read_on() == list(range(1, 161))


def test_both_children_of_a_shard_that_was_split_are_read() -> None:
    children = {name: Shard([at], parent="parent") for name, at in (("left", 3), ("right", 4))}
    reader = Reader(Streams({"parent": Shard([1, 2], closed=True), **children}))

    taken = reader.read_on()

    assert taken[:2] == [1, 2]
    assert sorted(taken[2:]) == [3, 4]


def test_a_shard_whose_parent_is_no_longer_kept_is_read() -> None:
    reader = Reader(Streams({"child": Shard([5, 6], parent="trimmed-away")}))

    assert reader.read_on() == [5, 6]


def test_a_shard_that_closes_is_followed_by_its_child_while_another_stays_open() -> None:
    closing = Shard([1])
    streams = Streams({"closing": closing, "open": Shard([2])})
    reader = Reader(streams)
    reader.read_on()

    closing.closed = True
    streams.shards["child"] = Shard([3], parent="closing")

    assert sorted(reader.read_on()) == [1, 2, 3]


def test_a_stream_that_is_described_in_several_pages_is_read_whole() -> None:
    shards = {"b": Shard([2], parent="a"), "c": Shard([3]), "a": Shard([1], closed=True)}
    reader = Reader(Streams(shards, page=1))

    taken = reader.read_on()

    assert sorted(taken) == [1, 2, 3]
    assert taken.index(1) < taken.index(2)


def test_a_reload_reads_on_after_the_last_record_that_was_taken() -> None:
    written, checkpoints = list(range(1, 121)), Checkpoints()
    streams = Streams({"a": Shard(written)})
    Reader(streams, checkpoints).read_on()
    written.extend([121, 122])

    reloaded = Reader(streams, checkpoints)

    assert reloaded.read_on() == [121, 122]
    assert [asked["ShardIteratorType"] for asked in streams.asked] == [
        "TRIM_HORIZON",
        "AFTER_SEQUENCE_NUMBER",
    ]
    assert streams.asked[-1]["SequenceNumber"] == "120"


def test_a_reload_reads_on_in_the_child_of_a_shard_that_was_read_to_its_end() -> None:
    checkpoints = Checkpoints()
    streams = Streams({"parent": Shard([1, 2], closed=True), "child": Shard([3], parent="parent")})
    Reader(streams, checkpoints).read_on(1)

    assert Reader(streams, checkpoints).read_on() == [3]


def test_a_batch_that_was_not_taken_to_its_end_is_delivered_again_after_a_reload() -> None:
    streams, checkpoints = Streams({"a": Shard(range(1, 151))}), Checkpoints()
    killed = Reader(streams, checkpoints)

    def end() -> None:
        if len(killed.batches) == 2:
            raise SystemExit

    killed.interrupt = end
    with pytest.raises(SystemExit):
        killed.read_on()

    assert Reader(streams, checkpoints).read_on() == list(range(101, 151))


def test_a_poller_without_checkpoints_reads_everything_again() -> None:
    streams = Streams({"a": Shard([1, 2])})
    Reader(streams).read_on()

    assert Reader(streams).read_on() == [1, 2]


def test_an_event_has_its_times_as_numbers_and_names_its_source() -> None:
    reader = Reader(Streams({"a": Shard([1])}))
    reader.read_on()

    [record] = reader.events[0]["Records"]

    assert record["eventSourceARN"] == ARN
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 1793491200
    assert record["dynamodb"]["Keys"] == {
        "stream": {"S": "acme/account/cash"},
        "version": {"N": "1"},
    }


def test_an_event_is_json_with_its_bytes_in_base64_as_lambda_sends_it() -> None:
    reader = Reader(Streams({"a": Shard([1])}))
    reader.read_on()

    [event] = reader.events

    assert json.loads(json.dumps(event)) == event
    assert event["Records"][0]["dynamodb"]["NewImage"] == {"hash": {"B": "/wA="}}


class Enough(BaseException):
    """Ends a poller that polls for ever."""


@pytest.fixture
def few_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 30:
            raise Enough

    monkeypatch.setattr("simulator.poller.time.sleep", wait)


@pytest.mark.usefixtures("few_waits")
def test_a_stream_that_could_not_be_read_for_a_while_is_read_on_where_it_was() -> None:
    written = [1, 2]
    streams = Streams({"a": Shard(written)}, broken=3)
    reader = Reader(streams)

    def more() -> None:
        if len(reader.batches) == 1:
            streams.broken = 3
            written.append(3)

    reader.interrupt = more
    with pytest.raises(Enough):
        reader.poller.run()

    assert reader.taken == [1, 2, 3]


@pytest.mark.usefixtures("few_waits")
def test_a_reader_that_was_away_until_its_place_was_trimmed_reads_from_the_horizon() -> None:
    checkpoints = Checkpoints()
    shard = Shard([1, 2])
    streams = Streams({"a": shard})
    Reader(streams, checkpoints).read_on()
    shard.sequences, shard.horizon = [1, 2, 3, 4, 5], 3

    reader = Reader(streams, checkpoints)
    with pytest.raises(Enough):
        reader.poller.run()

    assert reader.taken == [4, 5]
