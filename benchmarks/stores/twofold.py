"""Contestant: Twofold, its executor and its event store, as the command Lambda uses them.

    python -m benchmarks.stores.twofold LEDGER MILLISECONDS MEMORY

Each call takes so many milliseconds longer, where a network is to be played. With MEMORY, 1 or 0,
a client remembers what it wrote itself, and nothing of the others, as a Lambda's process does; else
it loads every state. The endpoint is the environment's. It takes orders of its own:

    {"do": "open", "account": "hot", "stripes": n}  an account; one without stripes has a limit
    {"do": "forget", "combines": false}             new clients, with an inbox or without
    {"do": "count"}                                 round trips and write units since then
"""

import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from benchmarks.counting import Traffic
from benchmarks.network import played
from benchmarks.stores.worker import Refused, serve
from chalicelib import tables
from chalicelib.commands.combining.hot import combiner
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import Refusal
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.ledger.aggregates import account_stream
from chalicelib.tables import connection

LEDGER = "bench"

_THREADS = 64
"""The most clients of one process, each of which plays a process of its own."""


class Twofold:
    """Accounts that may not go below 0."""

    def __init__(self, ledger: str, *, remembers: bool) -> None:
        self.conflicts = 0
        self._ledger = ledger
        self._remembers = remembers
        self._client = threading.local()
        self._combines = False
        self._traffic = Traffic()
        events = connection().client.meta.events
        events.register("after-call.dynamodb.TransactWriteItems", self._written)

    def template(self) -> None:
        """Not needed: histories are made by `benchmarks.books`."""

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """The names of their streams."""
        return [str(account_stream(self._ledger, account)) for account in accounts]

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Not needed, likewise."""

    def transfer(self, source: str, target: str, id: str) -> None:
        """One command."""
        entries = (
            Entry(account=source, direction="debit", amount=1),
            Entry(account=target, direction="credit", amount=1),
        )
        command = PostTransaction(ledger=self._ledger, transaction=id, entries=entries)
        try:
            with self._traffic.counted():
                self._executor().execute(command, actor="bench")
        except Refusal as refusal:
            raise Refused from refusal

    def open(self, told: dict[str, Any]) -> None:
        """A new account; one that is striped cannot have limits."""
        opening = OpenAccount(
            ledger=self._ledger,
            account=told["account"],
            asset="USD/2",
            normal_balance="credit",
            min_balance=None if told["stripes"] > 1 else 0,
            stripes=told["stripes"],
        )
        self._executor().execute(opening, actor="bench")

    def forget(self, told: dict[str, Any]) -> None:
        """Makes a new client for each thread at its next use, and counts from zero."""
        self._client = threading.local()
        self._combines = told["combines"]
        self._traffic.reset()

    def count(self, _: dict[str, Any]) -> dict[str, int]:
        """The round trips and write units of all clients of this process."""
        return {"round_trips": self._traffic.trips, "write_units": self._traffic.write_units}

    def attached(self) -> AbstractContextManager[object]:
        """Counts inside the block."""
        return self._traffic.attached(_THREADS)

    def _executor(self) -> Executor:
        if not hasattr(self._client, "executor"):
            head_cache = HeadCache() if self._remembers else None
            store = DynamoStore()
            inbox = combiner(store) if self._combines else None
            self._client.executor = Executor(store, head_cache=head_cache, combiner=inbox)
        executor: Executor = self._client.executor
        return executor

    def _written(self, parsed: Any, **_: Any) -> None:
        self.conflicts += "Error" in parsed


def command(ledger: str = LEDGER, *, delay: int = 0, remembers: bool = True) -> list[str]:
    """How a process of it is started; `delay` is in milliseconds."""
    module = [sys.executable, "-m", "benchmarks.stores.twofold"]
    return [*module, ledger, str(delay), str(int(remembers))]


if __name__ == "__main__":
    # Before the connection is made: as many threads and sockets as the clients would have together.
    with patch.object(tables, "_WORKERS", _THREADS):
        one = Twofold(sys.argv[1], remembers=sys.argv[3] == "1")
    with played(float(sys.argv[2])), one.attached():
        serve(one, open=one.open, forget=one.forget, count=one.count)
