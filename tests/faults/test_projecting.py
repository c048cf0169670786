"""Faults of the batches in which projectors write: each row ends as if there had been none."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from chalicelib import tables
from chalicelib.events.recorded import Recorded
from ops.faults.proxy import NONE, Fault, proxied
from simulator.dynamodb_errors import Error, documented
from tests import engines
from tests.books import Bookkeeper, deliver
from tests.domain.books import credit, debit
from tests.read_models.shelves import shelves_of

BATCH = "BatchExecuteStatement"

LOST, DROPPED = Fault("the reply is lost"), Fault("the request is lost")
CUT = Fault("a reply that is cut off")
THROTTLED = Fault("an error instead", Error("ThrottlingException"))
FAILED_AFTER = Fault("an error after it was done", Error("InternalServerError", 500))
LATE = Fault("the request is lost", seconds=1)
"""The request is lost, and arrives at the end."""

SEQUENCES: dict[str, list[Fault]] = {
    "the reply is lost": [LOST],
    "the reply is lost until it is given up": [LOST] * 20,
    "the reply is lost, then it is throttled": [LOST, THROTTLED, THROTTLED, LOST],
    "the request is lost, then the reply is cut off": [DROPPED, CUT],
    "it fails after it was done": [FAILED_AFTER, FAILED_AFTER],
    "it is done late, after newer rows are written": [LATE, LATE, NONE, LATE],
    "it is done late, after it was given up": [LATE] * 20,
}


class Script:
    """The faults of the next batches."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.sent: Counter[str] = Counter()
        self.late: list[dict[str, Any]] = []

    def choose(self, operation: str, body: dict[str, Any]) -> Fault:
        """The fault of a request."""
        self.sent[operation] += 1
        fault = self.faults.popleft() if operation == BATCH and self.faults else NONE
        if fault is LATE:
            self.late.append(body)
        return fault

    def arrive(self) -> None:
        """What is late arrives now."""
        client: Any = tables.connection().client
        for body in self.late:
            client.batch_execute_statement(**body)


@pytest.fixture
def script(ministack_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """The faults of a proxy before the engine."""
    # Of botocore's own retries, which would wait for seconds.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    made = Script()
    with proxied(ministack_endpoint, made.choose) as (address, _), engines.connected(address):
        yield made


PAIRS = 3
Batches = list[Sequence[Recorded]]


def batches_of(ledger: str) -> Batches:
    """Batches of events: rows are made in the first, and changed in the others."""
    books, found, told = Bookkeeper(ledger), [], 0
    for number in range(2 * PAIRS):
        books.open(f"a{number}")
    for batch in range(3):
        for number in range(0, 2 * PAIRS, 2):
            pair = debit(f"a{number}", 1 + batch), credit(f"a{number + 1}", 1 + batch)
            books.post(f"t{batch}-{number}", *pair, reference="r")
        found.append(books.recorded[told:])
        told = len(books.recorded)
    return found


@pytest.mark.parametrize("name", SEQUENCES)
def test_rows_are_right_whatever_happens_to_a_batch(script: Script, ledger: str, name: str) -> None:
    for batch in batches_of(f"{ledger}-calm"):
        deliver(batch)
    assert script.sent[BATCH] == 6

    script.faults.extend(SEQUENCES[name])
    for batch in batches_of(ledger):
        deliver(batch)
    script.arrive()

    assert not script.faults
    assert shelves_of(ledger) == shelves_of(f"{ledger}-calm")


def test_rows_are_right_after_each_error_that_is_documented(script: Script, ledger: str) -> None:
    errors = documented(BATCH)
    assert {error.code for error in errors} > {"RequestLimitExceeded", "InternalServerError"}
    for name in ("calm", "wild"):
        books = Bookkeeper(f"{ledger}-{name}")
        books.open_till()
        books.tell()
        for number, error in enumerate(errors):
            books.pay_in(f"t{number}", number + 1)
            if name == "wild":
                script.faults.append(Fault("an error instead", error))
            books.tell()
            assert not script.faults

    assert shelves_of(f"{ledger}-wild") == shelves_of(f"{ledger}-calm")


def test_a_late_batch_without_its_conditions_is_found_out(script: Script, ledger: str) -> None:
    for batch in batches_of(f"{ledger}-calm"):
        deliver(batch)
    script.faults.extend([NONE, NONE, LATE, LATE])
    for batch in batches_of(ledger):
        deliver(batch)
    for body in script.late:
        for each in body["Statements"]:
            each["Statement"] = each["Statement"].replace('"version"<?', '"version"<>?')

    script.arrive()

    assert shelves_of(ledger) != shelves_of(f"{ledger}-calm")
