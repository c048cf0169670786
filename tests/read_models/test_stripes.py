"""Stripes: whatever happens to it, a striped account reads as the same account without stripes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from chalicelib.commands.account_requests import account_of
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command
from chalicelib.domain.account import commands as managing
from chalicelib.domain.errors import Refusal
from chalicelib.domain.transaction import commands as transaction
from chalicelib.domain.transaction.commands import Entry
from chalicelib.http.bodies import AccountBody
from chalicelib.ledger.accounts import all_of
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models import reading
from chalicelib.read_models.balances.queries import GetAccount, ListAccounts
from chalicelib.read_models.statements.entries import EntryBody
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
)
from chalicelib.read_models.totals.queries import TrialBalance
from tests.ask import ask
from tests.books import WatchedStore, deliver, later
from tests.domain.books import NOW
from tests.memory_store import MemoryStore
from tests.read_models.paging import pages
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("ministack")

HOT, CASH = "hot", "cash"
_ledgers = count(1)


@dataclass
class Books:
    """A ledger with an account in so many stripes, on a clock that ticks once a command."""

    ledger: str
    stripes: int
    now: datetime = NOW
    store: WatchedStore = field(default_factory=lambda: WatchedStore(MemoryStore()))

    def __post_init__(self) -> None:
        self._executor = Executor(self.store, clock=lambda: self.now, head_cache=HeadCache())
        self.open(CASH)
        self.open(HOT, self.stripes)

    def open(self, account: str, stripes: int = 1) -> None:
        """Opens an account without limits."""
        self.do(
            managing.OpenAccount(
                ledger=self.ledger,
                account=account,
                asset="USD/2",
                normal_balance="credit" if account == HOT else "debit",
                min_balance=None,
                stripes=stripes,
                metadata={"kind": account},
            )
        )

    def do(self, command: Command) -> str:
        """Executes a command, and says what became of it."""
        self.now += timedelta(seconds=1)
        try:
            self._executor.execute(command, actor="key-1")
        except Refusal as refusal:
            return refusal.code
        return "done"

    def tell(self) -> None:
        """Tells the rooms everything."""
        deliver(self.store.appended)


@dataclass(frozen=True)
class Step:
    """Something to do, in either ledger: a transaction of its own number, or to an account."""

    kind: Literal["post", "hold", "settle", "void", "reverse", "freeze", "unfreeze", "change"]
    amount: int
    inwards: bool
    earlier: int

    def command(self, ledger: str, number: int, cash: str = CASH) -> Command:
        """The command that does it, with that account on the other side."""
        sides: tuple[Literal["credit"], Literal["debit"]] = ("credit", "debit")
        ours, theirs = sides if self.inwards else sides[::-1]
        entries = (
            Entry(account=HOT, direction=ours, amount=self.amount),
            Entry(account=cash, direction=theirs, amount=self.amount),
        )
        id, before = f"t{number}", f"t{max(0, number - self.earlier)}"
        match self.kind:
            case "post":
                return transaction.PostTransaction(ledger=ledger, transaction=id, entries=entries)
            case "hold":
                return transaction.HoldTransaction(
                    ledger=ledger, transaction=id, entries=entries, timeout_seconds=5
                )
            case "settle":
                return transaction.PostHold(ledger=ledger, transaction=before, amount=1)
            case "void":
                return transaction.VoidHold(ledger=ledger, transaction=before)
            case "reverse":
                return transaction.ReverseTransaction(
                    ledger=ledger, transaction=id, reverses=before
                )
            case "freeze":
                return managing.FreezeAccount(
                    ledger=ledger, account=HOT, debits=self.inwards, credits=True
                )
            case "unfreeze":
                return managing.UnfreezeAccount(
                    ledger=ledger, account=HOT, debits=True, credits=True
                )
            case "change":
                return managing.ChangeAccount(
                    ledger=ledger, account=HOT, metadata={"n": str(self.amount)}
                )


_often: Any = ["post"] * 6 + ["hold"] * 3 + ["settle", "void", "reverse"] * 2
_steps = some.builds(
    Step,
    kind=some.sampled_from([*_often, "freeze", "unfreeze", "change"]),
    amount=some.integers(1, 99),
    inwards=some.booleans(),
    earlier=some.integers(1, 4),
)


def _twins(stripes: int) -> tuple[Books, Books]:
    name = f"twins-{next(_ledgers)}-{stripes}"
    return Books(f"{name}-striped", stripes), Books(f"{name}-plain", 1)


@given(steps=some.lists(_steps, max_size=25), stripes=some.integers(2, 5))
@settings(max_examples=examples(5, 30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_striped_account_reads_as_one_without_stripes(steps: list[Step], stripes: int) -> None:
    striped, plain = _twins(stripes)

    for number, step in enumerate(steps):
        done = [books.do(step.command(books.ledger, number)) for books in (striped, plain)]
        assert done[0] == done[1], step
    for books in (striped, plain):
        books.tell()

    assert _account(striped) == _account(plain)
    assert _listed(striped) == _listed(plain)
    assert _trial_balance(striped) == _trial_balance(plain)
    for order in ("asc", "desc"):
        for limit in (2, 200):
            assert _entries(striped, order, limit) == _entries(plain, order, limit)
    middle = later(seconds=len(steps) // 2)
    for start, end in ((None, None), (middle, None), (None, middle), (middle, later(seconds=99))):
        for limit in (3, 200):
            assert _statement(striped, start, end, limit) == _statement(plain, start, end, limit)
    for second in range(len(steps) + 3):
        at = later(seconds=second)
        assert _balance(striped, at) == _balance(plain, at)
    assert _balance(striped, None) == _balance(plain, None)


def test_entries_go_to_several_stripes_and_no_two_show_the_same_version(ledger: str) -> None:
    books = Books(ledger, 3)
    # Executors that remember nothing take any stripe.
    forgetful = Executor(books.store)
    for number in range(30):
        step = Step("post", 1, inwards=True, earlier=1)
        forgetful.execute(step.command(ledger, number), actor="key-1")
    books.tell()

    used = {event.stream.id for event in books.store.appended if event.version > 1}
    versions = [entry.version for entry in _entry_bodies(books, "asc", 200)]

    assert {"hot~1of3", "hot~2of3", "hot~3of3"} <= used
    assert len(set(versions)) == len(versions) == 30
    assert _account(books)["posted"] == "30"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_stand_between_entries_of_the_same_instant(
    ledger: str, order: Literal["asc", "desc"]
) -> None:
    books = Books(ledger, 3)
    # The clock stands still, and what is on different stripes is recorded at the same time.
    still = Executor(books.store, clock=lambda: later(hours=1))
    for number in range(20):
        step = Step("post", number + 1, inwards=True, earlier=1)
        books.open(f"cash-{number}")
        still.execute(step.command(ledger, number, f"cash-{number}"), actor="key-1")
    books.tell()

    one_by_one = _entry_bodies(books, order, 1)

    assert len({entry.recorded_at for entry in one_by_one}) < 20
    assert one_by_one == _entry_bodies(books, order, 200)
    assert sorted(int(entry.amount) for entry in one_by_one) == list(range(1, 21))
    oldest_first = one_by_one if order == "asc" else one_by_one[::-1]
    for earlier, entry in pairwise(oldest_first):
        assert int(entry.balance_after) == int(earlier.balance_after) + int(entry.amount)


def _account(books: Books) -> dict[str, Any]:
    """The account as it is read at its newest event, which is as the write side tells it."""
    head, *stripes = all_of(books.store, account_stream(books.ledger, HOT))
    newest = max(one.recorded_at for one in (head, *stripes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "clock", lambda: newest)
        found: AccountBody = ask(GetAccount(ledger=books.ledger, account=HOT))
    assert found == account_of(head, stripes, books.store)
    assert found.stripes == (books.stripes if books.stripes > 1 else msgspec.UNSET)
    return _without(msgspec.to_builtins(found), "ledger", "version", "own_version", "stripes")


def _listed(books: Books) -> list[dict[str, Any]]:
    found = ask(ListAccounts(ledger=books.ledger))
    assert found.next_cursor is None
    return [
        _without(msgspec.to_builtins(one), "ledger", "version", "own_version", "stripes")
        for one in found.accounts
    ]


def _trial_balance(books: Books) -> Any:
    return msgspec.to_builtins(ask(TrialBalance(ledger=books.ledger)).assets)


def _balance(books: Books, at: datetime | None) -> dict[str, Any]:
    found = msgspec.to_builtins(ask(AccountBalance(ledger=books.ledger, account=HOT, at=at)))
    return _without(found, "version", *(() if at else ("at",)))


def _entry_bodies(books: Books, order: Any, limit: int) -> list[EntryBody]:
    query = AccountEntries(ledger=books.ledger, account=HOT, order=order, limit=limit)
    return [entry for page in pages(query) for entry in page.entries]


def _entries(books: Books, order: str, limit: int) -> list[dict[str, Any]]:
    bodies = _entry_bodies(books, order, limit)
    return [_without(msgspec.to_builtins(entry), "version") for entry in bodies]


def _statement(books: Books, start: datetime | None, end: datetime | None, limit: int) -> Any:
    query = AccountStatement(ledger=books.ledger, account=HOT, from_=start, to=end, limit=limit)
    found = list(pages(query))
    balances = {
        (page.account, page.asset, page.from_, page.opening_balance, page.closing_balance)
        for page in found
    }
    entries = [entry for page in found for entry in page.entries]
    return balances, [_without(msgspec.to_builtins(entry), "version") for entry in entries]


def _without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
