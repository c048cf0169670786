"""A leader's term: what it settles, and what it leaves to the clients themselves."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from chalicelib.commands.combining import answers
from chalicelib.commands.combining.deciding import Batch
from chalicelib.commands.combining.hot import Combiner
from chalicelib.commands.combining.inbox import Answer, Commit, Lease, Missing, Row
from chalicelib.commands.combining.leading import Term
from chalicelib.commands.combining.limits import LEAST_PAUSE_SECONDS
from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import FreezeAccount
from chalicelib.domain.transaction.commands import HoldTransaction
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Conflict
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import NOW, credit, debit, posting
from tests.memory_inbox import MemoryInbox

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")


@dataclass
class InterruptedInbox(MemoryInbox):
    """An inbox before whose next commits something happens; it was sent `commits`, and its rows
    were read so many times.
    """

    before_commit: list[Callable[[], object]] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    reads: int = 0

    def rows(self, account: Stream) -> list[Row]:
        self.reads += 1
        return super().rows(account)

    def commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        if self.before_commit:
            self.before_commit.pop(0)()
        super().commit(commit)


@pytest.fixture
def inbox(fixture: ExecutorFixture) -> InterruptedInbox:
    """The inbox beside the fixture's store."""
    found = InterruptedInbox()
    MemoryInbox.__init__(found, fixture.books)
    return found


def last_first(works: Sequence[Callable[[], Any]]) -> list[Any]:
    return in_turn(works[::-1])[::-1]


def in_turn(works: Sequence[Callable[[], Any]]) -> list[Any]:
    return [work() for work in works]


def pay(id: str, amount: int) -> Command:
    return posting(id, debit("alice", amount), credit("bob", amount))


def put(
    inbox: InterruptedInbox,
    *commands: Command,
    encoded: bytes | None = None,
    account: Stream = ALICE,
    also: Sequence[Stream] = (),
) -> Row:
    """A row with these commands, put behind the others."""
    row = Row(
        account=account,
        also=tuple(also),
        id=f"row-{len(inbox.stored):03}",
        commands=encoded or answers.encode(commands),
        command_id=f"request-{len(inbox.stored)}",
        actor="key-7",
        gives_up=(NOW + timedelta(minutes=5)).timestamp(),
    )
    inbox.put(row)
    return row


def lead(
    fixture: ExecutorFixture,
    inbox: InterruptedInbox,
    own: Row,
    *,
    parallel: Callable[[Sequence[Callable[[], Any]]], list[Any]] = in_turn,
    **named: Any,
) -> Term:
    """A term of the client of a row, which has ended."""
    lease = Lease(owner=own.id, epoch=1, until=NOW.timestamp() + 1)
    inbox.leases[own.account] = lease
    executor, leases = fixture.executor, {own.account: lease}
    term = Term(executor, inbox, parallel, own, leases, executor.monotonic() + 4, **named)
    term.lead()
    return term


def told(inbox: InterruptedInbox, row: Row) -> Answer | None:
    """The answer in a row."""
    return inbox.stored[row.id].answer


def test_rows_are_decided_one_after_the_other_and_written_at_once(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    first, second = put(inbox, pay("a", 60)), put(inbox, pay("b", 50))
    third = put(inbox, posting("c", debit("cash", 10), credit("alice", 10)))
    fourth = put(inbox, pay("d", 50))

    term = lead(fixture, inbox, first)

    [commit] = inbox.commits
    assert term.result is not None
    assert term.result.executed[0].recorded.command_id == first.command_id
    assert told(inbox, second) == Answer(
        kind="refused",
        refusal="InsufficientFunds",
        fields={
            "account": "alice",
            "available": 40,
            "min_balance": 0,
            "asked": 50,
            "normal_balance": "credit",
        },
    )
    assert inbox.stored.keys() == {second.id}
    assert {third.id, fourth.id}.isdisjoint(inbox.stored)
    assert commit.absent == [(transaction_stream("acme", "b"), 1)]
    assert len({event.recorded_at for each in commit.appends for event in each.events}) == 1
    assert {event.actor for each in commit.appends for event in each.events} == {"key-7"}
    assert account_state(fixture.books.load([ALICE])[ALICE]).posted == 0
    assert inbox.leases[ALICE] == Lease(epoch=2)


def test_a_refusal_that_a_deposit_has_made_untrue_is_not_told(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=10)
    row = put(inbox, pay("a", 60))
    deposit = posting("deposit", debit("cash", 60), credit("alice", 60))
    inbox.before_commit = [lambda: fixture.do_elsewhere(deposit)]

    term = lead(fixture, inbox, row)

    assert [sorted(f"{one.id} {version}" for one, version in inbox.commits[0].absent)] == [
        ["a 1", "alice 3", "bob 2"]
    ]
    assert (term.lost, inbox.stored) == (1, {})
    assert fixture.books.load([transaction_stream("acme", "a")]).keys()


def test_a_command_that_was_done_before_is_looked_at_again_by_its_client(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    first = put(inbox, pay("a", 60))
    same = put(inbox, pay("a", 60))
    inbox.before_commit = [lambda: fixture.do_elsewhere(pay("b", 1))]
    before = put(inbox, pay("b", 1))

    lead(fixture, inbox, first)

    assert (told(inbox, same), told(inbox, before)) == (Answer(kind="again"), Answer(kind="again"))
    assert account_state(fixture.books.load([ALICE])[ALICE]).posted == 39


def test_what_cannot_be_decided_is_left_to_its_client_and_holds_nobody_up(
    fixture: ExecutorFixture, inbox: InterruptedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.open_accounts(funds=100)
    unknown = put(inbox, encoded=b'[{"type":"BurnMoney","fields":{}}]')
    failing = put(inbox, pay("fails", 1))
    large = put(inbox, *(pay(f"part-{number}", 1) for number in range(34)))
    fine = put(inbox, pay("fine", 1))
    decide = fixture.executor.decider.attempt(None).__class__.decide

    def fail(self: Any, command: Any, *arguments: Any) -> Any:
        if command.transaction == "fails":
            raise ZeroDivisionError
        return decide(self, command, *arguments)

    monkeypatch.setattr("chalicelib.commands.routing.Routing.decide", fail)

    lead(fixture, inbox, fine)

    assert [told(inbox, row) for row in (unknown, failing, large)] == [Answer(kind="alone")] * 3
    assert fine.id not in inbox.stored


def test_holds_that_are_over_are_expired_in_the_same_transaction(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=60)
    lines = (debit("alice", 60), credit("bob", 60))
    fixture.do(HoldTransaction(ledger="acme", transaction="h", entries=lines, timeout_seconds=1))
    row = put(inbox, pay("a", 60))

    lead(fixture, inbox, row)

    types = [event.type for each in inbox.commits[0].appends for event in each.events]
    assert sorted(types) == [
        "EntryPosted",
        "EntryPosted",
        "HeldEntryReleased",
        "HeldEntryReleased",
        "HoldExpired",
        "TransactionPosted",
    ]
    assert inbox.stored == {}


def test_a_row_for_which_more_holds_must_expire_than_fit_holds_nobody_up(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=71)
    lines = (debit("alice", 1), credit("bob", 1))
    for number in range(34):
        id = f"h-{number}"
        fixture.do(HoldTransaction(ledger="acme", transaction=id, entries=lines, timeout_seconds=1))
    row, other = put(inbox, pay("a", 70)), put(inbox, pay("b", 1))

    lead(fixture, inbox, other)

    assert told(inbox, row) == Answer(kind="alone")
    assert other.id not in inbox.stored


def test_after_a_leader_that_died_one_row_is_decided_first_then_twice_as_many(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    rows = [put(inbox, pay(f"t-{number}", 1)) for number in range(7)]

    lead(fixture, inbox, rows[3], most=1)

    settled = [[row.id for row, _ in commit.settled] for commit in inbox.commits]
    assert [len(each) for each in settled] == [1, 2, 4]
    assert settled[0] == [rows[3].id]


def test_a_throttled_leader_waits_and_rows_of_clients_that_are_gone_are_deleted(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    gone = put(inbox, pay("gone", 1))
    gives_up = (NOW - timedelta(seconds=90)).timestamp()
    inbox.stored[gone.id] = structs.replace(gone, gives_up=gives_up)
    row = put(inbox, pay("a", 1))

    def throttled() -> None:
        raise Busy("ThrottlingException")

    inbox.before_commit = [throttled, throttled]
    lead(fixture, inbox, row)

    assert inbox.stored == {}
    assert len([pause for pause in fixture.slept if pause >= LEAST_PAUSE_SECONDS]) == 2
    assert fixture.books.load([transaction_stream("acme", "gone")]) == {}


def test_the_next_rows_and_their_heads_are_read_while_a_transaction_is_written(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    first, late, loaded = put(inbox, pay("a", 10)), list[Row](), list[set[str]]()
    load = fixture.store.load

    def put_late(_: float) -> None:
        if not late:
            late.append(put(inbox, posting("b", debit("alice", 1), credit("cash", 1))))

    def noted(streams: Collection[Stream]) -> dict[Stream, Recorded]:
        loaded.append({stream.id for stream in streams})
        return load(streams)

    fixture.executor = replace(fixture.executor, sleep=put_late)
    fixture.store.load = noted  # type: ignore[method-assign]  # Of this test's store.

    term = lead(fixture, inbox, first, parallel=last_first)

    assert (term.rounds, term.lost, inbox.stored) == (2, 0, {})
    assert (loaded, inbox.reads) == ([{"alice", "bob"}, {"cash"}], 3)


def test_a_leader_takes_the_leases_of_larger_accounts_that_its_rows_also_require(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    alone, both = put(inbox, pay("a", 1)), put(inbox, pay("b", 1), also=[BOB])
    put(inbox, posting("c", debit("bob", 1), credit("cash", 1)), account=BOB)
    other = Lease(owner="another", epoch=7, until=NOW.timestamp() + 1)
    inbox.leases[BOB] = other
    seen: list[Lease] = []
    inbox.before_commit = [lambda: seen.append(inbox.leases[BOB])]

    lead(fixture, inbox, alone)

    settled = [[row.id for row, _ in commit.settled] for commit in inbox.commits]
    assert [len(each) for each in settled] == [1, 2]
    assert both.id in settled[1]
    assert (seen[0].owner, seen[0].epoch) == (alone.id, 8)
    assert (inbox.leases, inbox.stored) == ({ALICE: Lease(epoch=2), BOB: Lease(epoch=9)}, {})


def test_a_leader_leaves_the_leases_of_smaller_accounts_so_that_two_do_not_take_turns(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    lease = Lease(owner="another", epoch=7, until=NOW.timestamp() + 1)
    inbox.leases[ALICE] = lease

    lead(fixture, inbox, put(inbox, pay("a", 1), account=BOB, also=[ALICE]))

    assert (inbox.leases[ALICE], inbox.stored) == (lease, {})


def test_a_leader_whose_lease_was_taken_ends_its_term_after_the_round(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    rows = [put(inbox, pay(f"t-{number}", 1)) for number in range(3)]
    taken = Lease(owner="another", epoch=2, until=NOW.timestamp() + 1)
    inbox.before_commit = [lambda: inbox.leases.update({ALICE: taken})]

    term = lead(fixture, inbox, rows[0], most=1)

    assert (term.rounds, inbox.leases) == (1, {ALICE: taken})
    assert inbox.stored.keys() == {rows[1].id, rows[2].id}


def test_commands_too_large_for_a_row_are_done_with_the_lease_of_their_account(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    process = combining(fixture, inbox)
    process.combiner.hot[ALICE] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.
    inbox.leases[ALICE] = Lease(owner="another", epoch=4, until=NOW.timestamp() + 60)
    seen: list[Lease] = []
    fixture.store.before_append = [lambda: seen.append(inbox.leases[ALICE])]
    batch = [pay(f"part-of-a-large-batch-{number}", 1) for number in range(33)]

    done = process.execute_together(batch, actor="key-1")

    assert len(done) == 33
    assert (seen[0].epoch, seen[0].owner != "another") == (5, True)
    assert (inbox.leases, inbox.commits) == ({ALICE: Lease(epoch=6)}, [])


def test_a_leader_that_has_its_answer_is_not_kept_by_the_rows_of_others(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    rows = [put(inbox, pay(f"t-{number}", 1)) for number in range(2)]

    def throttled() -> None:
        raise Busy("ThrottlingException")

    inbox.before_commit = [lambda: None, *[throttled] * 1000]

    term = lead(fixture, inbox, rows[0], most=1)

    assert term.result is not None
    assert inbox.stored.keys() == {rows[1].id}
    assert len(inbox.before_commit) > 900


def test_a_leader_renews_its_lease_while_it_is_throttled(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    until: list[float] = []

    def throttled() -> None:
        until.append(inbox.leases[ALICE].until)
        fixture.now += timedelta(milliseconds=50)
        raise Busy("ThrottlingException")

    inbox.before_commit = [throttled] * 10

    lead(fixture, inbox, put(inbox, pay("a", 1)), parallel=last_first)

    assert until[0] == NOW.timestamp() + 1
    assert len(set(until)) > 1


def test_a_row_whose_client_is_about_to_give_up_is_left_to_it(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    row, late = put(inbox, pay("a", 1)), put(inbox, pay("late", 1))
    gives_up = fixture.now.timestamp() + 0.1
    inbox.stored[late.id] = structs.replace(late, gives_up=gives_up)

    lead(fixture, inbox, row)

    assert inbox.stored.keys() == {late.id}


@pytest.mark.parametrize("ahead", [1, 3600], ids=["clocks agree", "its clock was ahead"])
def test_a_leader_that_died_is_replaced_once_its_lease_has_not_changed_for_a_second(
    fixture: ExecutorFixture, inbox: InterruptedInbox, ahead: float
) -> None:
    fixture.open_accounts(funds=100)
    process = combining(fixture, inbox)
    process.combiner.hot[ALICE] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.
    until = fixture.now.timestamp() + ahead
    inbox.leases[ALICE] = Lease(owner="dead", epoch=4, until=until)
    others = [put(inbox, pay(f"t-{number}", 1)) for number in range(2)]

    done = process.execute(pay("a", 1), actor="key-1", request="mine")

    assert done.recorded.command_id == "mine"
    assert 1.0 < sum(fixture.slept) < 2.0
    assert [len(commit.settled) for commit in inbox.commits] == [1, len(others)]


def test_a_leader_that_slept_after_it_had_decided_decides_again(
    fixture: ExecutorFixture, inbox: InterruptedInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.open_accounts(funds=100)
    row = put(inbox, pay("a", 1))
    written = Batch.commit

    def slowly(batch: Batch) -> Commit:
        fixture.now += timedelta(seconds=60)
        monkeypatch.setattr(Batch, "commit", written)
        return written(batch)

    monkeypatch.setattr(Batch, "commit", slowly)
    began = fixture.now

    lead(fixture, inbox, row)

    assert inbox.stored == {}
    [event] = [*fixture.books.history(transaction_stream("acme", "a"))]
    assert event.recorded_at > began + timedelta(seconds=59)


def losing() -> None:
    raise Conflict(ALICE, {ALICE: None})


def combining(fixture: ExecutorFixture, inbox: Any) -> Executor:
    """The fixture's executor with an inbox."""
    return replace(fixture.executor, combiner=Combiner(lambda: inbox, in_turn))


def executed(fixture: ExecutorFixture, inbox: Any, command: Command, **named: Any) -> Executed:
    return combining(fixture, inbox).execute(command, actor="key-1", **named)


@pytest.mark.parametrize(
    "command",
    [pay("a", 1), FreezeAccount(ledger="acme", account="alice", debits=True, credits=True)],
)
def test_a_command_that_loses_two_races_leads_and_is_answered_as_ever(
    fixture: ExecutorFixture, inbox: InterruptedInbox, command: Command
) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = [losing] * 2

    done = executed(fixture, inbox, command, request="mine")

    assert not done.replayed
    assert done.recorded.command_id == "mine"
    assert fixture.books.load([done.recorded.stream]) == {done.recorded.stream: done.recorded}
    assert (len(inbox.commits), inbox.stored) == (1, {})


def test_without_a_table_of_inboxes_commands_are_done_as_before(fixture: ExecutorFixture) -> None:
    fixture.open_accounts(funds=100)

    class NoInbox:
        def lease(self, account: Stream) -> Lease:
            raise Missing(str(account))

    fixture.store.before_append = [losing] * 6

    assert not executed(fixture, NoInbox(), pay("a", 1)).replayed


def test_a_dry_run_and_a_command_that_meets_nobody_touch_no_inbox(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts(funds=100)
    process = combining(fixture, None)
    process.combiner.hot[ALICE] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.

    assert not process.execute(pay("a", 1), actor="key-1", dry_run=True).replayed
    process.combiner.hot.clear()  # type: ignore[union-attr]
    assert not process.execute(pay("a", 1), actor="key-1").replayed


def test_a_replay_on_a_led_account_leaves_no_row(
    fixture: ExecutorFixture, inbox: InterruptedInbox
) -> None:
    fixture.open_accounts(funds=100)
    fixture.do(pay("a", 1))
    process = combining(fixture, inbox)
    process.combiner.hot[ALICE] = process.monotonic() + 60  # type: ignore[union-attr]  # It has one.
    inbox.leases[ALICE] = Lease(owner="another", epoch=4, until=NOW.timestamp() + 60)

    assert process.execute(pay("a", 1), actor="key-1").replayed
    assert (inbox.stored, inbox.commits) == ({}, [])
