"""The stream pump: a small event source mapping, since no emulator has a faithful one.

Reads a DynamoDB stream and invokes a projector with batches, as Lambda does: a shard is read in
order; a batch that fails is delivered again until it succeeds; a partial batch response counts
only by its lowest sequence number, from which everything is delivered again; a response that names
an unknown record fails the whole batch. (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon
DynamoDB" and "Configuring partial batch response with DynamoDB and Lambda".)
"""

import base64
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.local.checkpoints import Checkpoints

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
        self._iterators: dict[str, str] = {}
        self._ended: set[str] = set()
        self._look = True

    def run(self) -> None:
        """Pumps for ever."""
        busy, idle = _POLL_SECONDS
        while True:
            try:
                time.sleep(busy if self.step() else idle)
            except Exception:
                logger.exception("%s: the stream could not be read", self._name)
                self._iterators.clear()
                self._look = True
                time.sleep(_RETRY_SECONDS[1])

    def step(self) -> bool:
        """Delivers what every open shard has next; whether there was anything."""
        if self._look or not self._iterators:
            self._find_shards()
        took = [self._read(shard) for shard in list(self._iterators)]
        return any(took)

    def _read(self, shard: str) -> bool:
        page = self._streams.get_records(ShardIterator=self._iterators[shard], Limit=BATCH_SIZE)
        records = [_as_lambda_sends_it(record, self._arn) for record in page["Records"]]
        deliver(records, self._invoke)
        if records:
            self._checkpoints.set(self._name, shard, records[-1])
        if page.get("NextShardIterator"):
            self._iterators[shard] = page["NextShardIterator"]
        else:
            del self._iterators[shard]
            self._ended.add(shard)
            self._look = True  # A shard that ends has children.
        return bool(records)

    def _find_shards(self) -> None:
        shards = list(self._shards())
        names = {shard["ShardId"] for shard in shards}
        for shard in shards:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            known = name in self._iterators or name in self._ended
            if not known and (parent not in names or parent in self._ended):
                self._iterators[name] = self._iterator(name)
        self._look = False

    def _shards(self) -> Iterator[Mapping[str, Any]]:
        start: dict[str, str] = {}
        while True:
            found = self._streams.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            yield from found["Shards"]
            if "LastEvaluatedShardId" not in found:
                return
            start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}

    def _iterator(self, shard: str) -> str:
        taken = self._checkpoints.get(self._name, shard)
        ask = partial(self._streams.get_shard_iterator, StreamArn=self._arn, ShardId=shard)
        if taken is not None:
            try:
                found = ask(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=taken)
                return str(found["ShardIterator"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
                logger.warning("%s: was away longer than the stream keeps records", self._name)
                self._checkpoints.lost(self._name, shard)
        return str(ask(ShardIteratorType="TRIM_HORIZON")["ShardIterator"])


def _as_lambda_sends_it(record: Record, arn: str) -> dict[str, Any]:
    """A record of the streams API as Lambda's event has it: JSON, so bytes are base64 text."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}
    return {**record, "dynamodb": _without_bytes(change), "eventSourceARN": arn}


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _without_bytes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_bytes(item) for item in value]
    return value
