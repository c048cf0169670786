"""Delivery: what Lambda does with the batches of one shard until each is taken or given up.

A lane takes its batches one after the other. What fails is tried again before anything behind it:
from the lowest sequence number that the function reported, in halves where the mapping bisects, and
not after its retries are used up or it is too old, when the destination is told where it was.
(AWS Lambda Developer Guide: "Configuring partial batch response with DynamoDB and Lambda",
services-ddb-batchfailurereporting; "Retain discarded records for a DynamoDB event source in
Lambda", services-dynamodb-errors.)

What the guide leaves open is decided for the worse: what is left of a batch keeps its count of
retries, however much of the batch was taken.
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
"""A function: takes the event with its Records, gives the partial batch response."""

Destination = Callable[[dict[str, Any]], Any]
"""Takes the JSON document about what was discarded, as a queue or a topic would."""

EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


class NotInvoked(Exception):
    """The function could not be invoked: Lambda had no capacity for it. It costs no retry."""


def sequence(record: Record) -> str:
    """The sequence number of a record of a Lambda event."""
    return str(record["dynamodb"]["SequenceNumber"])


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
    places = {sequence(record): at for at, record in enumerate(batch)}
    if failures - places.keys():
        return batch
    return batch[min(places[failure] for failure in failures) :] if failures else []


def batches(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    """The records cut into batches of so many, and of no more bytes than an event may have."""
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
    """The bytes of a record in an event."""
    return len(json.dumps(record).encode())


@dataclass(frozen=True)
class _Work:
    """A batch on its way: how often it was tried and has failed, and when it is due."""

    batch: Sequence[Record]
    invocations: int = 0
    failures: int = 0
    due: float = 0


class Lane:
    """What of a shard is delivered in order: one invocation at a time."""

    def __init__(
        self, mapping: SourceMapping, invoke: Invoke, discard: Callable[..., None]
    ) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._discard = discard
        # Replaced and never changed, since it is looked at while an invocation runs; the batch that
        # runs stays in it until it is known what became of it.
        self._waiting: tuple[_Work, ...] = ()
        self._pause = mapping.retry_seconds[0]

    def put(self, records: Sequence[Record]) -> None:
        """Adds records behind those that are waiting."""
        cut = batches(records, self._mapping.batch_size)
        self._waiting = (*self._waiting, *(_Work(batch) for batch in cut))

    @property
    def left(self) -> list[Record]:
        """The records that are still to be taken or given up."""
        return [record for work in self._waiting for record in work.batch]

    @property
    def due(self) -> float | None:
        """When there is something to try; None if there is nothing."""
        return self._waiting[0].due if self._waiting else None

    def attempt(self, now: float) -> None:
        """Tries the first batch once, or gives up what of it is too old."""
        work, *behind = self._waiting
        fresh = [record for record in work.batch if not self._too_old(record, now)]
        if len(fresh) < len(work.batch):
            # Time goes on with the sequence numbers, so what is too old comes first.
            stale = work.batch[: len(work.batch) - len(fresh)]
            self._discard(TOO_OLD, stale, work.invocations, now, invoked=work.invocations > 0)
            work = replace(work, batch=fresh)
            self._waiting = (*([work] if fresh else []), *behind)
        if fresh:
            self._waiting = (*self._invoked(work, now), *behind)

    def _invoked(self, work: _Work, now: float) -> Sequence[_Work]:
        """What is left of a batch after one more invocation."""
        try:
            response = self._invoke({"Records": list(work.batch)})
        except NotInvoked:
            return [replace(work, due=self._wait(now))]
        except Exception:
            logger.exception("the function failed; its batch will be delivered again")
            return self._failed(replace(work, invocations=work.invocations + 1), now, raised=True)
        work = replace(work, invocations=work.invocations + 1)
        left = undelivered(work.batch, response) if self._mapping.report_failures else []
        if len(left) == len(work.batch):
            return self._failed(work, now, raised=False)
        self._pause = self._mapping.retry_seconds[0]
        rest = replace(work, batch=left)
        if not left:
            return []
        if self._mapping.bisect:
            # "Bisected at the returned sequence number"; a split consumes no retry.
            return [replace(rest, due=self._wait(now))]
        return self._retried(rest, now, raised=False)

    def _failed(self, work: _Work, now: float, *, raised: bool) -> Sequence[_Work]:
        if not self._mapping.bisect or len(work.batch) == 1:
            return self._retried(work, now, raised=raised)
        due, middle = self._wait(now), len(work.batch) // 2
        halves = (work.batch[:middle], work.batch[middle:])
        return [replace(work, batch=half, due=due) for half in halves]

    def _retried(self, work: _Work, now: float, *, raised: bool) -> Sequence[_Work]:
        if FOREVER < self._mapping.max_retries <= work.failures:
            self._discard(EXHAUSTED, work.batch, work.invocations, now, raised=raised)
            self._pause = self._mapping.retry_seconds[0]
            return []
        return [replace(work, failures=work.failures + 1, due=self._wait(now))]

    def _wait(self, now: float) -> float:
        """When to try again; longer after each failure in a row."""
        due = now + self._pause
        self._pause = min(self._mapping.retry_seconds[1], self._pause * 2)
        return due

    def _too_old(self, record: Record, now: float) -> bool:
        age = now - float(record["dynamodb"]["ApproximateCreationDateTime"])
        return FOREVER < self._mapping.max_age < age


def discarded(
    condition: str,
    batch: Sequence[Record],
    invocations: int,
    now: float,
    *,
    function: str,
    shard: str,
    invoked: bool = True,
    raised: bool = False,
) -> dict[str, Any]:
    """The document that a destination is sent: where the records stand, and not what they say."""
    context = {"statusCode": 200, "executedVersion": "$LATEST"}
    failed = {"functionError": "Unhandled"} if raised else {}
    return {
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": function,
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        **({"responseContext": {**context, **failed}} if invoked else {}),
        "version": "1.0",
        "timestamp": _instant(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": sequence(batch[0]),
            "endSequenceNumber": sequence(batch[-1]),
            "approximateArrivalOfFirstRecord": _arrival(batch[0]),
            "approximateArrivalOfLastRecord": _arrival(batch[-1]),
            "batchSize": len(batch),
            "streamArn": batch[0]["eventSourceARN"],
        },
    }


def _arrival(record: Record) -> str:
    return _instant(float(record["dynamodb"]["ApproximateCreationDateTime"]), "seconds")


def _instant(seconds: float, precision: str) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")
