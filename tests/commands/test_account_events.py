"""A transaction's event names the events that its entries made on accounts, of the same commit."""

from datetime import timedelta

import pytest

from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_stream, transaction_event, transaction_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import Command, credit, debit, opening, posting

HOLD = HoldTransaction(
    ledger="acme",
    transaction="hold",
    entries=(debit("alice", 60), credit("bob", 60)),
    timeout_seconds=60,
)


@pytest.fixture
def fixture() -> ExecutorFixture:
    """Alice has 1,000; 60 of it are held for Bob."""
    fixture = ExecutorFixture()
    fixture.open_accounts(funds=1000)
    fixture.do(HOLD)
    return fixture


def newest(fixture: ExecutorFixture, stream: Stream) -> Recorded:
    return fixture.books.load([stream])[stream]


def named_by(fixture: ExecutorFixture, id: str) -> list[Recorded]:
    """The account events that a transaction's newest event names. They have the hashes it says."""
    transaction = newest(fixture, transaction_stream("acme", id))
    event = transaction_event(transaction)
    assert event.account_events is not None
    found = []
    for entry, named in zip(event.entries, event.account_events, strict=True):
        one = fixture.books.read(account_stream("acme", entry.account), named.version)
        assert one.hash[:15] == named.hash
        assert one.recorded_at == transaction.recorded_at
        found.append(one)
    return found


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (HOLD, "EntryHeld"),
        (PostHold(ledger="acme", transaction="hold", amount=40), "HeldEntryPosted"),
        (VoidHold(ledger="acme", transaction="hold"), "HeldEntryReleased"),
        (ExpireHold(ledger="acme", transaction="hold"), "HeldEntryReleased"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_every_step_of_a_hold_names_the_events_it_made(
    fixture: ExecutorFixture, command: Command, kind: str
) -> None:
    fixture.now += timedelta(seconds=60 if isinstance(command, ExpireHold) else 1)
    fixture.do(command)

    named = named_by(fixture, "hold")

    assert [(one.stream.id, one.type) for one in named] == [("alice", kind), ("bob", kind)]
    assert named == [newest(fixture, account_stream("acme", id)) for id in ("alice", "bob")]


def test_an_account_that_occurs_twice_is_named_at_both_versions(fixture: ExecutorFixture) -> None:
    fixture.do(posting("t", debit("alice", 1), credit("bob", 3), debit("alice", 2)))

    named = named_by(fixture, "t")

    first = named[0].version
    assert [(one.stream.id, one.version - first) for one in named if one.stream.id == "alice"] == [
        ("alice", 0),
        ("alice", 1),
    ]


def test_a_reversal_names_its_own_events_and_what_it_reverses_names_none(
    fixture: ExecutorFixture,
) -> None:
    fixture.do(posting("t", debit("alice", 5), credit("bob", 5)))
    fixture.do(ReverseTransaction(ledger="acme", transaction="back", reverses="t"))

    assert [one.stream.id for one in named_by(fixture, "back")] == ["bob", "alice"]
    assert transaction_event(newest(fixture, transaction_stream("acme", "t"))).account_events == ()


def test_a_reversal_names_events_of_accounts_also_where_one_has_the_id_of_what_it_reverses(
    fixture: ExecutorFixture,
) -> None:
    fixture.do(posting("alice", debit("alice", 1), debit("alice", 2), credit("bob", 3)))
    fixture.do(ReverseTransaction(ledger="acme", transaction="back", reverses="alice"))

    assert [one.stream.id for one in named_by(fixture, "back")] == ["bob", "alice", "alice"]


def test_each_transaction_of_an_atomic_batch_names_its_own(fixture: ExecutorFixture) -> None:
    fixture.executor.execute_together(
        [posting(id, debit("alice", 1), credit("bob", 1)) for id in ("a", "b")], actor="key-1"
    )

    alice = [named_by(fixture, id)[0].version for id in ("a", "b")]
    assert alice[1] == alice[0] + 1


def test_a_striped_account_is_named_by_the_stripe_that_took_the_entry(
    fixture: ExecutorFixture,
) -> None:
    fixture.do(opening("house", min_balance=None, stripes=4))
    fixture.do(posting("t", debit("house", 1), credit("bob", 1)))

    taken, _ = named_by(fixture, "t")

    assert taken.stream.id.startswith("house")
    assert taken.stream.id != "house"
