"""A streams API with seeded faults: one shard appears as several, which split, stall and fail.

An emulator has one shard with all records in the order of writing. On AWS each item belongs to one
shard at a time, and shards advance independently.
"""

import json
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from simulator.chaos import Chaos
from simulator.delivery import Record, sequence
from simulator.stream import Stream

_HASHES = 2**32
_MAX_OPEN_SHARDS = 12
_MAX_EMPTY_READS = 15
"""The most consecutive reads of a shard that return nothing."""


@dataclass
class _Shard:
    """The items with hashes from `low` to below `high`."""

    name: str
    parent: str | None
    low: int
    high: int
    closed: bool = False
    records: list[Record] = field(default_factory=list)
    indexes: dict[str, int] = field(default_factory=dict)


class SplitStreams:
    """A thread-safe client with several shards for the only one of another client."""

    def __init__(self, chaos: Chaos, client: Any, stream_arn: str, shards: int = 3) -> None:
        self._chaos = chaos
        self._client = client
        self._stream = Stream(client, stream_arn)
        self._lock = threading.Lock()
        self._iterator: str | None = None
        self._empty_reads: Counter[str] = Counter()
        self._shards: dict[str, _Shard] = {}
        for number in range(shards):
            self._add(None, _HASHES * number // shards, _HASHES * (number + 1) // shards)

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        """All shards, children before parents."""
        with self._lock:
            shards = [
                {"ShardId": shard.name, **({"ParentShardId": shard.parent} if shard.parent else {})}
                for shard in reversed(self._shards.values())
            ]
        return {"StreamDescription": {"Shards": shards}}

    def get_shard_iterator(self, **query: Any) -> dict[str, str]:
        """An iterator at TRIM_HORIZON, LATEST or AFTER_SEQUENCE_NUMBER."""
        self._pull()
        with self._lock:
            shard = self._shards[query["ShardId"]]
            index = 0
            if query["ShardIteratorType"] == "LATEST":
                index = len(shard.records)
            elif query["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
                index = shard.indexes[query["SequenceNumber"]] + 1
        return {"ShardIterator": f"{shard.name} {index}"}

    def get_records(self, **query: Any) -> dict[str, Any]:
        """The next records, or none for now. Raises ClientError for a fault."""
        name, index = query["ShardIterator"].split()
        faults = {
            "a read of the stream failed": "InternalServerError",
            "a shard iterator expired": "ExpiredIteratorException",
        }
        for fault, code in faults.items():
            if self._chaos.occurs(fault, name):
                raise ClientError({"Error": {"Code": code, "Message": "injected"}}, "GetRecords")
        if self._stalls(name):
            return {"Records": [], "NextShardIterator": query["ShardIterator"]}
        self._pull()
        with self._lock:
            shard, start = self._shards[name], int(index)
            page = shard.records[start : start + query["Limit"]]
            end = start + len(page)
            ended = shard.closed and end == len(shard.records)
        return {"Records": page, **({} if ended else {"NextShardIterator": f"{name} {end}"})}

    def _stalls(self, name: str) -> bool:
        """Whether this read of a shard returns nothing, as the next ones then do."""
        if self._chaos.stopped:
            return False
        if self._empty_reads[name] == 0:
            if not self._chaos.occurs("a shard returned nothing for a while", name):
                return False
            reads = 1 + self._chaos.draw("empty reads", name).randrange(_MAX_EMPTY_READS)
            self._empty_reads[name] = reads
        self._empty_reads[name] -= 1
        return True

    def _pull(self) -> None:
        """Reads the real stream, and puts each record into the shard of its item."""
        with self._lock:
            if self._iterator is None:
                [shard] = self._stream.shards()
                self._iterator = self._stream.iterator(shard["ShardId"], "TRIM_HORIZON", None)
            page = self._client.get_records(ShardIterator=self._iterator, Limit=1000)
            self._iterator = page["NextShardIterator"]
            for record in page["Records"]:
                self._put(record)

    def _put(self, record: Record) -> None:
        keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
        item, number = zlib.crc32(keys.encode()), sequence(record)
        shard = self._shard_of(item)
        open_shards = sum(not each.closed for each in self._shards.values())
        if open_shards < _MAX_OPEN_SHARDS and self._chaos.occurs("a shard was split", number):
            shard.closed = True
            middle = (shard.low + shard.high) // 2
            self._add(shard.name, shard.low, middle)
            self._add(shard.name, middle, shard.high)
            shard = self._shard_of(item)
        shard.indexes[number] = len(shard.records)
        shard.records.append(record)

    def _shard_of(self, item: int) -> _Shard:
        shards = self._shards.values()
        return next(each for each in shards if not each.closed and each.low <= item < each.high)

    def _add(self, parent: str | None, low: int, high: int) -> None:
        name = f"shardId-{len(self._shards):08d}"
        self._shards[name] = _Shard(name, parent, low, high)
