"""The command `faults`: clients send commands among faults, and every answer is verified."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click

from chalicelib import tables
from chalicelib.commands.combining.hot import combiner
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.local import environment
from chalicelib.settings import settings
from ops.chaos.engine import connected, fresh_engine
from ops.faults.claims import Claim, events_of, false_claims, false_replays, invalid_events
from ops.faults.proxy import NONE, Fault, Kind, proxied
from ops.faults.workload import Client, open_accounts
from ops.verifying.events import combined
from simulator.dynamodb_errors import REASONS, cancelled, documented

CLIENTS = 6
READ_TIMEOUT_SECONDS = 0.5
LATE_SECONDS = 0.8
"""Longer than the time-out, so that a late request is sent again before it arrives."""

_WRITES: dict[Kind, int] = {
    "none": 40,
    "the reply is lost": 10,
    "the request is lost": 6,
    "an error instead": 10,
    "an error after it was done": 6,
    "done late": 2,
    "answered late": 2,
    "a reply that is cut off": 4,
    "item by item": 20,
}
_READS: dict[Kind, int] = {
    "none": 85,
    "the reply is lost": 4,
    "an error instead": 6,
    "a reply that is cut off": 2,
    "answered late": 1,
}
_AFTER_IT_WAS_DONE = ("InternalServerError", "ServiceUnavailable", "InternalFailure")
_FREQUENT = ("ThrottlingException", "ProvisionedThroughputExceededException")


@click.command()
@click.option("--seed", type=int, help="What to draw the faults from; one is made up otherwise.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--requests", type=click.IntRange(1), default=100, show_default=True)
def faults(seed: int | None, rounds: int, requests: int) -> None:
    """Writes through a proxy with every fault, and compares every answer with the stored events."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"again: twofold faults --seed {seed} --rounds {rounds}\n")
    logging.disable(logging.CRITICAL)  # Each fault would be logged.
    codes, injected, wrong, shared = Counter[str](), Counter[str](), list[str](), 0
    with fresh_engine():
        tables.create(environment.TABLES)
        upstream = str(settings().endpoint)
        for number in range(rounds):
            drawn = RandomFaults(seed + number)
            with (
                proxied(upstream, drawn.choose, drawn.seed) as (address, proxy),
                connected(address),
                short_timeouts(),
            ):
                outcome = run(drawn, proxy.settle, f"faults-{number}", CLIENTS, requests)
            codes += outcome.codes
            injected += drawn.injected
            shared += outcome.combined
            wrong += [f"round {number + 1}: {each}" for each in outcome.wrong]
    for title, counts in (("answers", codes), ("faults of requests", injected)):
        click.echo(title)
        for name, many in counts.most_common():
            click.echo(f"  {name:60} {many:>7,}")
    click.echo(f"{shared:,} requests were done in a commit together with others")
    for each in wrong:
        click.echo(f"WRONG {each}")
    if wrong:
        raise SystemExit(1)
    click.echo("\nevery answer was true")


@dataclass
class RandomFaults:
    """Faults drawn from a seed, and how many there were of each. None once it is `stopped`."""

    seed: int
    stopped: bool = False
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance, self._lock = random.Random(self.seed), threading.Lock()

    def choose(self, operation: str, body: dict[str, Any]) -> Fault:
        """The fault of a request."""
        if self.stopped or ("Item" not in operation and operation != "Query"):
            return NONE
        with self._lock:
            fault = self._draw(operation, body)
            name = f"{fault.kind}: {fault.error.code}" if fault.error else fault.kind
            self.injected[name] += 1
        return fault

    def _draw(self, operation: str, body: dict[str, Any]) -> Fault:
        weights = _WRITES if operation in ("PutItem", "TransactWriteItems") else _READS
        [kind] = self._chance.choices(list(weights), list(weights.values()))
        errors = list(documented(operation))
        match kind:
            case "an error instead":
                if self._chance.random() < 0.8:
                    errors = [error for error in errors if error.code in _FREQUENT]
                    if operation.startswith("Transact"):
                        size, reason = len(body["TransactItems"]), self._chance.choice(REASONS)
                        errors.append(cancelled(size, reason))
                return Fault(kind, self._chance.choice(errors))
            case "an error after it was done":
                errors = [error for error in errors if error.code in _AFTER_IT_WAS_DONE]
                return Fault(kind, self._chance.choice(errors))
            case "item by item":
                return Fault(kind, seconds=self._chance.choice([0.001, 0.004, 0.02]))
            case _:
                return Fault(kind, seconds=LATE_SECONDS)


@dataclass
class Outcome:
    """The result of a run: every claim, every problem, and how many requests were combined."""

    claims: list[Claim]
    wrong: list[str]
    combined: int

    @property
    def codes(self) -> Counter[str]:
        """How often each answer was given."""
        return Counter(claim.code for claim in self.claims)


@contextmanager
def short_timeouts() -> Iterator[None]:
    """Connections made within the block wait READ_TIMEOUT_SECONDS for a response."""
    before, tables.READ_TIMEOUT_SECONDS = tables.READ_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
    tables.disconnect()
    try:
        yield
    finally:
        tables.READ_TIMEOUT_SECONDS = before
        tables.disconnect()


def run(
    faults: RandomFaults, settle: Callable[[], None], ledger: str, clients: int, requests: int
) -> Outcome:
    """Lets clients send commands among faults, and compares their claims with the stored events.

    The connection goes through a proxy that injects the faults; `settle` waits for its late
    requests. At the end the faults are stopped.
    """
    faults.stopped = True
    open_accounts(_executor(), ledger)
    faults.stopped = False
    # Two clients share an executor, and so its cached heads.
    executors = [_executor() for _ in range((clients + 1) // 2)]
    writers = [
        Client(executors[number // 2], ledger, faults.seed, f"w{number}")
        for number in range(clients)
    ]
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(writer.write, requests) for writer in writers]:
            done.result()
    faults.stopped = True
    settle()
    events = events_of(ledger)
    claims = [claim for writer in writers for claim in writer.claims]
    wrong = [*invalid_events(events), *false_claims(claims, events)]
    for writer in writers:
        wrong += false_replays(writer.claims, writer.again, events)
    after = events_of(ledger)
    wrong += [*invalid_events(after), *false_claims(claims, after)]
    return Outcome(claims, wrong, combined(after))


def _executor() -> Executor:
    """The executor of one Lambda."""
    store = DynamoStore()
    return Executor(store, head_cache=HeadCache(), combiner=combiner(store))
