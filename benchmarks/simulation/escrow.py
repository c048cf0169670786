"""Escrow: sixteen stripes that share one limit by lending, compared with one combined account.

The model, which is not part of the ledger:

- A pool of money, which must not fall below 0, is divided among stripes. Each is an account of its
  own that must not fall below 0; together they are the pool.
- A payment out of the pool, or into it, is an ordinary transfer of one stripe. A client stays with
  a stripe until it loses a race on it, and then draws another one.
- A stripe that has too little borrows: all stripes are read, and one transaction moves to it what
  it lacks and half of what the richest one has left, from as many as are needed.
- A payment is declined only if all stripes together have too little at one instant: all are read,
  and one transactional read proves that none of them has moved on.

Six of ten payments go out, the others come in, each of 1 to 10. So a small pool is soon nearly
empty, and stays so.
"""

import random as of_process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from benchmarks.simulation.clients import MakeExecutor, combining, direct
from benchmarks.simulation.dynamo import Engine
from benchmarks.simulation.virtual import VirtualTime
from chalicelib.commands.executor import Executor
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import InsufficientFunds, TryAgain
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy
from chalicelib.ledger.aggregates import account_state, account_stream

LEDGER = "simulated"
STRIPES = 16
PLENTY, SCARCE = 10**9, 320
_PAYEES = 20
_BEFORE = datetime(2029, 12, 31, tzinfo=UTC)
"""Before all times of the simulation."""

_PATIENCE = 4.0
"""Seconds in which a payment must be answered, as in the API."""

_OUT = 0.6
"""The share of payments that go out."""


@dataclass
class Answers:
    """The seconds of each payment that was done or declined, how many were `declined`, how many
    were `refused` since they got no answer in time, the loans, and the units by kind.
    """

    seconds: list[float] = field(default_factory=list)
    declined: int = 0
    refused: int = 0
    loans: int = 0
    units: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """An amount that a payee gets from the pool, or pays into it."""

    id: str
    payee: str
    amount: int
    is_out: bool

    def through(self, account: str) -> PostTransaction:
        """The command, through a stripe or the account of the pool."""
        source, target = (account, self.payee) if self.is_out else (self.payee, account)
        return _transfer(self.id, [(source, self.amount)], target)


@dataclass
class Client:
    """One client. `stripes` has a single account where nothing is lent."""

    engine: Engine
    process: Executor
    stripes: Sequence[str]
    random: Random
    answers: Answers
    stripe: str = ""
    lent: int = 0

    def pay(self, payment: Payment) -> bool:
        """Pays, or declines what the pool cannot pay; whether it did one of them in time."""
        until = self.engine.time.now + _PATIENCE
        attempt = 0
        while self.engine.time.now < until:
            self.stripe = self.stripe or self.random.choice(self.stripes)
            try:
                self._execute(payment.through(self.stripe))
            except TryAgain:
                self.stripe = ""
            except InsufficientFunds:
                if len(self.stripes) == 1 or self._is_short(payment):
                    self.answers.declined += 1
                    return True
                continue
            else:
                return True
            self.engine.time.sleep(self.process.backoff.delay(attempt))
            attempt += 1
        return False

    def _execute(self, command: PostTransaction) -> None:
        # A lost race is decided again once; then another stripe is drawn.
        within = 0.0 if len(self.stripes) > 1 else None
        self.process.execute(command, actor="client", request=command.transaction, within=within)

    def _is_short(self, payment: Payment) -> bool:
        """Whether it has proven that all stripes together have too little. Otherwise it borrows."""
        store = self.process.store
        heads = store.load([account_stream(LEDGER, stripe) for stripe in self.stripes])
        has = {stream.id: account_state(head).posted for stream, head in heads.items()}
        if sum(has.values()) < payment.amount:
            return self._is_still_so(heads)
        lenders = self._lenders(has, payment.amount - has.pop(self.stripe))
        if not lenders:
            return False  # Another client has paid in.
        self.lent += 1
        try:
            self._execute(_transfer(f"{payment.id}-loan-{self.lent}", lenders, self.stripe))
        except (TryAgain, InsufficientFunds):
            return False  # Another client has moved one of them.
        self.answers.loans += 1
        return False

    def _lenders(self, has: dict[str, int], lacks: int) -> list[tuple[str, int]]:
        """The stripes that lend and their amounts, the richest stripe first."""
        lenders = []
        for stripe in sorted(has, key=lambda one: -has[one]):
            if lacks > 0:
                lent = min(has[stripe], max(lacks, (has[stripe] + lacks) // 2))
                lenders.append((stripe, lent))
                lacks -= lent
        return lenders

    def _is_still_so(self, heads: dict[Stream, Recorded]) -> bool:
        later = [(stream, head.version + 1) for stream, head in heads.items()]
        try:
            return not self.process.store.snapshot(later)
        except Busy:
            return False


def simulate(clients: int, funds: int, *, lends: bool, seconds: float, seed: int) -> Answers:
    """Lets clients pay for so many seconds: through stripes that lend, or one combined account."""
    random, time = Random(seed), VirtualTime()
    engine, answers = Engine(time, random), Answers()
    stripes = [f"pool-{number}" for number in range(STRIPES if lends else 1)]
    _open(engine, stripes, funds, clients)
    of_process.seed(seed)
    executor: MakeExecutor = direct if lends else combining

    def client(number: int) -> Callable[[], None]:
        one = Client(engine, executor(engine, number), stripes, random, answers)

        def work() -> None:
            time.sleep(random.uniform(0, 0.02))
            sent = 0
            while time.now < seconds:
                sent += 1
                payment = Payment(
                    id=f"p-{number}-{sent}",
                    payee=_payee(number, sent % _PAYEES),
                    amount=random.randint(1, 10),
                    is_out=random.random() < _OUT,
                )
                began = time.now
                if one.pay(payment):
                    answers.seconds.append(time.now - began)
                else:
                    answers.refused += 1

        return work

    for number in range(clients):
        time.start(client(number))
    time.run()
    answers.units = dict(engine.units)
    return answers


def _transfer(id: str, sources: Sequence[tuple[str, int]], target: str) -> PostTransaction:
    entries = [Entry(account=id, direction="debit", amount=amount) for id, amount in sources]
    total = sum(amount for _, amount in sources)
    entries.append(Entry(account=target, direction="credit", amount=total))
    return PostTransaction(ledger=LEDGER, transaction=id, entries=tuple(entries))


def _payee(client: int, number: int) -> str:
    return f"payee-{client}-{number}"


def _open(engine: Engine, stripes: Sequence[str], funds: int, clients: int) -> None:
    """The accounts, in no time and at no cost."""
    process = Executor(engine.books, clock=lambda: _BEFORE)

    def account(id: str, normal_balance: Direction, min_balance: int | None) -> None:
        opening = OpenAccount(
            ledger=LEDGER,
            account=id,
            asset="USD/2",
            normal_balance=normal_balance,
            min_balance=min_balance,
        )
        process.execute(opening, actor="simulation")

    account("bank", "debit", None)
    for stripe in stripes:
        account(stripe, "credit", 0)
        funding = _transfer(f"fund-{stripe}", [("bank", funds // len(stripes))], stripe)
        process.execute(funding, actor="simulation")
    for client in range(clients):
        for number in range(_PAYEES):
            account(_payee(client, number), "credit", None)
