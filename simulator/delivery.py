"""Delivery of records to a function: batches, retries, bisecting, and records that are discarded.

A failed batch is retried before the next one is delivered: from the lowest sequence number that the
function reported, split in two if the mapping bisects, and until its retries are exhausted or its
records are too old. Discarded records are described to the on-failure destination.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from simulator.mapping import FOREVER, MAX_PAYLOAD, SourceMapping

logger = logging.getLogger(__name__)

Record = Mapping[str, Any]
Invoke = Callable[[dict[str, Any]], Any]
"""A function: takes the event with its Records, returns the partial batch response."""

Destination = Callable[[dict[str, Any]], Any]
"""An on-failure destination: takes the JSON document that describes what was discarded."""

EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


class NotInvoked(Exception):
    """The function could not be invoked, for lack of capacity. Not counted as a retry."""


def sequence(record: Record) -> str:
    """The sequence number of a record of a Lambda event."""
    return str(record["dynamodb"]["SequenceNumber"])


def undelivered(batch: Sequence[Record], response: Any) -> Sequence[Record]:
    """The records of a batch to deliver again after this response.

    None, an empty object and an empty list are success. After a malformed response, or an unknown
    sequence number, it is the whole batch.
    """
    if not response:
        return []
    try:
        failures = {failure["itemIdentifier"] for failure in response["batchItemFailures"] or ()}
    except (KeyError, TypeError):
        return batch
    indexes = {sequence(record): index for index, record in enumerate(batch)}
    if failures - indexes.keys():
        return batch
    return batch[min(indexes[failure] for failure in failures) :] if failures else []


def batches(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    """The records cut into batches of at most `size` records and `MAX_PAYLOAD` bytes."""
    batch: list[Record] = []
    total = 0
    for record in records:
        weight = payload(record)
        if batch and (len(batch) == size or total + weight > MAX_PAYLOAD):
            yield batch
            batch, total = [], 0
        batch.append(record)
        total += weight
    if batch:
        yield batch


def payload(record: Record) -> int:
    """The size of a record in an event, in bytes."""
    return len(json.dumps(record).encode())


@dataclass(frozen=True)
class Function:
    """A function that is invoked with a stream's records; `name` is for messages and documents."""

    name: str
    invoke: Invoke
    mapping: SourceMapping
    on_failure: Destination


@dataclass(frozen=True)
class _Batch:
    """A batch to deliver: its attempts so far, and when the next one is due."""

    records: Sequence[Record]
    invocations: int = 0
    retries: int = 0
    due: float = 0


class DeliveryQueue:
    """Records of a shard that are delivered in order, one invocation at a time.

    A shard has one queue, or as many as the mapping's parallelization factor.
    """

    def __init__(self, function: Function, shard: str) -> None:
        self._function = function
        self._mapping = function.mapping
        self._shard = shard
        # Immutable, since other threads read it during an invocation. A batch stays in it until
        # its outcome is known.
        self._waiting: tuple[_Batch, ...] = ()
        self._pause = self._mapping.retry_seconds[0]

    def put(self, records: Sequence[Record]) -> None:
        """Adds records at the end."""
        cut = batches(records, self._mapping.batch_size)
        self._waiting = (*self._waiting, *(_Batch(records) for records in cut))

    @property
    def pending(self) -> list[Record]:
        """The records that are not yet processed or discarded."""
        return [record for batch in self._waiting for record in batch.records]

    @property
    def due(self) -> float | None:
        """When the next attempt is due, in seconds since the epoch; None if nothing is pending."""
        return self._waiting[0].due if self._waiting else None

    def attempt(self, now: float) -> None:
        """Delivers the first batch once, after discarding its records that are too old."""
        batch, *behind = self._waiting
        max_age = self._mapping.max_age
        fresh = [
            record for record in batch.records if not FOREVER < max_age < now - _created(record)
        ]
        if len(fresh) < len(batch.records):
            # Records are in the order of time.
            old = batch.records[: len(batch.records) - len(fresh)]
            self._discard(TOO_OLD, replace(batch, records=old), now, raised=False)
            batch = replace(batch, records=fresh)
            self._waiting = (*([batch] if fresh else []), *behind)
        if fresh:
            self._waiting = (*self._deliver(batch, now), *behind)

    def _deliver(self, batch: _Batch, now: float) -> Sequence[_Batch]:
        """Invokes the function once; the rest of the batch, which is to be delivered again."""
        try:
            response = self._function.invoke({"Records": list(batch.records)})
        except NotInvoked:
            return [replace(batch, due=self._next_due(now))]
        except Exception:
            logger.exception("the function failed; its batch will be delivered again")
            batch = replace(batch, invocations=batch.invocations + 1)
            return self._failed(batch, now, raised=True)
        batch = replace(batch, invocations=batch.invocations + 1)
        report = self._mapping.report_failures
        rest = replace(batch, records=undelivered(batch.records, response) if report else [])
        if len(rest.records) == len(batch.records):
            return self._failed(batch, now, raised=False)
        self._pause = self._mapping.retry_seconds[0]
        if not rest.records:
            return []
        if self._mapping.bisect:
            # "Bisected at the returned sequence number"; a split does not count as a retry.
            return [replace(rest, due=self._next_due(now))]
        return self._retry(rest, now, raised=False)

    def _failed(self, batch: _Batch, now: float, *, raised: bool) -> Sequence[_Batch]:
        if not self._mapping.bisect or len(batch.records) == 1:
            return self._retry(batch, now, raised=raised)
        due, middle = self._next_due(now), len(batch.records) // 2
        halves = (batch.records[:middle], batch.records[middle:])
        return [replace(batch, records=half, due=due) for half in halves]

    def _retry(self, batch: _Batch, now: float, *, raised: bool) -> Sequence[_Batch]:
        if FOREVER < self._mapping.max_retries <= batch.retries:
            self._discard(EXHAUSTED, batch, now, raised=raised)
            self._pause = self._mapping.retry_seconds[0]
            return []
        return [replace(batch, retries=batch.retries + 1, due=self._next_due(now))]

    def _next_due(self, now: float) -> float:
        """The time of the next attempt: the wait doubles with each consecutive failure."""
        due = now + self._pause
        self._pause = min(self._mapping.retry_seconds[1], self._pause * 2)
        return due

    def _discard(self, condition: str, batch: _Batch, now: float, *, raised: bool) -> None:
        context = {"statusCode": 200, "executedVersion": "$LATEST"}
        failed = {"functionError": "Unhandled"} if raised else {}
        first, last = batch.records[0], batch.records[-1]
        document = {
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": self._function.name,
                "condition": condition,
                "approximateInvokeCount": batch.invocations,
            },
            **({"responseContext": {**context, **failed}} if batch.invocations else {}),
            "version": "1.0",
            "timestamp": _iso(now, "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self._shard,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": _iso(_created(first), "seconds"),
                "approximateArrivalOfLastRecord": _iso(_created(last), "seconds"),
                "batchSize": len(batch.records),
                "streamArn": first["eventSourceARN"],
            },
        }
        logger.error("%s: discarded %s", self._function.name, document)
        self._function.on_failure(document)


def _created(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _iso(seconds: float, precision: str) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")
