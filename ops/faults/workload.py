"""Workload: a client that asks for all kinds of commands, and notes what it is told."""

import random
from collections.abc import Callable
from itertools import count

import msgspec

from chalicelib.commands import batch
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.commands.transaction_requests import BatchRequest
from chalicelib.domain.account.commands import (
    ChangeAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.transaction.commands import (
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.ledger.aggregates import transaction_stream
from ops.faults.claims import Claim, ask, ask_together

FUNDED = ("a", "b", "c")
"""Accounts with some money and a limit, which all clients use."""
BANK, STRIPED = "bank", "hot"


def opened(executor: Executor, ledger: str) -> None:
    """Opens the accounts, and pays some money in."""
    for id in (BANK, STRIPED, *FUNDED):
        command = OpenAccount(
            ledger=ledger,
            account=id,
            asset="USD/2",
            normal_balance="debit" if id == BANK else "credit",
            min_balance=0 if id in FUNDED else None,
            max_balance=None,
            metadata={},
            stripes=3 if id == STRIPED else 1,
        )
        executor.execute(command, actor="faults")
    for id in FUNDED:
        entries = _entries(BANK, id, 200)
        paid = PostTransaction(ledger=ledger, transaction=f"in-{id}", entries=entries)
        executor.execute(paid, actor="faults")


class Client:
    """One client: the same seed and name, the same wishes. Nobody else uses its ids."""

    def __init__(self, executor: Executor, ledger: str, seed: int, name: str) -> None:
        self.claims: list[Claim] = []
        self.asked: dict[str, Command] = {}
        self._executor, self._ledger, self._name = executor, ledger, name
        self._chance = random.Random(f"{seed} {name}")
        self._ids = count(1)
        self._mine: list[str] = []

    def work(self, number: int) -> None:
        """Asks for so many things, each now and then twice."""
        kinds: list[Callable[[], None]] = [
            *[self._new] * 5, *[self._resolve] * 3, self._reverse, self._manage, self._open,
            self._together, self._each,
        ]  # fmt: skip
        for _ in range(number):
            self._chance.choice(kinds)()

    def again(self, claim: Claim) -> Claim | None:
        """The same command as another request, if it is one that its id tells."""
        command = self.asked.get(claim.request)
        return ask(self._executor, command, self._fresh("again")) if command else None

    def _new(self) -> None:
        self._ask(self._transaction(), twice=self._chance.random() < 0.3)

    def _resolve(self) -> None:
        if not self._mine:
            return
        hold, key = self._chance.choice(self._mine), self._chance.choice([None, None, "k"])
        commands: list[Command] = [
            PostHold(ledger=self._ledger, transaction=hold, key=key),
            VoidHold(ledger=self._ledger, transaction=hold, key=key),
        ]
        self._ask(self._chance.choice(commands), key=False)

    def _reverse(self) -> None:
        if self._mine:
            id, of = self._fresh("r"), self._chance.choice(self._mine)
            command = ReverseTransaction(ledger=self._ledger, transaction=id, reverses=of)
            self._ask(command, twice=True)

    def _manage(self) -> None:
        account, version = self._chance.choice(FUNDED), self._chance.choice([None, 9, 30])
        ledger, metadata = self._ledger, {"by": self._fresh("m")}
        commands: list[Command] = [
            ChangeAccount(ledger=ledger, account=account, metadata=metadata, if_version=version),
            FreezeAccount(ledger=ledger, account=account, debits=False, credits=True),
            *[UnfreezeAccount(ledger=ledger, account=account, debits=True, credits=True)] * 3,
        ]
        self._ask(self._chance.choice(commands), key=False)

    def _open(self) -> None:
        command = OpenAccount(
            ledger=self._ledger,
            account=self._fresh("o"),
            asset="USD/2",
            normal_balance="credit",
            min_balance=0,
            max_balance=None,
            metadata={},
        )
        self._ask(command, twice=True)

    def _together(self) -> None:
        commands = [self._transaction() for _ in range(3)]
        for _ in range(self._chance.choice([1, 2])):
            self.claims += ask_together(self._executor, commands, self._fresh("q"))

    def _each(self) -> None:
        ids = [self._fresh("t") for _ in range(4)]
        bodies = [{"id": id, "entries": self._bodies()} for id in ids]
        raw = msgspec.json.encode({"atomic": False, "transactions": bodies})
        for _ in range(2):
            request = self._fresh("q")
            for id, said in zip(ids, self._said_of_each(raw, request, len(ids)), strict=True):
                self.claims.append(Claim(request, transaction_stream(self._ledger, id), said))

    def _said_of_each(self, raw: bytes, request: str, size: int) -> list[str]:
        try:
            results = batch.run(
                msgspec.json.decode(raw, type=BatchRequest),
                self._ledger,
                key=None,
                new_id=lambda: "unused",
                executor=self._executor,
                actor="faults",
                request_id=request,
            ).results
        except Exception:  # noqa: BLE001  # Whatever it is, a client is told of an internal error.
            return ["internal_error"] * size
        return [
            str(result.problem["code"])
            if result.problem
            else ("replayed" if result.replayed else "done")
            for result in results
        ]

    def _transaction(self) -> PostTransaction | HoldTransaction:
        one, other = self._chance.sample([*FUNDED, BANK, STRIPED], 2)
        id, amount = self._fresh("t"), self._chance.randint(1, 60)
        self._mine.append(id)
        entries = _entries(one, other, amount)
        if self._chance.random() < 0.4:
            timeout = self._chance.choice([None, 1, 60])
            return HoldTransaction(
                ledger=self._ledger, transaction=id, entries=entries, timeout_seconds=timeout
            )
        return PostTransaction(ledger=self._ledger, transaction=id, entries=entries)

    def _bodies(self) -> list[dict[str, str]]:
        one, other = self._chance.sample([*FUNDED, BANK], 2)
        sides = (("debit", one), ("credit", other))
        return [{"account": id, "direction": side, "amount": "1"} for side, id in sides]

    def _ask(self, command: Command, *, key: bool = True, twice: bool = False) -> None:
        for _ in range(2 if twice else 1):
            request = self._fresh("q")
            if key:
                self.asked[request] = command
            self.claims.append(ask(self._executor, command, request, key=key))

    def _fresh(self, kind: str) -> str:
        return f"{self._name}-{kind}{next(self._ids)}"


def _entries(debit: str, credit: str, amount: int) -> tuple[Entry, Entry]:
    return (
        Entry(account=debit, direction="debit", amount=amount),
        Entry(account=credit, direction="credit", amount=amount),
    )
