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
from chalicelib.events.recorded import (
    Recorded,
    Stream,
)
from chalicelib.events.store import Busy, Conflict
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    transaction_stream,
)
from tests.commands.desk import Desk, Interruption
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


def test_a_lost_race_is_decided_again_on_what_the_winner_left(desk: Desk) -> None:
    desk.open_accounts(funds=100)
    desk.store.before_append = [lambda: desk.do_elsewhere(COMPETITOR)]

    executed = desk.do(PAYMENT)

    event = executed.recorded.event
    assert isinstance(event, TransactionPosted)
    assert [(entry.version, entry.balance_after) for entry in event.entries] == [(4, 10), (3, 90)]
    assert desk.slept == []
    assert [entry.version for entry in desk.books.history(ALICE)] == [1, 2, 3, 4]


def test_a_lost_race_for_the_last_funds_is_refused(desk: Desk) -> None:
    desk.open_accounts(funds=80)
    desk.store.before_append = [lambda: desk.do_elsewhere(COMPETITOR)]

    with pytest.raises(InsufficientFunds) as refused:
        desk.do(PAYMENT)

    assert (refused.value.available, refused.value.asked) == (50, 60)
    assert desk.store.written == []


def test_losing_again_and_again_costs_a_wait_each_and_nothing_else(desk: Desk) -> None:
    desk.open_accounts(funds=100)
    desk.store.before_append = [losing(stream) for stream in (ALICE, BOB, ALICE, PAYMENT_STREAM)]

    executed = desk.do(PAYMENT)

    assert not executed.replayed
    # The first time that its own stream is taken, it looks at once whether it was done.
    assert len(desk.slept) == 3
    assert [append.stream.id for append in desk.store.written] == ["payment", "alice", "bob"]


def test_a_busy_store_is_asked_again(desk: Desk) -> None:
    desk.open_accounts(funds=100)
    desk.store.before_append = [busy, busy]
    desk.store.before_load = [busy]

    assert not desk.do(PAYMENT).replayed
    assert len(desk.slept) == 3
    assert account_state(desk.books.load([BOB])[BOB]).posted == 60


@pytest.mark.parametrize("interruption", [losing(ALICE), busy], ids=["contended", "busy"])
def test_a_command_that_never_gets_through_is_given_up_with_nothing_written(
    desk: Desk, interruption: Interruption
) -> None:
    desk.open_accounts(funds=100)
    desk.store.before_append = list(repeat(interruption, 10_000))

    with pytest.raises(Contention):
        desk.do(PAYMENT)

    assert desk.store.written == []
    assert desk.books.load([PAYMENT_STREAM]) == {}
    assert desk.books.load([BOB])[BOB].version == 1
    deadline = desk.backoff.deadline
    assert deadline - desk.backoff.cap <= sum(desk.slept) <= deadline
    desk.store.before_append = []
    assert not desk.do(PAYMENT).replayed


@pytest.mark.parametrize("moment", ["load", "append"])
@pytest.mark.parametrize("funds", [60, 500], ids=["funds gone by then", "funds left"])
def test_the_same_transaction_sent_twice_at_once_has_one_effect_and_one_answer(
    desk: Desk, moment: str, funds: int
) -> None:
    desk.open_accounts(funds=funds)
    won = []
    interruptions = {"load": desk.store.before_load, "append": desk.store.before_append}
    interruptions[moment].append(lambda: won.append(desk.do_elsewhere(PAYMENT)))

    executed = desk.do(PAYMENT)

    assert executed.replayed
    assert executed.recorded == won[0].recorded
    assert desk.store.written == []
    assert account_state(desk.books.load([BOB])[BOB]).posted == 60


def test_a_transaction_still_being_written_elsewhere_is_waited_for(desk: Desk) -> None:
    desk.open_accounts(funds=60)
    won = []
    # The engine reports the other writer's transaction before that is there to be seen.
    desk.store.before_append = [losing(PAYMENT_STREAM), losing(PAYMENT_STREAM)]
    desk.store.before_load = [
        lambda: None,
        lambda: None,
        lambda: won.append(desk.do_elsewhere(PAYMENT)),
    ]

    executed = desk.do(PAYMENT)

    assert executed.replayed
    assert executed.recorded == won[0].recorded


def test_a_dry_run_beside_the_real_one_is_not_refused_for_the_funds_that_one_took(
    desk: Desk,
) -> None:
    desk.open_accounts(funds=60)
    won = []

    def pay_between_two_reads() -> None:
        won.append(desk.do_elsewhere(PAYMENT))
        desk.store.unseen.append(PAYMENT_STREAM)

    desk.store.before_load = [pay_between_two_reads]

    rehearsed = desk.do(PAYMENT, dry_run=True)

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
    desk: Desk, winner: Command, loser: Command, refusal: type[Refusal], moment: str
) -> None:
    desk.open_accounts(funds=100)
    interruptions = {"load": desk.store.before_load, "append": desk.store.before_append}
    interruptions[moment].append(lambda: desk.do_elsewhere(winner))

    with pytest.raises(refusal):
        desk.do(loser)

    assert desk.store.written == []


def test_an_account_opened_twice_at_once_is_opened_once(desk: Desk) -> None:
    won = []
    desk.store.before_append = [lambda: won.append(desk.do_elsewhere(opening("carol")))]

    executed = desk.do(opening("carol"))

    assert (executed.replayed, executed.recorded) == (True, won[0].recorded)
    assert desk.store.written == []


def test_waits_are_drawn_from_a_range_that_doubles_up_to_its_cap() -> None:
    backoff = Backoff(base=0.01, cap=0.3)

    for attempt, longest in [(0, 0.01), (1, 0.02), (4, 0.16), (5, 0.3), (60, 0.3)]:
        waits = [backoff.delay(attempt) for _ in range(200)]
        assert 0 <= min(waits) < longest / 4
        assert longest * 3 / 4 < max(waits) <= longest


def test_a_store_without_time_while_expired_holds_are_released_is_asked_again(desk: Desk) -> None:
    desk.open_accounts(funds=60)
    lines = (debit("alice", 60), credit("bob", 60))
    hold = HoldTransaction(ledger="acme", transaction="hold", entries=lines, timeout_seconds=1)
    desk.do(hold)  # Which takes a second.

    # Two looks before it is refused for sure, then the account whose holds may have expired.
    desk.store.before_load = [lambda: None, lambda: None, busy]

    assert not desk.do(PAYMENT).replayed
    assert len(desk.slept) == 1
    assert account_state(desk.books.load([BOB])[BOB]).posted == 60


def test_a_second_lost_race_waits_and_looks_at_everything_again(desk: Desk) -> None:
    desk.open_accounts(funds=100)
    loaded: list[set[str]] = []
    load = desk.store.load

    def noted(streams: Collection[Stream]) -> dict[Stream, Recorded]:
        loaded.append({stream.id for stream in streams})
        return load(streams)

    desk.store.load = noted  # type: ignore[method-assign]  # To watch it.
    twice = [
        posting(f"elsewhere{number}", debit("cash", 1), credit("alice", 1)) for number in (1, 2)
    ]
    desk.store.before_append = [partial(desk.do_elsewhere, command) for command in twice]

    desk.do(PAYMENT)

    assert loaded == [{"alice", "bob"}, {"alice", "bob"}]
    assert len(desk.slept) == 1
