"""Turns: threads of one process do not lose races to each other."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest

from chalicelib.commands.execution import ReadLevel, Run
from chalicelib.commands.ledger_decider import LEDGER
from chalicelib.commands.turns import Turns, turns
from chalicelib.settings import settings, using
from tests.domain.books import credit, debit, posting

THREADS, TIMES = 8, 25
LONG = 600.0
"""Seconds that nobody waits for where all is well: the test would be stopped."""


def transfer(payer: str, payee: str, seconds: float = LONG) -> Run:
    """A transfer before its first attempt, which may take so many seconds."""
    return Run(
        [posting("transfer", debit(payer, 1), credit(payee, 1))],
        LEDGER,
        LEDGER.new_cache(),
        command_id="command",
        actor="key-1",
        dry_run=False,
        until=time.monotonic() + seconds,
        level=ReadLevel.CACHED,
    )


def most_at_once(taken: Turns, *pairs: tuple[str, str]) -> dict[str, int]:
    """How many threads at most were inside for each account; a thread transfers within a pair."""
    inside, most = Counter[str](), Counter[str]()

    def work(pair: tuple[str, str]) -> None:
        for _ in range(TIMES):
            with taken.take(transfer(*pair)):
                inside.update(pair)
                for account in pair:
                    most[account] = max(most[account], inside[account])
                time.sleep(0)  # Another thread runs.
                inside.subtract(pair)

    with ThreadPoolExecutor(len(pairs)) as pool:
        list(pool.map(work, pairs))
    return most


def test_commands_on_the_same_account_are_executed_one_after_the_other() -> None:
    pairs = [("pot", f"customer-{number}") for number in range(THREADS)]

    assert most_at_once(Turns(256), *pairs)["pot"] == 1


def test_two_threads_never_wait_for_each_other() -> None:
    there, back = ("alice", "bob"), ("bob", "alice")

    assert most_at_once(Turns(256), *[there, back] * (THREADS // 2)) == {"alice": 1, "bob": 1}


def test_a_command_on_other_accounts_does_not_wait() -> None:
    taken = Turns(256)

    with taken.take(transfer("alice", "bob")), taken.take(transfer("carol", "dave")):
        pass


def test_who_waits_in_vain_goes_on_and_leaves_the_turn_of_the_other_alone() -> None:
    taken = Turns(1)

    with taken.take(transfer("alice", "bob")):
        with taken.take(transfer("alice", "bob", 0.0)):
            pass
        assert [lock.locked() for lock in taken.locks] == [True]
    assert [lock.locked() for lock in taken.locks] == [False]


@pytest.mark.parametrize("in_lambda", [True, False])
def test_a_lambda_answers_one_request_at_a_time_and_takes_no_turns(in_lambda: bool) -> None:
    with using(replace(settings(), in_lambda=in_lambda)):
        assert (turns() is nullcontext) is in_lambda
