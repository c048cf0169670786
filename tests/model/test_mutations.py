"""The machine finds what it is there to find: seven ledgers that are broken on purpose."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from chalicelib.commands import appending
from chalicelib.commands.attempt import Run
from chalicelib.domain import postings
from chalicelib.domain.account import state as account_state
from chalicelib.domain.account.events import Change, HeldEntryPosted, HeldEntryReleased
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.transaction import decide as transaction_decide
from chalicelib.domain.transaction.commands import Command, PostTransaction
from chalicelib.events.store import Unanswered
from tests.model.machine import Machine
from tests.soak import SOAKING

Break = Callable[[pytest.MonkeyPatch], None]


def a_limit_off_by_one(patch: pytest.MonkeyPatch) -> None:
    """An account may go one below its minimum."""
    asked = postings.decide

    def decide(step: postings.Step, it: Account) -> AccountEvent:
        low = it.min_balance
        return asked(step, replace(it, min_balance=None if low is None else low - 1))

    patch.setattr(postings, "decide", decide)


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
    booked = transaction_decide._book

    def book(steps: Any, accounts: Any) -> Any:
        found, events = booked(steps, accounts)
        if len(steps) > 2:
            events[steps[-1].account].pop()
        return found, {name: told for name, told in events.items() if told}

    patch.setattr(transaction_decide, "_book", book)


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

    patch.setattr(transaction_decide, "decide", decide)


def a_wrong_sign_for_debit_normal_accounts(patch: pytest.MonkeyPatch) -> None:
    """Every account counts as if it were a credit-normal one."""
    patch.setattr(Account, "_on_normal_side", lambda _, debited, credited: credited - debited)


def a_missing_reply_that_is_taken_for_a_write_that_never_was(patch: pytest.MonkeyPatch) -> None:
    """What was sent without an answer is decided anew."""
    appended = appending.append

    def append(run: Run, *rest: Any) -> None:
        try:
            appended(run, *rest)
        except Unanswered:
            run.unanswered = None
            raise

    patch.setattr("chalicelib.commands.execute.append", append)


def a_refusal_that_is_not_confirmed(patch: pytest.MonkeyPatch) -> None:
    """It is given on plain reads alone."""
    patch.setattr("chalicelib.commands.execute.confirm", lambda *_: None)


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
