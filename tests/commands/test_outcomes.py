"""Outcomes: an append without an answer is unknown until the stored event says whose it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import repeat

import pytest

from chalicelib.commands.executor import Executed
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import (
    Contention,
    InsufficientFunds,
    OutcomeUnknown,
    Refusal,
)
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import (
    Recorded,
    Stream,
)
from chalicelib.events.store import Append, Busy, Conflict, Unanswered
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    metadata_set_by,
    transaction_event,
    transaction_stream,
)
from tests.commands.desk import Desk
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
def desk(request: pytest.FixtureRequest) -> Desk:
    """Alice has 205, 60 of which are held for Bob; the till is frozen."""
    desk = Desk()
    if request.param == "with a memory":
        desk.executor = replace(desk.executor, head_cache=HeadCache())
    desk.open_accounts(funds=200)
    desk.do(opening("till"))
    desk.do(FreezeAccount(ledger="acme", account="till", debits=True, credits=True))
    desk.do(posting("gift", debit("cash", 5), credit("alice", 5)))
    desk.do(HoldTransaction(ledger="acme", transaction="h1", entries=HELD, timeout_seconds=None))
    desk.store.written.clear()
    return desk


def stored(desk: Desk, command: Command) -> list[Recorded]:
    """All that is on the stream that a command is about."""
    return list(desk.books.history(target_stream(command)))


def said(work: Callable[[], Executed]) -> Executed | str:
    """What a command is answered: what became of it, or the code of its refusal."""
    try:
        return work()
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_whose_reply_is_lost_is_answered_as_done(desk: Desk, command: Command) -> None:
    before = len(stored(desk, command))
    desk.store.after_append = [lost]

    executed = desk.do(command)

    assert not executed.replayed
    assert executed.recorded == stored(desk, command)[-1]
    assert len(stored(desk, command)) == before + 1


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_reply_that_is_lost_and_then_nothing_but_throttling_is_found_to_be_done(
    desk: Desk, command: Command
) -> None:
    desk.store.after_append = [lost]
    desk.store.before_append = [lambda: None, *repeat(throttled, 1000)]

    executed = desk.do(command)

    assert executed.recorded == stored(desk, command)[-1]
    assert not executed.replayed


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("again", [throttled, lost, under_way(ALICE, BOB)])
def test_what_may_still_arrive_is_unknown_and_never_said_not_to_be_written(
    desk: Desk, command: Command, again: Callable[[], None]
) -> None:
    late: list[tuple[Append, ...]] = []
    append = desk.store.append

    def delayed(*appends: Append) -> None:
        late.append(appends)
        desk.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    desk.store.append = delayed  # type: ignore[method-assign]  # It arrives too late.
    desk.store.before_append = list(repeat(again, 1000))

    assert said(lambda: desk.do(command)) == "outcome_unknown"

    desk.books.append(*late[0])
    desk.store.before_append = []
    assert stored(desk, command)[-1].command_id == late[0][0].events[0].command_id


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_append_that_arrives_late_is_not_done_a_second_time(
    desk: Desk, command: Command
) -> None:
    before, late, append = len(stored(desk, command)), list[tuple[Append, ...]](), desk.store.append

    def delayed(*appends: Append) -> None:
        late.append(appends)
        desk.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    desk.store.append = delayed  # type: ignore[method-assign]  # It arrives later.
    desk.store.before_append = [lambda: desk.books.append(*late[0])]

    executed = desk.do(command)

    assert executed.recorded == stored(desk, command)[-1]
    assert (executed.replayed, len(stored(desk, command))) == (False, before + 1)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_unknown_outcome_that_can_not_be_read_is_said_to_be_unknown(
    desk: Desk, command: Command
) -> None:
    desk.store.after_append = [lost]
    desk.store.before_append = [lambda: None, *repeat(throttled, 1000)]
    desk.store.before_snapshot = list(repeat(throttled, 1000))

    assert said(lambda: desk.do(command)) == "outcome_unknown"
    assert sum(desk.slept) <= desk.backoff.deadline + 1


def test_an_append_that_was_lost_and_overtaken_is_decided_again(desk: Desk) -> None:
    other = posting("other", debit("alice", 30), credit("bob", 30))
    append = desk.store.append

    def swallowed(*_: Append) -> None:
        desk.store.append = append  # type: ignore[method-assign]  # As it was.
        desk.do_elsewhere(other)
        lost()

    desk.store.append = swallowed  # type: ignore[method-assign]  # It never arrives.

    executed = desk.do(PAYMENT)

    assert [one.version for one in transaction_event(executed.recorded).entries] == [6, 4]
    assert account_state(desk.books.load([BOB])[BOB]).posted == 90


def test_an_append_that_was_lost_and_overtaken_may_be_refused(desk: Desk) -> None:
    append = desk.store.append

    def swallowed(*_: Append) -> None:
        desk.store.append = append  # type: ignore[method-assign]  # As it was.
        desk.do_elsewhere(posting("other", debit("alice", 100), credit("bob", 100)))
        lost()

    desk.store.append = swallowed  # type: ignore[method-assign]  # It never arrives.

    with pytest.raises(InsufficientFunds):
        desk.do(PAYMENT)
    assert stored(desk, PAYMENT) == []


def test_an_append_that_was_overtaken_while_its_reply_was_lost_is_found_further_back(
    desk: Desk,
) -> None:
    def overtake() -> None:
        desk.do_elsewhere(opening("dave"))
        desk.do_elsewhere(ChangeAccount(ledger="acme", account="bob", max_balance=900))
        lost()

    desk.store.after_append = [overtake]
    change = ChangeAccount(ledger="acme", account="bob", metadata={"a": "b"}, if_version=2)

    executed = desk.do(change)

    assert (executed.recorded.version, metadata_set_by(executed.recorded)) == (3, {"a": "b"})
    assert desk.books.load([BOB])[BOB].version == 4


def test_a_batch_whose_reply_is_lost_is_answered_as_done(desk: Desk) -> None:
    desk.store.after_append = [lost]
    batch = [PAYMENT, posting("more", debit("alice", 1), credit("bob", 1))]

    done = desk.executor.execute_together(batch, actor="key-1")

    assert [one.replayed for one in done] == [False, False]
    assert [one.recorded for one in done] == [stored(desk, one)[-1] for one in batch]


def test_a_part_of_an_append_that_is_returned_as_its_own_says_that_all_of_it_is_there(
    desk: Desk,
) -> None:
    post = PostHold(ledger="acme", transaction="h1")
    hold = transaction_stream("acme", "h1")
    # Another transaction is under way at one of its accounts, when it is sent again.
    desk.store.after_append = [lost]
    desk.store.before_append = [
        lambda: None,
        lambda: throw(Conflict(hold, {hold: desk.books.load([hold])[hold], BOB: None})),
    ]

    executed = desk.do(post)

    assert (executed.replayed, executed.recorded.version) == (False, 2)


@pytest.mark.parametrize(
    "command", [PAYMENT, opening("carol"), COMMANDS["void a hold by key"]], ids=lambda _: ""
)
def test_nothing_is_said_not_to_be_written_that_an_earlier_request_wrote(
    desk: Desk, command: Command
) -> None:
    first = desk.do_elsewhere(command)
    desk.store.before_append = list(repeat(throttled, 1000))
    desk.store.before_load = list(repeat(throttled, 1000))

    assert said(lambda: desk.do(command)) == "outcome_unknown"

    desk.store.before_load = list(repeat(throttled, 3))
    executed = desk.do(command)
    assert (executed.replayed, executed.recorded) == (True, first.recorded)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_never_got_through_is_contention_and_is_not_there(
    desk: Desk, command: Command
) -> None:
    before = stored(desk, command)
    desk.store.before_append = list(repeat(throttled, 1000))

    with pytest.raises(Contention):
        desk.do(command)

    assert stored(desk, command) == before


def test_a_hold_that_cannot_be_released_in_time_leaves_nothing_written(desk: Desk) -> None:
    desk.executor.execute(
        HoldTransaction(
            ledger="acme", transaction="h2", entries=(debit("alice", 140), credit("bob", 140)),
            timeout_seconds=1,
        ),
        actor="key-1",
    )  # fmt: skip
    desk.do(opening("dave"))
    desk.store.before_append = list(repeat(lost, 1000))

    with pytest.raises(Contention):
        desk.do(PAYMENT)

    assert stored(desk, PAYMENT) == []


def test_a_command_has_no_more_time_than_it_is_given(desk: Desk) -> None:
    desk.store.before_append = list(repeat(throttled, 1000))

    with pytest.raises(Contention):
        desk.executor.execute(PAYMENT, actor="key-1", within=0.5)

    assert sum(desk.slept) <= 0.5
    desk.store.before_append = list(repeat(lost, 1000))
    with pytest.raises(OutcomeUnknown):
        desk.executor.execute(PAYMENT, actor="key-1", within=-1)


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("verb", [PostHold, VoidHold])
def test_a_hold_that_is_refused_as_expired_can_not_be_resolved_by_what_arrives_late(
    desk: Desk, verb: type[PostHold | VoidHold], key: str | None
) -> None:
    hold = HoldTransaction(ledger="acme", transaction="h2", entries=HELD, timeout_seconds=9)
    desk.do(hold)
    command = verb(ledger="acme", transaction="h2", key=key)
    late: list[tuple[Append, ...]] = []
    append = desk.store.append

    def delayed(*appends: Append) -> None:
        late.append(appends)
        desk.store.append = append  # type: ignore[method-assign]  # As it was.
        lost()

    desk.store.append = delayed  # type: ignore[method-assign]  # It arrives too late.
    desk.store.before_append = list(repeat(throttled, 1000))
    assert said(lambda: desk.do(command)) == "outcome_unknown"

    desk.store.before_append = []
    desk.now += timedelta(seconds=9)
    assert said(lambda: desk.do(command)) == "transaction_not_pending"

    with pytest.raises(Conflict):
        desk.books.append(*late[0])
    assert [event.type for event in stored(desk, command)] == ["TransactionHeld", "HoldExpired"]
