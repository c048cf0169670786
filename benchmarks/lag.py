"""Lag: from an acknowledged write to the read that shows it, idle and under load.

Writers, each group's projector and the reader are separate processes, on the event table's
stream; the pump between stream and projector reads an idle stream every 0.2 s, Lambda's
own pollers do every 0.25 s.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from benchmarks import results
from benchmarks.books import PAYERS, history, item_of
from benchmarks.engine import dynamodb_local, fill
from benchmarks.stores import twofold
from benchmarks.stores.clients import Clients, rate
from benchmarks.stores.twofold import LEDGER
from chalicelib.commands.executor import executor
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import transaction_event
from chalicelib.read_models.balances import table as balances
from chalicelib.read_models.transactions import table as transactions
from tests.engines import ROOT

WRITERS = 4
_LOOK_SECONDS = 0.005
_GIVE_UP_SECONDS = 60.0
_OURS = ("mine", "yours")


def measure(*, quick: bool) -> dict[str, Any]:
    """The lag of both projection groups, in milliseconds, and the rates of writes meanwhile."""
    samples, seconds = (4, 2.0) if quick else (200, 40.0)
    with dynamodb_local() as endpoint, ExitStack() as stack:
        environment = {"AWS_ENDPOINT_URL_DYNAMODB": endpoint}
        writers = Clients(stack, twofold.command(), WRITERS, environment)
        accounts = (*PAYERS, *_OURS)
        items = (item_of(event) for one in accounts for event in history(LEDGER, one, 10))
        fill(endpoint, EventItem.Meta.table_name, items)
        for name in ("accounts", "journal"):
            stack.enter_context(_pumping(name, endpoint))
        _seen(_write())
        idle = [_seen(_write(), wait=0.05) for _ in range(samples)]
        told = {"do": "run", "accounts": PAYERS, "seconds": seconds / 4}
        saturated = rate(writers.tell(told, WRITERS))
        _seen(_write())  # Until what was written too fast has been read.
        told = {**told, "seconds": seconds, "per_second": saturated / 2 / WRITERS}
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(writers.tell, told, WRITERS)
            time.sleep(seconds / 10)
            loaded = []
            while not load.done():
                loaded.append(_seen(_write(), wait=0.05))
            under = rate(load.result())
    return {
        "saturated_per_second": saturated,
        "loaded_per_second": under,
        **{
            f"{state}_{name}": {
                "samples": len(found),
                "p50": results.percentile([one[name] for one in found], 0.5),
                "p99": results.percentile([one[name] for one in found], 0.99),
            }
            for state, found in (("idle", idle), ("loaded", loaded))
            for name in ("accounts", "journal")
        },
    }


@contextmanager
def _pumping(name: str, endpoint: str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603  # Our own words.
        [sys.executable, "-m", "benchmarks.pump", name],
        env={**os.environ, "AWS_ENDPOINT_URL_DYNAMODB": endpoint, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


def _write() -> tuple[float, str, int]:
    """A transfer: the time of its reply, its id, and the resulting version of its payer."""
    payer, payee = _OURS
    id = str(uuid4())
    entries = (
        Entry(account=payer, direction="debit", amount=1),
        Entry(account=payee, direction="credit", amount=1),
    )
    command = PostTransaction(ledger=LEDGER, transaction=id, entries=entries)
    executed = executor().execute(command, actor="bench")
    booked = transaction_event(executed.recorded).entries[0]
    return time.perf_counter(), id, booked.version


def _seen(written: tuple[float, str, int], wait: float = 0.0) -> dict[str, float]:
    """Milliseconds until each projection group shows it."""
    acknowledged, id, version = written
    looks: dict[str, Callable[[], bool]] = {
        "accounts": lambda: _account_shows(version),
        "journal": lambda: transactions.find(LEDGER, id) is not None,
    }
    found: dict[str, float] = {}
    while looks:
        for name in list(looks):
            if looks[name]():
                found[name] = (time.perf_counter() - acknowledged) * 1000
                del looks[name]
        if time.perf_counter() - acknowledged > _GIVE_UP_SECONDS:
            raise RuntimeError(f"{', '.join(looks)} did not show a write in time")
        time.sleep(_LOOK_SECONDS)
    time.sleep(wait)
    return found


def _account_shows(version: int) -> bool:
    row = balances.find(LEDGER, _OURS[0])
    return row is not None and row.version >= version
