"""A DynamoDB stream, read through a client of the streams API, and its shards.

("DynamoDB Streams and shards", Amazon DynamoDB Developer Guide.)
"""

import base64
import json
import logging
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from simulator.checkpoints import Checkpoints
from simulator.delivery import DeliveryQueue, Function, Record, payload, sequence
from simulator.filters import matches_any
from simulator.mapping import MAX_PAYLOAD

logger = logging.getLogger(__name__)

_MAX_RECORDS = 1000
"""The most records of one GetRecords call."""


class Trimmed(Exception):
    """The stream no longer has the records after a position."""


class Stream:
    """One stream. The methods raise what the client raises."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def shards(self) -> Iterator[Mapping[str, Any]]:
        """The descriptions of all shards, each with its ShardId and perhaps its ParentShardId."""
        start: dict[str, str] = {}
        while True:
            page = self._client.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            yield from page["Shards"]
            if "LastEvaluatedShardId" not in page:
                return
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def iterator(self, shard: str, start: str, after: str | None) -> str:
        """A shard iterator after a sequence number; without one, at TRIM_HORIZON or LATEST.

        Raises Trimmed.
        """
        position = {"ShardIteratorType": start}
        if after is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        try:
            found = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, **position)
        except ClientError as error:
            if error.response["Error"]["Code"] == "TrimmedDataAccessException":
                raise Trimmed from error
            raise
        return str(found["ShardIterator"])

    def read(self, iterator: str, limit: int) -> tuple[list[Record], str | None]:
        """The records at an iterator, as Lambda sends them, and the next iterator.

        The next iterator is None at the end of a closed shard.
        """
        page = self._client.get_records(ShardIterator=iterator, Limit=min(limit, _MAX_RECORDS))
        return [self._as_sent(one) for one in page["Records"]], page.get("NextShardIterator")

    def _as_sent(self, record: Record) -> Record:
        """A record as JSON, with its time in seconds since the epoch, and bytes in base64."""
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        if isinstance(created, datetime):
            created = created.timestamp()
        change = {**record["dynamodb"], "ApproximateCreationDateTime": created}
        return {**record, "dynamodb": _without_bytes(change), "eventSourceARN": self._arn}


class Shard:
    """Reads a shard, gathers batches, and advances the checkpoint of its function.

    `start` is where it begins without a checkpoint: TRIM_HORIZON or LATEST.
    """

    def __init__(
        self, name: str, start: str, stream: Stream, function: Function, checkpoints: Checkpoints
    ) -> None:
        self.name = name
        self.ended = False
        self._start = start
        self._stream = stream
        self._function = function
        self._mapping = function.mapping
        self._checkpoints = checkpoints
        self.queues = [DeliveryQueue(function, name) for _ in range(self._mapping.parallelization)]
        self._capacity = self._mapping.batch_size * len(self.queues)
        self._iterator: str | None = None
        self._last_read: str | None = None
        self._window_began: float | None = None
        self._unprocessed: list[Record] = []  # All records after the checkpoint that were read.
        self._gathered: list[Record] = []  # Those of them that match and are in no queue yet.

    @property
    def idle(self) -> bool:
        """Whether every record that was read is processed."""
        return not self._unprocessed

    def gather(self, now: float) -> bool:
        """Reads if the queues are empty, and fills them; whether it read any records.

        The queues are filled once there are enough records or bytes for full batches, the batching
        window is over, or the shard has ended. Records that match no filter are skipped.
        """
        if any(queue.due is not None for queue in self.queues):
            return False
        records = self._read()
        self._unprocessed += records
        self._gathered += [each for each in records if matches_any(each, self._mapping.filters)]
        if not self._gathered:
            return bool(records)
        if self._window_began is None:
            self._window_began = now
        window_over = now - self._window_began >= self._mapping.batching_window
        if self.ended or window_over or self._is_full():
            self._fill_queues()
        return bool(records)

    def advance(self) -> None:
        """Moves the checkpoint to just before the first unprocessed record."""
        pending = {sequence(record) for queue in self.queues for record in queue.pending}
        pending |= {sequence(record) for record in self._gathered}
        processed = next(
            (at for at, record in enumerate(self._unprocessed) if sequence(record) in pending),
            len(self._unprocessed),
        )
        if processed:
            self._checkpoints.set(self._function.name, self.name, self._unprocessed[processed - 1])
            del self._unprocessed[:processed]

    def _is_full(self) -> bool:
        return len(self._gathered) >= self._capacity or (
            sum(map(payload, self._gathered)) >= MAX_PAYLOAD
        )

    def _read(self) -> list[Record]:
        if self.ended:
            return []
        try:
            if self._iterator is None:
                self._iterator = self._locate()
            limit = self._capacity - len(self._gathered)
            records, following = self._stream.read(self._iterator, limit)
        except (BotoCoreError, ClientError):
            # An iterator expires after some minutes.
            logger.exception("%s could not be read; trying again", self.name)
            self._iterator = None
            return []
        self._iterator, self.ended = following, following is None
        if records:
            self._last_read = sequence(records[-1])
        return records

    def _locate(self) -> str:
        """An iterator after the last record that was read, or after the checkpoint."""
        after = self._last_read or self._checkpoints.get(self._function.name, self.name)
        try:
            return self._stream.iterator(self.name, self._start, after)
        except Trimmed:
            logger.warning("%s: records were trimmed before they were read", self._function.name)
            self._checkpoints.trimmed(self._function.name, self.name)
            return self._stream.iterator(self.name, "TRIM_HORIZON", None)

    def _fill_queues(self) -> None:
        shares: list[list[Record]] = [[] for _ in self.queues]
        for record in self._gathered:
            shares[index_of(record, len(shares))].append(record)
        for queue, share in zip(self.queues, shares, strict=True):
            queue.put(share)
        self._gathered, self._window_began = [], None


def index_of(record: Record, queues: int) -> int:
    """The index of the queue for a record's item.

    In-order processing is "at the item (partition and sort key) level". (AWS Lambda Developer
    Guide, with-ddb, on ParallelizationFactor.)
    """
    if queues == 1:
        return 0
    keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
    return zlib.crc32(keys.encode()) % queues


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {
            key: item if isinstance(item, str) else _without_bytes(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_bytes(item) for item in value]
    return value
