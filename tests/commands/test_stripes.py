"""Striped accounts: they do what an account in one piece does, whoever else is writing them."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.commands.account_requests import account_of
from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command
from chalicelib.commands.transaction_requests import transaction_of
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.account.events import EntryPosted
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountIsClosed, AccountIsFrozen, AccountNotEmpty, Refusal
from chalicelib.domain.stripes import whole_of
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_state, account_stream, stripe_streams
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, opening, posting
from tests.domain.holding import holding
from tests.memory_store import MemoryStore

ACCOUNTS = ("hot", "cold", "cash")
HOT, CASH = account_stream("acme", "hot"), account_stream("acme", "cash")


def open_in(fixture: ExecutorFixture, *, stripes: int) -> ExecutorFixture:
    """Opens three accounts without limits, of which `hot` and `cold` may be striped."""
    fixture.do(opening("cash", min_balance=None))
    for id in ("hot", "cold"):
        fixture.do(opening(id, normal_balance="credit", min_balance=None, stripes=stripes))
    fixture.store.written.clear()
    return fixture


@pytest.fixture(params=["without a memory", "with a memory"])
def striped(request: pytest.FixtureRequest) -> ExecutorFixture:
    """A fixture with two accounts in three stripes, and one in one piece."""
    fixture = ExecutorFixture()
    if request.param == "with a memory":
        fixture.executor = replace(fixture.executor, head_cache=HeadCache())
    return open_in(fixture, stripes=3)


def stripes_in(fixture: ExecutorFixture) -> list[Account]:
    """The states of the stripes of `hot`."""
    heads = fixture.books.load(stripe_streams(fixture.books.load([HOT])[HOT]))
    return [account_state(head) for head in heads.values()]


def payment(id: str, amount: int = 1) -> PostTransaction:
    """Something for `hot`."""
    return posting(id, debit("cash", amount), credit("hot", amount))


def test_a_lost_race_is_decided_again_and_goes_to_a_stripe(striped: ExecutorFixture) -> None:
    elsewhere = [payment(f"elsewhere-{number}") for number in range(3)]
    striped.store.before_append = [partial(striped.do_elsewhere, each) for each in elsewhere]

    striped.do(payment("here"))

    assert striped.books.load([HOT])[HOT].version == 1
    assert sum(stripe.posted for stripe in stripes_in(striped)) == 4
    assert account_state(striped.books.load([CASH])[CASH]).posted == 4


def test_who_freezes_or_closes_it_meanwhile_is_heard(striped: ExecutorFixture) -> None:
    freezing = FreezeAccount(ledger="acme", account="hot", debits=False, credits=True)
    striped.store.before_append = [lambda: striped.do_elsewhere(freezing)]
    with pytest.raises(AccountIsFrozen) as frozen:
        striped.do(payment("first"))
    striped.do(UnfreezeAccount(ledger="acme", account="hot", debits=False, credits=True))
    closing = CloseAccount(ledger="acme", account="hot")
    striped.store.before_append = [lambda: striped.do_elsewhere(closing)]
    with pytest.raises(AccountIsClosed) as closed:
        striped.do(payment("second"))

    assert (frozen.value.account, closed.value.account) == ("hot", "hot")
    assert all(stripe.closed and not stripe.credits for stripe in stripes_in(striped))


def test_who_pays_into_it_meanwhile_keeps_it_open(striped: ExecutorFixture) -> None:
    striped.store.before_append = [lambda: striped.do_elsewhere(payment("meanwhile"))]

    with pytest.raises(AccountNotEmpty):
        striped.do(CloseAccount(ledger="acme", account="hot"))

    assert not any(stripe.closed for stripe in stripes_in(striped))


def test_money_that_is_on_different_stripes_adds_up_to_nothing(striped: ExecutorFixture) -> None:
    for number in count():
        striped.do_elsewhere(payment(f"in-{number}"))
        striped.do_elsewhere(posting(f"out-{number}", debit("hot", 1), credit("cash", 1)))
        if any(stripe.posted for stripe in stripes_in(striped)):
            break

    striped.do(CloseAccount(ledger="acme", account="hot"))

    assert all(stripe.closed for stripe in stripes_in(striped))
    assert sum(stripe.posted for stripe in stripes_in(striped)) == 0


TIMES = {"opened_at", "recorded_at", "effective_at", "expires_at"}
MOVES = st.tuples(
    st.sampled_from(["post", "hold"]),
    st.permutations(ACCOUNTS).map(lambda order: order[:2]),
    st.integers(1, 3),
)
RESOLUTIONS = st.tuples(st.sampled_from(["capture", "void", "reverse"]), st.integers(0, 5))
MANAGEMENT = st.tuples(
    st.sampled_from(["freeze", "unfreeze", "change", "close"]), st.sampled_from(ACCOUNTS)
)


def command(number: int, wish: Sequence[Any]) -> Command:
    """What is wished for, as the command of this number."""
    kind, of = wish[:2]
    id = f"t{number}"
    match kind:
        case "post" | "hold":
            entries = debit(of[0], wish[2]), credit(of[1], wish[2])
            return posting(id, *entries) if kind == "post" else holding(*entries, id=id, seconds=3)
        case "capture":
            return PostHold(ledger="acme", transaction=f"t{of}", key=id, amount=1)
        case "void":
            return VoidHold(ledger="acme", transaction=f"t{of}", key=id)
        case "reverse":
            return ReverseTransaction(ledger="acme", transaction=id, reverses=f"t{of}")
        case "freeze":
            return FreezeAccount(ledger="acme", account=of, debits=True, credits=False)
        case "unfreeze":
            return UnfreezeAccount(ledger="acme", account=of, debits=True, credits=True)
        case "change":
            return ChangeAccount(ledger="acme", account=of, metadata={"by": id})
        case _:
            return CloseAccount(ledger="acme", account=of)


def said(fixture: ExecutorFixture, done: Executed) -> Any:
    """The answer, without what a stripe is bound to say otherwise: its versions and balances, and
    times to the microsecond, since no event has to be later than one on another stripe.
    """
    recorded = done.recorded
    if recorded.stream.kind == "account":
        told = msgspec.to_builtins(account_of(recorded, done.stripes, fixture.books))
        body = {**told, "version": None, "own_version": None, "stripes": None}
    else:
        body = msgspec.to_builtins(transaction_of(recorded))
        for entry in body["entries"]:
            entry |= {"version": None, "balance_after": None}
    seconds = len("2026-11-01T12:30:15")
    return {
        name: (value or "")[:seconds] if name in TIMES else value for name, value in body.items()
    }


def answer(fixture: ExecutorFixture, command: Command) -> Any:
    """What a command is answered, or how it is refused."""
    try:
        return said(fixture, fixture.do(command))
    except Refusal as refusal:
        return refusal.code, str(refusal)


@given(st.lists(MOVES | RESOLUTIONS | MANAGEMENT, max_size=30), st.integers(2, 5))
def test_a_striped_account_answers_as_one_in_one_piece_does(
    wishes: list[Sequence[Any]], stripes: int
) -> None:
    whole, striped = (
        open_in(ExecutorFixture(), stripes=1),
        open_in(ExecutorFixture(), stripes=stripes),
    )
    processes = [replace(striped.executor, head_cache=HeadCache()) for _ in range(2)]

    for number, wish in enumerate(wishes):
        striped.executor = processes[number % 3 // 2]
        asked = command(number, wish)
        assert answer(striped, asked) == answer(whole, asked)
        if isinstance(asked, HoldTransaction):
            for fixture in (whole, striped):
                fixture.now += timedelta(seconds=number % 2)


def test_what_many_were_acknowledged_at_once_is_what_its_stripes_hold() -> None:
    store, amounts = MemoryStore(), random.Random(7)
    fixture = Executor(store, head_cache=HeadCache())
    for each in (
        opening("hot", normal_balance="credit", min_balance=None, stripes=4),
        *(opening(f"till-{thread}", min_balance=None) for thread in range(8)),
    ):
        fixture.execute(each, actor="test")
    paid = [[amounts.randint(1, 900) for _ in range(40)] for _ in range(8)]

    def pay(thread: int) -> list[Recorded]:
        mine = Executor(store, head_cache=HeadCache())
        return [
            mine.execute(
                posting(f"t{thread}-{each}", debit(f"till-{thread}", much), credit("hot", much)),
                actor="test",
            ).recorded
            for each, much in enumerate(paid[thread])
        ]

    with ThreadPoolExecutor(8) as pool:
        acknowledged = [one for done in pool.map(pay, range(8)) for one in done]

    heads = store.load(stripe_streams(store.load([HOT])[HOT]))
    assert sum(account_state(head).posted for head in heads.values()) == sum(map(sum, paid))
    assert sum(head.version - 1 for head in heads.values()) == len(acknowledged) == 8 * 40
    entered = {
        (one.event.transaction, whole_of(head.stream.id), one.event.amount)
        for head in heads.values()
        for one in store.history(head.stream)
        if isinstance(one.event, EntryPosted)
    }
    assert entered == {
        (f"t{thread}-{each}", "hot", much)
        for thread, amounts in enumerate(paid)
        for each, much in enumerate(amounts)
    }
    assert store.load([one.stream for one in acknowledged]) == {
        one.stream: one for one in acknowledged
    }
