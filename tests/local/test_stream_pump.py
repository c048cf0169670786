"""The stream pump's rules: what counts as delivered, how often it is tried, what is remembered."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chalicelib.local.stream_pump import Checkpoints, deliver, undelivered
from tests.local.streams import record, sequences

# Text order is not the order of sequence numbers: "10" comes before "9".
BATCH = [record(sequence) for sequence in (8, 9, 10, 11)]


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

    deliver(BATCH, projector, sleep=lambda _: None)

    assert projector.batches == [[8, 9, 10, 11]] * 3


def test_only_the_failed_end_of_a_batch_is_delivered_again() -> None:
    projector = Projector(failed("10"), RuntimeError(), failed("8"), failed("11"), {})

    deliver(BATCH, projector, sleep=lambda _: None)

    # The third response names a record that was no longer of the batch.
    assert projector.batches == [[8, 9, 10, 11], [10, 11], [10, 11], [10, 11], [11]]


def test_a_batch_that_was_taken_is_not_waited_for() -> None:
    waits: list[float] = []

    deliver(BATCH, Projector(None), sleep=waits.append)

    assert waits == []


def test_an_empty_batch_is_not_delivered() -> None:
    projector = Projector(None)

    deliver([], projector)

    assert projector.batches == []


def test_the_waits_between_deliveries_grow_to_a_bound() -> None:
    waits: list[float] = []

    deliver(BATCH, Projector(*[RuntimeError()] * 20, None), sleep=waits.append)

    assert len(waits) == 20
    assert 0 < waits[0] < waits[1] < waits[2] < waits[3]
    assert waits == sorted(waits)
    assert waits[-1] == waits[-2] <= 10


def test_the_waits_start_small_again_once_some_of_the_batch_was_taken() -> None:
    waits: list[float] = []
    unwell = [RuntimeError()] * 5

    deliver(BATCH, Projector(*unwell, failed("10"), *unwell, None), sleep=waits.append)

    assert waits[:5] == sorted(waits[:5])
    assert waits[5] == waits[0] < waits[4]


def test_a_checkpoint_survives_a_reload(tmp_path: Path) -> None:
    before = Checkpoints(tmp_path / "checkpoints.json")
    before.set("accounts", "shard-1", "17")
    before.set("accounts", "shard-1", "18")
    before.set("accounts", "shard-2", "5")
    before.set("journal", "shard-1", "3")

    after = Checkpoints(tmp_path / "checkpoints.json")

    assert after.get("accounts", "shard-1") == "18"
    assert after.get("accounts", "shard-2") == "5"
    assert after.get("journal", "shard-1") == "3"
    assert after.get("journal", "shard-2") is None


def test_checkpoints_without_a_file_live_as_long_as_the_process() -> None:
    checkpoints = Checkpoints(None)
    checkpoints.set("accounts", "shard-1", "17")

    assert checkpoints.get("accounts", "shard-1") == "17"
    assert Checkpoints(None).get("accounts", "shard-1") is None


def test_a_checkpoint_that_is_cut_off_while_it_is_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints.json")
    checkpoints.set("accounts", "shard-1", "17")
    write = Path.write_text

    def cut_off(path: Path, text: str, *arguments: Any, **options: Any) -> int:
        write(path, text[: len(text) // 2], *arguments, **options)
        raise OSError("no space left")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", cut_off)
        with pytest.raises(OSError, match="no space left"):
            checkpoints.set("accounts", "shard-1", "18")

    assert Checkpoints(tmp_path / "checkpoints.json").get("accounts", "shard-1") == "17"


def test_two_servers_of_one_engine_can_both_remember_how_far_they_have_come(
    tmp_path: Path,
) -> None:
    path = tmp_path / "checkpoints.json"
    together = threading.Barrier(2)
    errors: list[Exception] = []

    def serve(numbers: Sequence[int]) -> None:
        checkpoints = Checkpoints(path)
        together.wait()
        try:
            for number in numbers:
                checkpoints.set("accounts", "shard-1", str(number))
        except Exception as error:  # noqa: BLE001  # Handed to the test, whatever it is.
            errors.append(error)

    servers = [threading.Thread(target=serve, args=(range(1, 500),)) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()

    assert errors == []
    assert json.loads(path.read_text()) == {"accounts shard-1": "499"}
