"""Part 1, combining: the cost of commands that collide with others on one account.

Each is executed on the engine to which the tables are connected. The calls of the other clients,
which are made while it waits, are not counted.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks.counting import Meter, Tally
from chalicelib.commands.combining import answers
from chalicelib.commands.combining.dynamodb import DynamoInbox
from chalicelib.commands.combining.hot import combiner
from chalicelib.commands.combining.inbox import Lease, Row
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import InsufficientFunds
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Stream
from chalicelib.ledger.aggregates import account_stream

LED = (1, 10, 25)
"""How many transfers a leader appends: 25 are the most that one transaction holds."""

_FUNDS = 10**6
_LONG = 600.0
"""Seconds that no measurement takes."""


@dataclass
class Hot:
    """A ledger with one hot account, and a payee for each transfer."""

    ledger: str
    meter: Meter
    store: DynamoStore = field(default_factory=DynamoStore)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.inbox = DynamoInbox(self.store)
        self.process = Executor(self.store)
        self._open("bank", None)
        self._open("hot", 0)
        self._do(self.transfer("bank", "hot", _FUNDS))

    @property
    def account(self) -> Stream:
        """The stream of the hot account."""
        return account_stream(self.ledger, "hot")

    def transfer(self, source: str, target: str, amount: int = 1) -> Command:
        """A new transfer."""
        entries = (
            Entry(account=source, direction="debit", amount=amount),
            Entry(account=target, direction="credit", amount=amount),
        )
        id = f"transfer-{next(self._numbers):03}"
        return PostTransaction(ledger=self.ledger, transaction=id, entries=entries)

    def payment(self, amount: int = 1) -> Command:
        """A new transfer out of the account, to a payee of its own."""
        payee = f"payee-{next(self._numbers):03}"
        self._open(payee, 0)
        return self.transfer("hot", payee, amount)

    def put(self, command: Command) -> None:
        """Puts a row into the inbox."""
        process = self.process
        row = Row(
            account=self.account,
            id=process.new_id(),
            commands=answers.encode([command]),
            command_id=process.new_id(),
            actor="bench",
            gives_up=process.clock().timestamp() + _LONG,
        )
        self.inbox.put(row)

    def lead(self, owner: str) -> Lease:
        """Gives the lease to the client of a row."""
        before = self.inbox.lease(self.account)
        until = self.process.clock().timestamp() + _LONG
        lease = Lease(owner=owner, epoch=before.epoch + 1, until=until)
        if not self.inbox.take(self.account, before, lease):
            raise RuntimeError("the benchmark is not alone on its ledger")
        return lease

    def executed(
        self,
        command: Command,
        meanwhile: Callable[[], object] | None = None,
        *,
        is_known: bool = True,
    ) -> Tally:
        """The calls of a client that executes a command.

        `is_known` says that its process knows that the account is hot. `meanwhile` is called when
        it first waits, for the work of other clients.
        """
        waiting, others = [meanwhile], Tally()

        def sleep(_: float) -> None:
            others_do = waiting.pop() if waiting else None
            if others_do is not None:
                added = self.meter.tally(others_do)
                others.calls += added.calls
                others.round_trips += added.round_trips

        known = combiner(self.store)
        if is_known:
            known.hot[self.account] = _LONG
        # Time stands still, so that a slow machine renews no lease.
        client = Executor(self.store, sleep=sleep, monotonic=lambda: 0.0, combiner=known)

        def execute() -> None:
            with suppress(InsufficientFunds):  # One of the cases.
                client.execute(command, actor="bench")

        return _without(self.meter.tally(execute), others)

    def led(self, commands: Sequence[Command], own: Command) -> Tally:
        """The calls of a client that waits, gets the lease, and appends others' commands too."""
        for command in commands:
            self.put(command)
        self.lead("another")

        def appoint() -> None:
            encoded = answers.encode([own])
            (row,) = [row for row in self.inbox.rows(self.account) if row.commands == encoded]
            self.inbox.appoint(row, self.lead(row.id))

        return self.executed(own, appoint)

    def waited(self, command: Command) -> Tally:
        """The calls of a client that waits, and finds its answer at its first poll."""
        self.lead("another")
        return self.executed(command, lambda: self.led([], self.payment()))

    def _open(self, account: str, min_balance: int | None) -> None:
        opening = OpenAccount(
            ledger=self.ledger,
            account=account,
            asset="USD/2",
            normal_balance="credit",
            min_balance=min_balance,
        )
        self._do(opening)

    def _do(self, command: Command) -> None:
        self.process.execute(command, actor="bench")


def measure(ledger: str, led: Sequence[int] = LED) -> list[dict[str, Any]]:
    """A row for each case, in a ledger that is new. Raises what the engine refuses."""
    with Meter().attached(workers=64) as meter:
        hot = Hot(ledger, meter)
        cases: dict[str, Callable[[], Tally]] = {
            "transfer, nobody else": lambda: hot.executed(hot.payment(), is_known=False),
            "transfer, of an account that was hot": lambda: hot.executed(hot.payment()),
            "transfer, waits and is done": lambda: hot.waited(hot.payment()),
            "transfer, waits and is refused": lambda: hot.waited(hot.payment(2 * _FUNDS)),
        }
        for number in led:
            cases[f"leads, appends {number}"] = lambda number=number: hot.led(  # type: ignore[misc]  # Of this turn.
                [hot.payment() for _ in range(number - 1)], hot.payment()
            )
        cases["leads, appends 9 and refuses one"] = lambda: hot.led(
            [*(hot.payment() for _ in range(8)), hot.payment(2 * _FUNDS)], hot.payment()
        )
        return [{"case": name, **_figures(case())} for name, case in cases.items()]


def _figures(tally: Tally) -> dict[str, Any]:
    reads, writes = tally.units or (None, None)
    return {
        "round_trips": tally.round_trips,
        "requests": len(tally.calls),
        "read_units": reads,
        "write_units": writes,
    }


def _without(whole: Tally, part: Tally) -> Tally:
    theirs = {id(call) for call in part.calls}
    own = [call for call in whole.calls if id(call) not in theirs]
    return Tally(own, whole.round_trips - part.round_trips)
