"""A batch beside others: decided again as a whole, done once, and given up within its time."""

from datetime import timedelta

import pytest

from chalicelib.commands.batch import ResultBody
from chalicelib.domain.errors import Contention
from chalicelib.events.store import Conflict
from chalicelib.ledger.aggregates import account_state
from tests.commands.batches import ALICE, BOB, moved, run, said
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, posting


@pytest.fixture
def paid(fixture: ExecutorFixture) -> ExecutorFixture:
    """Alice has 100."""
    fixture.open_accounts(funds=100)
    return fixture


def test_a_batch_that_loses_a_race_is_decided_again_as_a_whole(paid: ExecutorFixture) -> None:
    competitor = posting("competitor", debit("alice", 30), credit("bob", 30))
    paid.store.before_append = [lambda: paid.do_elsewhere(competitor)]

    results = run(paid, moved("a", "alice", "bob", 60), moved("b", "alice", "bob", 11))

    assert said(results) == ["batch_aborted", "insufficient_funds"]
    assert paid.store.written == []
    assert said(run(paid, moved("a", "alice", "bob", 60))) == [201]


def test_one_batch_that_is_sent_twice_at_once_has_one_effect_and_one_answer(
    paid: ExecutorFixture,
) -> None:
    asked = [moved("a", "alice", "bob", 60), moved("b", "alice", "bob", 40)]
    won: list[ResultBody] = []

    def meanwhile() -> None:
        paid.now += timedelta(seconds=1)
        won.extend(run(paid, *asked))

    paid.store.before_append = [meanwhile]

    results = run(paid, *asked)

    assert said(won) == [201, 201]
    assert said(results) == [200, 200]
    assert [each.transaction for each in results] == [each.transaction for each in won]
    assert [append.stream.id for append in paid.store.written] == ["a", "alice", "bob", "b"]


def test_a_batch_that_never_gets_through_is_given_up_as_a_whole_or_one_by_one(
    paid: ExecutorFixture,
) -> None:
    def lose() -> None:
        raise Conflict(ALICE, {ALICE: None})

    paid.store.before_append = [lose] * 10_000
    asked = [moved("a", "alice", "bob", 1), moved("b", "alice", "bob", 1)]

    with pytest.raises(Contention):
        run(paid, *asked)
    assert said(run(paid, *asked, atomic=False)) == ["contention", "contention"]
    assert paid.store.written == []


def test_after_7_seconds_a_batch_begins_no_more_transactions(paid: ExecutorFixture) -> None:
    # Each of them takes its time.
    paid.store.before_append = [lambda: paid.slept.append(2.5)] * 9

    results = run(
        paid, *[moved(f"t{number}", "alice", "bob", 1) for number in range(5)], atomic=False
    )

    assert said(results) == [201, 201, 201, "not_attempted", "not_attempted"]
    assert account_state(paid.books.load([BOB])[BOB]).posted == 3
