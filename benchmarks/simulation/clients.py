"""Simulated clients: each pays out of a hot account, and again as soon as it is answered."""

import random as of_process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.simulation.dynamo import Engine, SimulatedStore
from benchmarks.simulation.inbox import SimulatedInbox
from benchmarks.simulation.virtual import VirtualTime
from chalicelib.commands.combining.hot import Combiner
from chalicelib.commands.decider import Attempt, Changes, Command, Heads
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.commands.ledger_decider import LEDGER
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import TryAgain
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.recorded import Stream

BOOK = "simulated"
PAYEES = 20
"""The accounts that each client pays in turn, which no other one does, so that it caches heads."""

_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
_FUNDS = 10**12


@dataclass
class Outcome:
    """The seconds of each transfer that was done, how many were `refused` with `contention`, and
    the units by kind (`read`, `write`).
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    units: dict[str, float] = field(default_factory=dict)


MakeExecutor = Callable[[Engine, int], Executor]
"""The executor of a client, by its number."""


def direct(engine: Engine, _: int) -> Executor:
    """An executor without an inbox."""
    time = engine.time
    return Executor(
        SimulatedStore(engine),
        clock=lambda: _EPOCH + timedelta(seconds=time.now),
        sleep=time.sleep,
        monotonic=lambda: time.now,
        head_cache=HeadCache(lambda: time.now),
        decider=replace(LEDGER, attempt=lambda cache: _Deciding(engine, LEDGER.attempt(cache))),
    )


@dataclass(frozen=True)
class _Deciding:
    """An attempt that takes time to decide."""

    engine: Engine
    inner: Attempt

    def required_streams(
        self, command: Command, heads: Heads, *, with_target: bool
    ) -> list[Stream]:
        """See Attempt.required_streams."""
        return self.inner.required_streams(command, heads, with_target=with_target)

    def decide(self, command: Command, heads: Heads, now: datetime) -> Mapping[Stream, Changes]:
        """See Attempt.decide."""
        self.engine.time.sleep(self.engine.times.decide)
        return self.inner.decide(command, heads, now)


def combining(engine: Engine, number: int) -> Executor:
    """An executor with an inbox."""
    inbox = SimulatedInbox(engine, engine.inbox)
    return replace(direct(engine, number), combiner=Combiner(lambda: inbox, engine.time.together))


def simulate(
    clients: int,
    *,
    seconds: float,
    seed: int,
    hot: int = 1,
    between: float = 0.0,
    executor: MakeExecutor = direct,
) -> Outcome:
    """Lets clients pay for so many seconds out of `hot` accounts; a share `between` of the
    transfers goes from one hot account to another.
    """
    random = Random(seed)
    time = VirtualTime()
    engine, outcome = Engine(time, random), Outcome()
    _open(engine, hot, clients)
    # Full jitter is drawn from the process's generator.
    of_process.seed(seed)

    def client(number: int) -> None:
        process = executor(engine, number)
        time.sleep(random.uniform(0, 0.02))
        sent = 0
        while time.now < seconds:
            sent += 1
            command = _transfer(number, sent, _accounts(number, sent, hot, between, random))
            began = time.now
            try:
                process.execute(command, actor=f"client-{number}", request=f"r-{number}-{sent}")
            except TryAgain:
                outcome.refused += 1
            else:
                outcome.seconds.append(time.now - began)

    for number in range(clients):
        time.start(lambda number=number: client(number))  # type: ignore[misc]  # Of this turn.
    time.run()
    outcome.units = dict(engine.units)
    return outcome


def _accounts(number: int, sent: int, hot: int, between: float, random: Random) -> tuple[str, str]:
    source = random.randrange(hot)
    if hot > 1 and random.random() < between:
        return f"hot-{source}", f"hot-{(source + 1) % hot}"
    return f"hot-{source}", f"payee-{number}-{sent % PAYEES}"


def _transfer(number: int, sent: int, accounts: tuple[str, str]) -> PostTransaction:
    source, target = accounts
    entries = (
        Entry(account=source, direction="debit", amount=1),
        Entry(account=target, direction="credit", amount=1),
    )
    return PostTransaction(ledger=BOOK, transaction=f"t-{number}-{sent}", entries=entries)


def _open(engine: Engine, hot: int, clients: int) -> None:
    """The accounts, in no time and at no cost."""
    process = Executor(engine.books, clock=lambda: _EPOCH - timedelta(minutes=1))

    def account(id: str, normal_balance: Direction, min_balance: int | None = 0) -> None:
        process.execute(
            OpenAccount(
                ledger=BOOK,
                account=id,
                asset="USD/2",
                normal_balance=normal_balance,
                min_balance=min_balance,
            ),
            actor="simulation",
        )

    account("bank", "debit", None)
    for number in range(hot):
        account(f"hot-{number}", "credit")
        entries = (
            Entry(account="bank", direction="debit", amount=_FUNDS),
            Entry(account=f"hot-{number}", direction="credit", amount=_FUNDS),
        )
        funding = PostTransaction(ledger=BOOK, transaction=f"fund-{number}", entries=entries)
        process.execute(funding, actor="simulation")
    for number in range(clients):
        for payee in range(PAYEES):
            account(f"payee-{number}-{payee}", "credit")
