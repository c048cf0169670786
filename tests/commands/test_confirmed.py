"""A refusal is confirmed before it is given: plain reads may show half of a transaction."""

from collections.abc import Callable, Collection

import pytest

from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
)
from chalicelib.domain.errors import (
    AccountExists,
    AccountNotEmpty,
    AccountNotFound,
    BalanceLimitExceeded,
    Contention,
    IdempotencyKeyReused,
    InsufficientFunds,
    Refusal,
    TransactionNotFound,
    TransactionNotPending,
    VersionConflict,
)
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, Place
from chalicelib.ledger.aggregates import account_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, opening, posting

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")
DEPOSIT = posting("deposit", debit("cash", 60), credit("alice", 60))
WITHDRAWAL = posting("withdrawal", debit("alice", 60), credit("bob", 60))


def late(fixture: ExecutorFixture, *hidden: Stream, reads: int = 1) -> None:
    """The next loads see these streams as they were before their newest event."""
    load = fixture.store.load
    left = [reads]

    def loaded(streams: Collection[Stream]) -> dict[Stream, Recorded]:
        heads = load(streams)
        if not left[0]:
            return heads
        left[0] -= 1
        for stream in hidden:
            if stream in heads:
                earlier = list(fixture.books.history(stream))[:-1]
                heads.pop(stream)
                heads.update({stream: earlier[-1]} if earlier else {})
        return heads

    fixture.store.load = loaded  # type: ignore[method-assign]  # As a plain read may.


def looks_of(fixture: ExecutorFixture, work: Callable[[], object]) -> list[list[Place]]:
    """What is looked at as it is at one instant, in the course of this."""
    looks: list[list[Place]] = []
    snapshot = fixture.store.snapshot

    def noted(places: Collection[Place]) -> dict[Place, Recorded]:
        looks.append(list(places))
        return snapshot(places)

    fixture.store.snapshot = noted  # type: ignore[method-assign]  # To watch it.
    work()
    return looks


@pytest.mark.parametrize("reads", [1, 2])
def test_a_withdrawal_after_a_deposit_that_is_done_is_not_refused_for_want_of_it(
    fixture: ExecutorFixture, reads: int
) -> None:
    fixture.open_accounts()
    fixture.do_elsewhere(DEPOSIT)
    # Its transaction can be seen already, the account not yet.
    late(fixture, ALICE, reads=reads)

    assert not fixture.do(WITHDRAWAL).replayed


@pytest.mark.parametrize(
    ("before", "hidden", "command"),
    [
        (
            [opening("carol", normal_balance="credit")],
            "carol",
            posting("t", debit("cash", 1), credit("carol", 1)),
        ),
        ([DEPOSIT], "alice", ChangeAccount(ledger="acme", account="alice", min_balance=60)),
        (
            [DEPOSIT, posting("back", debit("alice", 60), credit("cash", 60))],
            "alice",
            CloseAccount(ledger="acme", account="alice"),
        ),
        (
            [ChangeAccount(ledger="acme", account="alice", max_balance=90)],
            "alice",
            ChangeAccount(ledger="acme", account="alice", max_balance=91, if_version=2),
        ),
    ],
    ids=["an account's opening", "a deposit", "a withdrawal", "a change"],
)
def test_nothing_is_refused_for_want_of_what_was_done_and_is_not_visible_yet(
    fixture: ExecutorFixture, before: list[Command], hidden: str, command: Command
) -> None:
    fixture.open_accounts()
    for each in before:
        fixture.do_elsewhere(each)
    late(fixture, account_stream("acme", hidden))

    assert not fixture.do(command).replayed


def test_a_refusal_while_something_is_being_written_is_looked_at_again(
    fixture: ExecutorFixture,
) -> None:
    fixture.open_accounts()

    def under_way() -> None:
        fixture.do_elsewhere(DEPOSIT)
        raise Busy("TransactionConflict")

    fixture.store.before_snapshot = [under_way]

    assert not fixture.do(WITHDRAWAL).replayed
    assert len(fixture.slept) == 1


def test_a_refusal_that_can_never_be_confirmed_is_not_given(fixture: ExecutorFixture) -> None:
    fixture.open_accounts()

    def busy() -> None:
        raise Busy("TransactionConflict")

    fixture.store.before_snapshot = [busy] * 7
    with pytest.raises((Contention, InsufficientFunds)):
        fixture.do(WITHDRAWAL)

    fixture.store.before_snapshot = [busy] * 10_000
    with pytest.raises(Refusal) as given:
        fixture.do(WITHDRAWAL)
    assert given.value.code == "outcome_unknown"


@pytest.mark.parametrize(
    ("command", "refusal", "places"),
    [
        (WITHDRAWAL, InsufficientFunds, ["alice 2", "bob 2", "withdrawal 1"]),
        (
            posting("t", debit("alice", 1), credit("nobody", 1)),
            AccountNotFound,
            ["alice 2", "nobody 1", "t 1"],
        ),
        (
            ReverseTransaction(ledger="acme", transaction="r", reverses="nothing"),
            TransactionNotFound,
            ["nothing 1", "r 1"],
        ),
        (PostHold(ledger="acme", transaction="nothing"), TransactionNotFound, ["nothing 1"]),
        (
            ChangeAccount(ledger="acme", account="alice", if_version=9, max_balance=1),
            VersionConflict,
            ["alice 2"],
        ),
        (
            ChangeAccount(ledger="acme", account="alice", min_balance=1),
            BalanceLimitExceeded,
            ["alice 2"],
        ),
    ],
    ids=lambda case: case.__name__ if isinstance(case, type) else "",
)
def test_a_refusal_rests_on_all_that_it_was_decided_on_and_on_its_not_being_done(
    fixture: ExecutorFixture, command: Command, refusal: type[Refusal], places: list[str]
) -> None:
    fixture.open_accounts()

    def refused() -> None:
        with pytest.raises(refusal):
            fixture.do(command)

    looks = looks_of(fixture, refused)

    assert [sorted(f"{stream.id} {version}" for stream, version in look) for look in looks] == [
        places
    ]


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (posting("deposit", debit("cash", 1), credit("alice", 1)), IdempotencyKeyReused),
        (opening("alice"), AccountExists),
        (VoidHold(ledger="acme", transaction="held"), TransactionNotPending),
        (PostHold(ledger="acme", transaction="deposit"), TransactionNotPending),
    ],
    ids=lambda case: case.__name__ if isinstance(case, type) else "",
)
def test_what_can_never_change_again_is_refused_without_a_look(
    fixture: ExecutorFixture, command: Command, refusal: type[Refusal]
) -> None:
    fixture.open_accounts()
    fixture.do(DEPOSIT)
    entries = debit("alice", 1), credit("bob", 1)
    hold = HoldTransaction(ledger="acme", transaction="held", entries=entries, timeout_seconds=None)
    fixture.do(hold)
    fixture.do(PostHold(ledger="acme", transaction="held"))

    def refused() -> None:
        with pytest.raises(refusal):
            fixture.do(command)

    assert looks_of(fixture, refused) == []


def test_a_striped_account_is_not_closed_while_one_of_its_stripes_moves(
    fixture: ExecutorFixture,
) -> None:
    fixture.do(opening("cash", min_balance=None))
    fixture.do(opening("hot", normal_balance="credit", min_balance=None, stripes=3))
    fixture.do(posting("in", debit("cash", 1), credit("hot", 1)))

    def refused() -> None:
        with pytest.raises(AccountNotEmpty):
            fixture.do(CloseAccount(ledger="acme", account="hot"))

    [looked] = looks_of(fixture, refused)

    assert sorted(version for _, version in looked) == [2, 2, 2, 3]


@pytest.mark.parametrize("stripe", [1, 3])
@pytest.mark.parametrize(
    "command",
    [
        opening("hot", normal_balance="credit", min_balance=None, stripes=3),
        FreezeAccount(ledger="acme", account="hot", debits=True, credits=True),
        CloseAccount(ledger="acme", account="hot"),
        posting("in", debit("cash", 1), credit("hot", 1)),
    ],
    ids=lambda case: type(case).__name__,
)
def test_a_striped_account_of_which_a_part_is_not_visible_yet_is_looked_at_again(
    fixture: ExecutorFixture, command: Command, stripe: int
) -> None:
    fixture.do(opening("cash", min_balance=None))
    fixture.do_elsewhere(opening("hot", normal_balance="credit", min_balance=None, stripes=3))
    late(fixture, account_stream("acme", f"hot~{stripe}of3"), reads=3)

    executed = fixture.do(command)

    assert executed.replayed == isinstance(command, OpenAccount)
    assert len(executed.stripes) == (0 if isinstance(command, PostTransaction) else 3)
