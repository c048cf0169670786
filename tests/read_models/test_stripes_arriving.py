"""Rows of stripes that arrive while a statement is read: it agrees with itself all the same."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.routing import Command
from chalicelib.domain.errors import ProjectionBehind
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models import reading
from chalicelib.read_models.balances.queries import ListAccounts
from chalicelib.read_models.statements import entries, history, queries
from chalicelib.read_models.statements.history import History
from chalicelib.read_models.statements.queries import AccountEntries, AccountStatement, Statement
from tests.ask import ask
from tests.books import WatchedStore, deliver
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore
from tests.read_models.paging import pages

pytestmark = pytest.mark.usefixtures("ministack")


class Choosing(HeadCache):
    """A cache that chooses the stripe of `hot` that takes the next entry."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = ""

    def stripe_for(self, account: Stream) -> Stream | None:
        if super().stripe_for(account) is None:
            return None
        return account_stream(account.ledger, f"{account.id}~{self.chosen}")


class Books:
    """A ledger whose account `hot` has so many stripes, of which rows arrive when they are told."""

    def __init__(self, ledger: str, stripes: int = 2) -> None:
        self.ledger = ledger
        self.now = NOW
        self._stripes = stripes
        self._head_cache = Choosing()
        self._store = WatchedStore(MemoryStore())
        self._executor = Executor(self._store, clock=lambda: self.now, head_cache=self._head_cache)
        self._told = 0
        self._do(opening("cash", min_balance=None, ledger=ledger))
        hot = opening("hot", normal_balance="credit", min_balance=None, ledger=ledger)
        self._do(msgspec.structs.replace(hot, stripes=stripes))

    def pay(self, stripe: int, amount: int) -> Recorded:
        """Pays into a stripe; what that did to it."""
        self._head_cache.chosen = f"{stripe}of{self._stripes}"
        number = len(self._store.appended)
        entries = debit("cash", amount), credit("hot", amount)
        self._do(posting(f"t{number}", *entries, ledger=self.ledger))
        (entry,) = [
            event
            for event in self._store.appended[number:]
            if event.stream.kind == "account" and event.stream.id.startswith("hot")
        ]
        return entry

    def tell(self, but: Sequence[Recorded] = ()) -> None:
        """Tells the rooms what is new, but for what is late."""
        events, self._told = self._store.appended[self._told :], len(self._store.appended)
        deliver(event for event in events if event not in but)

    @property
    def just_after(self) -> datetime:
        """A moment behind everything that happened."""
        return self.now + timedelta(microseconds=1)

    def _do(self, command: Command) -> None:
        self.now += timedelta(seconds=1)
        self._executor.execute(command, actor="key-1")


def adds_up(found: Sequence[Statement]) -> bool:
    """Whether every balance follows from the one before, from the opening to the closing."""
    first = found[0]
    assert {(page.opening_balance, page.closing_balance) for page in found} == {
        (first.opening_balance, first.closing_balance)
    }
    balance = int(first.opening_balance)
    for entry in (entry for page in found for entry in page.entries):
        balance += int(entry.amount) * (1 if entry.direction == "credit" else -1)
        if int(entry.balance_after) != balance:
            return False
    return balance == int(first.closing_balance)


@pytest.fixture
def arrives_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Recorded], None]:
    """Lets a row arrive once something was called for the first time."""

    def arrange(owner: Any, name: str, late: Recorded) -> None:
        real, waiting = getattr(owner, name), [late]

        def called(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            deliver(waiting)
            waiting.clear()
            return result

        monkeypatch.setattr(owner, name, called)

    return arrange


@pytest.mark.parametrize("stripes", [1, 2])
def test_pages_of_a_statement_agree_though_a_row_arrives_between_them(
    ledger: str, stripes: int
) -> None:
    books = Books(ledger, stripes)
    books.pay(1, 10)
    books.pay(stripes, 100)
    late = books.pay(stripes, 1000)
    if stripes > 1:
        for _ in range(3):
            books.pay(1, 10)
    books.tell(but=[late])
    statement = pages(AccountStatement(ledger=ledger, account="hot", limit=1))

    found = [next(statement)]
    deliver([late])
    found += statement

    assert adds_up(found)
    assert found[0].closing_balance == ("110" if stripes == 1 else "140")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(history, "around"), (History, "_stripes"), (queries, "_period")],
)
@pytest.mark.parametrize("newer", [1, 2], ids=["alone", "hole"])
def test_a_row_from_before_the_period_that_arrives_meanwhile_is_in_all_balances_or_in_none(
    ledger: str,
    arrives_after: Callable[[Any, str, Recorded], None],
    owner: Any,
    name: str,
    newer: int,
) -> None:
    books = Books(ledger)
    books.pay(1, 1)
    books.pay(2, 1)
    late = books.pay(2, 100)
    start = books.just_after
    books.pay(newer, 5)
    books.tell(but=[late])
    arrives_after(owner, name, late)

    found = list(pages(AccountStatement(ledger=ledger, account="hot", from_=start)))

    assert adds_up(found)
    assert found[0].opening_balance in ("2", "102")


@pytest.mark.parametrize(("stripes", "reads"), [(1, 2), (2, 4)])
def test_an_opening_that_is_newer_than_the_closing_is_read_again(
    ledger: str, monkeypatch: pytest.MonkeyPatch, stripes: int, reads: int
) -> None:
    books = Books(ledger, stripes)
    books.pay(1, 1)
    books.tell()
    late, start = books.pay(stripes, 100), books.just_after
    first_rows = entries.first_rows
    read = 0

    def opening_last(wanted: Any) -> Any:
        nonlocal read
        asked = list(wanted)
        read += 1
        if read != stripes:
            return first_rows(asked)
        # Of the account, the rows before the period come last; of each stripe they do too.
        found = first_rows(asked[: -1 if stripes == 1 else 3])
        deliver([late])
        return [*found, *first_rows(asked[len(found) :])]

    monkeypatch.setattr(history, "first_rows", opening_last)

    found = list(pages(AccountStatement(ledger=ledger, account="hot", from_=start)))

    assert adds_up(found)
    assert (read, found[0].opening_balance) == (reads, "101")


def test_newest_first_is_answered_though_rows_keep_arriving(
    ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(ledger)
    books.pay(1, 1)
    books.pay(2, 1)
    books.tell()
    stripes = History._stripes

    def then_another(self: History, *args: Any, **kwargs: Any) -> Any:
        found = stripes(self, *args, **kwargs)
        books.pay(1, 1)
        books.tell()
        return found

    monkeypatch.setattr(History, "_stripes", then_another)

    found = ask(AccountEntries(ledger=ledger, account="hot", order="desc"))

    assert [entry.balance_after for entry in found.entries] == ["2", "1"]


def test_a_listing_waits_for_a_stripe_that_is_not_here_yet(
    ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(ledger)
    late = [event for event in books._store.appended if event.stream.id == "hot~2of2"]
    books.tell(but=late)
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", 0.1)
    with pytest.raises(ProjectionBehind, match="all of it has not arrived here yet"):
        ask(ListAccounts(ledger=ledger))

    deliver(late)

    assert [one.id for one in ask(ListAccounts(ledger=ledger)).accounts] == ["cash", "hot"]
