"""What a row, or a process, must not do to others: each failure ends where it belongs."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs

from chalicelib.commands.combining import answers
from chalicelib.commands.combining.deciding import Batch
from chalicelib.commands.combining.inbox import Answer, Commit, Lease, Row
from chalicelib.commands.head_cache import HeadCache
from chalicelib.domain.errors import ClocksApart
from chalicelib.domain.transaction.commands import HoldTransaction
from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.store import Busy, Unanswered
from chalicelib.ledger.aggregates import account_stream
from tests.commands.combining.test_leading import (
    ALICE,
    BOB,
    InterruptedInbox,
    combining,
    last_first,
    lead,
    pay,
    put,
    told,
)
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_inbox import MemoryInbox

CAROL = account_stream("acme", "carol")


@pytest.fixture
def inbox(fixture: ExecutorFixture) -> InterruptedInbox:
    """The inbox beside the fixture's store."""
    found = InterruptedInbox()
    MemoryInbox.__init__(found, fixture.books)
    return found


def test_a_transaction_that_was_never_written_leaves_nothing_in_the_head_cache(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.executor = replace(fixture.executor, head_cache=(cache := HeadCache()))
    fixture.open_accounts(funds=60)
    lines = (debit("alice", 60), credit("bob", 60))
    fixture.do(HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=1))
    own = put(inbox, posting("own", debit("cash", 1), credit("alice", 1)))
    grows = put(inbox, posting("grows", debit("cash", 5), credit("bob", 5)))
    releases = put(inbox, pay("releases", 60))
    inbox.before_commit = [lambda: [inbox.withdraw(row) for row in (grows, releases)]]

    lead(fixture, inbox, own)

    assert cache.get([BOB]) == fixture.books.load([BOB])


def test_a_head_that_this_build_cannot_read_holds_up_only_the_row_that_requires_it(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    own = put(inbox, posting("own", debit("cash", 1), credit("alice", 1)))
    unreadable = put(inbox, pay("a", 1))
    put(inbox, posting("b", debit("alice", 1), credit("cash", 1)))
    load = fixture.store.load

    def failing(streams: Collection[Stream]) -> dict[Stream, Recorded]:
        if BOB in streams:
            raise UnknownEvent("of a newer build")
        return load(streams)

    fixture.store.load = failing  # type: ignore[method-assign]  # Of this test's store.

    term = lead(fixture, inbox, own)

    assert term.result is not None
    assert inbox.stored.keys() == {unreadable.id}
    assert told(inbox, unreadable) == Answer(kind="alone")


def test_a_command_with_a_field_of_a_newer_build_is_not_done_without_it(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    own = put(inbox, posting("own", debit("cash", 1), credit("alice", 1)))
    [encoded] = msgspec.json.decode(answers.encode([pay("a", 1)]))
    newer = put(
        inbox,
        encoded=msgspec.json.encode(
            [{**encoded, "fields": {**encoded["fields"], "only_if": "something"}}]
        ),
    )
    entries = [{**entry, "only_if": "something"} for entry in encoded["fields"]["entries"]]
    within = put(
        inbox,
        encoded=msgspec.json.encode(
            [{**encoded, "fields": {**encoded["fields"], "entries": entries}}]
        ),
    )

    lead(fixture, inbox, own)

    assert [told(inbox, row) for row in (newer, within)] == [Answer(kind="alone")] * 2


def waiting(fixture: ExecutorFixture, inbox: Any) -> Any:
    """An executor that meets a leader of alice."""
    process = combining(fixture, inbox)
    process.combiner.hot[ALICE] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.
    inbox.leases[ALICE] = Lease(owner="another", epoch=4, until=NOW.timestamp() + 60)
    return process


def test_a_refusal_of_a_newer_build_is_looked_for_by_the_client_itself(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    process = waiting(fixture, inbox)

    def answered(_: float) -> None:
        for row in inbox.rows(ALICE):
            newer = Answer(kind="refused", refusal="OfANewerBuild", fields={"why": 1})
            inbox.commit(Commit([], [(row, newer)]))

    process = replace(process, sleep=answered)

    assert process.execute(pay("a", 1), actor="key-1", request="mine").recorded.version == 1
    assert inbox.stored == {}


@pytest.mark.parametrize("error", [Busy, Unanswered])
def test_a_leader_that_cannot_withdraw_its_row_waits_on(
    fixture: ExecutorFixture,
    inbox: InterruptedInbox,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture.open_accounts(funds=100)
    fixture.now += timedelta(minutes=5)
    fixture.do_elsewhere(posting("ahead", debit("cash", 1), credit("alice", 1)))
    fixture.now -= timedelta(minutes=5)
    process = waiting(fixture, inbox)
    withdraw, failures = inbox.withdraw, [error("TransactionConflictException")]

    def fails_once(row: Row, **named: Any) -> bool:
        if failures:
            raise failures.pop()
        return withdraw(row, **named)

    monkeypatch.setattr(inbox, "withdraw", fails_once)

    with pytest.raises(ClocksApart):
        process.execute(pay("a", 1), actor="key-1")


def test_a_leader_whose_row_was_settled_by_another_does_not_lead_until_its_time_is_up(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    own, other = put(inbox, pay("own", 1)), put(inbox, pay("other", 1))
    inbox.withdraw(own)

    def one_more(_: float) -> None:
        fixture.slept.append(0.1)
        id = f"t-{len(fixture.slept):03}"
        inbox.put(structs.replace(other, id=id, commands=answers.encode([pay(id, 1)])))

    fixture.executor = replace(fixture.executor, sleep=one_more)

    term = lead(fixture, inbox, own)

    assert 1 < term.rounds < 10


def test_a_client_is_not_left_appointed_to_a_lease_that_another_has_taken(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    rows = [put(inbox, pay(f"t-{number}", 1)) for number in range(2)]
    taken = Lease(owner="another", epoch=2, until=NOW.timestamp() + 1)

    def late() -> None:
        inbox.leases[ALICE] = taken
        fixture.slept.append(1.0)

    inbox.before_commit = [late]

    lead(fixture, inbox, rows[0], most=1, parallel=last_first)

    assert inbox.leases == {ALICE: taken}
    leads = inbox.stored[rows[1].id].leads
    assert leads is None or leads.epoch < taken.epoch


def test_a_row_that_is_withdrawn_before_it_is_left_to_its_client_fails_nobody(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    row = put(inbox, pay("a", 1))

    def too_large() -> None:
        raise ValueError("ValidationException")

    inbox.before_commit = [too_large, lambda: inbox.withdraw(row)]

    lead(fixture, inbox, row)

    assert inbox.stored == {}


def test_a_leader_whose_clock_is_ahead_withdraws_no_row_of_a_client_that_waits(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    own, other = put(inbox, pay("own", 1)), put(inbox, pay("other", 1))
    gives_up = (fixture.now + timedelta(seconds=4)).timestamp()
    inbox.stored[other.id] = structs.replace(other, gives_up=gives_up)
    now = fixture.now + timedelta(seconds=30)
    fixture.executor = replace(fixture.executor, clock=lambda: now)

    lead(fixture, inbox, own)

    assert inbox.stored.keys() == {other.id}


def test_a_head_that_is_far_ahead_holds_up_only_the_rows_that_require_it(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    fixture.do(opening("carol", normal_balance="credit"))
    fixture.now += timedelta(minutes=5)
    fixture.do_elsewhere(posting("ahead", debit("cash", 1), credit("carol", 1)))
    fixture.now -= timedelta(minutes=5)
    own = put(inbox, pay("own", 1))
    ahead = put(inbox, posting("a", debit("alice", 1), credit("carol", 1)))

    term = lead(fixture, inbox, own)

    assert term.result is not None
    assert told(inbox, ahead) == Answer(kind="alone")


def test_a_replay_on_a_led_account_leaves_no_row_at_any_read_level(
    fixture: ExecutorFixture, inbox: InterruptedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.open_accounts(funds=100)
    fixture.do(opening("hot"))
    process = combining(fixture, inbox)
    stream = account_stream("acme", "hot")
    process.combiner.hot[stream] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.
    inbox.leases[stream] = Lease(owner="another", epoch=4, until=NOW.timestamp() + 60)
    puts: list[Row] = []
    monkeypatch.setattr(inbox, "put", puts.append)

    assert process.execute(opening("hot"), actor="key-1").replayed
    assert puts == []


def test_a_leader_whose_time_is_up_answers_before_it_gives_its_lease_back(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    row = put(inbox, pay("a", 1))

    def hung() -> None:
        fixture.slept.append(5.0)
        raise Unanswered("ReadTimeoutError")

    inbox.before_commit = [hung]

    lead(fixture, inbox, row)

    assert inbox.leases[ALICE].owner == row.id


def test_a_leader_that_fails_waits_for_its_answer_like_the_others(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    process = waiting(fixture, inbox)

    def fails() -> None:
        raise UnknownEvent("of a newer build")

    def another_leads() -> None:
        [row] = inbox.rows(ALICE)
        lead(fixture, inbox, structs.replace(row, id="another"))
        fails()

    inbox.before_commit = [another_leads]

    assert process.execute(pay("a", 1), actor="key-1", request="mine").recorded.version == 1
    assert inbox.stored == {}


def test_what_a_leader_has_written_for_a_client_is_not_taken_from_its_head_cache(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.executor = replace(fixture.executor, head_cache=(cache := HeadCache()))
    fixture.open_accounts(funds=100)
    process = waiting(fixture, inbox)
    cache.cool_down({ALICE: None})

    def another_leads(_: float) -> None:
        for row in inbox.rows(ALICE):
            batch = Batch(process, process.monotonic() + 4, {})
            batch.decide([row])
            inbox.commit(batch.commit())

    replace(process, sleep=another_leads).execute(pay("a", 1), actor="key-1")

    assert cache.get([BOB]) == {}
