"""Delivery: what counts as delivered, and how often and when it is retried."""

from typing import Any

import pytest

from simulator.delivery import undelivered
from tests.simulator.delivered import deliver
from tests.simulator.streams import sent, sequences

# Text order is not the order of sequence numbers: "10" comes before "9".
BATCH = [sent(sequence) for sequence in (8, 9, 10, 11)]


def failed(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
)
def test_a_batch_is_delivered_when_no_failure_is_reported(response: Any) -> None:
    assert sequences(undelivered(BATCH, response)) == []


@pytest.mark.parametrize(
    ("response", "again"),
    [
        (failed("8"), [8, 9, 10, 11]),
        (failed("9"), [9, 10, 11]),
        (failed("11"), [11]),
        (failed("11", "10"), [10, 11]),
        (failed("10", "9", "11"), [9, 10, 11]),
        (failed("10", "10"), [10, 11]),
    ],
)
def test_everything_from_the_lowest_failure_on_is_delivered_again(
    response: Any, again: list[int]
) -> None:
    assert sequences(undelivered(BATCH, response)) == again


@pytest.mark.parametrize(
    "response",
    [
        failed("7"),
        failed("11", "7"),
        failed(""),
        failed(None),
        failed(11),
        failed(["11"]),
        {"batchItemFailures": [{"sequenceNumber": "11"}]},
        {"batchItemFailures": [{"itemIdentifier": "11"}, {}]},
        {"batchItemFailures": ["11"]},
        {"batchItemFailures": [None]},
        {"batchItemFailures": "11"},
        {"batchItemFailures": 11},
        {"failures": []},
        "done",
        [1],
        True,
    ],
)
def test_a_batch_has_failed_whole_when_its_response_makes_no_sense(response: Any) -> None:
    assert sequences(undelivered(BATCH, response)) == [8, 9, 10, 11]


class Projector:
    """Answers with the next of its responses, or raises it; the last one stands for ever."""

    def __init__(self, *responses: Any) -> None:
        self.responses = list(responses)
        self.batches: list[list[int]] = []

    def __call__(self, event: dict[str, Any]) -> Any:
        self.batches.append(sequences(event["Records"]))
        event["Records"].clear()  # What it does to its event is its own affair.
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response


def test_a_batch_is_delivered_whole_again_until_the_projector_does_not_raise() -> None:
    projector = Projector(RuntimeError("one"), TypeError("two"), None)

    deliver(BATCH, projector)

    assert projector.batches == [[8, 9, 10, 11]] * 3


def test_only_the_failed_end_of_a_batch_is_delivered_again() -> None:
    projector = Projector(failed("10"), RuntimeError(), failed("8"), failed("11"), {})

    deliver(BATCH, projector)

    # The third response names a record that was no longer of the batch.
    assert projector.batches == [[8, 9, 10, 11], [10, 11], [10, 11], [10, 11], [11]]


def test_a_batch_that_was_taken_is_not_waited_for() -> None:
    assert deliver(BATCH, Projector(None)).waits == []


def test_an_empty_batch_is_not_delivered() -> None:
    projector = Projector(None)

    deliver([], projector)

    assert projector.batches == []


def test_the_waits_between_deliveries_grow_to_a_bound() -> None:
    waits = deliver(BATCH, Projector(*[RuntimeError()] * 20, None)).waits

    assert len(waits) == 20
    assert 0 < waits[0] < waits[1] < waits[2] < waits[3]
    assert waits == sorted(waits)
    assert waits[-1] == waits[-2] <= 10


def test_the_waits_start_small_again_once_some_of_the_batch_was_taken() -> None:
    unwell = [RuntimeError()] * 5

    waits = deliver(BATCH, Projector(*unwell, failed("10"), *unwell, None)).waits

    assert waits[:5] == sorted(waits[:5])
    assert waits[5] == waits[0] < waits[4]
