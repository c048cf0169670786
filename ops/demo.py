"""Demo: real bank transactions posted over HTTP, and the statements compared with the bank's own.

Each transaction of the bank has two entries: its customer's account, and the bank's own account for
that customer. Ids are the bank's, so loading a file again changes nothing.
"""

import csv
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click
from twofold import AssetTotals, Ledger, NoReply, Problem, Transaction, credit, debit

from ops.bars import progress_bars

ASSET = "CZK/2"
WORKERS = 4
_SHOWN = 5


@dataclass(frozen=True)
class Row:
    """One row of the bank's file; amounts in hellers, negative where money left the account."""

    id: str
    date: str
    account: str
    amount: int
    balance_after: int
    operation: str
    category: str

    @property
    def counterpart(self) -> str:
        """The bank's own account for this customer."""
        return f"bank:{self.account}"


def by_customer(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Each customer's rows, in the order of the bank."""
    customers: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        customers[row.account].append(row)
    return customers


def read(path: Path) -> list[Row]:
    """The bank's rows in its own order."""
    with path.open(newline="") as file:
        return [
            Row(
                id=line["trans_id"],
                date=line["date"],
                account=line["account"],
                amount=int(line["amount"]),
                balance_after=int(line["balance_after"]),
                operation=line["operation"],
                category=line["category"],
            )
            for line in csv.DictReader(file)
        ]


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The Write API.")
@click.option("--accounts-url", help="The accounts' Read API, where it is another.")
@click.option("--journal-url", help="The journal's Read API, where it is another.")
@click.option("--key", envvar="TWOFOLD_KEY", help="An API key, where one is asked for.")
@click.option("--ledger", "name", default="berka", show_default=True, help="Its id.")
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def demo(
    url: str,
    accounts_url: str | None,
    journal_url: str | None,
    key: str | None,
    name: str,
    data: Path,
) -> None:
    """Loads DATA, a bank's transactions, and compares every running balance with the bank's."""
    rows = read(data)
    try:
        books = Ledger(name, url, accounts_url=accounts_url, journal_url=journal_url, key=key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        with books as ledger:
            agreeing = _load_and_compare(ledger, rows)
    except Problem as problem:
        raise click.ClickException(f"{problem.code}: {problem.detail}") from None
    except NoReply as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{agreeing:,} of {len(rows):,} running balances agree with the bank's")
    click.echo(f"the books: {(accounts_url or url).rstrip('/')}/console#/ledgers/{name}/accounts")
    if agreeing != len(rows):
        raise SystemExit(1)


def _load_and_compare(ledger: Ledger, rows: list[Row]) -> int:
    """How many of the bank's running balances the ledger has once it has the transactions."""
    customers = by_customer(rows)
    _open_accounts(ledger, customers)
    # Rows without an amount (the bank booked some interest of 0) move nothing.
    moving = [row for row in rows if row.amount]
    fresh, versions = _post(ledger, customers, total=len(moving))
    click.echo(f"{fresh:,} transactions posted, {len(moving) - fresh:,} were there already\n")
    _print_trial_balance(ledger, moved=sum(abs(row.amount) for row in moving))
    busiest = max(customers, key=lambda account: len(customers[account]))
    _print_statement(ledger, busiest, versions[busiest])
    return _compare(ledger, customers, versions)


def _open_accounts(ledger: Ledger, customers: dict[str, list[Row]]) -> None:
    for account, rows in customers.items():
        lowest = min(0, *(row.balance_after for row in rows))
        bank = rows[0].counterpart
        ledger.accounts.open(bank, asset=ASSET, normal_balance="debit", min_balance=None)
        ledger.accounts.open(account, asset=ASSET, normal_balance="credit", min_balance=lowest)


def _post(
    ledger: Ledger, customers: dict[str, list[Row]], total: int
) -> tuple[int, dict[str, int]]:
    """The number of new transactions, and the resulting version of each customer's account."""
    versions = dict.fromkeys(customers, 1)
    with (
        progress_bars("transactions") as bars,
        ThreadPoolExecutor(WORKERS) as workers,
    ):
        tick = bars("posting", total)

        def post_all(account: str) -> int:
            fresh = 0
            for row in customers[account]:
                if row.amount:
                    posted = _post_row(ledger, row)
                    versions[account] = posted.entries[0].version
                    fresh += not posted.replayed
                    tick(1)
            return fresh

        return sum(workers.map(post_all, customers)), versions


def _post_row(ledger: Ledger, row: Row) -> Transaction:
    customer, bank = (credit, debit) if row.amount > 0 else (debit, credit)
    moved = abs(row.amount)
    return ledger.transactions.post(
        [customer(row.account, moved), bank(row.counterpart, moved)],
        id=row.id,
        reference=row.category or None,
        effective_at=datetime.fromisoformat(row.date).replace(tzinfo=UTC),
    )


def _print_trial_balance(ledger: Ledger, moved: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assets = _totals(ledger)
        if sum(asset.debits for asset in assets) >= moved and all(
            asset.balanced for asset in assets
        ):
            break
        time.sleep(0.2)
    click.echo("trial balance")
    for asset in assets:
        verdict = {True: "balanced", False: "NOT BALANCED", None: "on its way"}[asset.balanced]
        click.echo(
            f"  {asset.asset}  debits {asset.debits:,}  credits {asset.credits:,}  {verdict}"
        )


def _totals(ledger: Ledger) -> Sequence[AssetTotals]:
    """The sums of the trial balance; none before the first projection."""
    try:
        return ledger.trial_balance().assets
    except Problem as problem:
        if problem.code != "ledger_not_found":
            raise
        return ()


def _print_statement(ledger: Ledger, account: str, version: int) -> None:
    statement = ledger.accounts.statement(account, min_version=version, page=_SHOWN)
    click.echo(f"\nstatement of {account}, its first entries")
    click.echo(f"  {'opening balance':>42} {statement.opening_balance:>14,}")
    for entry in islice(statement.entries, _SHOWN):
        amount = f"{'-' if entry.direction == 'debit' else '+'}{entry.amount:,}"
        click.echo(
            f"  {entry.effective_at:%Y-%m-%d}  {entry.transaction:>10}  {amount:>18}"
            f" {entry.balance_after:>14,}"
        )
    click.echo(f"  {'closing balance':>42} {statement.closing_balance:>14,}")


def _compare(ledger: Ledger, customers: dict[str, list[Row]], versions: dict[str, int]) -> int:
    """The number of the bank's running balances that the ledger's statements have."""
    with progress_bars("accounts") as bars:
        tick, agreeing = bars("comparing", len(customers)), 0
        for account, rows in customers.items():
            entries = ledger.accounts.entries(account, min_version=versions[account])
            shown = {entry.transaction: entry.balance_after for entry in entries}
            balance = 0
            for row in rows:
                balance = shown.get(row.id, balance)
                agreeing += balance == row.balance_after
            tick(1)
    return agreeing
