"""What AWS documents of failed batches, case by case, held against the simulator.

Each case names the page of the AWS Lambda Developer Guide (docs.aws.amazon.com/lambda/latest/dg)
that it is taken from, and quotes what it says.
"""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.delivery import DeliveryQueue, Function, NotInvoked
from simulator.mapping import SourceMapping
from tests.simulator.delivered import FUNCTION, SHARD, deliver
from tests.simulator.streams import ARN, sent, sequences

BATCH = [sent(sequence) for sequence in range(1, 9)]
ONCE = SourceMapping(max_retries=0, report_failures=True)


def failed(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


class Poisoned:
    """A function that fails at some records: it raises, or reports the first of them."""

    def __init__(self, *poison: int, reports: bool = False) -> None:
        self.poison = set(poison)
        self.reports = reports
        self.batches: list[list[int]] = []

    def __call__(self, event: dict[str, Any]) -> Any:
        batch = sequences(event["Records"])
        self.batches.append(batch)
        bad = [sequence for sequence in batch if sequence in self.poison]
        if bad and not self.reports:
            raise ValueError(bad)
        return failed(*map(str, bad))


def answering(*answers: Any) -> tuple[Callable[[Any], Any], list[list[int]]]:
    """A function that gives, or raises, these answers; and the batches it will have seen."""
    left, batches = list(answers), []

    def function(event: dict[str, Any]) -> Any:
        batches.append(sequences(event["Records"]))
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return function, batches


# services-ddb-batchfailurereporting: "Lambda treats a batch as a complete success if you return any
# of the following"; "... as a complete failure if you return any of the following".
@pytest.mark.parametrize(
    ("response", "taken"),
    [
        ({"batchItemFailures": []}, True),  # "An empty batchItemFailure list"
        ({"batchItemFailures": None}, True),  # "A null batchItemFailure list"
        ({}, True),  # "An empty EventResponse"
        (None, True),  # "A null EventResponse"
        (failed(""), False),  # "An empty string itemIdentifier"
        (failed(None), False),  # "A null itemIdentifier"
        ({"batchItemFailures": [{"id": "3"}]}, False),  # "An itemIdentifier with a bad key name"
        # Not on the page, but on that of SQS: an identifier that is not of the batch.
        (failed("99"), False),
    ],
)
def test_a_batch_is_a_complete_success_or_failure_as_the_guide_lists(
    response: Any, *, taken: bool
) -> None:
    function, _ = answering(response)

    gave_up = deliver(BATCH, function, ONCE).discarded

    assert [one["DDBStreamBatchInfo"]["batchSize"] for one in gave_up] == ([] if taken else [8])


# services-ddb-batchfailurereporting: "If the batchItemFailures array contains multiple items,
# Lambda uses the record with the lowest sequence number as the checkpoint. Lambda then retries all
# records starting from that checkpoint."
def test_of_several_failures_only_the_lowest_counts() -> None:
    function, batches = answering(failed("7", "3", "5"), None)

    deliver(BATCH, function)

    assert batches == [[1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8]]


# services-ddb-params: FunctionResponseTypes: "To let your function report specific failures in a
# batch, include the value ReportBatchItemFailures".
def test_a_mapping_that_does_not_ask_for_failures_does_not_look_at_the_response() -> None:
    function, batches = answering(failed("3"))

    assert deliver(BATCH, function, SourceMapping()).discarded == []
    assert batches == [[1, 2, 3, 4, 5, 6, 7, 8]]


# services-ddb-params: MaximumRetryAttempts: "-1 means infinite: failed records are retried until
# the record expires".
def test_without_a_limit_a_batch_is_retried_for_as_long_as_it_takes() -> None:
    function, batches = answering(*[RuntimeError()] * 150, None)

    assert deliver(BATCH, function, SourceMapping()).discarded == []
    assert len(batches) == 151


# services-dynamodb-errors: "Lambda retries until the records expire, exceed the maximum age, or
# reach the configured retry quota"; "Lambda discards the records and continues processing".
@pytest.mark.parametrize("retries", [0, 1, 5])
def test_a_batch_is_discarded_after_the_first_attempt_and_so_many_retries(retries: int) -> None:
    function = Poisoned(2)
    behind = [sent(sequence) for sequence in range(9, 109)]

    gave_up = deliver([*BATCH, *behind], function, SourceMapping(batch_size=8, max_retries=retries))

    assert function.batches[: retries + 1] == [[1, 2, 3, 4, 5, 6, 7, 8]] * (retries + 1)
    assert function.batches[retries + 1] == [9, 10, 11, 12, 13, 14, 15, 16]
    assert [one["requestContext"]["approximateInvokeCount"] for one in gave_up.discarded] == [
        retries + 1
    ]


# services-dynamodb-errors: "If a Lambda event source mapping is unable to invoke the function due
# to throttling or other issues, it retries until the records expire or exceed the maximum age".
def test_an_invocation_that_did_not_come_about_costs_no_retry_and_splits_nothing() -> None:
    function, batches = answering(*[NotInvoked()] * 50, RuntimeError(), None)

    mapping = SourceMapping(max_retries=1, bisect=False)

    assert deliver(BATCH, function, mapping).discarded == []
    assert batches == [[1, 2, 3, 4, 5, 6, 7, 8]] * 52


# services-dynamodb-errors: BisectBatchOnFunctionError "splits a failed batch into two smaller
# batches, isolating bad records"; "Splitting batches doesn't consume the retry quota."
def test_bisecting_isolates_a_bad_record_in_order_and_spends_retries_on_it_alone() -> None:
    function = Poisoned(6)

    gave_up = deliver(BATCH, function, SourceMapping(bisect=True, max_retries=2)).discarded

    assert function.batches == [
        [1, 2, 3, 4, 5, 6, 7, 8],
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [5, 6],
        [5],
        [6],
        [6],
        [6],
        [7, 8],
    ]
    assert [one["DDBStreamBatchInfo"]["startSequenceNumber"] for one in gave_up] == ["6"]


# services-ddb-batchfailurereporting: "If your invocation fails and BisectBatchOnFunctionError is
# turned on, the batch is bisected regardless of your ReportBatchItemFailures setting."
@pytest.mark.parametrize("report_failures", [True, False])
def test_an_invocation_that_raises_is_bisected_whatever_may_be_reported(
    *, report_failures: bool
) -> None:
    function, batches = answering(RuntimeError(), None, None)

    deliver(BATCH, function, SourceMapping(bisect=True, report_failures=report_failures))

    assert batches[1:] == [[1, 2, 3, 4], [5, 6, 7, 8]]


# services-ddb-batchfailurereporting: with both turned on, "the batch is bisected at the returned
# sequence number and Lambda retries only the remaining records."
def test_a_partial_success_is_bisected_at_the_number_that_was_returned() -> None:
    function, batches = answering(failed("6"), None)

    mapping = SourceMapping(bisect=True, report_failures=True, max_retries=0)

    assert deliver(BATCH, function, mapping).discarded == []
    assert batches == [[1, 2, 3, 4, 5, 6, 7, 8], [6, 7, 8]]


def test_a_reported_record_that_never_succeeds_stands_alone_in_the_end() -> None:
    function = Poisoned(3, 6, reports=True)

    mapping = SourceMapping(bisect=True, report_failures=True, max_retries=1)
    gave_up = deliver(BATCH, function, mapping).discarded

    assert [one["DDBStreamBatchInfo"]["startSequenceNumber"] for one in gave_up] == ["3", "6"]
    assert [one["DDBStreamBatchInfo"]["batchSize"] for one in gave_up] == [1, 1]


# services-ddb-params: MaximumRecordAgeInSeconds; CreateEventSourceMapping (API Reference): "Discard
# records older than the specified age."
def test_records_that_are_too_old_are_discarded_and_the_others_of_their_batch_are_sent() -> None:
    batch = [sent(1), sent(2, after=10), sent(3, after=200), sent(4, after=210)]
    function, batches = answering(None)

    gave_up = deliver(batch, function, SourceMapping(max_age=60), late=220).discarded

    assert batches == [[3, 4]]
    assert [one["requestContext"]["condition"] for one in gave_up] == ["RecordAgeExceeded"]
    assert gave_up[0]["DDBStreamBatchInfo"]["endSequenceNumber"] == "2"


def test_a_batch_that_keeps_failing_is_discarded_when_it_has_become_too_old() -> None:
    function = Poisoned(2)

    gave_up = deliver(BATCH, function, SourceMapping(max_age=60))

    assert sum(gave_up.waits) >= 60
    [document] = gave_up.discarded
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == len(function.batches) > 1


# services-dynamodb-errors: "a JSON document with metadata about the failed invocation", and the
# example that follows.
def test_a_destination_is_told_where_the_discarded_records_stand_and_not_what_they_say() -> None:
    batch = [sent(1), sent(2, after=1), sent(3, after=2)]

    [document] = deliver(batch, Poisoned(1), SourceMapping(max_retries=1)).discarded

    assert document.pop("timestamp") == "2026-11-01T00:00:00.050Z"
    assert document["requestContext"].pop("requestId")
    assert document == {
        "requestContext": {
            "functionArn": FUNCTION,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": "1",
            "endSequenceNumber": "3",
            "approximateArrivalOfFirstRecord": "2026-11-01T00:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-01T00:00:02Z",
            "batchSize": 3,
            "streamArn": ARN,
        },
    }


def test_only_what_was_left_of_a_batch_is_told_of() -> None:
    function = Poisoned(4, reports=True)

    [document] = deliver(BATCH, function, ONCE).discarded

    assert document["DDBStreamBatchInfo"]["startSequenceNumber"] == "4"
    assert document["DDBStreamBatchInfo"]["endSequenceNumber"] == "8"
    assert "functionError" not in document["responseContext"]


def test_a_destination_that_is_not_there_is_told_again() -> None:
    told: list[str] = []

    def discard(document: dict[str, Any]) -> None:
        told.append(document["requestContext"]["condition"])
        if len(told) == 1:
            raise OSError("the queue is away")

    function = Function("books", Poisoned(1), SourceMapping(max_retries=0), discard)
    queue = DeliveryQueue(function, "shard-1")
    queue.put(BATCH)
    with pytest.raises(OSError, match="the queue is away"):
        queue.attempt(BATCH[0]["dynamodb"]["ApproximateCreationDateTime"])
    assert sequences(queue.pending) == [1, 2, 3, 4, 5, 6, 7, 8]
    queue.attempt(BATCH[0]["dynamodb"]["ApproximateCreationDateTime"])

    assert told == ["RetryAttemptsExhausted"] * 2
    assert queue.pending == []
