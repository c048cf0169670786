"""Holds and limits: a hold counts in full from the start, so that resolving it breaches none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.account.events import EntryHeld, HeldEntryPosted, HeldEntryReleased
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.state import evolve as evolve_account
from chalicelib.domain.errors import (
    AccountNotEmpty,
    BalanceLimitExceeded,
    InsufficientFunds,
    Refusal,
    TransactionNotFound,
    TransactionNotPending,
)
from chalicelib.domain.fields import Direction
from chalicelib.domain.postings import expired_holds
from chalicelib.domain.transaction.commands import (
    Entry,
    ExpireHold,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from tests.domain.books import NOW, Books, Command, credit, debit, opening, posting
from tests.domain.holding import books_of_alice_and_bob, holding
from tests.soak import examples

POST = PostHold(ledger="acme", transaction="h")
VOID = VoidHold(ledger="acme", transaction="h")


@pytest.fixture
def books() -> Books:
    """Alice has 1000 and Bob may have 5000."""
    return books_of_alice_and_bob()


@pytest.fixture
def held(books: Books) -> Books:
    """400 of it are held for Bob, for a minute."""
    books.do(holding(debit("alice", 400), credit("bob", 400)))
    return books


def test_what_is_held_cannot_be_spent_nor_its_room_be_filled(held: Books) -> None:
    with pytest.raises(InsufficientFunds) as short:
        held.do(posting("t", debit("alice", 601), credit("cash", 601)))
    assert (short.value.available, short.value.asked) == (600, 601)
    with pytest.raises(BalanceLimitExceeded) as full:
        held.do(posting("t", debit("cash", 4601), credit("bob", 4601)))
    assert full.value.balance == 5001
    assert held.do(posting("t", debit("alice", 600), credit("cash", 600)))
    assert held.do(posting("u", debit("cash", 4600), credit("bob", 4600)))


def test_what_is_held_to_come_in_cannot_be_spent(held: Books) -> None:
    with pytest.raises(InsufficientFunds) as refused:
        held.do(posting("t", debit("bob", 1), credit("cash", 1)))

    assert refused.value.available == 0


def test_a_hold_obeys_the_limits_that_a_posting_obeys(held: Books) -> None:
    with pytest.raises(InsufficientFunds):
        held.do(holding(debit("alice", 601), credit("bob", 601), id="more"))
    with pytest.raises(BalanceLimitExceeded):
        held.do(holding(debit("cash", 4601), credit("bob", 4601), id="more"))


def test_a_limit_is_not_set_so_that_a_hold_would_breach_it(held: Books) -> None:
    for change in (
        ChangeAccount(ledger="acme", account="alice", min_balance=601),
        ChangeAccount(ledger="acme", account="alice", max_balance=999),
    ):
        with pytest.raises(BalanceLimitExceeded):
            held.do(change)
    with pytest.raises(BalanceLimitExceeded) as refused:
        held.do(ChangeAccount(ledger="acme", account="bob", max_balance=399))
    assert refused.value.balance == 400
    assert held.do(ChangeAccount(ledger="acme", account="alice", min_balance=600, max_balance=1000))


def test_neither_a_freeze_nor_a_limit_set_meanwhile_keeps_a_hold_from_being_posted(
    held: Books,
) -> None:
    for account in ("alice", "bob"):
        held.do(FreezeAccount(ledger="acme", account=account, debits=True, credits=True))
    held.do(ChangeAccount(ledger="acme", account="alice", min_balance=600))
    held.do(ChangeAccount(ledger="acme", account="bob", max_balance=400))

    assert held.do(POST)


@pytest.mark.parametrize("side", ["debit", "credit"])
def test_an_account_for_which_something_is_pending_is_not_closed(
    books: Books, side: Direction
) -> None:
    books.do(opening("carol", min_balance=None))
    other: Direction = "credit" if side == "debit" else "debit"
    lines = [
        Entry(account="carol", direction=side, amount=5),
        Entry(account="cash", direction=other, amount=5),
    ]
    books.do(holding(*lines))

    with pytest.raises(AccountNotEmpty) as refused:
        books.do(CloseAccount(ledger="acme", account="carol"))
    assert refused.value.posted == 0
    books.do(VOID)
    assert books.do(CloseAccount(ledger="acme", account="carol"))


IDS = st.sampled_from(["t1", "t2", "t3"])
REVERSALS = st.sampled_from(["r1", "r2"])
ACCOUNTS = st.sampled_from(["a", "b", "c"])
SIDES: list[Direction] = ["debit", "credit"]
LIMITS = st.sampled_from([None, None, 0, 5, 10, 20])
LEDGER, BOOLS = st.just("acme"), st.booleans()


@st.composite
def lines(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Two entries, or four, that are balanced."""
    entries = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        amount = draw(st.integers(1, 12))
        entries += [Entry(account=draw(ACCOUNTS), direction=side, amount=amount) for side in SIDES]
    return tuple(draw(st.permutations(entries)))


HOLDS = st.builds(
    HoldTransaction,
    ledger=LEDGER,
    transaction=IDS,
    entries=lines(),
    timeout_seconds=st.sampled_from([None, 3, 30]),
)
POSTINGS = st.builds(PostTransaction, ledger=LEDGER, transaction=IDS, entries=lines())
RESOLUTIONS: list[st.SearchStrategy[Command]] = [
    st.builds(PostHold, ledger=LEDGER, transaction=IDS),
    st.builds(PostHold, ledger=LEDGER, transaction=IDS, amount=st.integers(1, 13)),
    st.builds(VoidHold, ledger=LEDGER, transaction=IDS),
    st.builds(ExpireHold, ledger=LEDGER, transaction=IDS),
]
REVERSING = st.builds(ReverseTransaction, ledger=LEDGER, transaction=REVERSALS, reverses=IDS)
CHANGES: list[st.SearchStrategy[Command]] = [
    st.builds(ChangeAccount, ledger=LEDGER, account=ACCOUNTS, max_balance=LIMITS),
    st.builds(ChangeAccount, ledger=LEDGER, account=ACCOUNTS, min_balance=LIMITS),
    st.builds(FreezeAccount, ledger=LEDGER, account=ACCOUNTS, debits=BOOLS, credits=BOOLS),
    st.builds(UnfreezeAccount, ledger=LEDGER, account=ACCOUNTS, debits=BOOLS, credits=BOOLS),
    st.builds(UnfreezeAccount, ledger=LEDGER, account=ACCOUNTS, debits=BOOLS, credits=BOOLS),
]
COMMANDS: st.SearchStrategy[Command] = st.sampled_from(
    [HOLDS] * 8 + [POSTINGS] * 2 + RESOLUTIONS * 2 + [REVERSING] * 2 + CHANGES
).flatmap(lambda strategy: strategy)


@settings(max_examples=examples(60, 1000), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), COMMANDS), min_size=5, max_size=40))
def test_whatever_is_asked_no_limit_is_breached_and_every_hold_is_released_once(
    asked: Sequence[tuple[int, Command]],
) -> None:
    books, now = Books(), NOW
    books.do(opening("a", min_balance=None))
    books.do(opening("b", normal_balance="credit", max_balance=20))
    books.do(opening("c", min_balance=-5))
    for wait, command in asked:
        now += timedelta(seconds=wait)
        was = {id: events[-1].state for id, events in books.transaction_events.items()}
        try:
            books.do(command, now)
        except Refusal as refusal:
            event(f"{type(command).__name__}: {refusal.code}")
            assert_refused_for_no_limit(command, refusal, was)
        else:
            event(f"{type(command).__name__}: done")

    for id, events in books.account_events.items():
        assert_within_limits(events)
        assert_released_once(events, books.accounts[id], books)
    sides = [(each.debits, each.credits) for each in books.accounts.values()]
    assert sum(debits for debits, _ in sides) == sum(credits for _, credits in sides)


def assert_refused_for_no_limit(command: Command, refusal: Refusal, was: Mapping[str, str]) -> None:
    """Whoever resolves a hold that is there may come too late or ask for too much; no more."""
    if not isinstance(command, PostHold | VoidHold | ExpireHold):
        return
    if command.transaction not in was:
        assert isinstance(refusal, TransactionNotFound)
    elif was[command.transaction] != "pending":
        assert isinstance(refusal, TransactionNotPending)
    elif isinstance(command, PostHold) and command.amount is not None:
        assert refusal.code in (
            "exceeds_pending_amount",
            "validation_failed",
            "transaction_not_pending",
        )
    else:
        assert isinstance(refusal, TransactionNotPending)


def assert_within_limits(events: Sequence[AccountEvent]) -> None:
    """At every version, all that is held may be posted, or freed, without breaching a limit."""
    state: Account | None = None
    for each in events:
        state = evolve_account(state, each)
        assert min(state.pending_debits, state.pending_credits) >= 0
        held = state.pending_debits + state.pending_credits
        assert held >= sum(one.debits + one.credits for one in state.expiring)
        assert (state.unlisted == 0) == (state.unlisted_from is None)
        assert state.unlisted == 0 or held
        assert state.min_balance is None or state.available >= state.min_balance
        assert state.max_balance is None or state.posted + state.pending_in <= state.max_balance


def assert_released_once(events: Sequence[AccountEvent], account: Account, books: Books) -> None:
    """What a transaction held here is what it let go, in one event for each, or is pending."""
    held: Counter[tuple[str, Direction, int]] = Counter()
    for each in events:
        if isinstance(each, EntryHeld):
            held[each.transaction, each.direction, each.amount] += 1
        if isinstance(each, HeldEntryPosted):
            held[each.transaction, each.direction, each.amount + each.released] -= 1
        if isinstance(each, HeldEntryReleased):
            held[each.transaction, each.direction, each.amount] -= 1
        assert min(held.values(), default=0) >= 0
    open_holds = +held
    assert all(books.transaction_events[id][-1].state == "pending" for id, _, _ in open_holds)
    for side, pending in (("debit", account.pending_debits), ("credit", account.pending_credits)):
        assert pending == sum(
            amount * times for (_, held_on, amount), times in open_holds.items() if held_on == side
        )
    ages = reduce(evolve_account, events, None)
    assert ages == account
    far = NOW + timedelta(days=1)
    ends = {id: books.transaction_events[id][0].expires_at for id, _, _ in open_holds}
    assert expired_holds(account, lambda: reversed(events), far) == {
        id: expires_at for id, expires_at in ends.items() if expires_at
    }
