"""Two who would resolve one hold, or reverse one transaction, at once: one does, one is told so."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise, product

import pytest

from chalicelib.commands.execution import Executed
from chalicelib.commands.routing import Command
from chalicelib.domain.errors import (
    AlreadyReversed,
    IdempotencyKeyReused,
    Refusal,
    TransactionNotPending,
)
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    transaction_event,
    transaction_stream,
)
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")
HOLD = transaction_stream("acme", "h")

POST = PostHold(ledger="acme", transaction="h", key="post")
PART = PostHold(ledger="acme", transaction="h", amount=25, key="part")
VOID = VoidHold(ledger="acme", transaction="h", key="void")
BARE = VoidHold(ledger="acme", transaction="h")
EXPIRE = ExpireHold(ledger="acme", transaction="h")
BACK = ReverseTransaction(ledger="acme", transaction="back", reverses="funding")
BACK_TOO = ReverseTransaction(ledger="acme", transaction="back-too", reverses="funding")

MOMENTS = ["first load", "second load", "append"]
MOVED = {POST: 60, PART: 25, VOID: 0, BARE: 0, EXPIRE: 0}
"""What each resolution lets Bob have of the 60 that are held for him."""


def interrupt(fixture: ExecutorFixture, moment: str, by: Callable[[], object]) -> None:
    """Lets something happen just before the fixture's next read or write of this kind."""
    if moment == "append":
        fixture.store.before_append.append(by)
    else:
        fixture.store.before_load += [by] if moment == "first load" else [lambda: None, by]


def outcome(do: Callable[[], Executed]) -> Executed | Refusal:
    """What a command is answered."""
    try:
        return do()
    except Refusal as refusal:
        return refusal


def histories(fixture: ExecutorFixture) -> list[list[Recorded]]:
    """The books of all that the hold touches."""
    return [list(fixture.books.history(stream)) for stream in (HOLD, ALICE, BOB)]


@pytest.fixture
def held(fixture: ExecutorFixture) -> ExecutorFixture:
    """60 of Alice's 100 are held for Bob, for 10 seconds."""
    fixture.open_accounts(funds=100)
    lines = (debit("alice", 60), credit("bob", 60))
    fixture.executor.execute(
        HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=10),
        actor="key-1",
    )
    fixture.store.written.clear()
    return fixture


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("mine", "theirs"), list(product([POST, PART, VOID, BARE], repeat=2)))
def test_of_two_who_resolve_a_hold_at_once_one_does(
    held: ExecutorFixture, mine: Command, theirs: Command, moment: str
) -> None:
    won: list[Executed] = []
    interrupt(held, moment, lambda: won.append(held.do_elsewhere(theirs)))

    answer = outcome(lambda: held.do(mine))

    assert len(won) == 1
    assert held.store.written == []
    if mine == theirs and mine is not BARE:
        assert answer == Executed(won[0].recorded, replayed=True)
    else:
        assert isinstance(answer, TransactionNotPending)
    assert [len(history) for history in histories(held)] == [2, 4, 3]
    bob = account_state(held.books.load([BOB])[BOB])
    assert (bob.posted, bob.pending_in) == (MOVED[theirs], 0)  # type: ignore[index]  # One of them.


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_key_that_resolved_a_hold_meanwhile_with_other_content_is_reused(
    held: ExecutorFixture, moment: str
) -> None:
    other = PostHold(ledger="acme", transaction="h", amount=26, key="part")
    interrupt(held, moment, lambda: held.do_elsewhere(other))

    assert isinstance(outcome(lambda: held.do(PART)), IdempotencyKeyReused)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", [POST, PART, VOID, BARE])
def test_a_resolution_that_loses_to_the_sweep_is_told_that_it_expired(
    held: ExecutorFixture, command: Command, moment: str
) -> None:
    def sweep() -> None:
        held.now += timedelta(seconds=10)
        assert not held.do_elsewhere(EXPIRE).replayed

    interrupt(held, moment, sweep)

    answer = outcome(lambda: held.do(command))

    assert isinstance(answer, TransactionNotPending)
    assert answer.state == "expired"
    assert held.store.written == []
    assert account_state(held.books.load([BOB])[BOB]).posted == 0
    assert account_state(held.books.load([ALICE])[ALICE]).pending_out == 0


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", [POST, PART, VOID, BARE])
def test_a_sweep_that_loses_to_a_resolution_does_nothing(
    held: ExecutorFixture, command: Command, moment: str
) -> None:
    # Decided in time by one whose clock is a little behind that of the sweep.
    won: list[Executed] = []

    def resolve() -> None:
        held.now -= timedelta(microseconds=1)
        won.append(held.do_elsewhere(command))
        held.now += timedelta(microseconds=1)

    held.now += timedelta(seconds=10)
    interrupt(held, moment, resolve)

    swept = held.do(EXPIRE)

    assert swept == Executed(won[0].recorded, replayed=True)
    assert held.store.written == []
    bob = account_state(held.books.load([BOB])[BOB])
    assert (bob.posted, bob.pending_in) == (MOVED[command], 0)  # type: ignore[index]  # One of them.


def test_two_sweeps_at_once_release_a_hold_once(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)
    interrupt(held, "append", lambda: held.do_elsewhere(EXPIRE))

    assert held.do(EXPIRE).replayed

    assert [len(history) for history in histories(held)] == [2, 4, 3]
    assert account_state(held.books.load([ALICE])[ALICE]).pending_out == 0


def test_a_sweep_that_comes_too_early_does_nothing(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10, microseconds=-1)

    assert held.do(EXPIRE).replayed

    assert held.store.written == []
    assert account_state(held.books.load([ALICE])[ALICE]).pending_out == 60


@pytest.mark.parametrize("moment", MOMENTS)
def test_of_two_who_reverse_a_transaction_at_once_one_does(
    fixture: ExecutorFixture, moment: str
) -> None:
    fixture.open_accounts(funds=100)
    interrupt(fixture, moment, lambda: fixture.do_elsewhere(BACK_TOO))

    answer = outcome(lambda: fixture.do(BACK))

    assert isinstance(answer, AlreadyReversed)
    assert answer.reversed_by == "back-too"
    assert fixture.store.written == []
    assert account_state(fixture.books.load([ALICE])[ALICE]).posted == 0


@pytest.mark.parametrize("moment", MOMENTS)
def test_one_reversal_that_is_sent_twice_at_once_has_one_effect_and_one_answer(
    fixture: ExecutorFixture, moment: str
) -> None:
    fixture.open_accounts(funds=100)
    won: list[Executed] = []
    interrupt(fixture, moment, lambda: won.append(fixture.do_elsewhere(BACK)))

    answer = outcome(lambda: fixture.do(BACK))

    assert answer == Executed(won[0].recorded, replayed=True)
    assert fixture.store.written == []
    assert account_state(fixture.books.load([ALICE])[ALICE]).posted == 0


@pytest.mark.parametrize("moment", ["first load", "second load"])
def test_a_reversal_beside_a_partial_capture_takes_back_what_was_captured(
    held: ExecutorFixture, moment: str
) -> None:
    back = ReverseTransaction(ledger="acme", transaction="back", reverses="h")
    interrupt(held, moment, lambda: held.do_elsewhere(PART))

    answer = outcome(lambda: held.do(back))

    if isinstance(answer, Refusal):
        assert answer.code == "transaction_not_posted"
        answer = held.do(back)
    assert [entry.amount for entry in transaction_event(answer.recorded).entries] == [25, 25]
    assert account_state(held.books.load([BOB])[BOB]).posted == 0


def test_every_event_of_the_books_is_later_than_the_one_before_it(held: ExecutorFixture) -> None:
    held.store.before_append = [lambda: held.do_elsewhere(POST)]
    outcome(lambda: held.do(VOID))

    for history in histories(held):
        assert all(one.recorded_at < next.recorded_at for one, next in pairwise(history))
