"""Expired holds: released when they stand in a command's way, before it is refused for them."""

from datetime import timedelta

import pytest

from chalicelib.commands.execution import Refused
from chalicelib.domain.account.commands import ChangeAccount, CloseAccount
from chalicelib.domain.errors import (
    AccountNotEmpty,
    BalanceLimitExceeded,
    Contention,
    IdempotencyKeyReused,
    InsufficientFunds,
    Refusal,
)
from chalicelib.domain.transaction.commands import ExpireHold, HoldTransaction, PostHold
from chalicelib.domain.transaction.events import HoldExpired, TransactionPosted
from chalicelib.events.store import Conflict
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    transaction_event,
    transaction_stream,
)
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, opening, posting

ALICE, BOB, CASH = (account_stream("acme", id) for id in ("alice", "bob", "cash"))
PAYMENT = posting("payment", debit("alice", 60), credit("bob", 60))


def holding(id: str, amount: int, seconds: int | None) -> HoldTransaction:
    """A hold of some of Alice's for the till."""
    lines = (debit("alice", amount), credit("cash", amount))
    return HoldTransaction(ledger="acme", transaction=id, entries=lines, timeout_seconds=seconds)


def state(fixture: ExecutorFixture, id: str) -> str:
    """Where a transaction stands in the books."""
    stream = transaction_stream("acme", id)
    return transaction_event(fixture.books.load([stream])[stream]).state


@pytest.fixture
def held(fixture: ExecutorFixture) -> ExecutorFixture:
    """Alice has 60, all of which is held for 10 seconds from now on."""
    fixture.open_accounts(funds=60)
    fixture.executor.execute(holding("h", 60, 10), actor="key-1")
    fixture.store.written.clear()
    return fixture


def test_a_microsecond_before_it_expires_a_hold_is_still_in_the_way(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10, microseconds=-1)

    with pytest.raises(InsufficientFunds) as refused:
        held.do(PAYMENT)

    assert refused.value.available == 0
    assert held.store.written == []
    assert state(held, "h") == "pending"


def test_at_the_instant_of_its_expiry_its_money_is_free(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)

    executed = held.do(PAYMENT)

    assert not executed.replayed
    stream = transaction_stream("acme", "h")
    [_, expired] = [each.event for each in held.books.history(stream)]
    assert isinstance(expired, HoldExpired)
    assert expired.resolution is not None
    assert expired.resolution.at == expired.expires_at
    alice = account_state(held.books.load([ALICE])[ALICE])
    assert (alice.posted, alice.pending_out, alice.expiring) == (0, 0, ())


def test_only_what_has_expired_is_released_and_the_rest_still_counts(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    for hold in (holding("a", 20, 5), holding("b", 30, 3600), holding("c", 40, None)):
        fixture.executor.execute(hold, actor="key-1")
    fixture.now += timedelta(seconds=60)

    with pytest.raises(InsufficientFunds) as refused:
        fixture.do(PAYMENT)

    assert refused.value.available == 30
    assert [state(fixture, id) for id in "abc"] == ["expired", "pending", "pending"]


def test_a_command_that_no_hold_is_in_the_way_of_releases_none(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=60)

    held.do(posting("gift", debit("cash", 5), credit("bob", 5)))

    assert state(held, "h") == "pending"


def test_room_that_an_expired_hold_took_up_is_free_again(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=60)
    fixture.do(ChangeAccount(ledger="acme", account="bob", max_balance=60))
    lines = (debit("alice", 60), credit("bob", 60))
    fixture.do(HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=1))
    change = ChangeAccount(ledger="acme", account="bob", max_balance=30)

    fixture.do(change)

    assert state(fixture, "h") == "expired"
    assert account_state(fixture.books.load([BOB])[BOB]).max_balance == 30
    with pytest.raises(BalanceLimitExceeded) as refused:
        fixture.do(PAYMENT)
    assert refused.value.balance == 60


def test_an_account_for_which_only_expired_holds_are_pending_is_closed(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=60)
    lines = (debit("alice", 60), credit("bob", 60))
    fixture.executor.execute(
        HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=10),
        actor="key-1",
    )
    close = CloseAccount(ledger="acme", account="bob")
    with pytest.raises(AccountNotEmpty):
        fixture.do(close)
    fixture.now += timedelta(seconds=10)

    fixture.do(close)

    assert account_state(fixture.books.load([BOB])[BOB]).closed
    assert state(fixture, "h") == "expired"


def test_what_is_refused_after_a_release_is_refused_for_what_is_there_then(
    held: ExecutorFixture,
) -> None:
    held.now += timedelta(seconds=10)

    with pytest.raises(InsufficientFunds) as refused:
        held.do(posting("t", debit("alice", 61), credit("bob", 61)))

    assert (refused.value.available, refused.value.asked) == (60, 61)
    assert state(held, "h") == "expired"


def test_a_dry_run_decides_as_if_they_were_released_and_writes_nothing(
    held: ExecutorFixture,
) -> None:
    held.now += timedelta(seconds=10)
    before = {stream: held.books.load([stream]) for stream in (ALICE, BOB, CASH)}

    dry = held.executor.execute(PAYMENT, actor="key-1", dry_run=True)

    event = dry.recorded.event
    assert isinstance(event, TransactionPosted)
    # Three events have come before on Alice's account; the release would be the fourth.
    assert [(entry.version, entry.balance_after) for entry in event.entries] == [(5, 0), (2, 60)]
    assert held.store.written == []
    assert {stream: held.books.load([stream]) for stream in before} == before
    assert state(held, "h") == "pending"
    assert transaction_event(held.do(PAYMENT).recorded).entries == event.entries


def test_a_dry_run_is_refused_for_what_is_held_without_an_end(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=60)
    fixture.do(holding("a", 30, 1))
    fixture.do(holding("b", 30, None))
    fixture.store.written.clear()

    with pytest.raises(InsufficientFunds) as refused:
        fixture.do(PAYMENT, dry_run=True)

    assert refused.value.available == 30
    assert fixture.store.written == []


def test_a_hold_that_another_releases_meanwhile_is_released_once(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)
    release = ExpireHold(ledger="acme", transaction="h")
    held.store.before_append = [lambda: held.do_elsewhere(release)]

    assert not held.do(PAYMENT).replayed

    assert len(list(held.books.history(transaction_stream("acme", "h")))) == 2
    assert account_state(held.books.load([ALICE])[ALICE]).pending_out == 0


def test_a_hold_is_released_as_of_its_expiry_however_far_this_clock_is_behind(
    held: ExecutorFixture,
) -> None:
    # Another machine, whose clock is ahead, has just written to the payee.
    behind = held.now
    held.now += timedelta(seconds=20)
    held.do_elsewhere(opening("carol", normal_balance="credit"))
    held.now = behind
    held.store.before_load = [*[lambda: None] * 20, lambda: pytest.fail("asks without an end")]

    held.do(posting("t", debit("alice", 60), credit("carol", 60)))

    assert held.slept == []
    stream = transaction_stream("acme", "h")
    expired = transaction_event(held.books.load([stream])[stream])
    assert expired.resolution is not None
    assert expired.expires_at is not None
    assert expired.resolution.at == expired.expires_at


def test_releases_that_never_get_through_end_with_the_deadline(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)

    def lose() -> None:
        raise Conflict(ALICE, {ALICE: None})

    held.store.before_append = [lose] * 10_000

    with pytest.raises(Contention):
        held.do(PAYMENT)

    assert held.store.written == []
    assert state(held, "h") == "pending"


def test_an_expired_hold_can_no_longer_be_posted_whoever_released_it(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)
    held.do(PAYMENT)

    with pytest.raises(Refusal) as refused:
        held.do(PostHold(ledger="acme", transaction="h"))

    assert refused.value.code == "transaction_not_pending"


def test_commands_done_together_have_what_stood_in_the_way_of_any_released(
    held: ExecutorFixture,
) -> None:
    held.now += timedelta(seconds=10)
    first = posting("gift", debit("cash", 5), credit("bob", 5))

    done = held.executor.execute_together([first, PAYMENT], actor="key-1")

    assert [each.replayed for each in done] == [False, False]
    assert state(held, "h") == "expired"


def test_of_commands_refused_together_the_first_is_named_and_only_the_release_is_written(
    held: ExecutorFixture,
) -> None:
    held.now += timedelta(seconds=10)
    more = posting("more", debit("alice", 1), credit("bob", 1))

    with pytest.raises(Refused) as refused:
        held.executor.execute_together([PAYMENT, more], actor="key-1")

    assert refused.value.index == 1
    assert isinstance(refused.value.refusal, InsufficientFunds)
    assert state(held, "h") == "expired"
    assert account_state(held.books.load([BOB])[BOB]).posted == 0


def test_a_transaction_that_was_done_before_releases_nothing(held: ExecutorFixture) -> None:
    held.now += timedelta(seconds=10)

    with pytest.raises(IdempotencyKeyReused):
        held.executor.execute(holding("h", 61, 10), actor="key-1")

    assert held.do(holding("h", 60, 10)).replayed
    assert state(held, "h") == "pending"
