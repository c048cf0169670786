"""Clients of a chaos run: real payments and random commands, sent until they are answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from pynamodb.exceptions import PynamoDBException

from chalicelib.commands.execution import Refused
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import TryAgain
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import PostTransaction
from chalicelib.events.recorded import Recorded
from ops.demo import ASSET, Row
from ops.workload import openings, transfer

BERKA, RANDOM = "berka", "random"
"""The ledgers that are written."""

_ATTEMPTS = 1000
_Result = TypeVar("_Result")


@dataclass
class Client:
    """Clients of the Write API, without HTTP, and what they were answered.

    A request without an answer, or with one of 5xx, is sent again unchanged. Each attempt is made
    by any of the executors, as by any Lambda.
    """

    executors: Sequence[Executor]
    acknowledged: list[Recorded] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, *commands: Command) -> list[Recorded]:
        """The events that answer the commands, all or none; empty if they were refused."""
        try:
            done = self.until_answered(
                lambda: random.choice(self.executors).execute_together(commands, actor="chaos")
            )
        except Refused as refused:
            with self._lock:
                self.refused[refused.refusal.code] += 1
            return []
        answers = [each.recorded for each in done]
        with self._lock:
            self.acknowledged += answers
        return answers

    def until_answered(self, attempt: Callable[[], _Result]) -> _Result:
        """The result of the first attempt without a fault of AWS. Raises any other error.

        Raises RuntimeError after too many attempts.
        """
        for _ in range(_ATTEMPTS):
            try:
                return attempt()
            except (PynamoDBException, TryAgain) as error:
                code = getattr(error, "cause_response_code", None)
                with self._lock:
                    self.unanswered[code or type(error).__name__] += 1
            time.sleep(0.001)
        raise RuntimeError(f"not answered {_ATTEMPTS} times")


def open_accounts(client: Client) -> None:
    """Opens the accounts of the random ledger."""
    for opening in openings(RANDOM):
        client.send(opening)


def open_bank(client: Client, customers: dict[str, list[Row]]) -> None:
    """Opens an account for each customer of the bank, and the bank's own for each of them."""
    for account, rows in customers.items():
        lowest = min(0, *(row.balance_after for row in rows))
        bank = rows[0].counterpart
        for id, normal_balance, limit in ((bank, "debit", None), (account, "credit", lowest)):
            opening = OpenAccount(
                ledger=BERKA,
                account=id,
                asset=ASSET,
                normal_balance=cast(Direction, normal_balance),
                min_balance=limit,
            )
            client.send(opening)


def pay(client: Client, rows: Sequence[Row]) -> None:
    """Posts one customer's payments in the bank's order."""
    for row in rows:
        if not row.amount:
            continue
        debit, credit = row.counterpart, row.account
        if row.amount < 0:
            debit, credit = credit, debit
        client.send(
            PostTransaction(
                ledger=BERKA,
                transaction=row.id,
                reference=row.category or None,
                effective_at=datetime.fromisoformat(f"{row.date}T00:00:00+00:00"),
                entries=transfer(debit, credit, abs(row.amount)),
            )
        )
