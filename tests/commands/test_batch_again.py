"""A batch that is sent again: what was done is found together, and the rest goes on."""

from collections.abc import Collection
from functools import partial
from itertools import repeat
from typing import Any

import msgspec
import pytest

from benchmarks.counting import Meter, Tally
from chalicelib.commands import batch
from chalicelib.commands.batch import ResultBody
from chalicelib.commands.batched import Sender, batch_response
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.transaction_requests import BatchRequest
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, Place
from chalicelib.ledger.aggregates import account_state
from tests.commands.batches import BOB, moved, run, said
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import opening

TEN = [moved(f"t{number}", "alice", "bob", 1) for number in range(10)]


@pytest.fixture
def paid(fixture: ExecutorFixture) -> ExecutorFixture:
    """Alice has 100."""
    fixture.open_accounts(funds=100)
    return fixture


def each(fixture: ExecutorFixture, *asked: Any) -> list[ResultBody]:
    """The results of a batch whose transactions are done each on its own."""
    return run(fixture, *asked, atomic=False)


def busy() -> None:
    """The store has no time."""
    raise Busy("ThrottlingException")


def test_what_was_done_before_is_found_by_one_failed_append_and_one_look(
    paid: ExecutorFixture,
) -> None:
    first = each(paid, *TEN)
    looks: list[Collection[Place]] = []
    appends, snapshot = paid.store.before_append, paid.store.snapshot

    def noted(places: Collection[Place]) -> dict[Place, Recorded]:
        looks.append(places)
        return snapshot(places)

    paid.store.snapshot = noted  # type: ignore[method-assign]  # To watch it.
    appends.extend(repeat(lambda: None, 5))

    again = each(paid, *TEN)

    assert said(again) == [200] * 10
    assert [one.transaction for one in again] == [one.transaction for one in first]
    assert [len(places) for places in looks] == [9]
    assert len(appends) == 4


def test_a_new_batch_costs_no_look(paid: ExecutorFixture) -> None:
    paid.store.before_snapshot = [lambda: pytest.fail("nothing was done before")]

    assert said(each(paid, *TEN)) == [201] * 10


@pytest.mark.parametrize(("seconds", "sendings"), [(2.5, 5), (8.0, 10), (60.0, 10)])
def test_each_sending_of_a_batch_does_at_least_one_more_however_slow_the_engine_is(
    paid: ExecutorFixture, seconds: float, sendings: int
) -> None:
    answers = []
    for _ in range(sendings):
        slow = lambda: paid.slept.append(seconds)  # noqa: E731  # Each append takes its time.
        paid.store.before_append = [*repeat(slow, 50)]
        answers.append(said(each(paid, *TEN)))

    assert answers[-1].count("not_attempted") == 0
    done = [answer.count(201) + answer.count(200) for answer in answers]
    assert done == sorted(set(done))
    assert account_state(paid.books.load([BOB])[BOB]).posted == 10


def test_what_there_is_no_time_for_but_was_done_before_is_answered(paid: ExecutorFixture) -> None:
    each(paid, TEN[8])
    # So slow that there is no time for more than one, which is new.
    paid.store.before_append = [lambda: paid.slept.append(9)]

    assert said(each(paid, *TEN)) == [201, *repeat("not_attempted", 7), 200, "not_attempted"]


def test_what_there_is_no_time_for_and_cannot_be_read_is_unknown(paid: ExecutorFixture) -> None:
    paid.store.before_append = [lambda: paid.slept.append(9)]
    paid.store.before_snapshot = list(repeat(busy, 100))

    assert said(each(paid, *TEN)) == [201, *repeat("outcome_unknown", 9)]


def test_an_id_that_was_used_for_another_transaction_is_refused_among_those_found_together(
    paid: ExecutorFixture,
) -> None:
    each(paid, TEN[0], moved("t2", "alice", "bob", 7))

    again = each(paid, TEN[0], TEN[1], TEN[2], TEN[2], TEN[1])

    assert said(again) == [200, 201, "idempotency_key_reused", "idempotency_key_reused", 200]


def test_if_those_done_before_cannot_be_found_together_they_are_found_one_by_one(
    paid: ExecutorFixture,
) -> None:
    each(paid, *TEN)
    paid.store.before_snapshot = list(repeat(busy, 100))

    assert said(each(paid, *TEN)) == [200] * 10


def test_a_batch_with_something_left_asks_to_be_sent_again(paid: ExecutorFixture) -> None:
    paid.store.before_append = [lambda: paid.slept.append(9)]
    raw = msgspec.json.encode({"atomic": False, "transactions": TEN})

    def send() -> batch.ResultsBody:
        return batch.run(
            msgspec.json.decode(raw, type=BatchRequest),
            Sender(paid.executor, "acme", "key-1", "request-1", None, lambda: "made"),
        )

    assert batch_response(send()).headers == {"Retry-After": "1"}
    assert batch_response(send()).headers == {}


@pytest.fixture
def process(ministack: str, ledger: str) -> Executor:  # noqa: ARG001  # For its tables.
    """A process that has opened twelve accounts without limits, and has time."""
    process = Executor(DynamoStore(), head_cache=HeadCache(), monotonic=partial(float, 0))
    for number in range(12):
        process.execute(opening(f"a{number}", min_balance=None, ledger=ledger), actor="key-1")
    return process


def hundred(process: Executor, ledger: str, tally: Meter) -> tuple[list[ResultBody], Tally]:
    """Sends a hundred transactions of twelve entries."""
    entries = [
        {"account": f"a{number}", "direction": "credit" if number % 2 else "debit", "amount": "1"}
        for number in range(12)
    ]
    asked = [{"id": f"t{number}", "entries": entries} for number in range(100)]
    raw = msgspec.json.encode({"atomic": False, "transactions": asked})
    results: list[ResultBody] = []

    def send() -> None:
        results.extend(
            batch.run(
                msgspec.json.decode(raw, type=BatchRequest),
                Sender(process, ledger, "key-1", "request-1", None, lambda: "made"),
            ).results
        )

    return results, tally.tally(send)


def test_a_hundred_transactions_of_twelve_entries_sent_twice_are_answered_twice(
    process: Executor, ledger: str
) -> None:
    with Meter().attached() as meter:
        first, cost = hundred(process, ledger, meter)
        again, cost_again = hundred(process, ledger, meter)

    assert said(first) == [201] * 100
    assert cost.round_trips == 100
    assert said(again) == [200] * 100
    assert [one.transaction for one in again] == [one.transaction for one in first]
    assert [call.operation for call in cost_again.calls] == [
        "TransactWriteItems",
        "TransactGetItems",
    ]


def test_a_batch_that_another_process_did_is_answered_by_one_that_remembers_nothing(
    process: Executor, ledger: str
) -> None:
    with Meter().attached() as meter:
        hundred(process, ledger, meter)
        other = Executor(DynamoStore(), head_cache=HeadCache(), monotonic=partial(float, 0))
        again, cost = hundred(other, ledger, meter)

    assert said(again) == [200] * 100
    assert cost.round_trips == 3
