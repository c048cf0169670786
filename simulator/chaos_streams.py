"""Chaos in the stream: one shard becomes several that split, are read late, and fail.

An emulator shows a stream as one shard, in which everything is in the order of writing. DynamoDB
does not: each item is in one shard at a time, and shards go on independently of each other.
"""

import json
import threading
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from simulator.chaos import Chaos

_HASHES = 2**32
_MOST_SHARDS = 12
"""That are open at a time."""
_LONGEST_STAND = 15
"""Reads of a shard that give nothing, in a row."""


@dataclass
class _Part:
    """A shard that holds the items whose hashes are from `low` to below `high`."""

    name: str
    parent: str | None
    low: int
    high: int
    closed: bool = False
    records: list[Mapping[str, Any]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)


class SplitStreams:
    """A client of the streams API that shows another one's only shard as several.

    Safe under threads: the pumps of several functions read the same shards.
    """

    def __init__(self, chaos: Chaos, streams: Any, stream_arn: str, shards: int = 3) -> None:
        self._chaos = chaos
        self._streams = streams
        self._arn = stream_arn
        self._lock = threading.Lock()
        self._iterator: str | None = None
        self._late: Counter[str] = Counter()
        self._parts: dict[str, _Part] = {}
        for number in range(shards):
            self._add(None, _HASHES * number // shards, _HASHES * (number + 1) // shards)

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        """All shards, in no order that says anything."""
        with self._lock:
            shards = [
                {"ShardId": part.name, **({"ParentShardId": part.parent} if part.parent else {})}
                for part in reversed(self._parts.values())
            ]
        return {"StreamDescription": {"Shards": shards}}

    def get_shard_iterator(self, **asked: Any) -> dict[str, str]:
        """TRIM_HORIZON, LATEST and AFTER_SEQUENCE_NUMBER."""
        self._pull()
        with self._lock:
            part = self._parts[asked["ShardId"]]
            at = 0
            if asked["ShardIteratorType"] == "LATEST":
                at = len(part.records)
            elif asked["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
                at = part.places[asked["SequenceNumber"]] + 1
        return {"ShardIterator": f"{part.name} {at}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        """What is next, or nothing for now, or an error."""
        name, at = asked["ShardIterator"].split()
        if self._chaos.strikes("a read of the stream failed", name):
            raise _error("InternalServerError")
        if self._chaos.strikes("a shard iterator expired", name):
            raise _error("ExpiredIteratorException")
        if self._is_late(name):
            return {"Records": [], "NextShardIterator": asked["ShardIterator"]}
        self._pull()
        with self._lock:
            part, start = self._parts[name], int(at)
            page = part.records[start : start + asked["Limit"]]
            end = start + len(page)
            ended = part.closed and end == len(part.records)
        return {"Records": page, **({} if ended else {"NextShardIterator": f"{name} {end}"})}

    def _is_late(self, name: str) -> bool:
        """Whether a shard stands still, which it then does for several reads."""
        if self._chaos.calm:
            return False
        if self._late[name] > 0:
            self._late[name] -= 1
            return True
        if self._chaos.strikes("a shard stood still", name):
            self._late[name] = self._chaos.draw("late", name).randrange(_LONGEST_STAND)
            return True
        return False

    def _pull(self) -> None:
        """Reads what the stream has more, and puts each record into the shard of its item."""
        with self._lock:
            if self._iterator is None:
                found = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]
                [shard] = found["Shards"]
                self._iterator = self._streams.get_shard_iterator(
                    StreamArn=self._arn,
                    ShardId=shard["ShardId"],
                    ShardIteratorType="TRIM_HORIZON",
                )["ShardIterator"]
            page = self._streams.get_records(ShardIterator=self._iterator, Limit=1000)
            self._iterator = page["NextShardIterator"]
            for record in page["Records"]:
                self._put(record)

    def _put(self, record: Mapping[str, Any]) -> None:
        keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
        at = zlib.crc32(keys.encode())
        part = self._part_of(at)
        number = record["dynamodb"]["SequenceNumber"]
        few = sum(not each.closed for each in self._parts.values()) < _MOST_SHARDS
        if few and self._chaos.strikes("a shard was split", number):
            part.closed = True
            middle = (part.low + part.high) // 2
            self._add(part.name, part.low, middle)
            self._add(part.name, middle, part.high)
            part = self._part_of(at)
        part.places[number] = len(part.records)
        part.records.append(record)

    def _part_of(self, at: int) -> _Part:
        [part] = [
            part for part in self._parts.values() if not part.closed and part.low <= at < part.high
        ]
        return part

    def _add(self, parent: str | None, low: int, high: int) -> None:
        name = f"shardId-{len(self._parts):08d}"
        self._parts[name] = _Part(name, parent, low, high)


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "sorry"}}, "GetRecords")
