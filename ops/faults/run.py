"""Run: clients write among faults, and every answer is held against the books."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib import tables
from chalicelib.backoff import Backoff
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.events.dynamodb import DynamoStore
from ops.faults.claims import Claim, books_of, found_out, unsound, untrue
from ops.faults.errors import REASONS, cancelled, documented
from ops.faults.proxy import NONE, Fault, Kind
from ops.faults.workload import Client, opened

READ_TIMEOUT_SECONDS = 0.5
LATE_SECONDS = 0.8
"""Beyond the time-out, so that what is late is sent again before it arrives."""

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
_FAILED_AFTER = ("InternalServerError", "ServiceUnavailable", "InternalFailure")
_OFTEN = ("ThrottlingException", "ProvisionedThroughputExceededException")


@dataclass
class Storm:
    """Faults that are drawn from a seed, and how many of each there were. In calm, none."""

    seed: int
    calm: bool = False
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance, self._lock = random.Random(self.seed), threading.Lock()

    def choose(self, operation: str, body: dict[str, Any]) -> Fault:
        """The fault of a request."""
        if self.calm or ("Item" not in operation and operation != "Query"):
            return NONE
        with self._lock:
            fault = self._drawn(operation, body)
            name = f"{fault.kind}: {fault.error.code}" if fault.error else fault.kind
            self.injected[name] += 1
        return fault

    def _drawn(self, operation: str, body: dict[str, Any]) -> Fault:
        odds = _WRITES if operation in ("PutItem", "TransactWriteItems") else _READS
        [kind] = self._chance.choices(list(odds), list(odds.values()))
        errors = documented(operation)
        match kind:
            case "an error instead" if self._chance.random() < 0.8:
                often = [error for error in errors if error.code in _OFTEN]
                if operation.startswith("Transact"):
                    size, reason = len(body["TransactItems"]), self._chance.choice(REASONS)
                    often.append(cancelled(size, reason))
                return Fault(kind, self._chance.choice(often))
            case "an error instead":
                return Fault(kind, self._chance.choice(errors))
            case "an error after it was done":
                failed = [error for error in errors if error.code in _FAILED_AFTER]
                return Fault(kind, self._chance.choice(failed))
            case "item by item":
                return Fault(kind, seconds=self._chance.choice([0.001, 0.004, 0.02]))
            case _:
                return Fault(kind, seconds=LATE_SECONDS)


@dataclass
class Outcome:
    """What came of a run: all that was claimed, and all that is wrong."""

    claims: list[Claim]
    wrong: list[str]

    @property
    def said(self) -> Counter[str]:
        """How often what was said."""
        return Counter(claim.code for claim in self.claims)


def process() -> Executor:
    """A process of the Write API, with less patience than one that is deployed."""
    backoff = Backoff(base=0.01, cap=0.2, deadline=1.0)
    return Executor(DynamoStore(), head_cache=HeadCache(), backoff=backoff)


@contextmanager
def impatient() -> Iterator[None]:
    """Connections that are made within it wait for a reply for READ_TIMEOUT_SECONDS."""
    before, tables.READ_TIMEOUT_SECONDS = tables.READ_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
    tables.connection.cache_clear()
    try:
        yield
    finally:
        tables.READ_TIMEOUT_SECONDS = before
        tables.connection.cache_clear()


def run(
    storm: Storm, settle: Callable[[], None], ledger: str, clients: int, requests: int
) -> Outcome:
    """Lets clients write among faults, and then holds what they were told against the books.

    The connection is one through a proxy that asks the storm; `settle` waits for what it has put
    off. Leaves the storm calm.
    """
    storm.calm = True
    opened(process(), ledger)
    storm.calm = False
    # Two of a process each: they share what it remembers.
    shared = [process() for _ in range((clients + 1) // 2)]
    writers = [
        Client(shared[number // 2], ledger, storm.seed, f"w{number}") for number in range(clients)
    ]
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(writer.work, requests) for writer in writers]:
            done.result()
    storm.calm = True
    settle()
    events = books_of(ledger)
    claims = [claim for writer in writers for claim in writer.claims]
    wrong = [*unsound(events), *untrue(claims, events)]
    for writer in writers:
        wrong += found_out(writer.claims, writer.again, events)
    after = books_of(ledger)
    wrong += [*unsound(after), *untrue(claims, after)]
    return Outcome(claims, wrong)
