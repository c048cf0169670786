"""The machine finds what it is there to find: seven ledgers that are broken on purpose."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from chalicelib.commands import routing
from chalicelib.commands.execution import Run
from chalicelib.commands.executor import Executor
from chalicelib.commands.unit_of_work import UnitOfWork
from chalicelib.domain import postings
from chalicelib.domain.account import state as account_state
from chalicelib.domain.account.events import (
    Change,
    EntryHeld,
    EntryPosted,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.transaction import decide as transaction_decide
from chalicelib.domain.transaction.commands import Command, PostTransaction
from chalicelib.events.store import Unanswered
from tests.model.machine import Machine
from tests.soak import SOAKING

Break = Callable[[pytest.MonkeyPatch], None]


def a_limit_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """An account may go one below its minimum."""
    required = postings.require_takes

    def require_takes(id: str, it: Account, event: EntryPosted | EntryHeld) -> None:
        low = it.min_balance
        required(id, replace(it, min_balance=None if low is None else low - 1), event)

    patch.setattr(postings, "require_takes", require_takes)


def a_double_release(patch: pytest.MonkeyPatch) -> None:
    """What a hold sets aside is freed twice."""
    evolved = account_state._evolve

    def evolve(it: Account, event: Change) -> Account:
        after = evolved(it, event)
        if isinstance(event, HeldEntryPosted | HeldEntryReleased):
            again = HeldEntryReleased(
                transaction=event.transaction, direction=event.direction, amount=1
            )
            return evolved(after, again)
        return after

    patch.setattr(account_state, "_evolve", evolve)


def a_lost_leg(patch: pytest.MonkeyPatch) -> None:
    """The last entry of a transaction of more than two is not written to its account."""
    booked = postings.book

    def book(entries: Iterable[postings.Posting], accounts: Mapping[str, Account]) -> Any:
        whole = booked(listed := list(entries), accounts)
        if len(listed) > 2:
            whole.events[listed[-1].account].pop()
        return whole._replace(events={id: kept for id, kept in whole.events.items() if kept})

    patch.setattr(transaction_decide, "book", book)


def a_replay_that_posts_again(patch: pytest.MonkeyPatch) -> None:
    """A transaction whose id was used moves the money again, under another id."""
    asked = transaction_decide.decide

    def decide(
        command: Command, books: transaction_decide.Books, now: datetime
    ) -> transaction_decide.Decision:
        if isinstance(command, PostTransaction) and command.transaction in books.transactions:
            again = replace(command, transaction=f"{command.transaction}-again")
            return asked(again, replace(books, transactions={}), now)
        return asked(command, books, now)

    patch.setattr(routing, "decide_transaction", decide)


def a_wrong_sign_for_debit_normal_accounts(patch: pytest.MonkeyPatch) -> None:
    """Every account counts as if it were a credit-normal one."""
    patch.setattr(Account, "posted", property(lambda it: it.credits - it.debits))


def a_missing_reply_that_is_taken_for_a_write_that_never_was(patch: pytest.MonkeyPatch) -> None:
    """What was sent without an answer is decided anew."""
    appended = Executor._append

    def append(self: Executor, run: Run, unit: UnitOfWork) -> None:
        try:
            appended(self, run, unit)
        except Unanswered:
            run.unanswered = None
            raise

    patch.setattr(Executor, "_append", append)


def a_refusal_that_is_not_confirmed(patch: pytest.MonkeyPatch) -> None:
    """It is given on plain reads alone."""
    patch.setattr(UnitOfWork, "confirm", lambda *_: None)


@pytest.mark.parametrize(
    "mutation",
    [
        a_limit_off_by_one,
        a_double_release,
        a_lost_leg,
        a_replay_that_posts_again,
        a_wrong_sign_for_debit_normal_accounts,
        a_missing_reply_that_is_taken_for_a_write_that_never_was,
        a_refusal_that_is_not_confirmed,
    ],
)
def test_a_ledger_that_is_broken_is_found_out(
    machine: type[Machine], monkeypatch: pytest.MonkeyPatch, mutation: Break
) -> None:
    mutation(monkeypatch)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=200,
                stateful_step_count=40,
                deadline=None,
                derandomize=not SOAKING,
                # What it found is enough; how it looks at its smallest is of no interest here.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
