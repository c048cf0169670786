"""A DynamoDB stream, read through a client of the streams API."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from simulator.delivery import Record

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
        return [self._lambda_record(one) for one in page["Records"]], page.get("NextShardIterator")

    def _lambda_record(self, record: Record) -> Record:
        """A record as JSON: its time in seconds since the epoch, its bytes in base64."""
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        change = {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}
        return {**record, "dynamodb": _without_bytes(change), "eventSourceARN": self._arn}


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _without_bytes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_bytes(item) for item in value]
    return value
