"""Demo: real bank transactions posted over HTTP, and the statements held against the bank's own.

Each transaction of the bank has two entries: its customer's account, and the bank's own account for
that customer. Ids are the bank's, so loading a file again changes nothing.
"""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import urllib3
from tqdm import tqdm

ASSET = "CZK/2"
WORKERS = 4


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
        """The bank's own account for this customer, on the other side."""
        return f"bank:{self.account}"


class Ledger:
    """One ledger over HTTP. A write is repeated until it is answered: its id makes that safe.

    Reads of transactions and totals go to the journal's address, other reads to the accounts'.
    """

    def __init__(self, name: str, write: str, accounts: str, journal: str, key: str | None) -> None:
        self._write, self._accounts, self._journal = (
            f"{url.rstrip('/')}/ledgers/{name}" for url in (write, accounts, journal)
        )
        patience = urllib3.Retry(
            total=20,
            backoff_factor=0.2,
            backoff_max=2,
            status_forcelist=[503],
            allowed_methods=None,
            raise_on_status=False,
        )
        self._http = urllib3.PoolManager(
            maxsize=WORKERS,
            retries=patience,
            timeout=30,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    def get(self, path: str, **query: str | int) -> Any:
        """The body of a read."""
        fields = {name: str(value) for name, value in query.items()}
        root = self._accounts if path.startswith("/accounts") else self._journal
        reply = self._http.request("GET", root + path, fields=fields)
        return self._body(reply)

    def post(self, path: str, body: dict[str, Any]) -> tuple[Any, bool]:
        """The body of a write, and whether it was the first of its kind."""
        headers = {**self._http.headers, "Content-Type": "application/json"}
        reply = self._http.request("POST", self._write + path, json=body, headers=headers)
        return self._body(reply), reply.status == 201

    def rows(self, path: str, key: str, **query: str | int) -> Iterator[Any]:
        """All rows of a listing, page by page."""
        page = self.get(path, **query)
        yield from page[key]
        while page["next_cursor"]:
            page = self.get(path, **{**query, "cursor": page["next_cursor"]})
            yield from page[key]

    def _body(self, reply: urllib3.BaseHTTPResponse) -> Any:
        body = json.loads(reply.data)
        if reply.status >= 400:
            raise click.ClickException(f"{body['code']}: {body['detail']}")
        return body


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
@click.option("--ledger", "name", default="berka", show_default=True)
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
    ledger = Ledger(name, url, accounts_url or url, journal_url or url, key)
    rows = read(data)
    customers: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        customers[row.account].append(row)
    _open_accounts(ledger, customers)
    # Rows without an amount (the bank booked some interest of 0) move nothing.
    moving = [row for row in rows if row.amount]
    fresh, versions = _post(ledger, customers, total=len(moving))
    click.echo(f"{fresh:,} transactions posted, {len(moving) - fresh:,} were there already\n")
    _print_trial_balance(ledger, moved=sum(abs(row.amount) for row in moving))
    busiest = max(customers, key=lambda account: len(customers[account]))
    _print_statement(ledger, busiest, versions[busiest])
    agreeing = _compare(ledger, customers, versions)
    click.echo(f"\n{agreeing:,} of {len(rows):,} running balances agree with the bank's")
    if agreeing != len(rows):
        raise SystemExit(1)


def _open_accounts(ledger: Ledger, customers: dict[str, list[Row]]) -> None:
    for account, rows in customers.items():
        lowest = str(min(0, *(row.balance_after for row in rows)))
        bank = {"id": rows[0].counterpart, "normal_balance": "debit", "min_balance": None}
        customer = {"id": account, "normal_balance": "credit", "min_balance": lowest}
        ledger.post("/accounts", {**bank, "asset": ASSET})
        ledger.post("/accounts", {**customer, "asset": ASSET})


def _post(
    ledger: Ledger, customers: dict[str, list[Row]], total: int
) -> tuple[int, dict[str, int]]:
    """How many transactions were new, and the version that each customer's account came to."""
    fresh, versions = 0, {}

    def post_all(account: str) -> Iterator[bool]:
        versions[account] = 1
        for row in customers[account]:
            if row.amount:
                body, first = ledger.post("/transactions", _transaction(row))
                versions[account] = body["entries"][0]["version"]
                yield first

    with (
        tqdm(total=total, unit=" transactions", desc="posting", smoothing=0.05) as bar,
        ThreadPoolExecutor(WORKERS) as workers,
    ):

        def work(account: str) -> int:
            first = 0
            for was_first in post_all(account):
                first += was_first
                bar.update()
            return first

        fresh = sum(workers.map(work, customers))
    return fresh, versions


def _transaction(row: Row) -> dict[str, Any]:
    customer, bank = ("credit", "debit") if row.amount > 0 else ("debit", "credit")
    return {
        "id": row.id,
        "reference": row.category or None,
        "effective_at": f"{row.date}T00:00:00.000000Z",
        "entries": [
            {"account": row.account, "direction": customer, "amount": str(abs(row.amount))},
            {"account": row.counterpart, "direction": bank, "amount": str(abs(row.amount))},
        ],
    }


def _print_trial_balance(ledger: Ledger, moved: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        assets = ledger.get("/trial-balance")["assets"]
        arrived = all(asset["balanced"] for asset in assets) and (
            sum(int(asset["debits"]) for asset in assets) >= moved
        )
        if arrived or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    click.echo("trial balance")
    for asset in assets:
        verdict = "balanced" if asset["balanced"] else "NOT BALANCED"
        click.echo(
            f"  {asset['asset']}  debits {int(asset['debits']):,}"
            f"  credits {int(asset['credits']):,}  {verdict}"
        )


def _print_statement(ledger: Ledger, account: str, version: int) -> None:
    statement = ledger.get(f"/accounts/{account}/statement", min_version=version, limit=5)
    click.echo(f"\nstatement of {account}, its first entries")
    click.echo(f"  {'opening balance':>42} {int(statement['opening_balance']):>14,}")
    for entry in statement["entries"]:
        sign = "-" if entry["direction"] == "debit" else "+"
        amount = f"{sign}{int(entry['amount']):,}"
        click.echo(
            f"  {entry['effective_at'][:10]}  {entry['transaction']:>10}  {amount:>18}"
            f" {int(entry['balance_after']):>14,}"
        )
    click.echo(f"  {'closing balance':>42} {int(statement['closing_balance']):>14,}")


def _compare(ledger: Ledger, customers: dict[str, list[Row]], versions: dict[str, int]) -> int:
    """How many of the bank's running balances the ledger's statements show too."""
    agreeing = 0
    for account, rows in tqdm(customers.items(), unit=" accounts", desc="comparing"):
        entries = ledger.rows(
            f"/accounts/{account}/entries", "entries", min_version=versions[account], limit=200
        )
        shown = {entry["transaction"]: int(entry["balance_after"]) for entry in entries}
        balance = 0
        for row in rows:
            balance = shown.get(row.id, balance)
            agreeing += balance == row.balance_after
    return agreeing
