"""A batch on books in memory: chained in its order, in one write, or each on its own."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.commands.batch import ResultBody
from chalicelib.domain.errors import BatchTooLarge, InvalidField
from chalicelib.ledger.aggregates import account_state, transaction_stream
from tests.commands.batches import BOB, balances, moved, run, said
from tests.commands.executor_fixture import ExecutorFixture


@pytest.fixture
def paid(fixture: ExecutorFixture) -> ExecutorFixture:
    """Alice has 100."""
    fixture.open_accounts(funds=100)
    return fixture


def test_an_atomic_batch_is_one_write_at_one_instant(paid: ExecutorFixture) -> None:
    writes: list[int] = []
    paid.store.before_append = [lambda: writes.append(1)] * 9

    results = run(paid, moved("a", "alice", "bob", 60), moved("b", "bob", "cash", "60"))

    assert said(results) == [201, 201]
    assert len(writes) == 1
    assert [append.stream.id for append in paid.store.written] == ["a", "alice", "bob", "b", "cash"]
    events = [event for append in paid.store.written for event in append.events]
    assert len({event.recorded_at for event in events}) == 1
    assert {event.command_id for event in events} == {"request-1"}


def test_each_sees_what_those_before_it_left(paid: ExecutorFixture) -> None:
    asked = [moved(f"t{number}", "alice", "bob", 30) for number in range(3)]

    results = run(paid, *asked)

    transactions = [result.transaction for result in results]
    left = [[entry.balance_after for entry in one.entries] for one in transactions if one]
    versions = [[entry.version for entry in one.entries] for one in transactions if one]
    assert left == [["70", "30"], ["40", "60"], ["10", "90"]]
    assert versions == [[3, 2], [4, 3], [5, 4]]
    assert [event.version for event in paid.books.history(BOB)] == [1, 2, 3, 4]


def test_money_that_one_brings_the_next_may_spend_and_not_the_other_way_round(
    paid: ExecutorFixture,
) -> None:
    there, back = moved("there", "alice", "bob", 100), moved("back", "bob", "alice", 100)

    assert said(run(paid, back, there)) == ["insufficient_funds", "batch_aborted"]
    assert paid.store.written == []
    assert said(run(paid, there, back)) == [201, 201]


def test_a_hold_of_one_counts_for_the_next(paid: ExecutorFixture) -> None:
    held = moved("h", "alice", "bob", 60, pending={})

    results = run(paid, held, moved("t", "alice", "bob", 41))

    assert said(results) == ["batch_aborted", "insufficient_funds"]
    assert results[1].problem is not None
    assert results[1].problem["available"] == "40"


@pytest.mark.parametrize("atomic", [True, False])
def test_a_replay_among_new_ones_is_answered_with_its_first_answer(
    paid: ExecutorFixture, atomic: bool
) -> None:
    [first] = run(paid, moved("a", "alice", "bob", 10))

    results = run(
        paid, moved("b", "alice", "bob", 1), moved("a", "alice", "bob", "10"), atomic=atomic
    )

    assert said(results) == [201, 200]
    assert results[1] == ResultBody(status=200, transaction=first.transaction, replayed=True)
    assert account_state(paid.books.load([BOB])[BOB]).posted == 11


def test_an_id_that_is_refused_first_is_free_for_a_later_one(paid: ExecutorFixture) -> None:
    results = run(
        paid, moved("a", "alice", "bob", 101), moved("a", "alice", "bob", 100), atomic=False
    )

    assert said(results) == ["insufficient_funds", 201]


def test_the_first_that_is_refused_shows_why_and_those_after_it_are_not_looked_at(
    paid: ExecutorFixture,
) -> None:
    results = run(
        paid,
        moved("a", "alice", "bob", 1),
        moved("b", "alice", "nobody", 1),
        moved("c", "alice", "bob", 1_000),
    )

    assert said(results) == ["batch_aborted", "account_not_found", "batch_aborted"]
    assert paid.books.load([transaction_stream("acme", "a")]) == {}


def test_a_malformed_one_aborts_the_rest_whatever_the_books_say(paid: ExecutorFixture) -> None:
    results = run(paid, moved("a", "alice", "bob", 1_000), moved("b", "alice", "bob", 1.5))

    assert said(results) == ["batch_aborted", "invalid_amount"]
    assert results[1].problem is not None
    wrong = [error.field for error in results[1].problem["errors"]]
    assert wrong == ["entries[0].amount", "entries[1].amount"]


@pytest.mark.parametrize(
    ("malformed", "code"),
    [
        (None, "validation_failed"),
        ([], "validation_failed"),
        ({}, "validation_failed"),
        ({"surprise": 1}, "validation_failed"),
        (moved("no spaces", "alice", "bob", 1), "validation_failed"),
        (moved("a", "alice", "bob", 0), "invalid_amount"),
        (moved("a", "alice", "bob", 1, pending={"timeout_seconds": 0}), "validation_failed"),
        (moved("a", "alice", "bob", 1, effective_at="2026-11-01T00:00:00"), "validation_failed"),
        ({"id": "a", "entries": moved("a", "alice", "bob", 1)["entries"] * 49}, "too_many_entries"),
    ],
)
def test_a_malformed_one_is_its_own_result_and_the_others_are_done(
    paid: ExecutorFixture, malformed: object, code: str
) -> None:
    results = run(
        paid, moved("x", "alice", "bob", 1), malformed, moved("y", "alice", "bob", 1), atomic=False
    )

    assert said(results) == [201, code, 201]


def test_ids_come_from_the_body_the_key_and_the_place_or_are_made(paid: ExecutorFixture) -> None:
    asked = [
        moved(None, "alice", "bob", 1),
        moved("own", "alice", "bob", 1),
        moved(None, "alice", "bob", 1),
    ]

    keyed = run(paid, *asked, key="k")
    made = run(paid, *asked)

    assert [each.transaction and each.transaction.id for each in keyed] == ["k:0", "own", "k:2"]
    assert [each.transaction and each.transaction.id for each in made] == [
        "made-0",
        "own",
        "made-2",
    ]


def lines(number: int) -> list[dict[str, object]]:
    """So many entries that are balanced, all but one of them Alice's."""
    ones = [{"account": "alice", "direction": "debit", "amount": 1} for _ in range(number - 1)]
    return [*ones, {"account": "bob", "direction": "credit", "amount": number - 1}]


def test_an_atomic_batch_of_99_events_is_done_and_one_of_100_is_not(paid: ExecutorFixture) -> None:
    fits = [{"id": "a", "entries": lines(48)}, {"id": "b", "entries": lines(49)}]
    too_many = [{"id": "a", "entries": lines(49)}, {"id": "b", "entries": lines(49)}]

    with pytest.raises(BatchTooLarge) as refused:
        run(paid, *too_many)

    assert (refused.value.size, refused.value.most, refused.value.of) == (100, 99, "events")
    assert said(run(paid, *fits)) == [201, 201]
    assert sum(len(append.events) for append in paid.store.written) == 99


def test_a_batch_has_1_to_100_transactions(paid: ExecutorFixture) -> None:
    one = moved("a", "alice", "bob", 1)

    with pytest.raises(InvalidField):
        run(paid)
    with pytest.raises(BatchTooLarge):
        run(paid, *[one] * 101, atomic=False)
    assert said(run(paid, *[one] * 100, atomic=False)) == [201, *[200] * 99]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["alice", "bob"]),
            st.sampled_from(["alice", "bob", "cash"]),
            st.integers(1, 60),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_an_atomic_batch_does_what_its_transactions_do_one_after_the_other(
    steps: list[tuple[str, str, str, int, bool]],
) -> None:
    asked = [
        moved(id, payer, payee, amount, **({"pending": {}} if held else {}))
        for id, payer, payee, amount, held in steps
    ]
    together, apart, untouched = ExecutorFixture(), ExecutorFixture(), ExecutorFixture()
    for fixture in (together, apart, untouched):
        fixture.open_accounts(funds=100)

    atomic = said(run(together, *asked))
    each = said(run(apart, *asked, atomic=False))

    if all(isinstance(one, int) for one in each):
        assert atomic == each
        assert balances(together) == balances(apart)
    else:
        first = next(place for place, one in enumerate(each) if isinstance(one, str))
        assert atomic == [
            each[place] if place == first else "batch_aborted" for place in range(len(each))
        ]
        assert balances(together) == balances(untouched)


def test_expired_holds_in_the_way_of_a_batch_are_released(paid: ExecutorFixture) -> None:
    run(paid, moved("h", "alice", "bob", 100, pending={"timeout_seconds": 10}))
    paid.now += timedelta(seconds=10)

    results = run(paid, moved("a", "alice", "bob", 60), moved("b", "alice", "bob", 40))

    assert said(results) == [201, 201]
    assert balances(paid)[0][:3] == (0, 0, 0)
