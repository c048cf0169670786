"""Part 7, CPU time: of each command and query in this process, without network and engine.

Each Lambda's handler is called as AWS calls it; its calls to DynamoDB are answered from memory.
"""

import cProfile
import json
import pstats
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from app import app
from benchmarks import results
from benchmarks.api import HOLD, furnish, opened
from benchmarks.engine import dynamodb_local
from benchmarks.invocations import delivery, request, transfer
from benchmarks.replaying import Transport, replayed
from chalicelib import tables
from chalicelib.commands.executor import Executor, executor
from chalicelib.events.recorded import Recorded
from chalicelib.read_models import accounts, journal
from tests.books import Bookkeeper
from tests.domain.books import credit, debit, posting
from tests.memory_store import MemoryStore

LEDGER = "cpu"

Handler = Callable[[Any, Any], Any]
_ids = count(1)


@dataclass(frozen=True)
class Work:
    """What is measured: a Lambda's handler, what it is called with, and how many that is."""

    operation: str
    handler: Handler
    event: Callable[[], Any]
    each: int = 1

    def do(self, event: Any) -> None:
        """Calls it once, with empty caches, so that every call does the same.

        Raises RuntimeError if it answers anything but success.
        """
        executor.cache_clear()
        answer = self.handler(event, _CONTEXT)
        if answer.get("statusCode", 200) >= 300 or answer.get("batchItemFailures"):
            raise RuntimeError(f"{self.operation}: {answer}")


_CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


def run(*, quick: bool) -> None:
    """Measures; the engine, DynamoDB Local, only answers once."""
    calls = 20 if quick else 200
    with dynamodb_local(), opened() as client:
        furnish(client, LEDGER, size=4)
        for held in ("to-post", "to-void"):
            app(_transfer(held, pending=HOLD), _CONTEXT)
        works = _works()
        with replayed() as transport:
            rows = [_measure(work, transport, calls) for work in works]
            profiles = {work.operation: _profile(work, calls) for work in works}
    pure = _pure(calls * 4)
    results.save("cpu", quick=quick, engine="none", rows=rows, profiles=profiles, pure=pure)


def _works() -> list[Work]:
    account = {"ledger": LEDGER, "account": "customers:0000"}
    of_account = "/ledgers/{ledger}/accounts/{account}"
    known = {"ledger": LEDGER, "transaction": "known"}
    of_transaction = "/ledgers/{ledger}/transactions/{transaction}"
    of_ledger = "/ledgers/{ledger}/transactions", "/ledgers/{ledger}/trial-balance"
    entries, everything = _batches()

    def get(operation: str, resource: str, **parameters: str) -> Work:
        return Work(operation, app, lambda: request("GET", resource, **parameters))

    def resolve(operation: str, verb: str, transaction: str) -> Work:
        """Repeatedly, since the engine is called only once."""
        named = {"ledger": LEDGER, "transaction": transaction}
        return Work(
            operation, app, lambda: request("POST", f"{of_transaction}/{verb}", {}, **named)
        )

    return [
        Work("open", app, _opening),
        Work("freeze", app, lambda: request("POST", f"{of_account}/freeze", {}, **account)),
        Work("transfer, 2 entries", app, _transfer),
        Work("hold", app, lambda: _transfer(pending=HOLD)),
        resolve("post a hold", "post", "to-post"),
        resolve("void a hold", "void", "to-void"),
        resolve("reverse", "reverse", "known"),
        Work("batch of 30 transfers, atomic", app, _batch_of_30),
        get("account", of_account, **account),
        get("accounts, a page of 50", "/ledgers/{ledger}/accounts", ledger=LEDGER),
        get("balance now", f"{of_account}/balance", **account),
        get("entries", f"{of_account}/entries", **account),
        get("statement", f"{of_account}/statement", **account),
        get("transaction", of_transaction, **known),
        get("transactions of a reference", of_ledger[0], ledger=LEDGER, reference="bench"),
        get("trial balance", of_ledger[1], ledger=LEDGER),
        _projecting("accounts projector, an event", accounts.project_accounts, entries),
        _projecting("journal projector, an event", journal.project_journal, everything),
    ]


def _opening() -> Any:
    body = {"id": f"a-{next(_ids):06d}", "asset": "USD/2", "normal_balance": "credit"}
    return request("POST", "/ledgers/{ledger}/accounts", body, ledger=LEDGER)


def _transfer(id: str | None = None, **fields: object) -> Any:
    id = id or f"t-{next(_ids):06d}"
    return transfer(LEDGER, "customers:0000", "customers:0001", id, **fields)


def _batch_of_30() -> Any:
    bodies = [json.loads(_transfer()["body"]) for _ in range(30)]
    resource = "/ledgers/{ledger}/transactions/batch"
    return request("POST", resource, {"transactions": bodies}, ledger=LEDGER)


def _projecting(operation: str, handler: Handler, batch: Sequence[Recorded]) -> Work:
    event = delivery(batch)
    return Work(operation, handler, lambda: event, len(batch))


def _batches() -> tuple[list[Recorded], list[Recorded]]:
    """A hundred events of accounts, and a hundred of all kinds: a batch of each group.

    The accounts have their rows already.
    """
    books = Bookkeeper("cpu-fed")
    names = [f"customers:{place:04d}" for place in range(100)]
    for name in names:
        books.open(name)
    opened = len(books.recorded)
    for handler in (accounts.project_accounts, journal.project_journal):
        handler(delivery(books.recorded), None)
    for place in range(50):
        books.post(f"t-{place}", debit(names[2 * place], 1), credit(names[2 * place + 1], 1))
    events = list(books.recorded[opened:])
    return [one for one in events if one.stream.kind == "account"], events[:100]


def _measure(work: Work, transport: Transport, n: int) -> dict[str, Any]:
    calls = max(3, n // work.each)
    for _ in range(max(3, calls // 10)):
        work.do(work.event())
    events, known = [work.event() for _ in range(calls)], transport.recorded
    began = time.process_time()
    for event in events:
        work.do(event)
    used = time.process_time() - began
    if transport.recorded > known:
        raise RuntimeError(f"{work.operation} asked the engine, so its time is not without it")
    microseconds = used / calls / work.each * 1e6
    return {"operation": work.operation, "calls": calls, "microseconds": microseconds}


def _profile(work: Work, n: int) -> dict[str, Any]:
    """The packages by CPU time, and the functions with the most time of their own."""
    calls = max(3, n // work.each // 2)
    events, profile = [work.event() for _ in range(calls)], cProfile.Profile()
    with _one_thread():
        profile.enable()
        for event in events:
            work.do(event)
        profile.disable()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # Not in its stub.
    owners: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for (path, _, function), (_, _, own, _, _) in stats.items():
        owners[_owner(path)] += own
        place = "/".join(path.rsplit("/", 2)[-2:])
        functions[f"{place} {function}" if "/" in path else function] += own
    total = sum(owners.values())
    return {
        "shares": {owner: own / total for owner, own in owners.most_common(8)},
        "functions": {name: own / total for name, own in functions.most_common(15)},
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """`together` works in the caller's thread, since a profile is of one thread only."""

    def no_pool(_: int) -> None:
        raise RuntimeError

    with patch.object(tables, "_pool", no_pool):
        yield


def _owner(path: str) -> str:
    if "chalicelib/" in path:
        return "chalicelib"
    if "site-packages/" in path:
        return path.rpartition("site-packages/")[2].partition("/")[0].removesuffix(".py")
    return "Python"


def _pure(calls: int) -> dict[str, float]:
    """Microseconds of a transfer decided, folded, encoded and hashed, on a store in memory."""
    store = MemoryStore()
    Bookkeeper(LEDGER, store).open_till()
    pure = Executor(store)
    commands = [
        posting(f"pure-{place}", debit("cash", 1), credit("alice", 1), ledger=LEDGER)
        for place in range(calls)
    ]
    began = time.process_time()
    for command in commands:
        pure.execute(command, actor="bench")
    return {"transfer, 2 entries": (time.process_time() - began) / calls * 1e6}
