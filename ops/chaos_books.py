"""Books for a chaos run: real payments and random commands, by clients that ask until answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pynamodb.exceptions import PynamoDBException

from chalicelib.commands.executor import (
    Executor,
    Refused,
)
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import TryAgain
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import (
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded
from ops.demo import ASSET, Row

BERKA, RANDOM = "berka", "random"
"""The ledgers that are written."""

ASSETS = {"USD/2": "usd", "EUR/2": "eur"}
_ACCOUNTS_PER_ASSET = 6
_STRIPES = 3
_ATTEMPTS = 1000
_Result = TypeVar("_Result")


@dataclass
class Client:
    """Clients of the Write API, without HTTP: what they were told, and how often they were not.

    A request without an answer, or with one of 5xx, is sent again as it was.
    """

    executor: Executor
    acknowledged: list[Recorded] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, *commands: Command) -> list[Recorded]:
        """The events that answer the commands, all or none; empty if they were refused."""
        try:
            done = self.until_answered(
                lambda: self.executor.execute_together(commands, actor="chaos")
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
        """What the attempt gives in the end. Raises what is no fault of AWS's, a refusal included.

        Raises RuntimeError where there is no end.
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


def open_bank(client: Client, customers: dict[str, list[Row]]) -> None:
    """Opens an account for each customer of the bank, and the bank's own on the other side."""
    for account, rows in customers.items():
        lowest = min(0, *(row.balance_after for row in rows))
        client.ask(_opening(BERKA, rows[0].counterpart, ASSET, "debit", None))
        client.ask(_opening(BERKA, account, ASSET, "credit", lowest))


def pay(client: Client, rows: Sequence[Row]) -> None:
    """Posts one customer's payments in the bank's order."""
    for row in rows:
        if not row.amount:
            continue
        sides: tuple[Direction, Direction] = (
            ("credit", "debit") if row.amount > 0 else ("debit", "credit")
        )
        client.ask(
            PostTransaction(
                ledger=BERKA,
                transaction=row.id,
                reference=row.category or None,
                effective_at=datetime.fromisoformat(f"{row.date}T00:00:00+00:00"),
                entries=(
                    Entry(account=row.account, direction=sides[0], amount=abs(row.amount)),
                    Entry(account=row.counterpart, direction=sides[1], amount=abs(row.amount)),
                ),
            )
        )


def open_accounts(client: Client) -> None:
    """Opens the accounts of the random ledger: per asset a striped one without limits, the others
    with.
    """
    for asset, name in ASSETS.items():
        client.ask(_opening(RANDOM, f"{name}:0", asset, "debit", None, stripes=_STRIPES))
        for number in range(1, _ACCOUNTS_PER_ASSET):
            client.ask(_opening(RANDOM, f"{name}:{number}", asset, "credit", 0))


class Writer:
    """Writes at random: the same seed and name, the same wishes; what is granted may differ."""

    def __init__(self, client: Client, seed: int, name: str) -> None:
        self._client = client
        self._chance = random.Random(f"{seed} {name}")
        self._name = name
        self._count = 0
        self._held: list[str] = []
        self._posted: list[str] = []

    def write(self, commands: int) -> None:
        """So many requests, one after the other."""
        wishes = (
            (self._post, 40),
            (self._hold, 18),
            (self._resolve, 14),
            (self._reverse, 8),
            (self._freeze, 6),
            (self._change, 6),
            (self._together, 6),
            (self._close, 2),
        )
        names, weights = zip(*wishes, strict=True)
        for wish in self._chance.choices(names, weights, k=commands):
            wish()

    def _post(self) -> None:
        if self._client.ask(self._payment()):
            self._posted.append(self._last)

    def _hold(self) -> None:
        payment = self._payment()
        hold = HoldTransaction(
            ledger=RANDOM,
            transaction=payment.transaction,
            entries=payment.entries,
            timeout_seconds=self._chance.choice([None, 1, 3600]),
        )
        if self._client.ask(hold):
            self._held.append(self._last)

    def _resolve(self) -> None:
        if not self._held:
            return
        hold = self._held.pop(self._chance.randrange(len(self._held)))
        key = f"key-{hold}"
        if self._chance.random() < 0.5:
            self._client.ask(VoidHold(ledger=RANDOM, transaction=hold, key=key, reason="changed"))
        elif self._client.ask(PostHold(ledger=RANDOM, transaction=hold, key=key)):
            self._posted.append(hold)

    def _reverse(self) -> None:
        if self._posted:
            original = self._posted.pop(self._chance.randrange(len(self._posted)))
            self._client.ask(
                ReverseTransaction(ledger=RANDOM, transaction=self._id(), reverses=original)
            )

    def _freeze(self) -> None:
        account, debits = self._account(), self._chance.random() < 0.5
        self._client.ask(
            FreezeAccount(ledger=RANDOM, account=account, debits=debits, credits=not debits)
        )
        self._post()
        self._client.ask(UnfreezeAccount(ledger=RANDOM, account=account, debits=True, credits=True))

    def _change(self) -> None:
        metadata = {"mood": self._chance.choice(["calm", "wild"]), "by": self._id()}
        self._client.ask(ChangeAccount(ledger=RANDOM, account=self._account(), metadata=metadata))

    def _together(self) -> None:
        payments = [self._payment() for _ in range(self._chance.randint(2, 6))]
        if self._client.ask(*payments):
            self._posted += [payment.transaction for payment in payments]

    def _close(self) -> None:
        """Opens an account, and closes it, which holds nothing unless somebody was faster."""
        account = f"brief:{self._id()}"
        self._client.ask(_opening(RANDOM, account, "USD/2", "credit", 0))
        self._client.ask(CloseAccount(ledger=RANDOM, account=account))

    def _payment(self) -> PostTransaction:
        return PostTransaction(
            ledger=RANDOM,
            transaction=self._id(),
            entries=tuple(self._entries()),
            reference=self._chance.choice([None, "rent", "salary"]),
        )

    def _entries(self) -> Iterator[Entry]:
        """Of one asset or of both, from any account to any other."""
        for name in self._chance.sample(list(ASSETS.values()), self._chance.choice([1, 1, 1, 2])):
            numbers = self._chance.sample(range(_ACCOUNTS_PER_ASSET), 2)
            if self._chance.random() < 0.3:
                numbers = [0, numbers[1] or 1]
            amount = self._chance.choice([1, 7, 100, 2**53 + 1])
            directions: tuple[Direction, Direction] = ("debit", "credit")
            for number, direction in zip(numbers, directions, strict=True):
                yield Entry(account=f"{name}:{number}", direction=direction, amount=amount)

    def _account(self) -> str:
        asset = self._chance.choice(list(ASSETS.values()))
        return f"{asset}:{self._chance.randrange(_ACCOUNTS_PER_ASSET)}"

    def _id(self) -> str:
        self._count += 1
        return self._last

    @property
    def _last(self) -> str:
        return f"{self._name}-{self._count}"


def _opening(
    ledger: str,
    account: str,
    asset: str,
    normal_balance: Direction,
    min_balance: int | None,
    stripes: int = 1,
) -> OpenAccount:
    return OpenAccount(
        ledger=ledger,
        account=account,
        asset=asset,
        normal_balance=normal_balance,
        min_balance=min_balance,
        stripes=stripes,
    )
