"""A stream made by hand: shards with parents, closed or open, behind the streams API."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/books/stream/1"


WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
"""When every record was written, unless a test says otherwise."""


def record(sequence: int) -> dict[str, Any]:
    """A record as botocore gives it: the time is a datetime, bytes are bytes."""
    return {
        "eventID": str(sequence),
        "eventName": "INSERT",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": WRITTEN,
            "Keys": {"stream": {"S": "acme/account/cash"}, "version": {"N": str(sequence)}},
            "NewImage": {"hash": {"B": b"\xff\x00"}},
            "SequenceNumber": str(sequence),
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }


def sent(sequence: int, *, after: float = 0, size: int = 0) -> dict[str, Any]:
    """A record as Lambda sends it, written so many seconds after `WRITTEN`, with so many bytes."""
    change = {
        **record(sequence)["dynamodb"],
        "ApproximateCreationDateTime": WRITTEN.timestamp() + after,
        "NewImage": {"text": {"S": "x" * size}},
    }
    return {**record(sequence), "dynamodb": change, "eventSourceARN": ARN}


def sequences(records: Sequence[Any]) -> list[int]:
    """The sequence numbers of records, in their order."""
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


@dataclass
class Shard:
    """A shard with a record per sequence number; those before `horizon` are trimmed."""

    sequences: Sequence[int]
    parent: str | None = None
    closed: bool = False
    horizon: int = 0


@dataclass
class Streams:
    """A client of DynamoDB Streams over these shards; a description shows a page of them."""

    shards: dict[str, Shard]
    page: int = 100
    asked: list[dict[str, Any]] = field(default_factory=list)
    broken: int = 0
    """How many calls fail before the next one is answered."""

    def describe_stream(self, **asked: Any) -> dict[str, Any]:
        self._fail_if_broken()
        names = list(self.shards)
        after = asked.get("ExclusiveStartShardId")
        start = names.index(after) + 1 if after else 0
        page = names[start : start + self.page]
        more = {"LastEvaluatedShardId": page[-1]} if names[start + self.page :] else {}
        return {"StreamDescription": {"Shards": [self._described(name) for name in page], **more}}

    def get_shard_iterator(self, **asked: Any) -> dict[str, str]:
        self._fail_if_broken()
        self.asked.append(asked)
        shard = self.shards[asked["ShardId"]]
        at = len(shard.sequences) if asked["ShardIteratorType"] == "LATEST" else shard.horizon
        if asked["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
            at = shard.sequences.index(int(asked["SequenceNumber"])) + 1
            if at <= shard.horizon:
                raise _error("TrimmedDataAccessException")
        return {"ShardIterator": f"{asked['ShardId']} {at}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        self._fail_if_broken()
        name, at = asked["ShardIterator"].split()
        shard, start = self.shards[name], int(at)
        page = shard.sequences[start : start + asked["Limit"]]
        end = start + len(page)
        ended = shard.closed and end == len(shard.sequences)
        following = {} if ended else {"NextShardIterator": f"{name} {end}"}
        return {"Records": [record(sequence) for sequence in page], **following}

    def _described(self, name: str) -> dict[str, Any]:
        parent = self.shards[name].parent
        return {"ShardId": name, **({"ParentShardId": parent} if parent else {})}

    def _fail_if_broken(self) -> None:
        if self.broken:
            self.broken -= 1
            raise _error("InternalServerError")


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "sorry"}}, "AnyOperation")
