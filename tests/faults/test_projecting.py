"""Faults of the batches in which projectors write: each row ends as if there had been none."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import tables
from ops.faults.proxy import NONE, Fault, Proxy, proxied
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
LATE = Fault("done late", seconds=0.3)

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

    def choose(self, operation: str, _: dict[str, Any]) -> Fault:
        """The fault of a request."""
        self.sent[operation] += 1
        return self.faults.popleft() if operation == BATCH and self.faults else NONE


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def proxy(
    ministack_endpoint: str, script: Script, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    # Of botocore's own retries, which would wait for seconds.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with proxied(ministack_endpoint, script.choose) as (address, proxy), engines.connected(address):
        yield proxy


def books_of(ledger: str) -> tuple[Bookkeeper, list[int]]:
    """Books, and where their batches end: rows are made in the first, and changed in the others."""
    books, ends = Bookkeeper(ledger), []
    for number in range(30):
        books.open(f"a{number}")
    for batch in range(3):
        for number in range(0, 30, 2):
            pair = debit(f"a{number}", 1 + batch), credit(f"a{number + 1}", 1 + batch)
            books.post(f"t{batch}-{number}", *pair, reference="r")
        ends.append(len(books.recorded))
    return books, ends


def told(books: Bookkeeper, ends: list[int]) -> None:
    for start, end in zip([0, *ends], ends, strict=False):
        deliver(books.recorded[start:end])


@pytest.mark.parametrize("name", SEQUENCES)
def test_rows_are_right_whatever_happens_to_a_batch(
    proxy: Proxy, script: Script, ledger: str, name: str
) -> None:
    calm, (books, ends) = books_of(f"{ledger}-calm"), books_of(ledger)
    told(*calm)
    assert script.sent[BATCH] > 6

    script.faults.extend(SEQUENCES[name])
    told(books, ends)
    proxy.settle()

    assert not script.faults
    assert shelves_of(ledger) == shelves_of(f"{ledger}-calm")


def test_rows_are_right_after_each_error_that_is_documented(
    proxy: Proxy,  # noqa: ARG001  # Asked for its connection.
    script: Script,
    ledger: str,
) -> None:
    calm, (books, ends) = books_of(f"{ledger}-calm"), books_of(ledger)
    told(*calm)
    errors = documented(BATCH)

    for error in errors:
        for start, end in zip([0, *ends], ends, strict=False):
            script.faults.extend([Fault("an error instead", error)] * 2)
            deliver(books.recorded[start:end])
            script.faults.clear()

    assert {error.code for error in errors} > {"RequestLimitExceeded", "InternalServerError"}
    assert shelves_of(ledger) == shelves_of(f"{ledger}-calm")


def test_a_batch_without_conditions_would_be_found_out(
    proxy: Proxy, script: Script, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, (books, ends) = books_of(f"{ledger}-calm"), books_of(ledger)
    told(*calm)
    client: Any = tables.connection().client
    send = client.batch_execute_statement

    def unguarded(Statements: list[dict[str, Any]], **rest: Any) -> Any:  # noqa: N803  # Its name.
        for each in Statements:
            each["Statement"] = each["Statement"].replace('AND "version"<?', 'AND "version"<>?')
        return send(Statements=Statements, **rest)

    monkeypatch.setattr(client, "batch_execute_statement", unguarded)
    deliver(books.recorded[: ends[0]])
    script.faults.extend([Fault("done late", seconds=1.0)] * 20)
    deliver(books.recorded[ends[0] : ends[1]])
    script.faults.clear()
    deliver(books.recorded[ends[1] :])
    proxy.settle()

    assert shelves_of(ledger) != shelves_of(f"{ledger}-calm")
