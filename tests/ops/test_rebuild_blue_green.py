"""Blue-green: new tables take the place of the old ones, and readers notice nothing."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Event

import pytest

from chalicelib.read_models import blue_green
from chalicelib.read_models.balances.queries import GetAccount, get_account
from chalicelib.read_models.balances.table import BalanceRow
from chalicelib.read_models.blue_green import InUse, at_table, in_use
from chalicelib.read_models.statements.queries import AccountEntries, account_entries
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals.queries import TrialBalance, trial_balance
from chalicelib.read_models.totals.table import TotalRow
from chalicelib.read_models.transactions.queries import ListTransactions, list_transactions
from chalicelib.read_models.transactions.table import TransactionRow
from chalicelib.settings import read_again
from ops.chaos.workload import RANDOM
from ops.rebuilding import bluegreen
from ops.verifying.raw import client
from tests.ops.audited import items
from tests.ops.rebuilt import rebuilt, stock, together, traffic, wrong
from tests.soak import examples

STACKS = {"accounts": (BalanceRow, StatementRow), "journal": (TransactionRow, TotalRow)}


pytestmark = pytest.mark.usefixtures("own_ministack", "blue_green_on")


@pytest.fixture
def blue_green_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stage that looks up the active table, and does so often."""
    monkeypatch.setenv("TWOFOLD_GENERATIONS", "1")
    read_again()
    monkeypatch.setattr(blue_green, "CACHE_SECONDS", 0.4)
    monkeypatch.setattr(bluegreen, "REQUEST_SECONDS", 0.0)  # No request is under way.
    yield
    monkeypatch.delenv("TWOFOLD_GENERATIONS")
    read_again()


def test_a_fresh_process_finds_the_tables_that_serve() -> None:
    stock()
    rebuilt("accounts", "--blue-green")
    code = (
        "from tests.ops.test_rebuild_blue_green import READS;"
        "print(*(read() for read in READS['accounts']))"
    )

    fresh = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert fresh.stdout.split() == [str(read()) for read in READS["accounts"]]


class Reader:
    """Reads again and again, and has no patience for an answer older than the one before."""

    def __init__(self, *reads: Callable[[], int]) -> None:
        self.count = 0
        self.stop = Event()
        self._reads = reads

    def run(self) -> None:
        newest = [0] * len(self._reads)
        while not self.stop.is_set():
            for place, read in enumerate(self._reads):
                version = read()
                assert version >= newest[place], f"{read} went back"
                newest[place] = version
                self.count += 1
            self.stop.wait(examples(300, 0) / 1000)


def _version_of(account: str) -> Callable[[], int]:
    return lambda: get_account(GetAccount(ledger=RANDOM, account=account)).version


def _newest_of(account: str) -> Callable[[], int]:
    """When its newest event was recorded: the versions of a striped account do not only grow."""

    def microseconds() -> int:
        body = get_account(GetAccount(ledger=RANDOM, account=account))
        return round(datetime.fromisoformat(body.recorded_at).timestamp() * 10**6)

    return microseconds


def _entries_of(account: str) -> Callable[[], int]:
    def count() -> int:
        total, cursor = 0, None
        while True:
            page = account_entries(AccountEntries(ledger=RANDOM, account=account, cursor=cursor))
            total, cursor = total + len(page.entries), page.next_cursor
            if cursor is None:
                return total

    return count


def _transactions() -> int:
    total, cursor = 0, None
    while True:
        page = list_transactions(ListTransactions(ledger=RANDOM, limit=200, cursor=cursor))
        total, cursor = total + len(page.transactions), page.next_cursor
        if cursor is None:
            return total


def _counted_events() -> int:
    return trial_balance(TrialBalance(ledger=RANDOM)).events


READS: dict[str, tuple[Callable[[], int], ...]] = {
    "accounts": (_newest_of("usd:0"), _version_of("eur:1"), _entries_of("usd:1")),
    "journal": (_transactions, _counted_events),
}


@pytest.mark.parametrize("stack", STACKS)
def test_new_tables_replace_the_old_ones_and_neither_readers_nor_writers_notice(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bluegreen, "REQUEST_SECONDS", 2.0)
    stock()
    readers = [Reader(*READS[stack]) for _ in range(2)]

    with traffic(), together(*(reader.run for reader in readers)):
        try:
            rebuilt(stack, "--blue-green")
            before = [reader.count for reader in readers]
            rebuilt(stack, "--blue-green")
        finally:
            for reader in readers:
                reader.stop.set()

    assert wrong() == []
    assert all(reader.count > seen > 5 for reader, seen in zip(readers, before, strict=True))


@pytest.mark.parametrize("stack", STACKS)
def test_the_old_tables_are_gone_but_for_the_empty_ones_that_the_template_knows(stack: str) -> None:
    stock()
    room, name = STACKS[stack][0], "balances" if stack == "accounts" else "transactions"
    kept = items(room)

    rebuilt(stack, "--blue-green")

    assert in_use(name) == InUse("b", ("b",))
    assert items(room) == kept
    with at_table(name, "a"):
        assert items(room) == []

    rebuilt(stack, "--blue-green")

    assert in_use(name) == InUse("a", ("a",))
    assert items(room) == kept
    assert not [each for each in client().list_tables()["TableNames"] if each.endswith("_b")]
