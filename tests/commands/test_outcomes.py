"""Outcomes: an append without an answer is unknown until the stored event says whose it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import repeat

import pytest

from chalicelib.commands.execution import Executed
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import Contention, InsufficientFunds, OutcomeUnknown, Refusal
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Busy, Conflict, Unanswered
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    metadata_set_by,
    transaction_event,
    transaction_stream,
)
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, opening, posting

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")
PAYMENT = posting("payment", debit("alice", 60), credit("bob", 60))
HELD = (debit("alice", 60), credit("bob", 60))

COMMANDS: dict[str, Command] = {
    "open": opening("carol"),
    "open striped": opening("hot", min_balance=None, stripes=4),
    "change": ChangeAccount(ledger="acme", account="bob", max_balance=500),
    "change if matched": ChangeAccount(
        ledger="acme", account="bob", metadata={"a": "b"}, if_version=2
    ),
    "freeze": FreezeAccount(ledger="acme", account="bob", debits=True, credits=False),
    "unfreeze": UnfreezeAccount(ledger="acme", account="till", debits=True, credits=True),
    "close": CloseAccount(ledger="acme", account="till"),
    "post": PAYMENT,
    "hold": HoldTransaction(ledger="acme", transaction="new", entries=HELD, timeout_seconds=9),
    "post a hold": PostHold(ledger="acme", transaction="h1"),
    "post a hold by key": PostHold(ledger="acme", transaction="h1", key="k"),
    "post a hold in part": PostHold(ledger="acme", transaction="h1", amount=7),
    "void a hold": VoidHold(ledger="acme", transaction="h1"),
    "void a hold by key": VoidHold(ledger="acme", transaction="h1", key="k"),
    "reverse": ReverseTransaction(ledger="acme", transaction="back", reverses="gift"),
}


def throw(error: Exception) -> None:
    """What an interruption does that raises."""
    raise error


lost = partial(throw, Unanswered("the reply is missing"))
throttled = partial(throw, Busy("ThrottlingException"))


def under_way(*streams: Stream) -> Callable[[], None]:
    """Another transaction is seen at the streams of an append, and none of its events."""
    return partial(throw, Conflict(streams[0], dict.fromkeys(streams)))


@pytest.fixture(params=["without a memory", "with a memory"])
def fixture(request: pytest.FixtureRequest) -> ExecutorFixture:
    """Alice has 205, 60 of which are held for Bob; the till is frozen."""
    fixture = ExecutorFixture()
    if request.param == "with a memory":
        fixture.executor = replace(fixture.executor, head_cache=HeadCache())
    fixture.open_accounts(funds=200)
    fixture.do(opening("till"))
    fixture.do(FreezeAccount(ledger="acme", account="till", debits=True, credits=True))
    fixture.do(posting("gift", debit("cash", 5), credit("alice", 5)))
    fixture.do(HoldTransaction(ledger="acme", transaction="h1", entries=HELD, timeout_seconds=None))
    fixture.store.written.clear()
    return fixture


def stored(fixture: ExecutorFixture, command: Command) -> list[Recorded]:
    """All that is on the stream that a command is about."""
    return list(fixture.books.history(target_stream(command)))


def said(work: Callable[[], Executed]) -> Executed | str:
    """What a command is answered: what became of it, or the code of its refusal."""
    try:
        return work()
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_whose_reply_is_lost_is_answered_as_done(
    fixture: ExecutorFixture, command: Command
) -> None:
    before = len(stored(fixture, command))
    fixture.store.after_append = [lost]

    executed = fixture.do(command)

    assert not executed.replayed
    assert executed.recorded == stored(fixture, command)[-1]
    assert len(stored(fixture, command)) == before + 1


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_reply_that_is_lost_and_then_nothing_but_throttling_is_found_to_be_done(
    fixture: ExecutorFixture, command: Command
) -> None:
    fixture.store.after_append = [lost]
    fixture.store.before_append = [lambda: None, *repeat(throttled, 1000)]

    executed = fixture.do(command)

    assert executed.recorded == stored(fixture, command)[-1]
    assert not executed.replayed


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("again", [throttled, lost, under_way(ALICE, BOB)])
def test_what_may_still_arrive_is_unknown_and_never_said_not_to_be_written(
    fixture: ExecutorFixture, command: Command, again: Callable[[], None]
) -> None:
    late: list[tuple[Append, ...]] = []
    append = fixture.store.append

    def delayed(*appends: Append) -> None:
        late.append(appends)
        fixture.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    fixture.store.append = delayed  # type: ignore[method-assign]  # It arrives too late.
    fixture.store.before_append = list(repeat(again, 1000))

    assert said(lambda: fixture.do(command)) == "outcome_unknown"

    fixture.books.append(*late[0])
    fixture.store.before_append = []
    assert stored(fixture, command)[-1].command_id == late[0][0].events[0].command_id


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_append_that_arrives_late_is_not_done_a_second_time(
    fixture: ExecutorFixture, command: Command
) -> None:
    before, late, append = (
        len(stored(fixture, command)),
        list[tuple[Append, ...]](),
        fixture.store.append,
    )

    def delayed(*appends: Append) -> None:
        late.append(appends)
        fixture.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    fixture.store.append = delayed  # type: ignore[method-assign]  # It arrives later.
    fixture.store.before_append = [lambda: fixture.books.append(*late[0])]

    executed = fixture.do(command)

    assert executed.recorded == stored(fixture, command)[-1]
    assert (executed.replayed, len(stored(fixture, command))) == (False, before + 1)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_unknown_outcome_that_can_not_be_read_is_said_to_be_unknown(
    fixture: ExecutorFixture, command: Command
) -> None:
    fixture.store.after_append = [lost]
    fixture.store.before_append = [lambda: None, *repeat(throttled, 1000)]
    fixture.store.before_snapshot = list(repeat(throttled, 1000))

    assert said(lambda: fixture.do(command)) == "outcome_unknown"
    assert sum(fixture.slept) <= fixture.backoff.deadline + 1


def test_an_append_that_was_lost_and_overtaken_is_decided_again(fixture: ExecutorFixture) -> None:
    other = posting("other", debit("alice", 30), credit("bob", 30))
    append = fixture.store.append

    def swallowed(*_: Append) -> None:
        fixture.store.append = append  # type: ignore[method-assign]  # As it was.
        fixture.do_elsewhere(other)
        lost()

    fixture.store.append = swallowed  # type: ignore[method-assign]  # It never arrives.

    executed = fixture.do(PAYMENT)

    assert [one.version for one in transaction_event(executed.recorded).entries] == [6, 4]
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 90


def test_an_append_that_was_lost_and_overtaken_may_be_refused(fixture: ExecutorFixture) -> None:
    append = fixture.store.append

    def swallowed(*_: Append) -> None:
        fixture.store.append = append  # type: ignore[method-assign]  # As it was.
        fixture.do_elsewhere(posting("other", debit("alice", 100), credit("bob", 100)))
        lost()

    fixture.store.append = swallowed  # type: ignore[method-assign]  # It never arrives.

    with pytest.raises(InsufficientFunds):
        fixture.do(PAYMENT)
    assert stored(fixture, PAYMENT) == []


def test_an_append_that_was_overtaken_while_its_reply_was_lost_is_found_further_back(
    fixture: ExecutorFixture,
) -> None:
    def overtake() -> None:
        fixture.do_elsewhere(opening("dave"))
        fixture.do_elsewhere(ChangeAccount(ledger="acme", account="bob", max_balance=900))
        lost()

    fixture.store.after_append = [overtake]
    change = ChangeAccount(ledger="acme", account="bob", metadata={"a": "b"}, if_version=2)

    executed = fixture.do(change)

    assert (executed.recorded.version, metadata_set_by(executed.recorded)) == (3, {"a": "b"})
    assert fixture.books.load([BOB])[BOB].version == 4


def test_a_batch_whose_reply_is_lost_is_answered_as_done(fixture: ExecutorFixture) -> None:
    fixture.store.after_append = [lost]
    batch = [PAYMENT, posting("more", debit("alice", 1), credit("bob", 1))]

    done = fixture.executor.execute_together(batch, actor="key-1")

    assert [one.replayed for one in done] == [False, False]
    assert [one.recorded for one in done] == [stored(fixture, one)[-1] for one in batch]


def test_a_part_of_an_append_that_is_returned_as_its_own_says_that_all_of_it_is_there(
    fixture: ExecutorFixture,
) -> None:
    post = PostHold(ledger="acme", transaction="h1")
    hold = transaction_stream("acme", "h1")
    # Another transaction is under way at one of its accounts, when it is sent again.
    fixture.store.after_append = [lost]
    fixture.store.before_append = [
        lambda: None,
        lambda: throw(Conflict(hold, {hold: fixture.books.load([hold])[hold], BOB: None})),
    ]

    executed = fixture.do(post)

    assert (executed.replayed, executed.recorded.version) == (False, 2)


@pytest.mark.parametrize(
    "command", [PAYMENT, opening("carol"), COMMANDS["void a hold by key"]], ids=lambda _: ""
)
def test_nothing_is_said_not_to_be_written_that_an_earlier_request_wrote(
    fixture: ExecutorFixture, command: Command
) -> None:
    first = fixture.do_elsewhere(command)
    fixture.store.before_append = list(repeat(throttled, 1000))
    fixture.store.before_load = list(repeat(throttled, 1000))

    assert said(lambda: fixture.do(command)) == "outcome_unknown"

    fixture.store.before_load = list(repeat(throttled, 3))
    executed = fixture.do(command)
    assert (executed.replayed, executed.recorded) == (True, first.recorded)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_never_got_through_is_contention_and_is_not_there(
    fixture: ExecutorFixture, command: Command
) -> None:
    before = stored(fixture, command)
    fixture.store.before_append = list(repeat(throttled, 1000))

    with pytest.raises(Contention):
        fixture.do(command)

    assert stored(fixture, command) == before


def test_a_hold_that_cannot_be_released_in_time_leaves_nothing_written(
    fixture: ExecutorFixture,
) -> None:
    fixture.executor.execute(
        HoldTransaction(
            ledger="acme", transaction="h2", entries=(debit("alice", 140), credit("bob", 140)),
            timeout_seconds=1,
        ),
        actor="key-1",
    )  # fmt: skip
    fixture.do(opening("dave"))
    fixture.store.before_append = list(repeat(lost, 1000))

    with pytest.raises(Contention):
        fixture.do(PAYMENT)

    assert stored(fixture, PAYMENT) == []


def test_a_command_has_no_more_time_than_it_is_given(fixture: ExecutorFixture) -> None:
    fixture.store.before_append = list(repeat(throttled, 1000))

    with pytest.raises(Contention):
        fixture.executor.execute(PAYMENT, actor="key-1", within=0.5)

    assert sum(fixture.slept) <= 0.5
    fixture.store.before_append = list(repeat(lost, 1000))
    with pytest.raises(OutcomeUnknown):
        fixture.executor.execute(PAYMENT, actor="key-1", within=-1)


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("verb", [PostHold, VoidHold])
def test_a_hold_that_is_refused_as_expired_can_not_be_resolved_by_what_arrives_late(
    fixture: ExecutorFixture, verb: type[PostHold | VoidHold], key: str | None
) -> None:
    hold = HoldTransaction(ledger="acme", transaction="h2", entries=HELD, timeout_seconds=9)
    fixture.do(hold)
    command = verb(ledger="acme", transaction="h2", key=key)
    late: list[tuple[Append, ...]] = []
    append = fixture.store.append

    def delayed(*appends: Append) -> None:
        late.append(appends)
        fixture.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    fixture.store.append = delayed  # type: ignore[method-assign]  # It arrives too late.
    fixture.store.before_append = list(repeat(throttled, 1000))
    assert said(lambda: fixture.do(command)) == "outcome_unknown"

    fixture.store.before_append = []
    fixture.now += timedelta(seconds=9)
    assert said(lambda: fixture.do(command)) == "transaction_not_pending"

    with pytest.raises(Conflict):
        fixture.books.append(*late[0])
    assert [event.type for event in stored(fixture, command)] == ["TransactionHeld", "HoldExpired"]
