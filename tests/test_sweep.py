"""The sweep: releases what has expired, exactly that, however late or wrong its list is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import sweep
from chalicelib.commands import executor as executor_module
from chalicelib.commands.executor import Executor
from chalicelib.domain.transaction.commands import HoldTransaction, PostHold, VoidHold
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import Busy
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    transaction_event,
    transaction_stream,
)
from chalicelib.read_models.transactions.table import TransactionRow
from tests.books import deliver
from tests.deliveries import events_of
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore

pytestmark = pytest.mark.usefixtures("moto")


class Books:
    """A ledger in which Alice has 100, and holds that expire a second apart."""

    def __init__(self, ledger: str, patch: pytest.MonkeyPatch) -> None:
        self.ledger, self.now = ledger, NOW
        self.executor = Executor(DynamoStore(), clock=lambda: self.now)
        patch.setattr(executor_module, "executor", lambda: self.executor)
        self.do(opening("cash", min_balance=None, ledger=ledger))
        self.do(opening("alice", normal_balance="credit", ledger=ledger))
        self.do(posting("t", debit("cash", 100), credit("alice", 100), ledger=ledger))
        for number in range(5):
            self.hold(f"h{number}", 10 + number)

    def do(self, command: Any) -> None:
        """Executes a command."""
        self.executor.execute(command, actor="key-1")

    def hold(self, id: str, seconds: int | None) -> None:
        """Sets 10 of Alice's aside."""
        lines = (debit("alice", 10), credit("cash", 10))
        self.do(
            HoldTransaction(
                ledger=self.ledger, transaction=id, entries=lines, timeout_seconds=seconds
            )
        )

    def swept(self, after: float) -> dict[str, int]:
        """What the sweep says at so many seconds after the beginning, all being projected."""
        deliver(events_of(self.ledger))
        self.now = NOW + timedelta(seconds=after)
        return sweep.expire(self.now)

    def states(self) -> list[str]:
        """Where each hold stands."""
        streams = [transaction_stream(self.ledger, f"h{number}") for number in range(5)]
        heads = DynamoStore().load(streams)
        return [transaction_event(heads[stream]).state for stream in streams]

    def pending(self) -> int:
        """What is held of Alice's."""
        alice = account_stream(self.ledger, "alice")
        return account_state(DynamoStore().load([alice])[alice]).pending_out


@pytest.fixture
def books(ledger: str, monkeypatch: pytest.MonkeyPatch) -> Books:
    """The books of these tests."""
    TransactionRow.delete_table()
    TransactionRow.create_table(wait=True)
    return Books(ledger, monkeypatch)


def test_what_has_expired_is_released_and_the_rest_stays(books: Books) -> None:
    assert books.swept(after=11.5) == {"expired": 2, "failed": 0}

    assert books.states() == ["expired", "expired", "pending", "pending", "pending"]
    assert books.pending() == 30


def test_a_second_sweep_finds_nothing_left_to_do(books: Books) -> None:
    books.swept(after=60)

    assert books.swept(after=60) == {"expired": 0, "failed": 0}
    assert books.states() == ["expired"] * 5
    assert books.pending() == 0


def test_a_list_that_is_late_does_no_harm(books: Books) -> None:
    deliver(events_of(books.ledger))
    books.do(PostHold(ledger=books.ledger, transaction="h0"))
    books.do(VoidHold(ledger=books.ledger, transaction="h1"))
    books.now = NOW + timedelta(seconds=60)

    # The journal does not know yet that two of them are resolved.
    assert sweep.expire(books.now) == {"expired": 3, "failed": 0}
    assert books.states() == ["posted", "voided", "expired", "expired", "expired"]


def test_a_hold_without_an_end_is_never_released(books: Books) -> None:
    books.hold("h-for-ever", None)

    books.swept(after=3600 * 24 * 365)

    assert books.pending() == 10


def test_a_run_takes_no_more_than_it_can_and_the_next_takes_the_rest(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST", 3)

    assert books.swept(after=60) == {"expired": 3, "failed": 0}
    assert books.swept(after=60) == {"expired": 2, "failed": 0}


def test_one_that_is_in_the_way_of_others_is_left_for_the_next_run(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(events_of(books.ledger))
    books.now = NOW + timedelta(seconds=60)
    hasty = replace(books.executor, backoff=replace(books.executor.backoff, deadline=-1.0))
    in_the_way = transaction_stream(books.ledger, "h2")

    class Contended(DynamoStore):
        def append(self, *appends: Any) -> None:
            if in_the_way in [each.stream for each in appends]:
                raise Busy("ThrottlingException")
            super().append(*appends)

    monkeypatch.setattr(executor_module, "executor", lambda: replace(hasty, store=Contended()))

    assert sweep.expire(books.now) == {"expired": 4, "failed": 1}
    monkeypatch.setattr(executor_module, "executor", lambda: books.executor)
    assert books.swept(after=60) == {"expired": 1, "failed": 0}


class Many:
    """Ledgers with many holds that are due, each in the store in memory; their list is known."""

    def __init__(self, patch: pytest.MonkeyPatch, **holds: int) -> None:
        self.store, self.now, self.time, self.appends = MemoryStore(), NOW, 0.0, 0
        self.executor = Executor(self.store, clock=lambda: self.now)
        patch.setattr(executor_module, "executor", lambda: self.executor)
        for ledger, count in holds.items():
            for account in ("cash", "bank"):
                self.do(opening(account, min_balance=None, ledger=ledger))
            for number in range(count):
                lines = (debit("cash", 1), credit("bank", 1))
                self.do(
                    HoldTransaction(
                        ledger=ledger, transaction=f"h{number}", entries=lines, timeout_seconds=1
                    )
                )
        # Those of one ledger all before the next one's: the least fair of lists.
        due = [(ledger, f"h{n}") for ledger, count in holds.items() for n in range(count)]
        patch.setattr(sweep, "_due", lambda _: due)
        self.now += timedelta(minutes=1)
        append = self.store.append

        def slow(*appends: Any) -> None:
            self.time += SECONDS_OF_AN_APPEND
            self.appends += 1
            append(*appends)

        patch.setattr(self.store, "append", slow)

    def do(self, command: Any) -> None:
        """Executes a command."""
        self.executor.execute(command, actor="key-1")

    def swept(self) -> dict[str, int]:
        """What a run of the sweep says."""
        return sweep.expire(self.now, monotonic=lambda: self.time)

    def pending(self, ledger: str) -> int:
        """How many holds of a ledger have not been released."""
        cash = account_stream(ledger, "cash")
        return account_state(self.store.load([cash])[cash]).pending_debits


SECONDS_OF_AN_APPEND = 0.2
"""Thirty holds by one append, and what is loaded before it, on a slow day."""


def test_no_ledger_waits_until_all_of_another_ones_holds_are_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = Many(monkeypatch, busy=400, quiet=3, other=3)
    monkeypatch.setattr(sweep, "SECONDS", 5 * SECONDS_OF_AN_APPEND)

    many.swept()

    assert (many.pending("quiet"), many.pending("other")) == (0, 0)
    assert 0 < many.pending("busy") < 400


def test_a_minute_of_a_hundred_holds_a_second_is_released_in_one_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = Many(monkeypatch, busy=600)

    assert many.swept() == {"expired": 600, "failed": 0}

    # Of one ledger on the same accounts, the hardest case; a minute has ten times as many.
    assert 10 * many.time < sweep.SECONDS
    assert many.appends == 600 / sweep.TOGETHER
    assert sweep.MOST >= 60 * 100


def test_holds_of_many_entries_are_released_though_one_append_cannot_hold_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = Many(monkeypatch, wide=1)
    lines = tuple(debit("cash", 1) if n % 2 else credit("bank", 1) for n in range(40))
    for number in range(4):
        many.do(
            HoldTransaction(
                ledger="wide", transaction=f"w{number}", entries=lines, timeout_seconds=1
            )
        )
    many.now += timedelta(minutes=1)
    monkeypatch.setattr(sweep, "_due", lambda _: [("wide", f"w{n}") for n in range(4)])

    assert many.swept() == {"expired": 4, "failed": 0}


def test_without_a_journal_there_is_nothing_to_list(books: Books) -> None:
    TransactionRow.delete_table()

    assert sweep.expire(books.now + timedelta(days=1)) == {"expired": 0, "failed": 0}

    TransactionRow.create_table(wait=True)
