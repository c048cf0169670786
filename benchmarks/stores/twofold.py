"""Contestant: Twofold, its executor and its event store, as the command Lambda uses them.

`python -m benchmarks.stores.twofold [MILLISECONDS]` adds so much to each call, where a network is
to be played; the endpoint is the environment's.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.stores.worker import Refused, serve
from chalicelib.commands.execute import executor
from chalicelib.domain.managing import OpenAccount
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.transaction import Entry, PostTransaction
from chalicelib.events.recorded import account_stream
from chalicelib.tables import connection

LEDGER = "bench"


class Twofold:
    """Accounts that may not go below 0."""

    def __init__(self, delay: float) -> None:
        self.conflicts = 0
        self._delay = delay
        events = connection().client.meta.events
        events.register("response-received.dynamodb.TransactWriteItems", self._written)
        if delay:
            events.register("request-created.dynamodb", self._wait)

    def template(self) -> None:
        """Not needed: histories are made by `benchmarks.books`."""

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """The names of their streams."""
        return [str(account_stream(LEDGER, account)) for account in accounts]

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Opens accounts, striped over `events` streams if that is more than 1, and without limits;
        their first payer is made with them.
        """
        for account in accounts:
            opening = OpenAccount(
                ledger=LEDGER,
                account=account,
                asset="USD/2",
                normal_balance="credit",
                min_balance=None,
                stripes=events,
            )
            executor().execute(opening, actor="bench")

    def transfer(self, source: str, target: str, id: str) -> None:
        """One command."""
        entries = (
            Entry(account=source, direction="debit", amount=1),
            Entry(account=target, direction="credit", amount=1),
        )
        command = PostTransaction(ledger=LEDGER, transaction=id, entries=entries)
        try:
            executor().execute(command, actor="bench")
        except Refusal as refusal:
            raise Refused from refusal

    def _written(self, parsed_response: Any, **_: Any) -> None:
        self.conflicts += "Error" in (parsed_response or {})

    def _wait(self, **_: Any) -> None:
        time.sleep(self._delay)


if __name__ == "__main__":
    serve(Twofold(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
