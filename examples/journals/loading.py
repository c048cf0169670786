"""Loading: a plan's accounts opened and its transactions posted, in order. Safe to repeat.

There is no file of progress: the ledger is asked which transactions it has, and is sent the others.
One that it has and does not show yet is sent again with the same id, and is not done twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from twofold import Ledger, Problem, Transaction

from journals.model import JournalError
from journals.plan import Plan

MAX_ACCOUNTS = 100
"""Accounts of one batch."""

Progress = Callable[[str, int, int], None]
"""Called with the kind of work, how much of it is done, and of how much."""


@dataclass
class Loaded:
    """How many transactions were new, those that are in the ledger, and the newest version that was
    seen of each account.
    """

    posted: int = 0
    done: set[str] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)

    def take(self, transaction: Transaction) -> None:
        """Records a transaction of the ledger."""
        self.done.add(transaction.id)
        for entry in transaction.entries:
            known = self.versions.get(entry.account, 0)
            self.versions[entry.account] = max(known, entry.version)


def load(ledger: Ledger, plan: Plan, progress: Progress) -> Loaded:
    """Opens and posts everything. Raises JournalError for a refusal, Problem, NoReply."""
    loaded = Loaded()
    _ask(ledger, plan, loaded)
    _open(ledger, plan, loaded, progress)
    progress("transactions", len(loaded.done), len(plan.transactions))
    for batch in plan.batches(without=frozenset(loaded.done)):
        results = ledger.transactions.post_batch(batch, atomic=True, idempotency_key=batch[0].id)
        told = [f"transaction {new.id} ({plan.where[str(new.id)]})" for new in batch]
        _check(told, [result.problem for result in results])
        for result in results:
            assert result.transaction is not None
            loaded.posted += not result.transaction.replayed
            loaded.take(result.transaction)
        progress("transactions", len(loaded.done), len(plan.transactions))
    return loaded


def _ask(ledger: Ledger, plan: Plan, loaded: Loaded) -> None:
    """Records the plan's transactions that the ledger has already."""
    try:
        for transaction in ledger.transactions.list():
            if transaction.id in plan.where:
                loaded.take(transaction)
    except Problem as problem:
        if problem.code != "ledger_not_found":
            raise


def _open(ledger: Ledger, plan: Plan, loaded: Loaded, progress: Progress) -> None:
    """Opens the accounts without a recorded entry."""
    waiting = iter([new for id, new in plan.accounts.items() if id not in loaded.versions])
    done = len(loaded.versions)
    progress("accounts", done, len(plan.accounts))
    while batch := list(islice(waiting, MAX_ACCOUNTS)):
        results = ledger.accounts.open_batch(batch)
        _check(
            [f"account {new.id} ({new.asset})" for new in batch],
            [result.problem for result in results],
        )
        done += len(batch)
        progress("accounts", done, len(plan.accounts))


def _check(told: Sequence[str], problems: Sequence[Problem | None]) -> None:
    """Raises JournalError for the first one that was itself refused."""
    for what, problem in zip(told, problems, strict=True):
        if problem is None or problem.code == "batch_aborted":
            continue
        hint = ""
        if problem.code == "account_exists":
            hint = (
                "; was another journal loaded here, or did a commodity get more digits? "
                "Take a fresh --ledger"
            )
        elif problem.status == 503:
            hint = "; run it again, it goes on from here"
        raise JournalError(f"{what}: {problem.code}: {problem.detail}{hint}")
