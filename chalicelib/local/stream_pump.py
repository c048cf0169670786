"""The stream pump: a small event source mapping, since no emulator has a faithful one.

Reads a DynamoDB stream and invokes a projector with batches, as Lambda does: a shard is read in
order; a batch that fails is delivered again until it succeeds; a partial batch response counts
only by its lowest sequence number, from which everything is delivered again; a response that names
an unknown record fails the whole batch. (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon
DynamoDB" and "Configuring partial batch response with DynamoDB and Lambda".)
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.fields import rfc3339

logger = logging.getLogger(__name__)

Record = Mapping[str, Any]
Invoke = Callable[[dict[str, Any]], Any]
"""A projector Lambda: takes the event with its Records, gives the partial batch response."""

BATCH_SIZE = 100
_RETRY_SECONDS = (0.05, 5.0)
_POLL_SECONDS = (0.05, 0.2)
"""Between reads of a busy and of an idle stream; Lambda's own is 0.25."""


def undelivered(batch: Sequence[Record], response: Any) -> Sequence[Record]:
    """What of a batch must be delivered again, after this response to it.

    None, an empty object and an empty list are success. Whatever is malformed, and a sequence
    number that is not of the batch, is failure of the whole batch.
    """
    if not response:
        return []
    try:
        failures = {failure["itemIdentifier"] for failure in response["batchItemFailures"] or ()}
    except (KeyError, TypeError):
        return batch
    places = {record["dynamodb"]["SequenceNumber"]: at for at, record in enumerate(batch)}
    if failures - places.keys():
        return batch
    return batch[min(places[failure] for failure in failures) :] if failures else []


def deliver(
    batch: Sequence[Record], invoke: Invoke, *, sleep: Callable[[float], Any] = time.sleep
) -> None:
    """Invokes until every record of the batch has been taken, waiting longer after each failure."""
    wait, longest = _RETRY_SECONDS
    while batch:
        try:
            left = undelivered(batch, invoke({"Records": list(batch)}))
        except Exception:
            logger.exception("the projector failed; its batch will be delivered again")
            left = batch
        if len(left) < len(batch):
            wait = _RETRY_SECONDS[0]
        if left:
            sleep(wait)
            wait = min(longest, wait * 2)
        batch = left


class Checkpoints:
    """How far each reader has come in each shard, kept in a file so that a reload goes on there.

    A stream ends with its engine: positions of another engine's stream say only until when its
    records were delivered, and `behind_since` is then that time (RFC 3339), or "" if it is unknown.
    """

    def __init__(self, path: Path | None, engine: str) -> None:
        self._path = path
        self._engine = engine
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[str, str]] = {}
        self.behind_since: str | None = None
        if path is None:
            return
        kept: dict[str, Any] = {"engine": "", "taken": {}}
        if path.exists():
            kept = json.loads(path.read_text())
        if kept["engine"] == engine:
            self._taken = kept["taken"]
        else:
            self.behind_since = min((at for _, at in kept["taken"].values()), default="")

    def get(self, reader: str, shard: str) -> str | None:
        """The last sequence number taken, or None."""
        return self._taken.get(f"{reader} {shard}", (None, None))[0]

    def set(self, reader: str, shard: str, record: Record) -> None:
        """Remembers that everything up to this record was taken."""
        change = record["dynamodb"]
        created = datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC)
        with self._lock:
            self._taken[f"{reader} {shard}"] = (change["SequenceNumber"], rfc3339(created))
            if self._path is not None:
                fresh = self._path.with_suffix(".new")
                fresh.write_text(json.dumps({"engine": self._engine, "taken": self._taken}))
                fresh.replace(self._path)


class Pump:
    """One reader of a stream: TRIM_HORIZON, every shard in order, a child after its parent."""

    def __init__(
        self, name: str, streams: Any, stream_arn: str, invoke: Invoke, checkpoints: Checkpoints
    ) -> None:
        self._name = name
        self._streams = streams
        self._arn = stream_arn
        self._invoke = invoke
        self._checkpoints = checkpoints
        self._iterators: dict[str, str | None] = {}

    def run(self) -> None:
        """Pumps for ever."""
        busy, idle = _POLL_SECONDS
        while True:
            try:
                time.sleep(busy if self.step() else idle)
            except Exception:
                logger.exception("%s: the stream could not be read", self._name)
                self._iterators.clear()
                time.sleep(_RETRY_SECONDS[1])

    def step(self) -> bool:
        """Delivers what every open shard has next; whether there was anything."""
        if not self._iterators or not all(self._iterators.values()):
            self._find_shards()
        took = [self._read(shard) for shard, at in self._iterators.items() if at]
        return any(took)

    def _read(self, shard: str) -> bool:
        page = self._streams.get_records(ShardIterator=self._iterators[shard], Limit=BATCH_SIZE)
        records = [_as_lambda_sends_it(record, self._arn) for record in page["Records"]]
        deliver(records, self._invoke)
        if records:
            self._checkpoints.set(self._name, shard, records[-1])
        self._iterators[shard] = page.get("NextShardIterator")
        return bool(records)

    def _find_shards(self) -> None:
        shards = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        names = {shard["ShardId"] for shard in shards}
        for shard in shards:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            read_through = parent not in names or self._iterators.get(parent, "unread") is None
            if name not in self._iterators and read_through:
                self._iterators[name] = self._iterator(name)

    def _iterator(self, shard: str) -> str:
        taken = self._checkpoints.get(self._name, shard)
        where = (
            {"ShardIteratorType": "TRIM_HORIZON"}
            if taken is None
            else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": taken}
        )
        found = self._streams.get_shard_iterator(StreamArn=self._arn, ShardId=shard, **where)
        return str(found["ShardIterator"])


def _as_lambda_sends_it(record: Record, arn: str) -> dict[str, Any]:
    """A record of the streams API in the shape of a Lambda event: times are numbers."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}
    return {**record, "dynamodb": change, "eventSourceARN": arn}
