"""Executing a command: decided on the books as they are, written once, answered."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.errors import (
    AccountExists,
    AccountNotFound,
    BalanceLimitExceeded,
    IdempotencyKeyReused,
    InsufficientFunds,
    Refusal,
    UnbalancedTransaction,
)
from chalicelib.domain.transaction.events import TransactionPosted
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore

CASH, ALICE, BOB = (account_stream("acme", id) for id in ("cash", "alice", "bob"))
PAYMENT = posting("payment", debit("alice", 60), credit("bob", 60))


def test_opening_an_account_answers_with_its_first_event(fixture: ExecutorFixture) -> None:
    executed = fixture.do(opening("cash", metadata={"name": "Till 1"}))

    recorded = executed.recorded
    assert not executed.replayed
    assert (recorded.stream, recorded.version) == (CASH, 1)
    assert (recorded.actor, recorded.command_id) == ("key-1", "command-1")
    assert recorded.recorded_at == account_state(recorded).opened_at == NOW
    assert list(fixture.books.history(CASH)) == [recorded]


def test_a_transaction_is_written_to_its_own_stream_and_to_its_accounts(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)

    executed = fixture.do(PAYMENT)

    heads = fixture.books.load([executed.recorded.stream, ALICE, BOB, CASH])
    assert not executed.replayed
    assert executed.recorded.stream == transaction_stream("acme", "payment")
    assert heads[executed.recorded.stream] == executed.recorded
    assert (account_state(heads[ALICE]).posted, account_state(heads[BOB]).posted) == (40, 60)
    assert (heads[ALICE].version, heads[BOB].version, heads[CASH].version) == (3, 2, 2)
    commit = {(head.recorded_at, head.command_id, head.actor) for head in heads.values()}
    assert commit == {
        (heads[ALICE].recorded_at, "command-5", "key-1"),
        (heads[CASH].recorded_at, "command-4", "key-1"),
    }


def test_a_transaction_sent_again_gets_its_first_answer_whatever_came_since(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    first = fixture.do(PAYMENT)
    fixture.do(posting("refund", debit("bob", 10), credit("alice", 10)))
    fixture.store.written.clear()

    again = fixture.do(PAYMENT)

    assert again.replayed
    assert again.recorded == first.recorded
    event = again.recorded.event
    assert isinstance(event, TransactionPosted)
    assert [entry.balance_after for entry in event.entries] == [40, 60]
    assert fixture.store.written == []


def test_a_transaction_sent_again_is_not_refused_for_funds_it_has_spent(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=60)
    first = fixture.do(PAYMENT)

    again = fixture.do(PAYMENT)

    assert (again.replayed, again.recorded) == (True, first.recorded)


def test_an_account_opened_again_answers_as_it_is_now(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)

    again = fixture.do(opening("alice", normal_balance="credit"))

    assert again.replayed
    assert (again.recorded.version, account_state(again.recorded).posted) == (2, 100)
    assert fixture.store.written == []


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (posting("t", debit("alice", 101), credit("bob", 101)), InsufficientFunds),
        (posting("t", debit("alice", 2), credit("bob", 1)), UnbalancedTransaction),
        (posting("t", debit("alice", 1), credit("carol", 1)), AccountNotFound),
        (posting("funding", debit("cash", 99), credit("alice", 99)), IdempotencyKeyReused),
        (posting("funding", debit("alice", 999), credit("carol", 1)), IdempotencyKeyReused),
        (opening("cash", max_balance=5), AccountExists),
        (opening("carol", min_balance=1), BalanceLimitExceeded),
    ],
    ids=lambda case: case.__name__ if isinstance(case, type) else "",
)
@pytest.mark.parametrize("dry_run", [False, True], ids=["", "dry run"])
def test_a_refused_command_writes_nothing(
    fixture: ExecutorFixture, command: Command, refusal: type[Refusal], dry_run: bool
) -> None:
    fixture.open_accounts(funds=100)

    with pytest.raises(refusal):
        fixture.do(command, dry_run=dry_run)

    assert fixture.store.written == []
    assert fixture.slept == []


def test_a_refused_transaction_leaves_its_id_free(fixture: ExecutorFixture) -> None:
    fixture.open_accounts()
    with pytest.raises(InsufficientFunds):
        fixture.do(PAYMENT)
    fixture.do(posting("funding", debit("cash", 60), credit("alice", 60)))

    assert not fixture.do(PAYMENT).replayed
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 60


def test_a_dry_run_answers_as_the_real_one_would_and_writes_nothing(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    for command in (PAYMENT, opening("carol")):
        now = fixture.now

        rehearsed = fixture.do(command, dry_run=True, request="request-1")
        assert fixture.store.written == []
        fixture.now = now
        real = fixture.do(command, request="request-1")

        assert rehearsed.recorded == real.recorded
        assert (rehearsed.replayed, real.replayed) == (False, False)
        fixture.store.written.clear()


def test_a_dry_run_of_what_was_done_gives_the_answer_again(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=60)
    first = fixture.do(PAYMENT)

    rehearsed = fixture.do(PAYMENT, dry_run=True)

    assert (rehearsed.replayed, rehearsed.recorded) == (True, first.recorded)


@settings(deadline=None)
@given(st.lists(st.integers(-5_000_000, 10**9), max_size=12))  # Microseconds; a minute is too far.
def test_each_event_is_later_than_all_it_follows_whatever_the_clock_does(jumps: list[int]) -> None:
    fixture = ExecutorFixture()
    fixture.open_accounts(funds=100)
    for number, jump in enumerate(jumps):
        fixture.now += timedelta(microseconds=jump)
        heads = fixture.books.load([CASH, ALICE, BOB])
        latest = max(heads[stream].recorded_at for stream in (ALICE, BOB))
        command = posting(f"t{number}", debit("alice", 1), credit("bob", 1))

        posted = fixture.executor.execute(command, actor="key-1").recorded

        assert posted.recorded_at == max(fixture.now, latest + timedelta(microseconds=1))
        assert isinstance(posted.event, TransactionPosted)
        assert posted.event.effective_at == posted.recorded_at
        for stream in (ALICE, BOB):
            assert fixture.books.load([stream])[stream].recorded_at == posted.recorded_at
    for stream in (CASH, ALICE, BOB):
        assert_in_order_of_time(list(fixture.books.history(stream)))


def assert_in_order_of_time(history: list[Recorded]) -> None:
    times: list[datetime] = [event.recorded_at for event in history]
    assert times == sorted(set(times))
    assert [event.version for event in history] == list(range(1, len(history) + 1))


def test_ids_that_are_made_are_all_different_and_sort_by_when_they_were_made() -> None:
    executor = Executor(MemoryStore())

    ids = [executor.new_id() for _ in range(1000)]

    assert ids == sorted(set(ids))


def test_the_same_id_with_another_asset_is_another_transaction(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    fixture.do(PAYMENT)

    def named(asset: str) -> Command:
        return posting("payment", debit("alice", 60, asset), credit("bob", 60, asset))

    assert fixture.do(named("USD/2")).replayed
    with pytest.raises(IdempotencyKeyReused):
        fixture.do(named("USD/3"))
