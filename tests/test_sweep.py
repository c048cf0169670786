"""The sweep: releases what has expired, exactly that, however late or wrong its list is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import sweep
from chalicelib.commands import execute
from chalicelib.commands.execute import Executor
from chalicelib.domain.transaction import HoldTransaction, PostHold, VoidHold
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import account_stream, transaction_stream
from chalicelib.events.store import Busy
from chalicelib.read_models.transactions.table import TransactionRow
from tests.books import deliver
from tests.deliveries import events_of
from tests.domain.books import NOW, credit, debit, opening, posting

pytestmark = pytest.mark.usefixtures("moto")


class Books:
    """A ledger in which Alice has 100, and holds that expire a second apart."""

    def __init__(self, ledger: str, patch: pytest.MonkeyPatch) -> None:
        self.ledger, self.now = ledger, NOW
        self.executor = Executor(DynamoStore(), clock=lambda: self.now)
        patch.setattr(execute, "executor", lambda: self.executor)
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
        return [heads[stream].transaction.state for stream in streams]

    def pending(self) -> int:
        """What is held of Alice's."""
        alice = account_stream(self.ledger, "alice")
        return DynamoStore().load([alice])[alice].account.pending_out


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
    lost = iter([True])
    append = books.executor.store.append

    class Contended(DynamoStore):
        def append(self, *appends: Any) -> None:
            if next(lost, False):
                raise Busy("ThrottlingException")
            append(*appends)

    monkeypatch.setattr(execute, "executor", lambda: replace(hasty, store=Contended()))

    assert sweep.expire(books.now) == {"expired": 4, "failed": 1}
    assert books.swept(after=60) == {"expired": 1, "failed": 0}


def test_without_a_journal_there_is_nothing_to_list(books: Books) -> None:
    TransactionRow.delete_table()

    assert sweep.expire(books.now + timedelta(days=1)) == {"expired": 0, "failed": 0}

    TransactionRow.create_table(wait=True)
