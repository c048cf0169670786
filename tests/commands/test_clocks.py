"""Clocks that are minutes apart: what is far ahead is not followed, noticed and counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.commands import unit_of_work
from chalicelib.domain.account.commands import ChangeAccount
from chalicelib.domain.errors import ClocksApart
from chalicelib.events.clocks import ARRIVES_WITHIN, DIFFER, SENT_WITHIN
from chalicelib.http.problems import refused
from chalicelib.ledger.aggregates import account_stream, transaction_event, transaction_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.commands.test_release import holding
from tests.domain.books import credit, debit, posting

PAYMENT = posting("payment", debit("alice", 1), credit("bob", 1))
ALICE = account_stream("acme", "alice")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """What is counted of clocks that are apart."""
    seen: list[tuple[str, float]] = []
    monkeypatch.setattr(unit_of_work, "apart", lambda *said: seen.append(said))
    return seen


def written_ahead(fixture: ExecutorFixture, by: timedelta) -> None:
    """Alice is changed by a process whose clock is so far ahead."""
    fixture.open_accounts(funds=100)
    now, fixture.now = fixture.now, fixture.now + by
    fixture.do_elsewhere(ChangeAccount(ledger="acme", account="alice", metadata={"k": "v"}))
    fixture.now = now
    fixture.store.written.clear()


def test_an_account_is_not_followed_minutes_ahead(
    fixture: ExecutorFixture, counted: list[tuple[str, float]]
) -> None:
    written_ahead(fixture, timedelta(days=1))

    with pytest.raises(ClocksApart) as error:
        fixture.do(PAYMENT)

    assert fixture.store.written == []
    [(command, seconds)] = counted
    assert (command, round(seconds)) == ("PostTransaction", 86_400)
    problem = refused(error.value)
    assert (problem.status, problem.code, problem.retry_after) == (503, "not_attempted", 1)


def test_it_drags_no_other_account_along(fixture: ExecutorFixture) -> None:
    written_ahead(fixture, timedelta(days=1))
    with pytest.raises(ClocksApart):
        fixture.do(PAYMENT)

    gift = fixture.do(posting("gift", debit("cash", 5), credit("bob", 5)))

    assert gift.recorded.recorded_at < fixture.now + DIFFER


def test_clocks_may_differ_a_little(
    fixture: ExecutorFixture, counted: list[tuple[str, float]]
) -> None:
    written_ahead(fixture, DIFFER - timedelta(seconds=1))

    done = fixture.do(PAYMENT)

    head = fixture.books.load([ALICE])[ALICE]
    assert done.recorded.recorded_at == head.recorded_at > fixture.now
    assert counted == []


def test_once_that_time_has_come_the_account_is_written_again(fixture: ExecutorFixture) -> None:
    written_ahead(fixture, timedelta(minutes=4))
    fixture.now += timedelta(minutes=4)

    assert not fixture.do(PAYMENT).replayed


def test_nothing_is_refused_for_what_only_a_wrong_clock_says(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    fixture.do(holding("h", 60, 600))
    now, fixture.now = fixture.now, fixture.now + timedelta(days=1)
    fixture.do_elsewhere(posting("ahead", debit("cash", 5), credit("alice", 5)))
    fixture.now = now

    # By the time of that payment the hold would have expired, and its money be free.
    with pytest.raises(ClocksApart):
        fixture.do(posting("all", debit("alice", 100), credit("bob", 100)))

    stream = transaction_stream("acme", "h")
    assert transaction_event(fixture.books.load([stream])[stream]).state == "pending"


def test_what_was_done_is_answered_again_whatever_the_clocks_say(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)
    done = fixture.do(PAYMENT)
    now, fixture.now = fixture.now, fixture.now + timedelta(days=1)
    fixture.do_elsewhere(posting("ahead", debit("cash", 5), credit("alice", 5)))
    fixture.now = now

    again = fixture.do(PAYMENT)

    assert (again.replayed, again.recorded) == (True, done.recorded)


def test_what_was_held_up_after_it_was_decided_is_decided_and_stamped_again(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    begun = fixture.now
    times = iter([begun, begun + SENT_WITHIN + timedelta(seconds=1)])
    late = begun + SENT_WITHIN + timedelta(seconds=2)
    fixture.executor = replace(fixture.executor, clock=lambda: next(times, late))

    done = fixture.do(PAYMENT)

    assert done.recorded.recorded_at == late
    assert done.recorded.recorded_at + ARRIVES_WITHIN > late + timedelta(minutes=5)
