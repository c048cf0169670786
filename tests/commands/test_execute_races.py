"""Executing a command while others do: a lost race is decided again, and none has two effects."""

from collections.abc import Collection
from functools import partial
from itertools import repeat

import pytest

from chalicelib.backoff import Backoff
from chalicelib.commands.routing import Command
from chalicelib.domain.errors import (
    AccountExists,
    Contention,
    IdempotencyKeyReused,
    InsufficientFunds,
    Refusal,
)
from chalicelib.domain.transaction.commands import HoldTransaction
from chalicelib.domain.transaction.events import TransactionPosted
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Conflict
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.commands.executor_fixture import ExecutorFixture, Interruption
from tests.domain.books import credit, debit, opening, posting

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")
PAYMENT_STREAM = transaction_stream("acme", "payment")
PAYMENT = posting("payment", debit("alice", 60), credit("bob", 60))
OTHER_PAYMENT = posting("payment", debit("alice", 1), credit("bob", 1))
COMPETITOR = posting("competitor", debit("alice", 30), credit("bob", 30))


def losing(stream: Stream) -> Interruption:
    """An interruption that loses the race for this stream."""
    return partial(_raise, Conflict(stream, {stream: None}))


def busy() -> None:
    """An interruption that finds the store throttled."""
    raise Busy("ThrottlingException")


def _raise(error: Exception) -> None:
    raise error


def test_a_lost_race_is_decided_again_on_what_the_winner_left(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = [lambda: fixture.do_elsewhere(COMPETITOR)]

    executed = fixture.do(PAYMENT)

    event = executed.recorded.event
    assert isinstance(event, TransactionPosted)
    assert [(entry.version, entry.balance_after) for entry in event.entries] == [(4, 10), (3, 90)]
    assert fixture.slept == []
    assert [entry.version for entry in fixture.books.history(ALICE)] == [1, 2, 3, 4]


def test_a_lost_race_for_the_last_funds_is_refused(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=80)
    fixture.store.before_append = [lambda: fixture.do_elsewhere(COMPETITOR)]

    with pytest.raises(InsufficientFunds) as refused:
        fixture.do(PAYMENT)

    assert (refused.value.available, refused.value.asked) == (50, 60)
    assert fixture.store.written == []


def test_losing_again_and_again_costs_a_wait_each_and_nothing_else(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = [losing(stream) for stream in (ALICE, BOB, ALICE, PAYMENT_STREAM)]

    executed = fixture.do(PAYMENT)

    assert not executed.replayed
    # The first time that its own stream is taken, it looks at once whether it was done.
    assert len(fixture.slept) == 3
    assert [append.stream.id for append in fixture.store.written] == ["payment", "alice", "bob"]


def test_a_busy_store_is_asked_again(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = [busy, busy]
    fixture.store.before_load = [busy]

    assert not fixture.do(PAYMENT).replayed
    assert len(fixture.slept) == 3
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 60


@pytest.mark.parametrize("interruption", [losing(ALICE), busy], ids=["contended", "busy"])
def test_a_command_that_never_gets_through_is_given_up_with_nothing_written(
    fixture: ExecutorFixture, interruption: Interruption
) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = list(repeat(interruption, 10_000))

    with pytest.raises(Contention):
        fixture.do(PAYMENT)

    assert fixture.store.written == []
    assert fixture.books.load([PAYMENT_STREAM]) == {}
    assert fixture.books.load([BOB])[BOB].version == 1
    deadline = fixture.backoff.deadline
    assert deadline - fixture.backoff.cap <= sum(fixture.slept) <= deadline
    fixture.store.before_append = []
    assert not fixture.do(PAYMENT).replayed


@pytest.mark.parametrize("moment", ["load", "append"])
@pytest.mark.parametrize("funds", [60, 500], ids=["funds gone by then", "funds left"])
def test_the_same_transaction_sent_twice_at_once_has_one_effect_and_one_answer(
    fixture: ExecutorFixture, moment: str, funds: int
) -> None:
    fixture.open_accounts(funds=funds)
    won = []
    interruptions = {"load": fixture.store.before_load, "append": fixture.store.before_append}
    interruptions[moment].append(lambda: won.append(fixture.do_elsewhere(PAYMENT)))

    executed = fixture.do(PAYMENT)

    assert executed.replayed
    assert executed.recorded == won[0].recorded
    assert fixture.store.written == []
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 60


def test_a_transaction_still_being_written_elsewhere_is_waited_for(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=60)
    won = []
    # The engine reports the other writer's transaction before that is there to be seen.
    fixture.store.before_append = [losing(PAYMENT_STREAM), losing(PAYMENT_STREAM)]
    fixture.store.before_load = [
        lambda: None,
        lambda: None,
        lambda: won.append(fixture.do_elsewhere(PAYMENT)),
    ]

    executed = fixture.do(PAYMENT)

    assert executed.replayed
    assert executed.recorded == won[0].recorded


def test_a_dry_run_beside_the_real_one_is_not_refused_for_the_funds_that_one_took(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=60)
    won = []

    def pay_between_two_reads() -> None:
        won.append(fixture.do_elsewhere(PAYMENT))
        fixture.store.unseen.append(PAYMENT_STREAM)

    fixture.store.before_load = [pay_between_two_reads]

    rehearsed = fixture.do(PAYMENT, dry_run=True)

    assert (rehearsed.replayed, rehearsed.recorded) == (True, won[0].recorded)


@pytest.mark.parametrize(
    ("winner", "loser", "refusal", "moment"),
    [
        (OTHER_PAYMENT, PAYMENT, IdempotencyKeyReused, "load"),
        (OTHER_PAYMENT, PAYMENT, IdempotencyKeyReused, "append"),
        # An account that is not there yet is not looked for.
        (opening("carol", max_balance=1), opening("carol"), AccountExists, "append"),
    ],
    ids=["transaction, load", "transaction, append", "account, append"],
)
def test_an_id_that_was_taken_meanwhile_for_other_content_is_refused(
    fixture: ExecutorFixture, winner: Command, loser: Command, refusal: type[Refusal], moment: str
) -> None:
    fixture.open_accounts(funds=100)
    interruptions = {"load": fixture.store.before_load, "append": fixture.store.before_append}
    interruptions[moment].append(lambda: fixture.do_elsewhere(winner))

    with pytest.raises(refusal):
        fixture.do(loser)

    assert fixture.store.written == []


def test_an_account_opened_twice_at_once_is_opened_once(fixture: ExecutorFixture) -> None:
    won = []
    fixture.store.before_append = [lambda: won.append(fixture.do_elsewhere(opening("carol")))]

    executed = fixture.do(opening("carol"))

    assert (executed.replayed, executed.recorded) == (True, won[0].recorded)
    assert fixture.store.written == []


def test_waits_are_drawn_from_a_range_that_doubles_up_to_its_cap() -> None:
    backoff = Backoff(base=0.01, cap=0.3)

    for attempt, longest in [(0, 0.01), (1, 0.02), (4, 0.16), (5, 0.3), (60, 0.3)]:
        waits = [backoff.delay(attempt) for _ in range(200)]
        assert 0 <= min(waits) < longest / 4
        assert longest * 3 / 4 < max(waits) <= longest


def test_a_store_without_time_while_expired_holds_are_released_is_asked_again(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=60)
    lines = (debit("alice", 60), credit("bob", 60))
    hold = HoldTransaction(ledger="acme", transaction="hold", entries=lines, timeout_seconds=1)
    fixture.do(hold)  # Which takes a second.

    # Two looks before it is refused for sure, then the account whose holds may have expired.
    fixture.store.before_load = [lambda: None, lambda: None, busy]

    assert not fixture.do(PAYMENT).replayed
    assert len(fixture.slept) == 1
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 60


def test_a_second_lost_race_waits_and_looks_at_everything_again(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    loaded: list[set[str]] = []
    load = fixture.store.load

    def noted(streams: Collection[Stream]) -> dict[Stream, Recorded]:
        loaded.append({stream.id for stream in streams})
        return load(streams)

    fixture.store.load = noted  # type: ignore[method-assign]  # To watch it.
    twice = [
        posting(f"elsewhere{number}", debit("cash", 1), credit("alice", 1)) for number in (1, 2)
    ]
    fixture.store.before_append = [partial(fixture.do_elsewhere, command) for command in twice]

    fixture.do(PAYMENT)

    assert loaded == [{"alice", "bob"}, {"alice", "bob"}]
    assert len(fixture.slept) == 1
